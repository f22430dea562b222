//! Everything that touches Kafka, and the only place that knows the client library.

mod client;
mod compacted;
mod ends;
mod feed;
mod group;
mod group_reader;
mod hearing;
mod reader;
mod record;
mod topics;

pub use client::{Cluster, inspect};
pub use compacted::ensure_none as ensure_none_compacted;
pub use ends::{Ends, Newest, TableChange};
pub use feed::{Arrival, Feed};
pub use group::{Assigned, Begin, Command, Event, Group, Owned, Revoked};
pub use record::KeyedRecord;
pub use topics::{Topics, data_topics};
