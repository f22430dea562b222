//! The command line: the five values as flags, everything else as `--set` or in the file.

use std::{path::PathBuf, process::ExitCode, sync::Arc};

use clap::Parser;
use strait_service::{
    Context, Finding, Process,
    cli::{self, Command, Common, ServerUrl},
    config::Flags,
};

use crate::{Error, Result, config::Config};

/// Applies what a connector publishes to a MySQL server: each transaction once, whole and in order.
///
/// Five values are enough; the same five for `check`, which looks at everything that `run` needs and prints each
/// finding with the command that mends it:
///
///   strait-sink check --target mysql://strait@db2:3306 --password-file strait.pw --kafka kafka1:9092 \
///     --registry http://registry:8081 --prefix beijing
#[derive(Debug, Parser)]
#[command(name = "strait-sink", version, verbatim_doc_comment)]
pub struct Args {
    #[command(flatten)]
    pub common: Common,
    /// The target: mysql://USER@HOST[:PORT]. The password does not belong here.
    #[arg(long, value_name = "URL", global = true)]
    pub target: Option<String>,
    /// File that holds the target account's password; one line break at its end is cut.
    #[arg(long, value_name = "FILE", global = true)]
    pub password_file: Option<PathBuf>,
    /// Kafka's bootstrap servers: HOST:PORT[,HOST:PORT...].
    #[arg(long, value_name = "BROKERS", global = true)]
    pub kafka: Option<String>,
    /// The schema registry's URL (Confluent's API).
    #[arg(long, value_name = "URL", global = true)]
    pub registry: Option<String>,
    /// The connector's prefix: first part of the names of the topics to apply.
    #[arg(long, value_name = "NAME", global = true)]
    pub prefix: Option<String>,
    #[command(subcommand)]
    pub command: Option<Command>,
}

/// The sink as a process.
#[derive(Debug)]
pub struct Sink;

impl Process for Sink {
    const NAME: &'static str = "strait-sink";
    const HTTP_PORT: u16 = 8402;
    type Config = Config;
    type Error = Error;

    async fn check(config: Arc<Config>) -> Result<Vec<Finding>> {
        crate::check(config).await
    }

    async fn run(config: Arc<Config>, context: Context) -> Result<()> {
        Box::pin(crate::run_with(config, context)).await
    }
}

/// Runs the command.
pub fn main(args: Args) -> ExitCode {
    let target = match args.target.as_deref().map(ServerUrl::parse).transpose() {
        Ok(target) => target.unwrap_or_default(),
        Err(cause) => {
            return cli::refuse_flag(
                "--target",
                format!("the target's URL {cause}"),
                "--target mysql://USER@HOST:3306, and the password in a file: --password-file",
            );
        }
    };
    let flags = Flags::default()
        .set("--target", "target.host", target.host)
        .set("--target", "target.port", target.port)
        .set("--target", "target.user", target.user)
        .set(
            "--password-file",
            "target.password_file",
            args.password_file.map(|path| path.display().to_string()),
        )
        .set("--kafka", "kafka.brokers", args.kafka)
        .set("--registry", "registry.url", args.registry)
        .set("--prefix", "prefix", args.prefix);
    cli::main::<Sink>(args.command, &args.common, flags)
}

#[cfg(test)]
mod tests {
    use super::*;
    use clap::CommandFactory as _;

    #[test]
    fn the_command_line_is_well_formed() {
        Args::command().debug_assert();
        let args =
            Args::try_parse_from(["strait-sink", "check", "--prefix", "p"]).expect("flags after the command");
        assert_eq!(args.prefix.as_deref(), Some("p"));
        assert!(matches!(args.command, Some(Command::Check)));
    }
}
