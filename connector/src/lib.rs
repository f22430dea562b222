//! The source process: it streams a MySQL server's binary log and publishes every row change to Kafka, each
//! source transaction exactly once and whole, in one ordered log spread over a topic a table.
//!
//! In the order of the data: [`run`](run()) runs the start procedure (`start`) and, until a fault, `reader` (the stream into a
//! bounded channel) and `publisher` (one thread: decode, number, encode, send, commit). Any fault drops all state and
//! begins again with the start procedure.

pub mod args;
pub mod config;
mod error;

mod ask;
mod check;
mod instance;
mod run;
mod start;

mod executed;
mod first_place;
mod reader;
mod signals;
mod silence;
mod snapshot;
mod source;
mod special_tables;

mod account_statement;
mod commit_rule;
mod condition;
mod current;
mod ddl;
mod filter;
mod held;
mod intents;
mod loop_test;
mod numbering;
mod progress;
mod publisher;

mod mapping;
mod routing;
mod rows;
mod schema_changes;
mod schema_registry;
mod shaping;
mod side_topics;
mod tables;

mod kafka;
mod metrics;

pub use args::Connector;
pub use check::check;
pub use error::{Error, Result};
pub use run::{run, run_with};
