//! Everything that touches Kafka, and the only place that knows the client library.

mod acl;
mod cluster;
mod error;
mod first_record;
mod logged;
mod position_topic;
mod producer;
mod reach;
mod rest;
mod signal_topic;
mod topics;

pub use cluster::Cluster;
pub use error::{Error, Result};
pub use position_topic::{is_empty_log, read_position, read_snapshot_plan};
pub use producer::{Producer, Record};
pub use reach::wait_for_answer;
pub use signal_topic::{SignalTopic, send_signal};
pub use topics::{Purpose, Topic, Topics};
