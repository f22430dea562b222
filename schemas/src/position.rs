//! The position: how far the connector has published, written in the same Kafka transaction as the
//! records it covers, to a compacted topic.

use crate::{Error, Result, Seq};
use serde::{Deserialize, Serialize};
use std::collections::BTreeMap;

#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Position {
    pub server_uuid: String,
    /// Published through; absent in file mode.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub gtid_set: Option<String>,
    pub file: String,
    pub pos: u64,
    /// The number that the next transaction gets.
    pub next_seq: Seq,
    pub attempt: u32,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub inside: Option<Inside>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub last: Option<Fingerprint>,
    /// `origin/sink/lane` -> the last mark of our own sink that was read from the binlog.
    #[serde(default, skip_serializing_if = "BTreeMap::is_empty")]
    pub lanes: BTreeMap<String, LaneMark>,
    pub as_of_us: i64,
    /// Fingerprint of what is filtered.
    #[serde(default)]
    pub filter: String,
}

/// Inside a transaction that spans several Kafka transactions.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Inside {
    pub gtid: String,
    pub seq: Seq,
    pub next_index: u32,
    /// Bytes of row images read, counted before filters.
    pub row_bytes: u64,
    /// CRC-32 over them.
    pub crc: u32,
}

/// The last transaction read, to be compared at a reconnect.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Fingerprint {
    pub gtid: String,
    pub row_bytes: u64,
    pub crc: u32,
    pub commit_us: i64,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub struct LaneMark {
    pub epoch: u64,
    pub seq: Seq,
}

impl Position {
    /// The record's key: `{"connector":"<prefix>"}`.
    pub fn key(prefix: &str) -> Vec<u8> {
        #[derive(Serialize)]
        struct Key<'a> {
            connector: &'a str,
        }
        serde_json::to_vec(&Key { connector: prefix }).expect("a struct of one string always serialises")
    }

    pub fn encode(&self) -> Vec<u8> {
        serde_json::to_vec(self).expect("string keys and plain fields always serialise")
    }

    pub fn decode(bytes: &[u8]) -> Result<Self> {
        serde_json::from_slice(bytes).map_err(|source| Error::Json { what: "a position record", source })
    }
}
