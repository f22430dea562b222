//! The spine: which records make up the log, in which order. One JSON object a Kafka record, in a topic
//! of one partition; an operator reads it with kcat.
//!
//! A part lists a run of data records of one transaction: a record belongs to the log if and only if its
//! (seq, attempt, index) lies in a listed part. The parts of one transaction follow one another by index;
//! the last is `closed`, or the transaction is `void`. The counts tell a reader what each partition holds,
//! so that a record that is missing can be told from one that is late.
//!
//! Counts belong to the transaction: a part whose counts alone would not fit a record is cut into parts
//! that share them out, the later ones with `count` 0. So a reader adds up the counts of all parts of a
//! (seq, attempt) and must not expect a single part's counts to make up its `count`.
//!
//! On the wire the topics' names are listed once a record, and counts are `[topic, partition, count]`.
//! Readers ignore fields that they do not know: later versions add to records and parts.

use crate::{Ddl, Error, Input, Result, Seq, SnapshotStep};
use serde::{Deserialize, Serialize};
use std::{collections::HashMap, sync::Arc};

/// Records are split below this, so that a broker's default limit of 1 MB holds with room.
pub const MAX_BYTES: usize = 512 * 1024;

#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct SpineRecord {
    pub parts: Vec<SpinePart>,
    pub begin: Option<GenerationBegin>,
    /// The source's log was read to its end as of this time, or the last commit time read.
    pub as_of_us: i64,
}

/// A run of records of one transaction.
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
    /// It is no transaction of the source, but a step of a snapshot.
    pub snapshot: Option<SnapshotStep>,
    pub counts: Vec<PartitionCount>,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum PartEnd {
    /// More parts of this transaction follow.
    Open,
    /// The transaction is complete.
    Closed,
    /// The transaction is given up: none of its records count.
    Void,
}

/// How many of the part's records are in one partition.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct PartitionCount {
    pub topic: Arc<str>,
    pub partition: i32,
    pub count: u32,
}

#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct GenerationBegin {
    pub generation: u16,
    /// The GTID set or `file=..,pos=..` that streaming begins after.
    pub start: String,
    pub snapshot: bool,
}

impl SpinePart {
    /// The index after the last record.
    pub fn end_index(&self) -> u64 {
        u64::from(self.first) + u64::from(self.count)
    }
}

impl SpineRecord {
    pub fn encode(&self) -> Vec<u8> {
        let mut topics = TopicList::default();
        let parts = self.parts.iter().map(|part| WirePart::new(part, &mut topics)).collect();
        let wire = Wire { topics: topics.names, parts, begin: self.begin.clone(), as_of_us: self.as_of_us };
        serde_json::to_vec(&wire).expect("string keys and plain fields always serialise")
    }

    pub fn decode(bytes: &[u8]) -> Result<Self> {
        let wire: Wire = serde_json::from_slice(bytes)
            .map_err(|source| Error::Json { input: Input::SpineRecord, source })?;
        let parts = wire.parts.into_iter().map(|part| part.into_part(&wire.topics)).collect::<Result<_>>()?;
        Ok(Self { parts, begin: wire.begin, as_of_us: wire.as_of_us })
    }
}

/// Splits a record so that each piece, encoded, is at most `max_bytes`, as far as whole parts and counts
/// can be shared out. The pieces' parts, put together, say the same as the record's.
pub fn split(record: SpineRecord, max_bytes: usize) -> Vec<SpineRecord> {
    let mut pieces = Vec::new();
    split_into(record, max_bytes, &mut pieces);
    pieces
}

fn split_into(mut record: SpineRecord, max_bytes: usize, pieces: &mut Vec<SpineRecord>) {
    if record.encode().len() > max_bytes {
        let parts = record.parts.len();
        let rest = match record.parts.first_mut() {
            Some(only) if parts == 1 => cut_counts(only).map(|rest| vec![rest]),
            Some(_) => Some(record.parts.split_off(parts / 2)),
            None => None,
        };
        if let Some(rest) = rest {
            let rest = SpineRecord { parts: rest, begin: None, as_of_us: record.as_of_us };
            split_into(record, max_bytes, pieces);
            return split_into(rest, max_bytes, pieces);
        }
    }
    pieces.push(record);
}

/// Moves the second half of a part's counts, and its end, to a part without records behind it.
fn cut_counts(part: &mut SpinePart) -> Option<SpinePart> {
    // `first` of the rest must be expressible; no transaction comes near.
    let first = part.first.checked_add(part.count)?;
    if part.counts.len() < 2 {
        return None;
    }
    let rest = SpinePart {
        seq: part.seq,
        attempt: part.attempt,
        first,
        count: 0,
        gtid: part.gtid.clone(),
        commit_us: part.commit_us,
        end: part.end,
        ddl: None,
        snapshot: None,
        counts: part.counts.split_off(part.counts.len() / 2),
    };
    part.end = PartEnd::Open;
    Some(rest)
}

#[derive(Serialize, Deserialize)]
struct Wire {
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    topics: Vec<Arc<str>>,
    #[serde(default)]
    parts: Vec<WirePart>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    begin: Option<GenerationBegin>,
    as_of_us: i64,
}

#[derive(Serialize, Deserialize)]
struct WirePart {
    seq: Seq,
    attempt: u32,
    first: u32,
    count: u32,
    gtid: String,
    commit_us: i64,
    end: PartEnd,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    ddl: Option<Ddl>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    snapshot: Option<SnapshotStep>,
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    counts: Vec<(u32, i32, u32)>,
}

impl WirePart {
    fn new(part: &SpinePart, topics: &mut TopicList) -> Self {
        Self {
            seq: part.seq,
            attempt: part.attempt,
            first: part.first,
            count: part.count,
            gtid: part.gtid.clone(),
            commit_us: part.commit_us,
            end: part.end,
            ddl: part.ddl.clone(),
            snapshot: part.snapshot.clone(),
            counts: part.counts.iter().map(|c| (topics.place(&c.topic), c.partition, c.count)).collect(),
        }
    }

    fn into_part(self, topics: &[Arc<str>]) -> Result<SpinePart> {
        let counts = self.counts.into_iter().map(|(topic, partition, count)| {
            let Some(topic) = topics.get(topic as usize) else {
                let cause = format!("{} counts in topic {topic}, {} are listed", self.seq, topics.len());
                return Err(Error::malformed(Input::SpineRecord, 0, cause));
            };
            Ok(PartitionCount { topic: Arc::clone(topic), partition, count })
        });
        let counts = counts.collect::<Result<_>>()?;
        Ok(SpinePart {
            seq: self.seq,
            attempt: self.attempt,
            first: self.first,
            count: self.count,
            gtid: self.gtid,
            commit_us: self.commit_us,
            end: self.end,
            ddl: self.ddl,
            snapshot: self.snapshot,
            counts,
        })
    }
}

#[derive(Default)]
struct TopicList {
    names: Vec<Arc<str>>,
    places: HashMap<Arc<str>, u32>,
}

impl TopicList {
    fn place(&mut self, topic: &Arc<str>) -> u32 {
        if let Some(place) = self.places.get(topic) {
            return *place;
        }
        let place = self.names.len() as u32;
        self.names.push(Arc::clone(topic));
        self.places.insert(Arc::clone(topic), place);
        place
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::{collection::vec, option, prelude::*};

    fn part() -> impl Strategy<Value = SpinePart> {
        let end = prop_oneof![Just(PartEnd::Open), Just(PartEnd::Closed), Just(PartEnd::Void)];
        let ddl = option::of(("\\PC{0,10}", "\\PC{0,40}").prop_map(|(d, s)| Ddl::shown(d, s)));
        let count = ("[a-z.]{1,6}", 0..100_i32, any::<u32>())
            .prop_map(|(topic, partition, count)| PartitionCount { topic: topic.into(), partition, count });
        (
            (any::<u64>(), any::<u32>(), 0..1_000_000_u32, 0..1_000_000_u32, any::<i64>()),
            ("[0-9a-f:-]{0,44}", end, ddl, vec(count, 0..20)),
        )
            .prop_map(|((seq, attempt, first, count, commit_us), (gtid, end, ddl, counts))| {
                SpinePart {
                    seq: Seq::from_raw(seq),
                    attempt,
                    first,
                    count,
                    gtid,
                    commit_us,
                    end,
                    ddl,
                    snapshot: None,
                    counts,
                }
            })
    }

    fn record() -> impl Strategy<Value = SpineRecord> {
        let begin = option::of(
            (any::<u16>(), "\\PC{0,40}", any::<bool>())
                .prop_map(|(generation, start, snapshot)| GenerationBegin { generation, start, snapshot }),
        );
        (vec(part(), 0..8), begin, any::<i64>()).prop_map(|(parts, begin, as_of_us)| SpineRecord {
            parts,
            begin,
            as_of_us,
        })
    }

    /// Parts whose counts were cut are put together again.
    fn joined(pieces: &[SpineRecord]) -> Vec<SpinePart> {
        let mut parts: Vec<SpinePart> = Vec::new();
        for next in pieces.iter().flat_map(|piece| &piece.parts) {
            match parts.last_mut() {
                Some(last)
                    if (last.seq, last.attempt) == (next.seq, next.attempt)
                        && last.end == PartEnd::Open
                        && next.count == 0
                        && u64::from(next.first) == last.end_index() =>
                {
                    last.counts.extend_from_slice(&next.counts);
                    last.end = next.end;
                }
                _ => parts.push(next.clone()),
            }
        }
        parts
    }

    #[test]
    fn unknown_fields_are_ignored_and_absent_ones_have_their_meaning() {
        let json = r#"{"hlc":7,"parts":[{"seq":"1-42","attempt":3,"first":0,"count":1,"gtid":"g",
            "commit_us":5,"end":"closed","counts":[[0,2,1]],"d":[1]}],"topics":["t"],"as_of_us":9}"#;
        let record = SpineRecord::decode(json.as_bytes()).expect("valid");
        assert_eq!(record.parts[0].seq, Seq::new(1, 42));
        assert_eq!(&*record.parts[0].counts[0].topic, "t");
        assert_eq!(SpineRecord::decode(b"{\"as_of_us\":9}").expect("idle").parts, []);
    }

    #[test]
    fn a_count_of_an_unlisted_topic_is_refused() {
        let json = r#"{"parts":[{"seq":"1-1","attempt":1,"first":0,"count":1,"gtid":"","commit_us":0,
            "end":"open","counts":[[1,0,1]]}],"topics":["t"],"as_of_us":0}"#;
        let refusal = SpineRecord::decode(json.as_bytes()).expect_err("topic 1 of 1").to_string();
        assert!(refusal.contains("1-1 counts in topic 1, 1 are listed"), "{refusal}");
    }

    #[test]
    fn one_part_with_very_many_counts_is_split() {
        let counts = (0..20_000).map(|n| PartitionCount {
            topic: format!("prefix.database.table_{n}").into(),
            partition: n,
            count: 1,
        });
        let part = SpinePart {
            seq: Seq::new(1, 1),
            attempt: 1,
            first: 0,
            count: 20_000,
            gtid: "g".into(),
            commit_us: 0,
            end: PartEnd::Closed,
            ddl: None,
            snapshot: None,
            counts: counts.collect(),
        };
        let record = SpineRecord { parts: vec![part], begin: None, as_of_us: 1 };
        let pieces = split(record.clone(), MAX_BYTES);
        assert!(pieces.len() > 1);
        assert!(pieces.iter().all(|piece| piece.encode().len() <= MAX_BYTES));
        assert_eq!(joined(&pieces), record.parts);
    }

    proptest! {
        #[test]
        fn round_trip(record in record()) {
            prop_assert_eq!(SpineRecord::decode(&record.encode())?, record);
        }

        #[test]
        fn split_says_the_same(mut record in record(), max_bytes in 0usize..4000) {
            // Distinct transactions, so that only parts that were cut are put together.
            for (n, part) in record.parts.iter_mut().enumerate() {
                part.seq = Seq::new(1, n as u64);
            }
            let pieces = split(record.clone(), max_bytes);
            for (n, piece) in pieces.iter().enumerate() {
                prop_assert_eq!(piece.as_of_us, record.as_of_us);
                prop_assert_eq!(&piece.begin, if n == 0 { &record.begin } else { &None });
                let atomic = piece.parts.len() <= 1
                    && piece.parts.iter().all(|part| part.counts.len() <= 1);
                prop_assert!(atomic || piece.encode().len() <= max_bytes);
            }
            prop_assert_eq!(joined(&pieces), record.parts);
        }

        #[test]
        fn any_bytes_give_a_record_or_an_error(bytes in vec(any::<u8>(), 0..200)) {
            let _ = SpineRecord::decode(&bytes);
        }
    }
}
