//! Debezium's change envelope: what a data record's value says.

use crate::{Error, Result, Value};
use std::{borrow::Cow, str::FromStr};

/// `source.connector`: consumers choose their MySQL dialect by it.
pub const CONNECTOR: &str = "mysql";
/// `source.version` unless [`crate::TableEncoder::with_version`] says otherwise.
pub const VERSION: &str = concat!("strait-", env!("CARGO_PKG_VERSION"));

/// `op` of an envelope.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Op {
    Create,
    Update,
    Delete,
    /// A row of a snapshot.
    Read,
    Truncate,
}

impl Op {
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Create => "c",
            Self::Update => "u",
            Self::Delete => "d",
            Self::Read => "r",
            Self::Truncate => "t",
        }
    }
}

impl FromStr for Op {
    type Err = Error;

    fn from_str(text: &str) -> Result<Self> {
        Ok(match text {
            "c" => Self::Create,
            "u" => Self::Update,
            "d" => Self::Delete,
            "r" => Self::Read,
            "t" => Self::Truncate,
            _ => {
                return Err(Error::Text {
                    what: "op",
                    text: text.chars().take(16).collect(),
                    cause: "expected one of c u d r t".into(),
                });
            }
        })
    }
}

/// `source.snapshot`.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Default)]
pub enum Snapshot {
    True,
    First,
    FirstInDataCollection,
    LastInDataCollection,
    Last,
    #[default]
    False,
    Incremental,
}

impl Snapshot {
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::True => "true",
            Self::First => "first",
            Self::FirstInDataCollection => "first_in_data_collection",
            Self::LastInDataCollection => "last_in_data_collection",
            Self::Last => "last",
            Self::False => "false",
            Self::Incremental => "incremental",
        }
    }
}

impl FromStr for Snapshot {
    type Err = Error;

    fn from_str(text: &str) -> Result<Self> {
        Ok(match text {
            "true" => Self::True,
            "first" => Self::First,
            "first_in_data_collection" => Self::FirstInDataCollection,
            "last_in_data_collection" => Self::LastInDataCollection,
            "last" => Self::Last,
            "false" => Self::False,
            "incremental" => Self::Incremental,
            _ => {
                return Err(Error::Text {
                    what: "snapshot marker",
                    text: text.chars().take(32).collect(),
                    cause: "not one of Debezium's".into(),
                });
            }
        })
    }
}

/// The `source` block of a change to encode. `connector` is [`CONNECTOR`]; `version`, `name` (the prefix),
/// `db` and `table` belong to the encoder, compiled in with the table.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Source<'a> {
    /// When the change was made, from the binlog.
    pub ts_us: i64,
    pub snapshot: Snapshot,
    pub server_id: u32,
    pub gtid: Option<&'a str>,
    pub file: &'a str,
    pub pos: u64,
    /// The row's place in its rows event.
    pub row: u32,
    pub thread: Option<u64>,
    pub query: Option<&'a str>,
}

/// Debezium's `event.block`.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct TransactionBlock<'a> {
    /// The GTID, else `file=...,pos=...`.
    pub id: &'a str,
    /// The event's place in the transaction, from 1.
    pub total_order: i64,
    /// The event's place among those of its table, from 1.
    pub data_collection_order: i64,
}

/// A change to encode. Images are in the order of the table's columns.
#[derive(Debug, Clone, Copy)]
pub struct Change<'a> {
    pub before: Option<&'a [Value<'a>]>,
    pub after: Option<&'a [Value<'a>]>,
    pub source: Source<'a>,
    pub op: Op,
    pub transaction: Option<TransactionBlock<'a>>,
    /// When the connector processed it.
    pub ts_us: i64,
}

/// A decoded change. Images are in the order of the decoder's table.
#[derive(Debug, Clone, PartialEq)]
pub struct Envelope<'a> {
    pub before: Option<Vec<Value<'a>>>,
    pub after: Option<Vec<Value<'a>>>,
    pub source: SourceInfo<'a>,
    pub op: Op,
    /// When the connector processed it; from `ts_us`, else `ts_ms`, else 0.
    pub ts_us: i64,
}

/// What a decoder keeps of the `source` block. A writer may leave out everything but `db`.
#[derive(Debug, Clone, PartialEq, Default)]
pub struct SourceInfo<'a> {
    /// From `ts_us`, else `ts_ms`, else 0.
    pub ts_us: i64,
    pub snapshot: Snapshot,
    /// The real name, not the one adjusted for schemas.
    pub database: Cow<'a, str>,
    pub table: Cow<'a, str>,
    pub gtid: Option<Cow<'a, str>>,
    pub file: Cow<'a, str>,
    pub pos: u64,
    pub row: u32,
    pub server_id: u32,
    pub thread: Option<u64>,
}
