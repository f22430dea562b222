//! The log: text or JSON on standard error.

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

/// Form of a log line.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema, clap::ValueEnum)]
#[serde(rename_all = "lowercase")]
pub enum Format {
    #[default]
    Text,
    Json,
}

/// What is logged, and how.
#[derive(Debug, Clone, Default, Serialize, Deserialize, JsonSchema)]
#[serde(default, deny_unknown_fields)]
pub struct Config {
    /// "text" for people, "json" (one object a line) for collectors.
    pub format: Format,
    /// A level ("info") or filter ("info,strait_sink=debug"); without it `RUST_LOG`, else "info".
    pub level: Option<String>,
}

/// Starts logging; a second call in one process does nothing.
pub fn init(config: &Config) -> crate::Result<()> {
    let _ = config;
    todo!()
}
