//! The command line: the five values as flags, everything else as `--set` or in the file.

use std::{path::PathBuf, process::ExitCode, sync::Arc};

use clap::{Parser, Subcommand};
use strait_service::{
    Context, Finding, Process,
    cli::{self, Command, Common, ServerUrl},
    config::Flags,
};

use crate::{Error, Result, config::Config};

/// Publishes every change of a MySQL server to Kafka: each transaction once, whole and in order.
///
/// Five values are enough; the same five for `check`, which looks at everything that `run` needs and prints each
/// finding with the command that mends it:
///
///   strait-connector check --source mysql://repl@db1:3306 --password-file repl.pw --kafka kafka1:9092 \
///     --registry http://registry:8081 --prefix beijing
#[derive(Debug, Parser)]
#[command(name = "strait-connector", version, verbatim_doc_comment)]
pub struct Args {
    #[command(flatten)]
    pub common: Common,
    /// The source: mysql://USER@HOST[:PORT]. The password does not belong here.
    #[arg(long, value_name = "URL", global = true)]
    pub source: Option<String>,
    /// File that holds the source account's password; one line break at its end is cut.
    #[arg(long, value_name = "FILE", global = true)]
    pub password_file: Option<PathBuf>,
    /// Kafka's bootstrap servers: HOST:PORT[,HOST:PORT...].
    #[arg(long, value_name = "BROKERS", global = true)]
    pub kafka: Option<String>,
    /// The schema registry's URL (Confluent's API).
    #[arg(long, value_name = "URL", global = true)]
    pub registry: Option<String>,
    /// First part of every topic's name, and this connector's identity.
    #[arg(long, value_name = "NAME", global = true)]
    pub prefix: Option<String>,
    #[command(subcommand)]
    pub command: Option<Commands>,
}

#[derive(Debug, Clone, Subcommand)]
pub enum Commands {
    #[command(flatten)]
    Common(Command),
    /// Ask the connector that runs under this prefix to bring tables anew, or to pause, resume or stop that; shows how far it is
    Snapshot(crate::ask::Wish),
}

/// The connector as a process.
#[derive(Debug)]
pub struct Connector;

impl Process for Connector {
    const NAME: &'static str = "strait-connector";
    const HTTP_PORT: u16 = 8401;
    type Config = Config;
    type Error = Error;

    async fn check(config: Arc<Config>) -> Result<Vec<Finding>> {
        crate::check(config).await
    }

    async fn run(config: Arc<Config>, context: Context) -> Result<()> {
        crate::run_with(config, context).await
    }
}

/// Runs the command.
pub fn main(args: Args) -> ExitCode {
    let source = match args.source.as_deref().map(ServerUrl::parse).transpose() {
        Ok(source) => source.unwrap_or_default(),
        Err(cause) => {
            return cli::refuse_flag(
                "--source",
                format!("the source's URL {cause}"),
                "--source mysql://USER@HOST:3306, and the password in a file: --password-file",
            );
        }
    };
    let flags = Flags::default()
        .set("--source", "source.host", source.host)
        .set("--source", "source.port", source.port)
        .set("--source", "source.user", source.user)
        .set(
            "--password-file",
            "source.password_file",
            args.password_file.map(|path| path.display().to_string()),
        )
        .set("--kafka", "kafka.brokers", args.kafka)
        .set("--registry", "registry.url", args.registry)
        .set("--prefix", "prefix", args.prefix);
    match args.command {
        Some(Commands::Snapshot(wish)) => {
            cli::other::<Connector>(&args.common, flags, |config| crate::ask::run(&config, &wish))
        }
        Some(Commands::Common(command)) => cli::main::<Connector>(Some(command), &args.common, flags),
        None => cli::main::<Connector>(None, &args.common, flags),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use clap::CommandFactory as _;

    #[test]
    fn the_command_line_is_well_formed() {
        Args::command().debug_assert();
        let args = Args::try_parse_from(["strait-connector", "check", "--prefix", "p"])
            .expect("flags after the command");
        assert_eq!(args.prefix.as_deref(), Some("p"));
        assert!(matches!(args.command, Some(Commands::Common(Command::Check))));
    }
}
