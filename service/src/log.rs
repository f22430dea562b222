//! The log: text or JSON on standard error.

use std::io::{self, IsTerminal};

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};
use tracing_subscriber::{EnvFilter, Layer, Registry, layer::SubscriberExt, util::SubscriberInitExt};

use crate::{
    config::{ConfigError, refuse},
    error::Result,
};

/// Form of a log line.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema, clap::ValueEnum)]
#[serde(rename_all = "lowercase")]
pub enum Format {
    /// For people.
    #[default]
    Text,
    /// One object a line, for collectors.
    Json,
}

impl std::fmt::Display for Format {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str(match self {
            Format::Text => "text",
            Format::Json => "json",
        })
    }
}

/// What is logged, and how. The log goes to standard error.
#[derive(Debug, Clone, Default, Serialize, Deserialize, JsonSchema)]
#[serde(default, deny_unknown_fields)]
pub struct Config {
    /// Form of the lines.
    pub format: Format,
    /// A level ("info") or a filter ("info,strait_sink=debug"); when not set, `RUST_LOG` counts, else "info".
    pub level: Option<String>,
}

/// Starts logging; a second call in one process changes nothing.
pub fn init(config: &Config) -> Result<()> {
    let layer = match config.format {
        Format::Json => {
            tracing_subscriber::fmt::layer().with_writer(io::stderr).json().flatten_event(true).boxed()
        }
        Format::Text => {
            let colours = io::stderr().is_terminal();
            tracing_subscriber::fmt::layer().with_writer(io::stderr).with_ansi(colours).boxed()
        }
    };
    let layer: Box<dyn Layer<Registry> + Send + Sync> = layer;
    // Only a second call can fail here.
    let _ = tracing_subscriber::registry().with(layer.with_filter(filter(config)?)).try_init();
    Ok(())
}

fn filter(config: &Config) -> Result<EnvFilter> {
    let from_environment = || std::env::var(EnvFilter::DEFAULT_ENV).ok().filter(|filter| !filter.is_empty());
    let directives = config.level.clone().or_else(from_environment).unwrap_or_else(|| "info".to_owned());
    EnvFilter::try_new(&directives).map_err(|error| {
        let remedy = "set it, or RUST_LOG, to error, warn, info, debug or trace, or a filter such as info,strait_sink=debug";
        ConfigError::from(refuse("log.level", format!("\"{directives}\" is no log level: {error}"), remedy)).into()
    })
}
