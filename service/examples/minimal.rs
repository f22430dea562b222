//! The smallest process in the frame. It replicates nothing; the tests run it to see the frame from outside.

use std::{process::ExitCode, sync::Arc, thread, time::Duration};

use clap::Parser;
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};
use strait_service::{
    Finding, Period, Refusal, Secret, Severity,
    cli::{Command, Common, Context, Process},
    config::{Flags, Settings, refuse},
    http, log,
};

/// Runs nothing, in the frame that all processes share.
#[derive(Parser)]
#[command(name = "minimal", version)]
struct Args {
    #[command(flatten)]
    common: Common,
    /// What to do
    #[arg(long, global = true)]
    behaviour: Option<String>,
    #[command(subcommand)]
    command: Option<Command>,
}

/// Everything the example can be told.
#[derive(Debug, Default, Serialize, Deserialize, JsonSchema)]
#[serde(default, deny_unknown_fields)]
struct Config {
    behaviour: Behaviour,
    /// How long the watched component may be silent.
    deadline: Option<Period>,
    password: Option<Secret>,
    log: log::Config,
    http: http::Config,
}

#[derive(Debug, Default, Clone, Copy, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "lowercase")]
enum Behaviour {
    /// Ends as asked.
    #[default]
    Settle,
    /// Never settles, and blocks every thread of the runtime.
    Hang,
    /// Waits for a server that never comes.
    Start,
    Halt,
    Refuse,
    Panic,
}

impl Settings for Config {
    fn log(&self) -> &log::Config {
        &self.log
    }

    fn http(&self) -> &http::Config {
        &self.http
    }

    fn validate(&self) -> Vec<Finding> {
        let wrong = self.deadline.is_some_and(|deadline| deadline.is_zero());
        wrong
            .then(|| refuse("deadline", "it is zero", "leave it out, or make it longer"))
            .into_iter()
            .collect()
    }
}

#[derive(Debug, thiserror::Error)]
enum MinimalError {
    #[error("the example halted")]
    Halted { source: std::io::Error },
    #[error("the preflight refused")]
    Refused(Vec<Finding>),
}

impl Refusal for MinimalError {
    fn place(&self) -> Option<String> {
        Some("server db:3306, table a.b".to_owned())
    }

    fn remedy(&self) -> Option<String> {
        Some("choose another behaviour".to_owned())
    }

    fn findings(&self) -> Option<&[Finding]> {
        match self {
            MinimalError::Refused(findings) => Some(findings),
            MinimalError::Halted { .. } => None,
        }
    }
}

struct Minimal;

impl Process for Minimal {
    const NAME: &'static str = "minimal";
    const HTTP_PORT: u16 = 0;
    type Config = Config;
    type Error = MinimalError;

    async fn check(config: Arc<Config>) -> Result<Vec<Finding>, MinimalError> {
        let refusing = config.behaviour == Behaviour::Refuse;
        Ok(refusing.then(finding).into_iter().collect())
    }

    async fn run(config: Arc<Config>, context: Context) -> Result<(), MinimalError> {
        context.details(|| serde_json::json!({"answer": 42}));
        let component = match config.deadline {
            Some(deadline) => context.status.watched_component("worker", deadline.duration()),
            None => context.status.component("worker"),
        };
        match config.behaviour {
            Behaviour::Halt => {
                return Err(MinimalError::Halted { source: std::io::Error::other("disk full") });
            }
            Behaviour::Refuse => return Err(MinimalError::Refused(vec![finding()])),
            Behaviour::Panic => panic!("an invariant does not hold"),
            Behaviour::Start => component.starting("server db:3306 refuses the connection"),
            Behaviour::Settle | Behaviour::Hang => component.idle("nothing to do"),
        }
        context.stop.cancelled().await;
        if config.behaviour == Behaviour::Hang {
            component.waiting("for a lock that nobody gives back");
            for _ in 0..thread::available_parallelism().map_or(8, usize::from) {
                tokio::spawn(async { thread::sleep(Duration::from_mins(10)) });
            }
            thread::sleep(Duration::from_mins(10));
        }
        component.stopped();
        Ok(())
    }
}

fn finding() -> Finding {
    Finding {
        check: "ensure_behaviour".to_owned(),
        severity: Severity::Refusal,
        cause: "the behaviour is to refuse".to_owned(),
        place: "setting behaviour".to_owned(),
        remedy: "choose another behaviour".to_owned(),
    }
}

fn main() -> ExitCode {
    let args = Args::parse();
    let flags = Flags::default().set("--behaviour", "behaviour", args.behaviour);
    strait_service::cli::main::<Minimal>(args.command, &args.common, flags)
}
