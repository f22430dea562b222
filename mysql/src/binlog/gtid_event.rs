//! GTID, ANONYMOUS_GTID and GTID_TAGGED events: the head of each transaction.

use super::{RawEvent, Result};
use crate::gtid::Gtid;

#[derive(Debug, Clone, PartialEq, Eq)]
pub struct GtidEvent {
    /// None for ANONYMOUS_GTID.
    pub gtid: Option<Gtid>,
    pub last_committed: i64,
    pub sequence_number: i64,
    /// Commit time on the server that we read from, us since the epoch.
    pub immediate_commit_us: Option<i64>,
    /// Commit time on the server where the transaction began.
    pub original_commit_us: Option<i64>,
    /// Bytes of the whole transaction in the binlog, this event included.
    pub transaction_length: Option<u64>,
    pub immediate_server_version: Option<u32>,
    pub original_server_version: Option<u32>,
    /// False: the transaction holds row events only.
    pub may_have_statements: bool,
}

impl GtidEvent {
    pub fn parse(_event: &RawEvent) -> Result<Self> {
        todo!()
    }
}
