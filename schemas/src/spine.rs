//! The spine: which records make up the log, in which order. One JSON object a Kafka record.

use crate::{Result, Seq};
use std::sync::Arc;

/// Records are split below this, so that a broker's default limit of 1 MB holds with room.
pub const MAX_BYTES: usize = 512 * 1024;
/// A DDL statement is cut to this many bytes in the spine.
pub const MAX_STATEMENT_BYTES: usize = 4 * 1024;

#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct SpineRecord {
    pub parts: Vec<SpinePart>,
    pub begin: Option<GenerationBegin>,
    /// The source's log was read to its end as of this time, or the last commit time read.
    pub as_of_us: i64,
}

/// A run of records of one transaction: a record belongs to the log if and only if its (seq, attempt,
/// index) lies in a listed part.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct SpinePart {
    pub seq: Seq,
    pub attempt: u32,
    /// Index of the first record.
    pub first: u32,
    /// Data records in this part; 0 for DDL, or a close without rows.
    pub count: u32,
    /// The GTID, else `file=..,pos=..`.
    pub gtid: String,
    pub commit_us: i64,
    pub end: PartEnd,
    pub ddl: Option<Ddl>,
    pub counts: Vec<PartitionCount>,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, serde::Serialize, serde::Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum PartEnd {
    /// More parts of this transaction follow.
    Open,
    /// The transaction is complete.
    Closed,
    /// The transaction is given up: none of its records count.
    Void,
}

#[derive(Debug, Clone, PartialEq, Eq, serde::Serialize, serde::Deserialize)]
pub struct Ddl {
    pub database: String,
    pub statement: String,
}

/// How many of the part's records are in one partition.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct PartitionCount {
    pub topic: Arc<str>,
    pub partition: i32,
    pub count: u32,
}

#[derive(Debug, Clone, PartialEq, Eq, serde::Serialize, serde::Deserialize)]
pub struct GenerationBegin {
    pub generation: u16,
    /// The GTID set or `file=..,pos=..` that streaming begins after.
    pub start: String,
    pub snapshot: bool,
}

impl SpineRecord {
    pub fn encode(&self) -> Vec<u8> {
        todo!()
    }

    pub fn decode(_bytes: &[u8]) -> Result<Self> {
        todo!()
    }
}

/// Splits a record so that each piece, encoded, is at most `max_bytes`.
pub fn split(_record: SpineRecord, _max_bytes: usize) -> Vec<SpineRecord> {
    todo!()
}
