//! The command line of both binaries: `run` (default), `check`, `config schema`, `config show`.
//!
//! Exit codes: 0 ended as asked, 1 halted with a cause, 2 refused by the configuration or the preflight.

use std::{future::Future, path::PathBuf, process::ExitCode, sync::Arc};

use crate::{
    CancellationToken, Finding, Refusal, Status,
    config::{Flags, Settings},
    log::Format,
};

/// A binary of this workspace: what differs between connector and sink.
pub trait Process: 'static {
    const NAME: &'static str;
    type Config: Settings;
    type Error: Refusal + Send + Sync + 'static;

    /// All preflight checks; what cannot even be asked is an error.
    fn check(config: Arc<Self::Config>) -> impl Future<Output = Result<Vec<Finding>, Self::Error>> + Send;

    /// Works until `context.stop`; an error with `findings()` ends the process with 2, any other with 1.
    fn run(
        config: Arc<Self::Config>,
        context: Context,
    ) -> impl Future<Output = Result<(), Self::Error>> + Send;
}

/// What the frame hands to `run`: it already serves the pages and listens for signals.
#[derive(Clone)]
pub struct Context {
    pub stop: CancellationToken,
    pub status: Status,
    pub metrics: prometheus::Registry,
    details: Arc<std::sync::OnceLock<Details>>,
}

type Details = Box<dyn Fn() -> serde_json::Value + Send + Sync>;

impl Context {
    /// For tests and embedding: a context without pages and signals.
    pub fn detached(stop: CancellationToken) -> Self {
        Self { stop, status: Status::new(), metrics: prometheus::Registry::new(), details: Arc::default() }
    }

    /// Adds `details` to the /status page; the first call counts.
    pub fn details(&self, details: impl Fn() -> serde_json::Value + Send + Sync + 'static) {
        let _ = self.details.set(Box::new(details));
    }
}

/// Flags of both binaries; flatten it into the binary's own `Args`.
#[derive(Debug, Clone, clap::Args)]
pub struct Common {
    /// TOML file with the settings; STRAIT_* variables override it, flags override both.
    #[arg(long, value_name = "FILE", env = "STRAIT_CONFIG", global = true)]
    pub config: Option<PathBuf>,
    /// Form of the log lines.
    #[arg(long, value_name = "FORMAT", global = true)]
    pub log_format: Option<Format>,
    /// Level or filter of the log, such as "info" or "info,strait_sink=debug".
    #[arg(long, value_name = "LEVEL", global = true)]
    pub log_level: Option<String>,
    /// Address of the health, metrics and status pages.
    #[arg(long, value_name = "ADDRESS", global = true)]
    pub http: Option<String>,
    /// Any setting by its dotted name, such as --set source.server_id=7.
    #[arg(long, value_name = "KEY=VALUE", global = true)]
    pub set: Vec<String>,
}

#[derive(Debug, Clone, clap::Subcommand)]
pub enum Command {
    /// Run until SIGTERM or SIGINT (the default).
    Run,
    /// Look at servers, rights and settings, print every finding with its remedy, change nothing; exit 0 or 2.
    Check,
    /// Show the configuration's schema or its effective values.
    #[command(subcommand)]
    Config(ConfigCommand),
}

#[derive(Debug, Clone, Copy, clap::Subcommand)]
pub enum ConfigCommand {
    /// Print the JSON schema of the configuration.
    Schema,
    /// Print the effective configuration as TOML, secrets redacted.
    Show,
}

/// Runs the command; `flags` are the binary's own settings flags.
///
/// ```ignore
/// fn main() -> ExitCode {
///     let args = Args::parse();
///     let flags = Flags::default().set("--source", "source.host", args.source);
///     strait_service::cli::main::<Connector>(args.command, &args.common, flags)
/// }
/// ```
pub fn main<P: Process>(command: Option<Command>, common: &Common, flags: Flags) -> ExitCode {
    let _ = (command, common, flags);
    todo!()
}

/// An error with its chain of sources in the form cause / place / remedy.
pub fn explain(error: &dyn Refusal) -> String {
    let _ = error;
    todo!()
}
