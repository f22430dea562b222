//! Walks one part of a transaction: from which of its partitions comes the record of the next index?
//!
//! A heap holds the index of the first record of each partition that still owes some; `owing` are the
//! partitions whose first record is not known. As each partition's records are in index order, the next
//! index is on top of the heap, or it has not arrived; and where no partition owes an unknown record and
//! the top is greater, or a partition that owes some begins with a record from behind the part, it never
//! will: it is lost.

use std::{cmp::Reverse, collections::BinaryHeap};

use strait_schemas::Seq;

use super::{PartitionId, Queues, Record, spine_log::Part};

#[derive(Debug)]
pub struct PartCursor {
    seq: Seq,
    attempt: u32,
    next: u32,
    end: u32,
    partitions: Vec<Owed>,
    heads: BinaryHeap<Reverse<(u32, usize)>>,
    /// Positions in `partitions`.
    owing: Vec<usize>,
}

#[derive(Debug)]
struct Owed {
    id: PartitionId,
    count: u32,
}

/// What a step along the part gives.
#[derive(Debug)]
pub enum Step {
    Record(PartitionId, Record),
    /// The next record is in one of the partitions that `owing` names, and has not arrived.
    Waiting,
    /// It is not in the log.
    Lost {
        partition: PartitionId,
        index: u32,
    },
    Done,
}

impl PartCursor {
    pub fn new(seq: Seq, part: &Part, partitions: impl Iterator<Item = (PartitionId, u32)>) -> Self {
        let partitions: Vec<Owed> =
            partitions.filter(|(_, count)| *count > 0).map(|(id, count)| Owed { id, count }).collect();
        Self {
            seq,
            attempt: part.attempt,
            next: part.first,
            end: part.first + part.count,
            heads: BinaryHeap::with_capacity(partitions.len()),
            owing: (0..partitions.len()).collect(),
            partitions,
        }
    }

    /// The index that comes next.
    pub fn next_index(&self) -> u32 {
        self.next
    }

    /// Partitions whose next record has not arrived.
    pub fn owing(&self) -> impl Iterator<Item = PartitionId> + '_ {
        self.owing.iter().map(|at| self.partitions[*at].id)
    }

    pub fn step(&mut self, queues: &mut Queues) -> Step {
        if self.next == self.end {
            return Step::Done;
        }
        if let Some(lost) = self.look(queues) {
            return lost;
        }
        match self.heads.peek() {
            Some(Reverse((index, at))) if *index == self.next => {
                let at = *at;
                self.heads.pop();
                match self.take(queues, at) {
                    Some(taken) => taken,
                    None => Step::Waiting,
                }
            }
            _ if !self.owing.is_empty() => Step::Waiting,
            Some(Reverse((_, at))) => Step::Lost { partition: self.partitions[*at].id, index: self.next },
            // The counts were checked: as long as records are owed, some partition owes them.
            None => Step::Done,
        }
    }

    /// `None`: the record was there, and had to give way to one that comes before it.
    fn take(&mut self, queues: &mut Queues, at: usize) -> Option<Step> {
        let owed = &mut self.partitions[at];
        let Some(record) = queues.pop(owed.id) else {
            self.owing.push(at);
            return None;
        };
        owed.count -= 1;
        self.next += 1;
        if owed.count > 0 {
            self.owing.push(at);
        }
        Some(Step::Record(self.partitions[at].id, record))
    }

    /// Learns the first records of the partitions that owe one.
    fn look(&mut self, queues: &mut Queues) -> Option<Step> {
        let mut at = 0;
        while at < self.owing.len() {
            let owing = self.owing[at];
            let id = self.partitions[owing].id;
            self.drop_stale(queues, id);
            match queues.front(id) {
                None => at += 1,
                Some(head) if self.holds(head) => {
                    self.heads.push(Reverse((head.place.index, owing)));
                    self.owing.swap_remove(at);
                }
                Some(_) => return Some(Step::Lost { partition: id, index: self.next }),
            }
        }
        None
    }

    fn holds(&self, record: &Record) -> bool {
        let place = &record.place;
        place.seq == self.seq && place.attempt == self.attempt && (self.next..self.end).contains(&place.index)
    }

    /// Drops what lies before this part: copies of records already taken, records of voided transactions
    /// and of attempts that were given up. In a partition all of an attempt comes before all of the next
    /// one, and within an attempt the log's order holds; so whatever is of a smaller attempt, or of the
    /// same and before the next index, will never be asked for again.
    fn drop_stale(&self, queues: &mut Queues, id: PartitionId) {
        while let Some(head) = queues.front(id) {
            let at = |seq: Seq, attempt, index| (seq.generation(), attempt, seq, index);
            let place = &head.place;
            if at(place.seq, place.attempt, place.index) >= at(self.seq, self.attempt, self.next) {
                break;
            }
            queues.pop(id);
        }
    }
}
