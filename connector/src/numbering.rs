//! The numbers of transactions and of their records, and the parts that the spine lists.
//!
//! A transaction gets the next `seq` with its first record (or its DDL), so one of which everything is
//! filtered takes none. Records are counted by (topic, partition) until the Kafka transaction ends: then the
//! run of records since the last cut becomes a part, closed if the source transaction has ended, else open.
//! The identity of a record is (seq, index, attempt); within an attempt no such triple is ever given twice,
//! for a number that was taken is never given back: a transaction that turns out to count for nothing is
//! closed as `Void`.

use std::sync::Arc;

use strait_schemas::{Ddl, PartEnd, PartitionCount, RecordSeq, Seq, SnapshotStep, SpinePart};

#[derive(Debug)]
pub struct Numbering {
    next: Seq,
    attempt: u32,
    current: Option<Numbered>,
    parts: Vec<SpinePart>,
}

/// The source transaction under way, once it has a number.
#[derive(Debug)]
struct Numbered {
    seq: Seq,
    gtid: String,
    commit_us: i64,
    /// First index of the part under way.
    first: u32,
    /// Index of the next record.
    next_index: u32,
    counts: Vec<PartitionCount>,
    ddl: Option<Ddl>,
    snapshot: Option<SnapshotStep>,
}

impl Numbered {
    /// Whether a part would say something.
    fn has_news(&self) -> bool {
        self.next_index > self.first || self.ddl.is_some() || self.snapshot.is_some()
    }

    fn part(&mut self, attempt: u32, end: PartEnd) -> SpinePart {
        let first = std::mem::replace(&mut self.first, self.next_index);
        SpinePart {
            seq: self.seq,
            attempt,
            first,
            count: self.next_index - first,
            gtid: self.gtid.clone(),
            commit_us: self.commit_us,
            end,
            ddl: self.ddl.take(),
            snapshot: self.snapshot.take(),
            counts: std::mem::take(&mut self.counts),
        }
    }
}

impl Numbering {
    pub fn new(next: Seq, attempt: u32) -> Self {
        Self { next, attempt, current: None, parts: Vec::new() }
    }

    /// The number that the next transaction gets.
    pub fn next_seq(&self) -> Seq {
        self.next
    }

    pub fn attempt(&self) -> u32 {
        self.attempt
    }

    /// The number and next record index of the transaction under way, if it has one.
    pub fn current(&self) -> Option<(Seq, u32)> {
        self.current.as_ref().map(|current| (current.seq, current.next_index))
    }

    /// Gives the transaction under way its number, unless it has one.
    fn take(&mut self, gtid: &str, commit_us: i64) -> &mut Numbered {
        let next = &mut self.next;
        self.current.get_or_insert_with(|| {
            let seq = *next;
            *next = next.next();
            Numbered {
                seq,
                gtid: gtid.to_owned(),
                commit_us,
                first: 0,
                next_index: 0,
                counts: Vec::new(),
                ddl: None,
                snapshot: None,
            }
        })
    }

    /// Numbers one record of the transaction under way. `None`: the transaction has more records than an
    /// index can count.
    pub fn record(
        &mut self,
        gtid: &str,
        commit_us: i64,
        topic: &Arc<str>,
        partition: i32,
        flags: u8,
    ) -> Option<RecordSeq> {
        let attempt = self.attempt;
        let current = self.take(gtid, commit_us);
        let index = current.next_index;
        current.next_index = index.checked_add(1)?;
        let place = |count: &&mut PartitionCount| {
            count.partition == partition && (Arc::ptr_eq(&count.topic, topic) || count.topic == *topic)
        };
        match current.counts.iter_mut().rev().find(place) {
            Some(count) => count.count += 1,
            None => current.counts.push(PartitionCount { topic: Arc::clone(topic), partition, count: 1 }),
        }
        Some(RecordSeq { seq: current.seq, index, attempt, flags })
    }

    /// Notes the DDL statement of the transaction under way.
    pub fn ddl(&mut self, gtid: &str, commit_us: i64, ddl: Ddl) {
        self.take(gtid, commit_us).ddl = Some(ddl);
    }

    /// Begins a step of a snapshot. It is numbered like a transaction, and closed like one.
    pub fn snapshot(&mut self, id: &str, read_us: i64, step: SnapshotStep) {
        self.take(id, read_us).snapshot = Some(step);
    }

    /// Goes on with a transaction whose first records were published by an earlier attempt.
    pub fn resume(&mut self, seq: Seq, next_index: u32, gtid: &str, commit_us: i64) {
        self.current = Some(Numbered {
            seq,
            gtid: gtid.to_owned(),
            commit_us,
            first: next_index,
            next_index,
            counts: Vec::new(),
            ddl: None,
            snapshot: None,
        });
    }

    /// The source transaction ended. False: it never took a number.
    pub fn close(&mut self) -> bool {
        self.end(PartEnd::Closed)
    }

    /// The transaction under way counts for nothing.
    pub fn void(&mut self) -> bool {
        if let Some(current) = &mut self.current {
            current.first = current.next_index;
            current.counts.clear();
            current.ddl = None;
            current.snapshot = None;
        }
        self.end(PartEnd::Void)
    }

    fn end(&mut self, end: PartEnd) -> bool {
        let Some(mut current) = self.current.take() else { return false };
        self.parts.push(current.part(self.attempt, end));
        true
    }

    /// A transaction of an earlier attempt, known from the position only, counts for nothing.
    pub fn void_unfinished(&mut self, seq: Seq, next_index: u32, gtid: &str, commit_us: i64) {
        self.resume(seq, next_index, gtid, commit_us);
        self.void();
    }

    /// The Kafka transaction ends here: all parts since the last cut, the one of a transaction under way
    /// left open.
    pub fn cut(&mut self) -> Vec<SpinePart> {
        if let Some(current) = &mut self.current
            && current.has_news()
        {
            let part = current.part(self.attempt, PartEnd::Open);
            self.parts.push(part);
        }
        std::mem::take(&mut self.parts)
    }

    /// Whether a cut would give parts.
    pub fn has_parts(&self) -> bool {
        !self.parts.is_empty() || self.current.as_ref().is_some_and(Numbered::has_news)
    }

    /// Parts gathered since the last cut: a bound for what is held in memory.
    pub fn parts(&self) -> usize {
        self.parts.len()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn topic(name: &str) -> Arc<str> {
        Arc::from(name)
    }

    fn record(numbering: &mut Numbering, gtid: &str, topic: &Arc<str>, partition: i32) -> RecordSeq {
        numbering.record(gtid, 5, topic, partition, 0).expect("few records")
    }

    #[test]
    fn transactions_without_records_take_no_number() {
        let mut numbering = Numbering::new(Seq::new(1, 1), 3);
        assert!(!numbering.close());
        let t = topic("t");
        assert_eq!(record(&mut numbering, "g:1", &t, 0).seq, Seq::new(1, 1));
        assert!(numbering.close());
        assert!(!numbering.close());
        assert_eq!(record(&mut numbering, "g:3", &t, 0).seq, Seq::new(1, 2));
        numbering.close();
        let parts = numbering.cut();
        assert_eq!(parts.iter().map(|part| part.seq.number()).collect::<Vec<_>>(), [1, 2]);
        assert!(parts.iter().all(|part| part.end == PartEnd::Closed && part.attempt == 3));
    }

    #[test]
    fn counts_are_by_topic_and_partition_and_add_up() {
        let mut numbering = Numbering::new(Seq::new(1, 1), 1);
        let (a, b) = (topic("a"), topic("b"));
        for (topic, partition) in [(&a, 0), (&b, 0), (&a, 1), (&topic("a"), 0), (&a, 0)] {
            record(&mut numbering, "g:1", topic, partition);
        }
        numbering.close();
        let part = numbering.cut().remove(0);
        let counts: Vec<_> = part.counts.iter().map(|c| (&*c.topic, c.partition, c.count)).collect();
        assert_eq!(counts, [("a", 0, 3), ("b", 0, 1), ("a", 1, 1)]);
        assert_eq!(part.counts.iter().map(|c| c.count).sum::<u32>(), part.count);
    }

    #[test]
    fn a_split_transaction_is_a_run_of_parts() {
        let mut numbering = Numbering::new(Seq::new(1, 7), 1);
        let t = topic("t");
        let indexes: Vec<_> = (0..3).map(|_| record(&mut numbering, "g:1", &t, 0).index).collect();
        assert_eq!(indexes, [0, 1, 2]);
        let first = numbering.cut();
        assert_eq!((first[0].first, first[0].count, first[0].end), (0, 3, PartEnd::Open));
        assert!(numbering.cut().is_empty(), "nothing new: no part");
        assert_eq!(numbering.current(), Some((Seq::new(1, 7), 3)));
        assert_eq!(record(&mut numbering, "g:1", &t, 0).index, 3);
        numbering.close();
        let last = numbering.cut();
        assert_eq!((last[0].first, last[0].count, last[0].end), (3, 1, PartEnd::Closed));
    }

    #[test]
    fn a_split_transaction_that_ends_without_more_records_is_closed_by_an_empty_part() {
        let mut numbering = Numbering::new(Seq::new(1, 1), 1);
        record(&mut numbering, "g:1", &topic("t"), 0);
        numbering.cut();
        assert!(numbering.close());
        let part = numbering.cut().remove(0);
        assert_eq!((part.first, part.count, part.end), (1, 0, PartEnd::Closed));
        assert!(part.counts.is_empty());
    }

    #[test]
    fn a_resumed_transaction_has_parts_of_two_attempts() {
        let mut numbering = Numbering::new(Seq::new(1, 8), 4);
        numbering.resume(Seq::new(1, 7), 3, "g:1", 5);
        let next = record(&mut numbering, "g:1", &topic("t"), 0);
        assert_eq!((next.seq, next.index, next.attempt), (Seq::new(1, 7), 3, 4));
        numbering.close();
        let part = numbering.cut().remove(0);
        assert_eq!((part.attempt, part.first, part.count, part.end), (4, 3, 1, PartEnd::Closed));
        assert_eq!(numbering.next_seq(), Seq::new(1, 8));
    }

    #[test]
    fn a_void_seq_is_never_given_again() {
        let mut numbering = Numbering::new(Seq::new(1, 1), 1);
        let t = topic("t");
        record(&mut numbering, "g:1", &t, 0);
        record(&mut numbering, "g:1", &t, 0);
        assert!(numbering.void());
        assert_eq!(record(&mut numbering, "g:2", &t, 0).seq, Seq::new(1, 2));
        let parts = numbering.cut();
        assert_eq!((parts[0].end, parts[0].first, parts[0].count), (PartEnd::Void, 2, 0));
        assert!(parts[0].counts.is_empty(), "records of a void transaction are in no part");
        assert_eq!((parts[1].end, parts[1].count), (PartEnd::Open, 1));
    }

    #[test]
    fn an_unfinished_seq_of_an_earlier_attempt_is_voided() {
        let mut numbering = Numbering::new(Seq::new(1, 8), 4);
        numbering.void_unfinished(Seq::new(1, 7), 100, "g:1", 0);
        let part = numbering.cut().remove(0);
        assert_eq!((part.seq, part.first, part.count, part.end), (Seq::new(1, 7), 100, 0, PartEnd::Void));
        assert_eq!(numbering.current(), None);
    }

    #[test]
    fn ddl_takes_a_number_without_records() {
        let mut numbering = Numbering::new(Seq::new(1, 1), 1);
        numbering.ddl("g:1", 5, Ddl::shown("shop", "DROP TABLE t"));
        numbering.close();
        let part = numbering.cut().remove(0);
        assert_eq!((part.count, part.end), (0, PartEnd::Closed));
        let ddl = part.ddl.expect("carries the statement");
        assert_eq!((ddl.database.as_str(), ddl.statement.as_str()), ("shop", "DROP TABLE t"));
    }
}
