//! The binlog stream.

use std::time::Duration;

use crate::{Result, binlog::RawEvent, gtid::GtidSet, server::ServerOptions};

/// Where a stream begins.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum StartAt {
    /// After all transactions of this set.
    Gtid(GtidSet),
    /// At this position of a file. An empty file name: the oldest file that the server still has.
    File { file: String, pos: u64 },
}

pub struct BinlogStream {}

impl BinlogStream {
    /// Opens a stream.
    pub async fn open(
        options: &ServerOptions,
        server_id: u32,
        start: &StartAt,
        heartbeat: Duration,
    ) -> Result<Self> {
        todo!()
    }

    /// The next event. Any error ends the stream.
    pub async fn next(&mut self) -> Result<RawEvent> {
        todo!()
    }
}
