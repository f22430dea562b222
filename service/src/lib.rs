//! What both processes share to run as services: configuration, secrets, logs, retry, shutdown, the HTTP
//! pages, systemd's notifications, the schema-registry client, client libraries' complaints and the command line.
//!
//! Nothing here knows `MySQL` or Kafka; `cli::main` is the one way in for both binaries.

pub mod cli;
pub mod complaint;
pub mod config;
pub mod error;
pub mod finding;
pub mod http;
pub mod log;
pub mod notify;
pub mod process;
pub mod registry;
pub mod retry;
pub mod shutdown;
pub mod status;

pub use cli::{Context, Process};
pub use complaint::Complaint;
pub use config::{Endpoint, List, Options, Patterns, Period, Secret, Size};
pub use error::{Disposition, Error, Refusal, Result};
pub use finding::{Finding, Severity};
pub use shutdown::Shutdown;
pub use status::{Component, Status};
/// The token that `Shutdown` hands out; cancelled at the first SIGTERM or SIGINT.
pub use tokio_util::sync::CancellationToken;
