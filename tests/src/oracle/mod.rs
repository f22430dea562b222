//! What really happened, told by somebody else's tools or from the published log alone: the judge of the end-to-end tests.

mod binlog;
mod log;
mod position;

pub use binlog::{BinlogReader, LoggedRow, LoggedTransaction, RowKind};
pub use log::{Counts, Keys, PublishedLog, PublishedRecord, read_topic};
pub use position::PositionReader;
