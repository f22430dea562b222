//! The position: how far the connector has published, written in the same Kafka transaction as the
//! records it covers, to a compacted topic.

use crate::{Error, Input, Result, Seq, SnapshotProgress};
use serde::{Deserialize, Serialize};
use std::collections::BTreeMap;

#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Position {
    /// Whose GTIDs, files and identity these are.
    #[serde(default, skip_serializing_if = "Flavor::is_mysql")]
    pub flavor: Flavor,
    /// Of MariaDB what stands for it.
    pub server_uuid: String,
    /// Published through; absent in file mode.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub gtid_set: Option<String>,
    /// Of MariaDB: published through before `last`. Its GTIDs do not tell which one came before.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub before_last: Option<String>,
    pub file: String,
    pub pos: u64,
    /// The number that the next transaction gets.
    pub next_seq: Seq,
    pub attempt: u32,
    /// The process that committed it; empty in records of before it was kept.
    #[serde(default, skip_serializing_if = "String::is_empty")]
    pub instance: String,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub inside: Option<Inside>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub last: Option<Fingerprint>,
    /// `origin/sink/lane` -> the last mark of our own sink that was read from the binlog.
    #[serde(default, skip_serializing_if = "BTreeMap::is_empty")]
    pub lanes: BTreeMap<String, LaneMark>,
    /// `origin/sink` -> the schema change that our own sink was about to make, until a lane is past it.
    #[serde(default, skip_serializing_if = "BTreeMap::is_empty")]
    pub intents: BTreeMap<String, DdlIntent>,
    /// XA transactions that are prepared, and whose rows are all left out, as the server writes their identifiers.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub left_out_xids: Vec<String>,
    /// XA transactions that are prepared, and that may have rows to publish once they are committed.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub prepared_xids: Vec<PreparedXid>,
    /// A snapshot is under way.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub snapshot: Option<SnapshotProgress>,
    pub as_of_us: i64,
    /// Fingerprint of what is filtered.
    #[serde(default)]
    pub filter: String,
    /// What operators have asked for.
    #[serde(default, skip_serializing_if = "Signals::is_empty")]
    pub signals: Signals,
}

/// The kind of server. Records of before there was a choice are MySQL's.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Flavor {
    #[default]
    Mysql,
    MariaDb,
}

impl Flavor {
    #[expect(clippy::trivially_copy_pass_by_ref, reason = "as serde calls it")]
    fn is_mysql(&self) -> bool {
        *self == Self::Mysql
    }
}

impl std::fmt::Display for Flavor {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str(match self {
            Self::Mysql => "MySQL",
            Self::MariaDb => "MariaDB",
        })
    }
}

/// How far signals are read, and what of them is still to be done.
#[derive(Debug, Clone, PartialEq, Eq, Default, Serialize, Deserialize)]
pub struct Signals {
    /// The next offset of the signal topic.
    #[serde(default)]
    pub offset: i64,
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub waiting: Vec<Signal>,
    /// The last one that nothing came of.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub passed_over: Option<PassedOver>,
}

/// Why nothing came of a signal.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct PassedOver {
    pub id: String,
    pub why: String,
}

/// As Debezium has it: its `id`, `type` and `data`.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Signal {
    #[serde(default)]
    pub id: String,
    #[serde(rename = "type")]
    pub kind: String,
    /// JSON.
    #[serde(default)]
    pub data: serde_json::Value,
}

impl Signals {
    fn is_empty(&self) -> bool {
        self.offset == 0 && self.waiting.is_empty() && self.passed_over.is_none()
    }
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

/// Where the binary log has the rows of a prepared XA transaction.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct PreparedXid {
    /// As the server writes it.
    pub xid: String,
    /// The transaction that prepared it.
    pub gtid: String,
    /// Where that begins at the server that the position is of; empty where that is not known.
    #[serde(default, skip_serializing_if = "String::is_empty")]
    pub file: String,
    #[serde(default)]
    pub pos: u64,
    /// Bytes of its row images.
    pub row_bytes: u64,
    /// CRC-32 over them.
    pub crc: u32,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub struct LaneMark {
    pub epoch: u64,
    pub seq: Seq,
}

/// A schema change as our sink notes it before it makes it.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct DdlIntent {
    pub seq: Seq,
    /// What it runs under; empty: the server's own.
    #[serde(default)]
    pub gtid: String,
    /// Which runs it.
    pub connection: u64,
    /// Of MariaDB, which may complete it after a crash as its own: where it runs, and the text.
    #[serde(default, skip_serializing_if = "String::is_empty")]
    pub database: String,
    #[serde(default, skip_serializing_if = "String::is_empty")]
    pub statement: String,
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
        serde_json::from_slice(bytes).map_err(|source| Error::Json { input: Input::PositionRecord, source })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn position() -> Position {
        Position {
            flavor: Flavor::Mysql,
            before_last: None,
            server_uuid: "3e11fa47-71ca-11e1-9e33-c80aa9429562".into(),
            gtid_set: Some("3e11fa47-71ca-11e1-9e33-c80aa9429562:1-77".into()),
            file: "binlog.000003".into(),
            pos: 1234,
            next_seq: Seq::new(1, 43),
            attempt: 3,
            instance: "5ca1ab1e".into(),
            inside: Some(Inside {
                gtid: "3e11fa47-71ca-11e1-9e33-c80aa9429562:78".into(),
                seq: Seq::new(1, 43),
                next_index: 100_000,
                row_bytes: 1 << 40,
                crc: u32::MAX,
            }),
            last: Some(Fingerprint { gtid: "g".into(), row_bytes: 9, crc: 7, commit_us: -1 }),
            left_out_xids: vec!["X'6162',X'',1".into()],
            prepared_xids: vec![PreparedXid {
                xid: "X'6163',X'',1".into(),
                gtid: "3e11fa47-71ca-11e1-9e33-c80aa9429562:70".into(),
                file: "binlog.000002".into(),
                pos: 1 << 33,
                row_bytes: 99,
                crc: 3,
            }],
            snapshot: Some(SnapshotProgress::new(3)),
            lanes: [("shenzhen/main/0".into(), LaneMark { epoch: u64::MAX, seq: Seq::new(2, 5) })].into(),
            intents: [(
                "shenzhen/main".into(),
                DdlIntent {
                    seq: Seq::new(2, 6),
                    gtid: "g:1".into(),
                    connection: 77,
                    database: "d".into(),
                    statement: "DROP TABLE t".into(),
                },
            )]
            .into(),
            as_of_us: 1_700_000_000_000_000,
            filter: "f1".into(),
            signals: Signals::default(),
        }
    }

    #[test]
    fn round_trip() {
        let position = position();
        assert_eq!(Position::decode(&position.encode()).expect("what was encoded"), position);
        let bare = Position {
            gtid_set: None,
            inside: None,
            last: None,
            lanes: BTreeMap::new(),
            intents: BTreeMap::new(),
            left_out_xids: Vec::new(),
            prepared_xids: Vec::new(),
            snapshot: None,
            ..position
        };
        assert_eq!(Position::decode(&bare.encode()).expect("what was encoded"), bare);
        let mariadb = Position {
            flavor: Flavor::MariaDb,
            gtid_set: Some("0-1-7".into()),
            before_last: Some("0-1-6".into()),
            ..bare
        };
        assert!(String::from_utf8_lossy(&mariadb.encode()).starts_with(r#"{"flavor":"mariadb","#));
        assert_eq!(Position::decode(&mariadb.encode()).expect("what was encoded"), mariadb);
    }

    #[test]
    fn the_key_is_json() {
        assert_eq!(Position::key("dc\"1"), br#"{"connector":"dc\"1"}"#);
    }

    #[test]
    fn unknown_fields_are_ignored_missing_ones_refused_by_name() {
        let mut json: serde_json::Value =
            serde_json::from_slice(&position().encode()).expect("what was encoded");
        json["clock"] = 7.into();
        json["inside"]["snapshot"] = "x".into();
        assert_eq!(Position::decode(json.to_string().as_bytes()).expect("later fields"), position());
        json.as_object_mut().expect("an object").remove("next_seq");
        let error = Position::decode(json.to_string().as_bytes()).expect_err("no next_seq");
        let source = std::error::Error::source(&error).expect("serde's reason").to_string();
        assert!(source.contains("next_seq"), "{source}");
    }
}
