//! Puts the transactions of the log together again from many partitions, in bounded memory. Pure: no I/O.
//!
//! In: spine records, and data records of each partition in the partition's order. Out: the records of the
//! oldest transaction in index order, then its end; or what is being waited for; or that a record is lost.
//! A transaction is passed on only once it is closed in the spine.
//!
//! **Memory.** Queues may hold `budget` bytes. As long as the merge can go on from what is queued, the
//! consumer simply is not asked for more (`is_hungry`). Where it waits for a record that has not arrived,
//! while the budget is used up by records of later transactions, these must give way: the queue that runs
//! furthest ahead is cut in half and parked, or, if the arriving record itself lies furthest ahead, its
//! queue is parked. A record that is waited for is always taken: so the queues may exceed the budget by one
//! record of each partition of the front's part. (While the merge can go on, what one poll of the consumer
//! brings is taken whole.)
//!
//! **No deadlock.** The merge waits only for (a) the spine, whose log may always grow while its front is
//! open or absent, or (b) records of the partitions that the front's part names. Those are never left
//! parked: `unpark` gives them whenever the merge waits for them, and they are always taken. So whatever
//! the merge waits for is being fetched; and every other state lets it go on.
//!
//! **No hole.** A queue drops only its own tail, and asks for exactly the first dropped offset again. If a
//! record were missed all the same, the spine's count for its partition would not come out: `Lost`.

mod history;
mod part_cursor;
mod partition_queue;
mod record;
mod spine_log;
#[cfg(test)]
mod tests;

use std::{
    collections::{BTreeMap, HashMap},
    sync::Arc,
};

use strait_mysql::gtid::GtidSet;
use strait_schemas::{Ddl, PartEnd, Seq, SnapshotStep, SpineRecord};

use part_cursor::{PartCursor, Step};
pub use partition_queue::PartitionQueue;
pub use record::{KeyChange, Record};
use spine_log::{SpineLog, Transaction};

use crate::error::{Error, Result};

/// A partition that the spine has named; small, never reused.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct PartitionId(pub usize);

/// Rough memory of one part of the spine's log.
const PART_COST: usize = 320;

/// What comes next in the log.
#[derive(Debug)]
pub enum Next {
    Record(Taken),
    End(Box<End>),
    Waiting(Waiting),
    /// A record cannot come any more, as far as what was read tells. The caller makes sure that the spine
    /// was read far enough (an entry that voids the transaction may still come), then halts.
    Lost(Lost),
}

/// A record of the front transaction.
#[derive(Debug)]
pub struct Taken {
    pub partition: PartitionId,
    pub topic: Arc<str>,
    /// The partition's number in its topic.
    pub number: i32,
    /// The transaction's.
    pub gtid: Arc<str>,
    pub record: Record,
}

/// All records of a transaction were given.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct End {
    pub seq: Seq,
    pub attempt: u32,
    pub gtid: Arc<str>,
    pub commit_us: i64,
    pub ddl: Option<Ddl>,
    pub snapshot: Option<Arc<SnapshotStep>>,
    /// Records, tombstones included; 0 for a transaction that is void or skipped.
    pub records: u64,
    pub skipped: bool,
    /// Where a later session may begin reading the spine, once this transaction is applied.
    pub spine_offset: i64,
}

#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Waiting {
    /// Everything that the spine lists has been passed on.
    Idle,
    /// The front transaction is not closed yet.
    Close { seq: Seq },
    /// A record has not arrived.
    Record { seq: Seq, index: u32, topic: Arc<str>, partition: i32 },
}

#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Lost {
    pub seq: Seq,
    pub index: u32,
    pub topic: Arc<str>,
    pub partition: i32,
    /// What the partition holds instead.
    pub found: String,
    pub offset: i64,
}

type Ids = HashMap<Arc<str>, BTreeMap<i32, PartitionId>>;

/// All partition queues.
#[derive(Debug, Default)]
pub struct Queues {
    list: Vec<PartitionQueue>,
    bytes: usize,
    /// Whether any of them may be parked.
    parked: bool,
}

impl Queues {
    fn front(&self, id: PartitionId) -> Option<&Record> {
        self.list[id.0].front()
    }

    fn pop(&mut self, id: PartitionId) -> Option<Record> {
        let record = self.list[id.0].pop()?;
        self.bytes -= record.cost();
        Some(record)
    }
}

#[derive(Debug)]
pub struct Merge {
    spine: SpineLog,
    queues: Queues,
    ids: Ids,
    /// Named by the spine, not yet given to the consumer.
    unassigned: Vec<PartitionId>,
    cursor: Option<(usize, PartCursor)>,
    /// Set while the last `next` gave `Waiting`.
    waiting: Option<Waiting>,
    /// Something arrived that may end the waiting.
    news: bool,
    spine_parked: bool,
    budget: usize,
}

impl Merge {
    /// `passed`: everything up to there is at the target. `skip`: transactions that are there by a backup.
    pub fn new(spine_topic: &str, passed: Option<Seq>, skip: GtidSet, budget: usize) -> Self {
        Self {
            spine: SpineLog::new(spine_topic, passed, skip),
            queues: Queues::default(),
            ids: HashMap::new(),
            unassigned: Vec::new(),
            cursor: None,
            waiting: Some(Waiting::Idle),
            news: true,
            spine_parked: false,
            budget,
        }
    }

    pub fn queue(&self, id: PartitionId) -> &PartitionQueue {
        &self.queues.list[id.0]
    }

    pub fn id(&self, topic: &str, partition: i32) -> Option<PartitionId> {
        self.ids.get(topic)?.get(&partition).copied()
    }

    pub fn bytes(&self) -> usize {
        self.queues.bytes + self.spine.parts() * PART_COST
    }

    pub fn parked(&self) -> usize {
        if !self.queues.parked {
            return usize::from(self.spine_parked);
        }
        self.queues.list.iter().filter(|queue| queue.is_parked()).count() + usize::from(self.spine_parked)
    }

    /// The source's log was read to its end as of this time, in microseconds since 1970.
    pub fn as_of_us(&self) -> i64 {
        self.spine.as_of_us
    }

    /// The oldest transaction that was not passed on: its commit time.
    pub fn front_commit_us(&self) -> Option<i64> {
        self.spine.front().map(|front| front.commit_us)
    }

    /// The step of a snapshot that the oldest transaction is.
    pub fn front_step(&self) -> Option<Arc<SnapshotStep>> {
        self.spine.front()?.snapshot.clone()
    }

    /// The schema change that the oldest transaction is, or begins with.
    pub fn front_ddl(&self) -> Option<&Ddl> {
        self.spine.front().and_then(|front| front.ddl.as_ref())
    }

    /// Where a later session may begin reading the spine while the oldest transaction is not applied.
    pub fn front_spine_offset(&self) -> i64 {
        self.spine.resume_offset()
    }

    pub fn waiting(&self) -> Option<&Waiting> {
        self.waiting.as_ref()
    }

    /// Whether something has arrived since `next` said that it waits; asking ends it.
    pub fn take_news(&mut self) -> bool {
        std::mem::take(&mut self.news)
    }

    /// Whether the consumer should be asked for more.
    pub fn is_hungry(&self) -> bool {
        self.waiting.is_some() || self.bytes() < self.budget
    }

    /// Partitions to assign for the first time.
    pub fn unassigned(&mut self) -> Vec<PartitionId> {
        std::mem::take(&mut self.unassigned)
    }

    /// Makes a partition known before the spine names it.
    pub fn name(&mut self, topic: &Arc<str>, partition: i32) -> PartitionId {
        if let Some(id) = self.id(topic, partition) {
            return id;
        }
        let id = PartitionId(self.queues.list.len());
        self.queues.list.push(PartitionQueue::new(topic.clone(), partition));
        self.ids.entry(topic.clone()).or_default().insert(partition, id);
        self.unassigned.push(id);
        id
    }

    /// A record of the spine arrived. False: it was dropped, the spine is parked.
    pub fn spine(&mut self, offset: i64, record: SpineRecord) -> Result<bool> {
        if self.spine_parked {
            return Ok(false);
        }
        if self.spine.parts() * PART_COST > self.budget / 4 && !self.spine.front_open() {
            self.spine_parked = true;
            return Ok(false);
        }
        let named: Vec<_> = record
            .parts
            .iter()
            .filter(|part| self.spine.passed().is_none_or(|passed| part.seq > passed))
            // What a backup holds may be gone from its topics, or they themselves.
            .filter(|part| !self.spine.skips(&part.gtid))
            .flat_map(|part| part.counts.iter().map(|count| (count.topic.clone(), count.partition)))
            .collect();
        self.spine.push(offset, record)?;
        if self.spine.take_front_cut() {
            self.cursor = None;
            self.news = true;
        }
        for (topic, partition) in named {
            self.name(&topic, partition);
        }
        self.news |= !matches!(self.waiting, Some(Waiting::Record { .. }));
        Ok(true)
    }

    /// Where to read the spine on, if it was parked and there is room again.
    pub fn unpark_spine(&mut self) -> Option<i64> {
        let room = self.spine.parts() * PART_COST <= self.budget / 8 || self.spine.front_open();
        (self.spine_parked && room).then(|| {
            self.spine_parked = false;
            self.spine.next_offset
        })
    }

    /// A data record arrived.
    pub fn offer(&mut self, id: PartitionId, record: Record) {
        if !self.queues.list[id.0].continues_at(record.offset) {
            return;
        }
        if self.spine.passed().is_some_and(|passed| record.place.seq <= passed) {
            self.queues.list[id.0].pass(record.offset);
            return;
        }
        let wanted = self.is_owing(id);
        let starved = self.waiting.is_some() && self.bytes() + record.cost() > self.budget;
        if starved && !(wanted && self.queues.list[id.0].is_empty()) && !self.make_room(id, &record, wanted) {
            self.queues.list[id.0].park(record.offset);
            self.queues.parked = true;
            return;
        }
        self.news |= wanted;
        self.queues.bytes += record.cost();
        self.queues.list[id.0].push(record);
    }

    fn is_owing(&self, id: PartitionId) -> bool {
        self.cursor.as_ref().is_some_and(|(_, cursor)| cursor.owing().any(|owing| owing == id))
    }

    /// Frees memory for a record by cutting the queue that runs furthest ahead; false: that is the record's
    /// own queue.
    fn make_room(&mut self, id: PartitionId, record: &Record, wanted: bool) -> bool {
        let furthest = self
            .queues
            .list
            .iter()
            .enumerate()
            .filter(|(at, queue)| *at != id.0 && queue.bytes() > 0)
            .max_by_key(|(_, queue)| queue.newest())
            .map(|(at, queue)| (at, queue.newest()));
        match furthest {
            Some((at, newest)) if wanted || newest > Some(record.place.seq) => {
                self.queues.bytes -= self.queues.list[at].evict_half();
                self.queues.parked = true;
                true
            }
            _ => false,
        }
    }

    /// Parked partitions that should be read again, each from its offset.
    pub fn unpark(&mut self) -> Vec<(PartitionId, i64)> {
        if !self.queues.parked {
            return Vec::new();
        }
        let roomy = self.bytes() < self.budget / 4 * 3;
        let mut unparked = Vec::new();
        for at in 0..self.queues.list.len() {
            let id = PartitionId(at);
            if !self.queues.list[at].is_parked() {
                continue;
            }
            let wanted = self.waiting.is_some() && self.is_owing(id);
            if (wanted || (roomy && self.queues.list[at].rested().is_some()))
                && let Some(from) = self.queues.list[at].unpark()
            {
                unparked.push((id, from));
            }
        }
        self.queues.parked = self.queues.list.iter().any(PartitionQueue::is_parked);
        unparked
    }

    /// The next piece of the log.
    #[allow(clippy::should_implement_trait, reason = "an iterator ends; this one waits")]
    pub fn next(&mut self) -> Result<Next> {
        loop {
            let Some(front) = self.spine.front() else {
                return Ok(self.wait(Waiting::Idle));
            };
            let seq = front.seq;
            match front.state {
                PartEnd::Open => return Ok(self.wait(Waiting::Close { seq })),
                PartEnd::Void => return Ok(Next::End(Box::new(self.end()?))),
                PartEnd::Closed if front.skipped => return Ok(Next::End(Box::new(self.end()?))),
                PartEnd::Closed => {}
            }
            let gtid = front.gtid.clone();
            if self.cursor.is_none() && !self.open_part(0) {
                return Ok(Next::End(Box::new(self.end()?)));
            }
            let Some((part, cursor)) = &mut self.cursor else {
                return Err(Error::Task { cause: "the merge lost its cursor".into() });
            };
            match cursor.step(&mut self.queues) {
                Step::Record(partition, record) => {
                    self.spine.start_front();
                    self.waiting = None;
                    let queue = &self.queues.list[partition.0];
                    let (topic, number) = (queue.topic.clone(), queue.partition);
                    return Ok(Next::Record(Taken { partition, topic, number, gtid, record }));
                }
                Step::Done => {
                    let next = *part + 1;
                    if !self.open_part(next) {
                        return Ok(Next::End(Box::new(self.end()?)));
                    }
                }
                Step::Waiting => return Ok(self.wait_for_record(seq)),
                Step::Lost { partition, index } => return Ok(self.lost(seq, partition, index)),
            }
        }
    }

    /// Opens a part of the front transaction; false: it has no such part.
    fn open_part(&mut self, at: usize) -> bool {
        self.cursor = None;
        let Some(front) = self.spine.front() else { return false };
        let Some(part) = front.parts.get(at) else { return false };
        let ids = &self.ids;
        let partitions = part.counts.iter().map(|count| {
            let id = ids.get(&count.topic).and_then(|ids| ids.get(&count.partition));
            (*id.expect("every partition of the spine's log was named when it was read"), count.count)
        });
        self.cursor = Some((at, PartCursor::new(front.seq, part, partitions)));
        true
    }

    fn end(&mut self) -> Result<End> {
        self.cursor = None;
        self.waiting = None;
        let Some(front) = self.spine.pass_front() else {
            return Err(Error::Task { cause: "the merge lost its front transaction".into() });
        };
        let void = front.state == PartEnd::Void;
        if front.skipped {
            self.discard(&front);
        }
        Ok(End {
            seq: front.seq,
            attempt: front.parts.last().map_or(0, |part| part.attempt),
            gtid: front.gtid,
            commit_us: front.commit_us,
            ddl: front.ddl.filter(|_| !void),
            snapshot: front.snapshot.filter(|_| !void && !front.skipped),
            records: if void || front.skipped {
                0
            } else {
                front.parts.iter().map(|part| u64::from(part.count)).sum()
            },
            skipped: front.skipped,
            spine_offset: self.spine.resume_offset(),
        })
    }

    /// What has arrived of a transaction that is not asked for; what is still to come, `offer` discards.
    fn discard(&mut self, transaction: &Transaction) {
        for count in transaction.parts.iter().flat_map(|part| &part.counts) {
            let Some(id) = self.id(&count.topic, count.partition) else { continue };
            while self.queues.front(id).is_some_and(|head| head.place.seq <= transaction.seq) {
                self.queues.pop(id);
            }
        }
    }

    fn wait(&mut self, waiting: Waiting) -> Next {
        self.waiting = Some(waiting.clone());
        Next::Waiting(waiting)
    }

    fn wait_for_record(&mut self, seq: Seq) -> Next {
        let Some((_, cursor)) = &self.cursor else { return self.wait(Waiting::Idle) };
        let Some(owing) = cursor.owing().next() else { return self.wait(Waiting::Idle) };
        let (index, queue) = (cursor.next_index(), &self.queues.list[owing.0]);
        let waiting = Waiting::Record { seq, index, topic: queue.topic.clone(), partition: queue.partition };
        self.wait(waiting)
    }

    fn lost(&mut self, seq: Seq, partition: PartitionId, index: u32) -> Next {
        // More of the spine may still explain it: the consumer must go on.
        self.waiting = Some(Waiting::Close { seq });
        let queue = &self.queues.list[partition.0];
        let head = queue.front();
        Next::Lost(Lost {
            seq,
            index,
            topic: queue.topic.clone(),
            partition: queue.partition,
            found: head.map_or_else(
                || "nothing".into(),
                |head| {
                    format!("{} record {} (attempt {})", head.place.seq, head.place.index, head.place.attempt)
                },
            ),
            offset: head.map_or(-1, |head| head.offset),
        })
    }
}

impl From<Lost> for Error {
    fn from(lost: Lost) -> Self {
        let Lost { seq, index, topic, partition, found, offset } = lost;
        Self::RecordGap { seq, index, found, topic: topic.to_string(), partition, offset }
    }
}
