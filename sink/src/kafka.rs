//! Everything that touches Kafka, and the only place that knows the client library.

mod client;
mod ends;
mod feed;
mod hearing;
mod reader;
mod record;

pub use client::{Cluster, inspect};
pub use ends::{Ends, Newest, TableChange};
pub use feed::{Arrival, Feed};
