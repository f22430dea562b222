//! What the log says of a snapshot: which tables it begins with, and of each chunk of rows the range of keys that it
//! is about. A chunk takes a number as a transaction does; its rows are ordinary records with op `r`.
//!
//! A chunk says all that its range held when it was read, but for the keys in `window`: those were changed
//! while it was read, and what the log says of them before the chunk is right. So whoever applies a chunk may
//! delete the rows of the range that it neither brings nor lists there.

use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};

use crate::{Error, Input, Result};

/// One step of a snapshot.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum SnapshotStep {
    /// The snapshot will bring tables of this database. The part's `ddl` is how to make it.
    Database {
        database: String,
    },
    /// The snapshot will bring this table; from now on it may lag behind its own changes. The part's `ddl` is how to make it.
    Table(TableBegin),
    Chunk(Box<Chunk>),
    /// No more is to come of this table: it is gone, or somebody stopped it.
    Left {
        database: String,
        table: String,
    },
    /// All tables are as the log says, and were so at this GTID set (or place in the binary log).
    End {
        consistent: String,
    },
}

/// A table that is to come.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct TableBegin {
    pub database: String,
    pub table: String,
    /// Its rows are to come, too.
    pub rows: bool,
    /// The log has a gap: rows may have changed or gone without a word in it, so what is there is not to be kept.
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    pub repair: bool,
}

/// A range of a table's keys.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Chunk {
    pub database: String,
    pub table: String,
    /// The key's columns, in key order; empty: the table has no key, and the chunk is all of it.
    pub key: Vec<String>,
    /// Their collations; empty for a column without one.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub collations: Vec<String>,
    /// Keys above this one; absent: from the first.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub above: Option<Vec<KeyPart>>,
    /// Up to this one; absent: to the last.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub through: Option<Vec<KeyPart>>,
    /// Keys that the chunk says nothing of.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub window: Vec<Vec<KeyPart>>,
    /// Rows were chosen by a condition: what is not brought may be there all the same.
    #[serde(default)]
    pub chosen: bool,
    /// After this chunk all of the table has come.
    #[serde(default)]
    pub last: bool,
}

/// A key column's value, so that it can be written as a literal of the column's type.
#[derive(Debug, Clone, PartialEq, Eq, Hash, Serialize, Deserialize)]
pub enum KeyPart {
    /// Integers, decimals, floating point numbers, and the numbers behind BIT, ENUM and SET.
    #[serde(rename = "n")]
    Number(String),
    /// Dates and times.
    #[serde(rename = "t")]
    Text(String),
    /// Characters, as bytes in the column's own charset.
    #[serde(rename = "c", with = "hex")]
    Characters(Vec<u8>),
    #[serde(rename = "b", with = "hex")]
    Bytes(Vec<u8>),
}

/// How far a snapshot has come: part of the position.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct SnapshotProgress {
    /// Which plan it follows.
    pub id: u64,
    /// All tables of the plan before this one are done.
    pub next: u32,
    /// Tables from there on that are begun or done.
    #[serde(default, skip_serializing_if = "BTreeMap::is_empty")]
    pub begun: BTreeMap<u32, TableProgress>,
    pub rows: u64,
    /// No more chunks are read until somebody says so.
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    pub paused: bool,
}

#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct TableProgress {
    pub done: bool,
    /// The key that `through` is a place in, with all that its order goes by; empty: an older connector's.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub key: Vec<String>,
    /// Keys up to this one are in the log.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub through: Option<Vec<KeyPart>>,
    pub rows: u64,
}

/// What a snapshot is to bring: written once, beside the position, under a key of its own.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct SnapshotPlan {
    pub id: u64,
    /// Parents before their children.
    pub tables: Vec<PlannedTable>,
    /// An initial one, not one that was asked for while streaming.
    pub initial: bool,
}

#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct PlannedTable {
    pub database: String,
    pub table: String,
    /// Only rows that this SQL condition holds of.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub condition: Option<String>,
    /// The server's guess of its rows.
    #[serde(default)]
    pub estimate: u64,
    /// Places in the plan, before its own, of the tables whose rows take rows of this one with them when they go. It is begun
    /// when they are done.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub after: Vec<u32>,
}

impl SnapshotProgress {
    pub fn new(id: u64) -> Self {
        Self { id, ..Self::default() }
    }

    /// Rows of a table are in the log, up to a place in a key's order; `None`: to its end.
    pub fn advance(&mut self, table: u32, through: Option<(Vec<String>, Vec<KeyPart>)>, rows: u64) {
        let begun = self.begun.entry(table).or_default();
        begun.done = through.is_none();
        (begun.key, begun.through) = match through {
            Some((key, through)) => (key, Some(through)),
            None => (Vec::new(), None),
        };
        begun.rows += rows;
        self.rows += rows;
        while self.begun.get(&self.next).is_some_and(|table| table.done) {
            self.begun.remove(&self.next);
            self.next += 1;
        }
    }

    /// What is known of a table; `None`: nothing of it has come.
    pub fn of(&self, table: u32) -> Option<&TableProgress> {
        self.begun.get(&table)
    }

    /// Whether tables that a table comes after are not done yet.
    pub fn is_held(&self, table: &PlannedTable) -> bool {
        table.after.iter().any(|before| !self.is_done(*before))
    }

    pub fn is_done(&self, table: u32) -> bool {
        table < self.next || self.of(table).is_some_and(|table| table.done)
    }
}

impl SnapshotPlan {
    /// The record's key in the position topic.
    pub fn key(prefix: &str) -> Vec<u8> {
        let key = serde_json::json!({"connector": prefix, "record": "snapshot"});
        serde_json::to_vec(&key).expect("string keys and plain fields always serialise")
    }

    pub fn encode(&self) -> Vec<u8> {
        serde_json::to_vec(self).expect("string keys and plain fields always serialise")
    }

    pub fn decode(bytes: &[u8]) -> Result<Self> {
        serde_json::from_slice(bytes).map_err(|source| Error::Json { input: Input::SnapshotPlan, source })
    }
}

mod hex {
    use serde::{Deserialize, Deserializer, Serializer, de::Error};

    pub fn serialize<S: Serializer>(bytes: &[u8], serializer: S) -> Result<S::Ok, S::Error> {
        const DIGITS: &[u8; 16] = b"0123456789abcdef";
        let digit = |nibble: u8| char::from(DIGITS[usize::from(nibble)]);
        let text: String = bytes.iter().flat_map(|byte| [digit(byte >> 4), digit(byte & 15)]).collect();
        serializer.serialize_str(&text)
    }

    pub fn deserialize<'de, D: Deserializer<'de>>(deserializer: D) -> Result<Vec<u8>, D::Error> {
        let text = std::borrow::Cow::<str>::deserialize(deserializer)?;
        let (pairs, rest) = text.as_bytes().as_chunks::<2>();
        let digit = |byte: u8| char::from(byte).to_digit(16).map(|digit| digit as u8);
        let byte = |pair: &[u8; 2]| Some(digit(pair[0])? << 4 | digit(pair[1])?);
        let bytes: Option<Vec<u8>> = pairs.iter().map(byte).collect();
        bytes.filter(|_| rest.is_empty()).ok_or_else(|| D::Error::custom("not hexadecimal"))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn tables_are_done_in_any_order() {
        let mut progress = SnapshotProgress::new(7);
        progress.advance(1, Some((vec!["id int".into()], vec![KeyPart::Number("5".into())])), 5);
        progress.advance(1, None, 2);
        assert!(progress.is_done(1) && !progress.is_done(0));
        assert_eq!((progress.next, progress.rows), (0, 7));
        progress.advance(0, None, 0);
        assert_eq!((progress.next, progress.begun.len()), (2, 0), "nothing is kept of what is done");
        assert!(progress.is_done(1) && !progress.is_done(2));
    }

    #[test]
    fn a_chunk_is_written_for_people_to_read() {
        let chunk = Chunk {
            database: "shop".into(),
            table: "orders".into(),
            key: vec!["region".into(), "id".into()],
            collations: vec!["latin1_bin".into(), String::new()],
            above: None,
            through: Some(vec![KeyPart::Characters(b"\xffs".to_vec()), KeyPart::Number("-7".into())]),
            window: vec![vec![KeyPart::Bytes(vec![0]), KeyPart::Text("2024-00-00".into())]],
            chosen: false,
            last: true,
        };
        let step = SnapshotStep::Chunk(Box::new(chunk));
        let text = serde_json::to_string(&step).expect("plain fields");
        assert_eq!(
            text,
            r#"{"chunk":{"database":"shop","table":"orders","key":["region","id"],"collations":["latin1_bin",""],"through":[{"c":"ff73"},{"n":"-7"}],"window":[[{"b":"00"},{"t":"2024-00-00"}]],"chosen":false,"last":true}}"#
        );
        assert_eq!(serde_json::from_str::<SnapshotStep>(&text).expect("as written"), step);
        assert!(serde_json::from_str::<KeyPart>(r#"{"c":"0g"}"#).is_err());
        assert!(serde_json::from_str::<KeyPart>(r#"{"c":"000"}"#).is_err());
    }
}
