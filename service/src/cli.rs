//! The command line of both binaries: `run` (default), `check`, `config schema`, `config show`.
//!
//! Exit codes: 0 ended as asked, 1 halted with a cause, 2 refused by the configuration or the preflight.

mod print;
mod run;
mod server_url;

use std::{future::Future, path::PathBuf, process::ExitCode, sync::Arc};

pub use self::{
    print::explain,
    run::{Context, EXIT_CLEAN, EXIT_HALTED, EXIT_REFUSED},
    server_url::ServerUrl,
};
use crate::{
    Finding, Refusal,
    config::{self, ConfigError, Flags, Settings, Sources},
    error::Result,
    log::Format,
};

/// A binary of this workspace: what differs between connector and sink.
pub trait Process: 'static {
    const NAME: &'static str;
    /// Port of the pages on loopback when `http.address` is not set.
    const HTTP_PORT: u16;
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

/// Flags of both binaries; flatten it into the binary's own `Args`.
#[derive(Debug, Clone, Default, clap::Args)]
pub struct Common {
    /// TOML file with the settings; STRAIT_* variables override it, flags override both
    #[arg(long, value_name = "FILE", env = "STRAIT_CONFIG", global = true, help_heading = "Common options")]
    pub config: Option<PathBuf>,
    /// Form of the log lines
    #[arg(long, value_name = "FORMAT", global = true, help_heading = "Common options")]
    pub log_format: Option<Format>,
    /// Level or filter of the log, such as "info" or "info,strait_sink=debug"
    #[arg(long, value_name = "LEVEL", global = true, help_heading = "Common options")]
    pub log_level: Option<String>,
    /// Address of the health, metrics and status pages, such as 127.0.0.1:8400
    #[arg(long, value_name = "ADDRESS", global = true, help_heading = "Common options")]
    pub http: Option<String>,
    /// Any setting by its dotted name, such as --set source.port=3307; may be repeated
    #[arg(long, value_name = "KEY=VALUE", global = true, help_heading = "Common options")]
    pub set: Vec<String>,
}

#[derive(Debug, Clone, clap::Subcommand)]
pub enum Command {
    /// Run until SIGTERM or SIGINT (the default); exits 0 ended as asked, 1 halted, 2 refused
    Run,
    /// Look at servers, rights and settings, print every finding with its remedy, change nothing; exits 0 or 2
    Check,
    /// Show the configuration's schema or its effective values
    #[command(subcommand)]
    Config(ConfigCommand),
}

#[derive(Debug, Clone, Copy, clap::Subcommand)]
pub enum ConfigCommand {
    /// Print the JSON schema of the configuration
    Schema,
    /// Print the effective configuration as TOML, secrets redacted
    Show,
}

/// Runs the command; `flags` are the binary's own settings flags.
///
/// ```text
/// fn main() -> ExitCode {
///     let args = Args::parse();
///     let flags = Flags::default().set("--source", "source.host", args.source);
///     strait_service::cli::main::<Connector>(args.command, &args.common, flags)
/// }
/// ```
pub fn main<P: Process>(command: Option<Command>, common: &Common, flags: Flags) -> ExitCode {
    let code = match command.unwrap_or(Command::Run) {
        Command::Config(ConfigCommand::Schema) => {
            print::document(&format!("{:#}\n", config::schema::<P::Config>().as_value()))
        }
        command => match load::<P::Config>(common, flags) {
            Ok(config) => with_config::<P>(&command, config),
            Err(error) => print::refused(&error),
        },
    };
    ExitCode::from(code)
}

/// Runs a command of the binary's own with its configuration; `work` gives the exit code.
pub fn other<P: Process>(common: &Common, flags: Flags, work: impl FnOnce(P::Config) -> u8) -> ExitCode {
    let code = match load::<P::Config>(common, flags) {
        Ok(config) => match crate::log::init(config.log()) {
            Ok(()) => work(config),
            Err(error) => print::refused(&error),
        },
        Err(error) => print::refused(&error),
    };
    ExitCode::from(code)
}

/// Refuses the value of a flag before there is a configuration, in the form that every refusal has; the exit code.
/// `cause` must hold no part of the value: it may be a secret.
pub fn refuse_flag(flag: &str, cause: impl Into<String>, remedy: impl Into<String>) -> ExitCode {
    let finding = config::refuse_at(format!("flag {flag}"), cause, remedy);
    ExitCode::from(print::refused(&ConfigError::from(finding)))
}

fn with_config<P: Process>(command: &Command, config: P::Config) -> u8 {
    match command {
        Command::Run => run::run::<P>(config),
        Command::Check => run::check::<P>(config),
        Command::Config(_) => match toml::to_string_pretty(&config) {
            Ok(text) => print::document(&text),
            Err(error) => {
                eprintln!("cause:  the configuration cannot be written as TOML: {error}");
                EXIT_HALTED
            }
        },
    }
}

fn load<T: Settings>(common: &Common, mut flags: Flags) -> Result<T, ConfigError> {
    for setting in &common.set {
        // A missing value is refused by the loader, by the name of the setting.
        let (key, value) = setting.split_once('=').unwrap_or((setting, ""));
        flags = flags.set("--set", key.trim(), Some(value));
    }
    flags = flags
        .set("--log-format", "log.format", common.log_format)
        .set("--log-level", "log.level", common.log_level.as_ref())
        .set("--http", "http.address", common.http.as_ref());
    // An empty STRAIT_CONFIG is how a compose file writes "none".
    let file = common.config.clone().filter(|file| !file.as_os_str().is_empty());
    let sources = Sources::from_process(file, flags);
    for warning in sources.warnings() {
        eprint!("{warning}");
    }
    let config: T = config::load(&sources)?;
    let findings = config.validate();
    if findings.iter().any(Finding::is_refusal) {
        return Err(ConfigError { findings });
    }
    for finding in findings {
        eprint!("{finding}");
    }
    Ok(config)
}
