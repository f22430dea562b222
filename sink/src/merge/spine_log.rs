//! The log of transactions, as far as the spine has been read ahead of the merge.
//!
//! Rules (each is checked; what breaks one halts):
//! - A new transaction has the next number, or is the first of a generation that a `begin` announced.
//! - A part continues its transaction where the part before ended. A part of a greater attempt that begins
//!   at or before the known end cuts the list there: what was listed behind it came from an attempt that
//!   was given up (visible only in a copy that honours no Kafka transactions).
//! - A number that was already passed on may come again only with the same GTID and the same records.

use std::{collections::VecDeque, sync::Arc};

use strait_mysql::gtid::GtidSet;
use strait_schemas::{
    Ddl, GenerationBegin, PartEnd, PartitionCount, Seq, SnapshotStep, SpinePart, SpineRecord,
};

use super::history::{History, Summary};
use crate::error::{Error, Result};

/// A transaction of the log.
#[derive(Debug)]
pub struct Transaction {
    pub seq: Seq,
    pub gtid: Arc<str>,
    pub commit_us: i64,
    pub parts: Vec<Part>,
    pub state: PartEnd,
    pub ddl: Option<Ddl>,
    /// It is a step of a snapshot.
    pub snapshot: Option<Arc<SnapshotStep>>,
    /// Offset of the spine record with its first part.
    pub spine_offset: i64,
    /// Already at the target by a backup: its records are dropped.
    pub skipped: bool,
}

/// A run of a transaction's records, all of one attempt.
#[derive(Debug, PartialEq, Eq)]
pub struct Part {
    pub attempt: u32,
    pub first: u32,
    pub count: u32,
    pub counts: Vec<PartitionCount>,
}

impl Transaction {
    fn end(&self) -> u32 {
        self.parts.last().map_or(0, |part| part.first + part.count)
    }

    fn attempt(&self) -> Option<u32> {
        self.parts.last().map(|part| part.attempt)
    }

    fn summary(&self) -> Summary {
        if self.state == PartEnd::Void {
            return Summary::void();
        }
        let mut summary = Summary::default();
        for part in &self.parts {
            summary.add(&self.gtid, part.first, &part.counts);
        }
        summary
    }
}

#[derive(Debug)]
pub struct SpineLog {
    topic: String,
    transactions: VecDeque<Transaction>,
    /// Everything up to here is behind the merge.
    passed: Option<Seq>,
    /// A generation that was announced and has no transaction yet.
    begun: Option<u16>,
    /// GTIDs that the target has from a backup.
    skip: GtidSet,
    history: History,
    /// A number behind the merge that comes again, until its last part.
    again: Option<(Seq, Summary)>,
    /// Records of the front transaction have been passed on.
    front_started: bool,
    /// The front transaction was cut or voided since `take_front_cut` was asked.
    front_cut: bool,
    parts: usize,
    /// The source's log was read to its end as of this time.
    pub as_of_us: i64,
    /// Least offset not yet read.
    pub next_offset: i64,
}

impl SpineLog {
    pub fn new(topic: impl Into<String>, passed: Option<Seq>, skip: GtidSet) -> Self {
        Self {
            topic: topic.into(),
            transactions: VecDeque::new(),
            passed,
            begun: None,
            skip,
            history: History::default(),
            again: None,
            front_started: false,
            front_cut: false,
            parts: 0,
            as_of_us: 0,
            next_offset: 0,
        }
    }

    /// Whether the target has the transaction from a backup.
    pub fn skips(&self, gtid: &str) -> bool {
        !self.skip.is_empty() && gtid.parse().is_ok_and(|gtid| self.skip.contains(&gtid))
    }

    pub fn front(&self) -> Option<&Transaction> {
        self.transactions.front()
    }

    pub fn passed(&self) -> Option<Seq> {
        self.passed
    }

    /// How many parts are held: the measure of this log's memory.
    pub fn parts(&self) -> usize {
        self.parts
    }

    /// Whether the front transaction, if there is one, waits for its end.
    pub fn front_open(&self) -> bool {
        self.front().is_none_or(|front| front.state == PartEnd::Open)
    }

    /// From now on a second attempt at the front transaction comes too late for this session.
    pub fn start_front(&mut self) {
        self.front_started = true;
    }

    /// Whether what is known of the front transaction's parts holds no more.
    pub fn take_front_cut(&mut self) -> bool {
        std::mem::take(&mut self.front_cut)
    }

    /// The least offset of the spine from which a new session can go on once all before the front has been
    /// applied.
    pub fn resume_offset(&self) -> i64 {
        self.front().map_or(self.next_offset, |front| front.spine_offset)
    }

    /// Takes the front transaction off: it was passed on whole, or is void.
    pub fn pass_front(&mut self) -> Option<Transaction> {
        let front = self.transactions.pop_front()?;
        self.front_started = false;
        self.parts -= front.parts.len();
        self.passed = Some(front.seq);
        self.history.add(front.seq, front.summary());
        Some(front)
    }

    /// Reads one record of the spine.
    pub fn push(&mut self, offset: i64, record: SpineRecord) -> Result<()> {
        if offset < self.next_offset {
            return Ok(());
        }
        self.next_offset = offset + 1;
        if let Some(begin) = &record.begin {
            self.begin(offset, begin)?;
        }
        for part in record.parts {
            self.part(offset, part)?;
        }
        self.as_of_us = self.as_of_us.max(record.as_of_us);
        Ok(())
    }

    fn newest(&self) -> Option<Seq> {
        self.transactions.back().map(|transaction| transaction.seq).or(self.passed)
    }

    fn begin(&mut self, offset: i64, begin: &GenerationBegin) -> Result<()> {
        let generation = begin.generation;
        match self.newest() {
            Some(newest) if generation <= newest.generation() => return Ok(()),
            Some(_) if !begin.snapshot => {
                return Err(Error::GenerationWithoutSnapshot {
                    generation,
                    topic: self.topic.clone(),
                    offset,
                });
            }
            Some(_) => {
                for open in self.transactions.iter_mut().filter(|t| t.state == PartEnd::Open) {
                    open.state = PartEnd::Void;
                }
            }
            None => {}
        }
        self.begun = Some(generation);
        Ok(())
    }

    fn part(&mut self, offset: i64, part: SpinePart) -> Result<()> {
        if self.passed.is_some_and(|passed| part.seq <= passed) {
            return self.behind(offset, &part);
        }
        if self.newest().is_none_or(|newest| part.seq > newest) {
            return self.first_part(offset, part);
        }
        let Some(at) = self.transactions.iter().position(|transaction| transaction.seq == part.seq) else {
            return Err(self.conflict(
                part.seq,
                offset,
                "the number lies before the oldest one known".into(),
            ));
        };
        self.next_part(offset, at, part)
    }

    fn first_part(&mut self, offset: i64, part: SpinePart) -> Result<()> {
        let skipped = self.skips(&part.gtid);
        let begins = self.begun == Some(part.seq.generation()) && part.seq.number() <= 1;
        match self.newest() {
            Some(newest) if part.seq == newest.next() || begins => {}
            Some(newest) => return Err(self.gap(newest.to_string(), part.seq, offset)),
            // The first session of this sink: the log must begin here, or with what the backup holds.
            None if begins || skipped => {}
            None => {
                return Err(Error::SpineTruncated { oldest: part.seq, topic: self.topic.clone(), offset });
            }
        }
        if let Some(open) = self.transactions.back().filter(|back| back.state == PartEnd::Open) {
            let cause = format!("it begins before seq {} has ended (an XA transaction?)", open.seq);
            return Err(self.conflict(part.seq, offset, cause));
        }
        if part.first != 0 && part.end != PartEnd::Void {
            return Err(self.gap(format!("{} record 0", part.seq), part.seq, offset));
        }
        self.begun = None;
        let mut transaction = Transaction {
            seq: part.seq,
            gtid: part.gtid.as_str().into(),
            commit_us: part.commit_us,
            parts: Vec::with_capacity(1),
            state: PartEnd::Open,
            ddl: None,
            snapshot: None,
            spine_offset: offset,
            skipped,
        };
        append(&mut transaction, part);
        self.parts += transaction.parts.len();
        self.transactions.push_back(transaction);
        self.ensure_counted(offset, self.transactions.len() - 1)
    }

    /// A further part of a known transaction, or another attempt at it.
    fn next_part(&mut self, offset: i64, at: usize, part: SpinePart) -> Result<()> {
        let last = at + 1 == self.transactions.len();
        let transaction = &self.transactions[at];
        let (end, attempt) = (transaction.end(), transaction.attempt());
        let newer = attempt.is_none_or(|attempt| part.attempt > attempt);
        if part.end == PartEnd::Void && (newer || transaction.state == PartEnd::Open) {
            self.ensure_not_started(at, part.seq)?;
            self.cut_after(at);
            self.transactions[at].state = PartEnd::Void;
            return Ok(());
        }
        if newer {
            if part.first > end {
                return Err(self.gap(format!("{} record {end}", part.seq), part.seq, offset));
            }
            return self.cut_at(offset, at, part);
        }
        if transaction.state == PartEnd::Open && last && attempt == Some(part.attempt) && part.first == end {
            self.parts += usize::from(append(&mut self.transactions[at], part));
            return self.ensure_counted(offset, at);
        }
        // A copy of an entry that is known, or of an attempt that was given up, changes nothing.
        let known = transaction.parts.iter().any(|known| {
            known.attempt == part.attempt && known.first == part.first && known.count == part.count
        });
        if known || attempt.is_some_and(|attempt| part.attempt < attempt) {
            return Ok(());
        }
        let cause = format!("records {} to {} do not continue it", part.first, part.first + part.count);
        Err(self.conflict(part.seq, offset, cause))
    }

    /// A part of a greater attempt: what was listed from its begin on is given up.
    fn cut_at(&mut self, offset: i64, at: usize, part: SpinePart) -> Result<()> {
        self.ensure_not_started(at, part.seq)?;
        self.cut_after(at);
        let transaction = &mut self.transactions[at];
        while transaction.parts.last().is_some_and(|last| last.first >= part.first && last.count > 0) {
            transaction.parts.pop();
            self.parts -= 1;
        }
        if transaction.end() > part.first {
            let cause = format!("attempt {} begins inside a part of the one before", part.attempt);
            return Err(self.conflict(part.seq, offset, cause));
        }
        self.parts += usize::from(append(transaction, part));
        self.ensure_counted(offset, at)
    }

    /// Records of a started transaction may be on their way to the target under the old attempt.
    fn ensure_not_started(&mut self, at: usize, seq: Seq) -> Result<()> {
        if at == 0 && self.front_started {
            return Err(Error::Superseded { seq });
        }
        self.front_cut |= at == 0;
        Ok(())
    }

    /// Once a transaction is closed, its partitions must owe as many records as it has: else the merge would
    /// pass over some.
    fn ensure_counted(&self, offset: i64, at: usize) -> Result<()> {
        let transaction = &self.transactions[at];
        let wrong = |part: &&Part| {
            let listed: u64 = part.counts.iter().map(|count| u64::from(count.count)).sum();
            listed != u64::from(part.count)
        };
        match transaction.parts.iter().find(wrong) {
            Some(part) if transaction.state == PartEnd::Closed => {
                let cause = format!("its partitions do not add up to the {} records of a part", part.count);
                Err(self.conflict(transaction.seq, offset, cause))
            }
            _ => Ok(()),
        }
    }

    fn cut_after(&mut self, at: usize) {
        for cut in self.transactions.drain(at + 1..) {
            self.parts -= cut.parts.len();
        }
    }

    /// A number behind the merge: the first time after a start it is remembered, later it is compared.
    fn behind(&mut self, offset: i64, part: &SpinePart) -> Result<()> {
        let mut summary = match self.again.take() {
            Some((seq, summary)) if seq == part.seq && part.first > 0 => summary.before(part.first),
            _ => self.history.of(part.seq).map(|known| known.before(part.first)).unwrap_or_default(),
        };
        match part.end {
            PartEnd::Open => {
                summary.add(&part.gtid, part.first, &part.counts);
                self.again = Some((part.seq, summary));
                return Ok(());
            }
            PartEnd::Closed => summary.add(&part.gtid, part.first, &part.counts),
            // What it listed before counts no more.
            PartEnd::Void => summary = Summary::void(),
        }
        match self.history.of(part.seq) {
            Some(first) if first.agrees_with(&summary) => Ok(()),
            Some(_) => Err(self.conflict(
                part.seq,
                offset,
                format!("attempt {} lists other records of it than were applied", part.attempt),
            )),
            None => {
                self.history.add(part.seq, summary);
                Ok(())
            }
        }
    }

    fn gap(&self, after: String, found: Seq, offset: i64) -> Error {
        Error::SpineGap { after, found, topic: self.topic.clone(), offset }
    }

    fn conflict(&self, seq: Seq, offset: i64, cause: String) -> Error {
        Error::SpineConflict { seq, cause, topic: self.topic.clone(), offset }
    }
}

/// False: no part of its own. A part of very many partitions comes in pieces: those behind the first one hold no
/// records, only the rest of its counts.
fn append(transaction: &mut Transaction, part: SpinePart) -> bool {
    transaction.state = part.end;
    transaction.commit_us = part.commit_us;
    if part.ddl.is_some() {
        transaction.ddl = part.ddl;
    }
    if let Some(step) = part.snapshot {
        transaction.snapshot = Some(Arc::new(step));
    }
    if let Some(last) = transaction.parts.last_mut()
        && part.count == 0
        && !part.counts.is_empty()
        && last.attempt == part.attempt
    {
        last.counts.extend(part.counts);
        return false;
    }
    transaction.parts.push(Part {
        attempt: part.attempt,
        first: part.first,
        count: part.count,
        counts: part.counts,
    });
    true
}
