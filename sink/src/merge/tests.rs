//! The merge against a simulated connector and broker: aborted attempts whose records stay visible, split
//! and voided transactions, partitions that arrive in any order, and a budget far too small.

use std::{
    collections::{BTreeMap, HashMap},
    sync::Arc,
};

use bytes::Bytes;
use proptest::prelude::*;
use strait_schemas::{PartitionCount, RecordSeq, SpinePart};

use super::*;

const TOPIC: &str = "p.shop.orders";
const SPINE: &str = "p.strait.spine";

/// What a simulated broker holds. A record's value is the number of its row, so that order is visible.
#[derive(Debug, Default, Clone)]
struct Broker {
    spine: Vec<SpineRecord>,
    partitions: BTreeMap<i32, Vec<Record>>,
    /// The rows in the order of the log.
    expected: Vec<u32>,
    ends: u64,
}

/// One step of a simulated connector.
#[derive(Debug, Clone)]
enum Act {
    /// A row, into a partition.
    Row(i32),
    /// The transaction ends.
    End,
    /// The Kafka transaction commits (in mid transaction: a split).
    Commit,
    /// It aborts: what was written since the last commit is to be written again under the next attempt.
    Abort,
    /// It aborts, and the open transaction is given a new number.
    AbortAndVoid,
}

fn act() -> impl Strategy<Value = Act> {
    prop_oneof![
        12 => (0..4i32).prop_map(Act::Row),
        4 => Just(Act::End),
        3 => Just(Act::Commit),
        1 => Just(Act::Abort),
        1 => Just(Act::AbortAndVoid),
    ]
}

/// Plays a connector. `spine_too`: a copy that honours no Kafka transactions shows aborted spine entries as
/// well, not data records only.
#[derive(Default)]
struct Connector {
    broker: Broker,
    attempt: u32,
    seq: u64,
    index: u32,
    row: u32,
    /// (row, partition) of the running Kafka transaction and where its transactions end.
    pending: Vec<Pending>,
    spine_too: bool,
}

#[derive(Clone, Copy)]
enum Pending {
    Row(u32, i32),
    End,
}

impl Connector {
    fn play(acts: &[Act], spine_too: bool) -> Broker {
        let mut it = Self { attempt: 1, seq: 1, spine_too, ..Self::default() };
        it.broker.spine.push(SpineRecord {
            parts: Vec::new(),
            begin: Some(strait_schemas::GenerationBegin {
                generation: 1,
                start: String::new(),
                snapshot: false,
            }),
            as_of_us: 1,
        });
        for act in acts {
            match act {
                Act::Row(partition) => {
                    it.row += 1;
                    let row = it.row;
                    it.pending.push(Pending::Row(row, *partition));
                }
                Act::End => it.pending.push(Pending::End),
                Act::Commit => it.publish(true),
                Act::Abort => {
                    it.publish(false);
                    it.attempt += 1;
                }
                // Had the copy shown the aborted end of a transaction that is then voided, its rows would come
                // under two numbers: that is refused, and not what this schedule is about.
                Act::AbortAndVoid if spine_too => {}
                Act::AbortAndVoid => {
                    it.publish(false);
                    it.attempt += 1;
                    it.void();
                }
            }
        }
        if it.index > 0 || it.pending.iter().any(|pending| matches!(pending, Pending::Row(..))) {
            it.pending.push(Pending::End);
        }
        it.publish(true);
        it.broker
    }

    /// Gives the open transaction up; its rows so far are published again under the next number.
    fn void(&mut self) {
        if self.index == 0 {
            return;
        }
        let rows: Vec<u32> = self.broker.expected.split_off(self.broker.expected.len() - self.index as usize);
        let mut again: Vec<Pending> = rows.into_iter().map(|row| Pending::Row(row, row as i32 % 4)).collect();
        again.append(&mut self.pending);
        self.pending = again;
        let part = part(self.seq, self.attempt, self.index, PartEnd::Void, &[]);
        self.broker.spine.push(SpineRecord { parts: vec![part], begin: None, as_of_us: 1 });
        self.broker.ends += 1;
        self.seq += 1;
        self.index = 0;
    }

    fn publish(&mut self, commit: bool) {
        let (mut seq, mut index) = (self.seq, self.index);
        let mut parts = Vec::new();
        let mut rows = Vec::new();
        let mut first = index;
        let mut ends = 0;
        for pending in &self.pending {
            match pending {
                Pending::Row(row, partition) => {
                    rows.push((*row, *partition));
                    let place = RecordSeq { seq: Seq::new(1, seq), index, attempt: self.attempt, flags: 0 };
                    let records = self.broker.partitions.entry(*partition).or_default();
                    records.push(Record {
                        place,
                        // Commit markers take offsets too: never without holes.
                        offset: records.last().map_or(0, |record| record.offset + 1 + i64::from(row % 3)),
                        value: Some(Bytes::copy_from_slice(&row.to_be_bytes())),
                        exact: None,
                        key_change: KeyChange::No,
                    });
                    index += 1;
                }
                Pending::End => {
                    let taken = &rows[rows.len() - (index - first) as usize..];
                    parts.push(part(seq, self.attempt, first, PartEnd::Closed, taken));
                    (seq, index, first) = (seq + 1, 0, 0);
                    ends += 1;
                }
            }
        }
        if index > first {
            let taken = &rows[rows.len() - (index - first) as usize..];
            parts.push(part(seq, self.attempt, first, PartEnd::Open, taken));
        }
        let record = SpineRecord { parts, begin: None, as_of_us: 1 };
        if commit {
            self.broker.spine.push(record);
            self.broker.expected.extend(rows.iter().map(|(row, _)| *row));
            self.broker.ends += ends;
            (self.seq, self.index) = (seq, index);
            self.pending.clear();
        } else if self.spine_too {
            self.broker.spine.push(record);
        }
    }
}

fn part(seq: u64, attempt: u32, first: u32, end: PartEnd, rows: &[(u32, i32)]) -> SpinePart {
    let mut counts: BTreeMap<i32, u32> = BTreeMap::new();
    for (_, partition) in rows {
        *counts.entry(*partition).or_default() += 1;
    }
    SpinePart {
        seq: Seq::new(1, seq),
        attempt,
        first,
        count: rows.len() as u32,
        gtid: format!("file=binlog.000001,pos={seq}"),
        commit_us: seq as i64,
        end,
        ddl: None,
        snapshot: None,
        counts: counts
            .into_iter()
            .map(|(partition, count)| PartitionCount { topic: Arc::from(TOPIC), partition, count })
            .collect(),
    }
}

/// Reads a broker through a merge; which partition delivers next, and how much, is the schedule's.
struct Reader<'a> {
    broker: &'a Broker,
    merge: Merge,
    spine_at: usize,
    at: HashMap<PartitionId, i64>,
    rows: Vec<u32>,
    ends: u64,
    open: Vec<u32>,
    budget: usize,
    most: usize,
}

#[derive(Debug, PartialEq, Eq)]
enum Outcome {
    /// Everything was read, and nothing is waited for but more.
    ReadAll,
    Lost,
    Stuck(String),
    Refused(String),
}

impl<'a> Reader<'a> {
    fn new(broker: &'a Broker, budget: usize) -> Self {
        let merge = Merge::new(SPINE, None, GtidSet::new(), budget);
        Self {
            broker,
            merge,
            spine_at: 0,
            at: HashMap::new(),
            rows: Vec::new(),
            ends: 0,
            open: Vec::new(),
            budget,
            most: 0,
        }
    }

    fn run(&mut self, schedule: &[u8]) -> Outcome {
        let mut schedule = schedule.iter().cycle();
        let mut idle = 0;
        loop {
            match self.take() {
                Ok(Some(Waiting::Idle)) if self.is_read() && !self.merge.spine_parked => {
                    return Outcome::ReadAll;
                }
                Ok(Some(_)) => {}
                Ok(None) => {
                    if self.is_read() {
                        return Outcome::Lost;
                    }
                }
                Err(error) => return Outcome::Refused(error.to_string()),
            }
            let choice = *schedule.next().expect("the schedule is endless");
            if self.deliver(usize::from(choice >> 2), 1 + usize::from(choice & 3)) {
                idle = 0;
            } else {
                idle += 1;
            }
            if idle > 5_000 {
                return Outcome::Stuck(format!("{:?} parked {}", self.merge.waiting(), self.merge.parked()));
            }
        }
    }

    fn is_read(&self) -> bool {
        self.spine_at == self.broker.spine.len()
    }

    /// Takes what the merge gives; `None`: a record is lost.
    fn take(&mut self) -> Result<Option<Waiting>> {
        loop {
            match self.merge.next()? {
                Next::Record(taken) => {
                    let value = taken.record.value.expect("simulated records have values");
                    self.open.push(u32::from_be_bytes(value[..].try_into().expect("four bytes")));
                }
                Next::End(end) => {
                    assert_eq!(self.open.len() as u64, end.records, "the end counts its records");
                    self.rows.append(&mut self.open);
                    self.ends += 1;
                }
                Next::Waiting(waiting) => return Ok(Some(waiting)),
                Next::Lost(_) => return Ok(None),
            }
        }
    }

    /// Delivers some records of one partition or of the spine; false: there was nothing to deliver.
    fn deliver(&mut self, choice: usize, many: usize) -> bool {
        for id in self.merge.unassigned() {
            self.at.insert(id, 0);
        }
        for (id, from) in self.merge.unpark() {
            self.at.insert(id, from);
        }
        if let Some(from) = self.merge.unpark_spine() {
            self.spine_at = usize::try_from(from).expect("an offset");
        }
        if !self.merge.is_hungry() {
            return true;
        }
        let which = choice % (self.at.len() + 1);
        let Some(id) = self.at.keys().copied().find(|id| id.0 == which) else {
            return self.deliver_spine(many);
        };
        let partition = self.merge.queue(id).partition;
        let from = self.at[&id];
        let Some(all) = self.broker.partitions.get(&partition) else { return false };
        let records: Vec<Record> =
            all.iter().filter(|record| record.offset >= from).take(many).cloned().collect();
        for record in &records {
            self.merge.offer(id, record.clone());
            self.at.insert(id, record.offset + 1);
            self.most = self.most.max(self.merge.queues.bytes);
        }
        !records.is_empty()
    }

    /// A new session; the spine runs ahead, or the same schedule would meet the same fault for ever.
    fn restart(&mut self) {
        let passed = self.merge.spine.passed();
        self.merge = Merge::new(SPINE, passed, GtidSet::new(), self.budget);
        (self.spine_at, self.at) = (0, HashMap::new());
        self.open.clear();
        self.deliver_spine(usize::MAX);
    }

    fn deliver_spine(&mut self, many: usize) -> bool {
        let mut any = false;
        for _ in 0..many {
            let Some(record) = self.broker.spine.get(self.spine_at) else { break };
            any = true;
            let offset = self.spine_at as i64;
            self.spine_at += 1;
            match self.merge.spine(offset, record.clone()) {
                Ok(_) => {}
                Err(error) => {
                    assert!(matches!(error, Error::Superseded { .. }), "{error}");
                    self.restart();
                    break;
                }
            }
        }
        any
    }
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(400))]

    /// Whatever the connector went through and in whatever order things arrive: the log's rows, once each, in
    /// order, without standing still, whether the budget is ample or holds a handful of records.
    #[test]
    fn gives_the_log_in_order(
        acts in prop::collection::vec(act(), 1..150),
        schedule in prop::collection::vec(any::<u8>(), 1..64),
        tiny in any::<bool>(),
        spine_too in any::<bool>(),
    ) {
        let broker = Connector::play(&acts, spine_too);
        let mut reader = Reader::new(&broker, if tiny { 1_000 } else { 1 << 20 });
        // A schedule that never delivers some partition would starve it by construction: every choice comes.
        let schedule: Vec<u8> = schedule.into_iter().chain(0..=255).collect();
        prop_assert_eq!(reader.run(&schedule), Outcome::ReadAll);
        prop_assert_eq!(&reader.rows, &broker.expected);
        prop_assert_eq!(reader.ends, broker.ends);
        if tiny {
            // The budget, one poll's overshoot, and one record of each partition that is waited for.
            prop_assert!(reader.most <= 1_000 + (4 + 4) * 172, "{} bytes were queued", reader.most);
        }
    }

    /// A record of the log that never arrives is noticed: the merge never passes over it.
    #[test]
    fn notices_a_lost_record(
        acts in prop::collection::vec(act(), 20..150),
        schedule in prop::collection::vec(any::<u8>(), 1..64),
        pick in any::<prop::sample::Index>(),
    ) {
        let mut broker = Connector::play(&acts, false);
        prop_assume!(!broker.expected.is_empty());
        let row = broker.expected[pick.index(broker.expected.len())];
        for records in broker.partitions.values_mut() {
            // Its copies of given-up attempts as well.
            records.retain(|record| record.value.as_deref() != Some(&row.to_be_bytes()[..]));
        }
        let mut reader = Reader::new(&broker, 1 << 20);
        let schedule: Vec<u8> = schedule.into_iter().chain(0..=255).collect();
        let outcome = reader.run(&schedule);
        // Without a later record in its partition it can only be waited for.
        prop_assert!(matches!(outcome, Outcome::Lost | Outcome::Stuck(_)), "{:?}", outcome);
        prop_assert!(!reader.rows.contains(&row));
        let before = reader.rows.len();
        prop_assert_eq!(&reader.rows[..], &broker.expected[..before]);
    }
}

fn record(seq: u64, index: u32, attempt: u32, offset: i64) -> Record {
    Record {
        place: RecordSeq { seq: Seq::new(1, seq), index, attempt, flags: 0 },
        offset,
        value: Some(Bytes::from(vec![attempt as u8; 8])),
        exact: None,
        key_change: KeyChange::No,
    }
}

fn spine(parts: Vec<SpinePart>) -> SpineRecord {
    SpineRecord { parts, begin: None, as_of_us: 0 }
}

fn merge_at(passed: u64) -> Merge {
    Merge::new(SPINE, Some(Seq::new(1, passed)), GtidSet::new(), 1 << 20)
}

#[test]
fn the_aborted_attempt_of_a_number_is_not_taken() {
    let mut merge = merge_at(4);
    merge.spine(0, spine(vec![part(5, 2, 0, PartEnd::Closed, &[(1, 0)])])).expect("a spine entry");
    let id = merge.id(TOPIC, 0).expect("named");
    merge.offer(id, record(5, 0, 1, 10));
    merge.offer(id, record(6, 0, 1, 11));
    merge.offer(id, record(5, 0, 2, 12));
    let Next::Record(taken) = merge.next().expect("no error") else { panic!("a record is there") };
    assert_eq!((taken.record.place.attempt, taken.record.offset), (2, 12));
    assert!(matches!(merge.next(), Ok(Next::End(_))));
}

#[test]
fn a_jump_in_the_spine_is_refused() {
    let mut merge = merge_at(4);
    let error = merge.spine(0, spine(vec![part(6, 1, 0, PartEnd::Closed, &[])])).expect_err("a gap");
    assert!(matches!(error, Error::SpineGap { .. }), "{error}");
    assert!(error.to_string().contains("from seq 1-4 to 1-6"), "{error}");
}

#[test]
fn a_first_session_refuses_a_spine_without_its_beginning() {
    let mut merge = Merge::new(SPINE, None, GtidSet::new(), 1 << 20);
    let error = merge.spine(7, spine(vec![part(3, 1, 0, PartEnd::Closed, &[])])).expect_err("truncated");
    assert!(matches!(error, Error::SpineTruncated { .. }), "{error}");
}

#[test]
fn a_number_given_again_with_other_records_is_refused_with_the_same_ones_ignored() {
    let mut merge = merge_at(4);
    merge.spine(0, spine(vec![part(5, 1, 0, PartEnd::Closed, &[(1, 0)])])).expect("a spine entry");
    merge.offer(merge.id(TOPIC, 0).expect("named"), record(5, 0, 1, 0));
    assert!(matches!(merge.next(), Ok(Next::Record(_))));
    assert!(matches!(merge.next(), Ok(Next::End(_))));
    merge.spine(1, spine(vec![part(5, 2, 0, PartEnd::Closed, &[(1, 0)])])).expect("the same again");
    let other = spine(vec![part(5, 3, 0, PartEnd::Closed, &[(1, 0), (2, 0)])]);
    assert!(matches!(merge.spine(2, other), Err(Error::SpineConflict { .. })));
    let void = spine(vec![part(5, 4, 1, PartEnd::Void, &[])]);
    assert!(matches!(merge.spine(3, void), Err(Error::SpineConflict { .. })));
}

#[test]
fn a_new_generation_needs_a_snapshot_and_voids_what_is_open() {
    let begin = |snapshot| strait_schemas::GenerationBegin { generation: 2, start: String::new(), snapshot };
    let mut merge = merge_at(4);
    merge.spine(0, spine(vec![part(5, 1, 0, PartEnd::Open, &[(1, 0)])])).expect("a spine entry");
    let announce = |snapshot| SpineRecord { parts: vec![], begin: Some(begin(snapshot)), as_of_us: 0 };
    assert!(matches!(merge.spine(1, announce(false)), Err(Error::GenerationWithoutSnapshot { .. })));
    merge.spine(2, announce(true)).expect("with a snapshot");
    let mut first = part(1, 2, 0, PartEnd::Closed, &[]);
    first.seq = Seq::new(2, 1);
    merge.spine(3, spine(vec![first])).expect("its first transaction");
    let Ok(Next::End(void)) = merge.next() else { panic!("the open one is void") };
    assert_eq!((void.seq, void.records), (Seq::new(1, 5), 0));
    let Ok(Next::End(first)) = merge.next() else { panic!("the new generation's first") };
    assert_eq!(first.seq, Seq::new(2, 1));
}

/// Their records are not asked for, as they may be gone from the topics long before the spine's entries; what is
/// there all the same is discarded.
#[test]
fn transactions_of_a_backup_are_skipped() {
    let uuid = "3e11fa47-71ca-11e1-9e33-c80aa9429562";
    let Ok(skip) = format!("{uuid}:1-3").parse::<GtidSet>() else { panic!("a GTID set") };
    let mut merge = Merge::new(SPINE, None, skip, 1 << 20);
    let entry = |number: u64| {
        let mut entry = part(number, 1, 0, PartEnd::Closed, &[(1, 0)]);
        entry.gtid = format!("{uuid}:{number}");
        spine(vec![entry])
    };
    merge.spine(1, entry(1)).expect("a spine entry");
    let Ok(Next::End(end)) = merge.next() else { panic!("an end without its record") };
    assert!(end.skipped && merge.unassigned().is_empty());
    for number in 2..=4u64 {
        merge.spine(number as i64, entry(number)).expect("a spine entry");
    }
    let id = merge.id(TOPIC, 0).expect("named by the one that is not skipped");
    for number in 2..=4u64 {
        merge.offer(id, record(number, 0, 1, number as i64));
    }
    for skipped in [true, true, false] {
        if !skipped {
            assert_eq!(merge.queue(id).front().map(|record| record.place.seq), Some(Seq::new(1, 4)));
            assert!(matches!(merge.next(), Ok(Next::Record(_))));
        }
        let Ok(Next::End(end)) = merge.next() else { panic!("an end") };
        assert_eq!(end.skipped, skipped);
    }
}

/// A later session that began behind a transaction's first part would not know its beginning.
#[test]
fn the_spine_is_read_on_from_the_first_part_of_a_transaction() {
    let mut merge = merge_at(4);
    merge.spine(7, spine(vec![part(5, 1, 0, PartEnd::Closed, &[])])).expect("a spine entry");
    merge.spine(8, spine(vec![part(6, 1, 0, PartEnd::Open, &[(1, 0)])])).expect("a spine entry");
    merge.spine(9, spine(vec![part(6, 1, 1, PartEnd::Closed, &[(2, 0)])])).expect("a spine entry");
    let Ok(Next::End(end)) = merge.next() else { panic!("the end of 5") };
    assert_eq!((end.seq, end.spine_offset), (Seq::new(1, 5), 8));
}

#[test]
fn the_counts_of_one_part_may_come_in_pieces_and_must_add_up() {
    let mut merge = merge_at(4);
    let whole = spine(vec![part(5, 1, 0, PartEnd::Closed, &[(1, 0), (2, 1), (3, 2)])]);
    for (offset, piece) in strait_schemas::spine::split(whole, 1).into_iter().enumerate() {
        merge.spine(offset as i64, piece).expect("a piece");
    }
    for index in 0..3 {
        let id = merge.id(TOPIC, index as i32).expect("named");
        merge.offer(id, record(5, index, 1, 0));
        assert!(matches!(merge.next(), Ok(Next::Record(_))), "record {index}");
    }
    assert!(matches!(merge.next(), Ok(Next::End(_))));
    let mut short = part(6, 1, 0, PartEnd::Closed, &[(1, 0)]);
    short.count = 2;
    assert!(matches!(merge.spine(9, spine(vec![short])), Err(Error::SpineConflict { .. })));
}

#[test]
fn a_record_of_another_attempt_than_the_spine_lists_is_not_taken_for_it() {
    let mut merge = merge_at(4);
    merge.spine(0, spine(vec![part(5, 1, 0, PartEnd::Closed, &[(1, 0)])])).expect("a spine entry");
    merge.offer(merge.id(TOPIC, 0).expect("named"), record(5, 0, 2, 0));
    let Ok(Next::Lost(lost)) = merge.next() else { panic!("attempt 1 is lost") };
    assert_eq!(lost.found, "1-5 record 0 (attempt 2)");
    // The entry of attempt 2 explains it.
    merge.spine(1, spine(vec![part(5, 2, 0, PartEnd::Closed, &[(1, 0)])])).expect("a spine entry");
    assert!(matches!(merge.next(), Ok(Next::Record(_))));
}
