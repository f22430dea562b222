//! What has arrived of one partition and waits for its turn in the log.
//!
//! A queue that may take no more is *parked*: from the first offset that was dropped on, everything is
//! dropped, until the consumer is made to begin again at exactly that offset. So a queue holds, at every
//! time, the records of its partition without a hole from the oldest one not yet taken.

use std::{collections::VecDeque, sync::Arc};

use strait_schemas::Seq;

use super::Record;

#[derive(Debug)]
pub struct PartitionQueue {
    pub topic: Arc<str>,
    pub partition: i32,
    records: VecDeque<Record>,
    bytes: usize,
    /// The least offset that a new record may have.
    next: i64,
    parked: Option<Parked>,
}

#[derive(Debug, Clone, Copy)]
struct Parked {
    /// The first dropped offset.
    from: i64,
    /// Bytes queued when it was parked.
    bytes: usize,
}

impl PartitionQueue {
    pub fn new(topic: Arc<str>, partition: i32) -> Self {
        Self { topic, partition, records: VecDeque::new(), bytes: 0, next: 0, parked: None }
    }

    pub fn is_empty(&self) -> bool {
        self.records.is_empty()
    }

    pub fn bytes(&self) -> usize {
        self.bytes
    }

    pub fn is_parked(&self) -> bool {
        self.parked.is_some()
    }

    /// Whether a record of this offset continues the queue.
    pub fn continues_at(&self, offset: i64) -> bool {
        self.parked.is_none() && offset >= self.next
    }

    pub fn push(&mut self, record: Record) {
        self.next = record.offset + 1;
        self.bytes += record.cost();
        self.records.push_back(record);
    }

    /// A record that is of no use was seen: it need not come again.
    pub fn pass(&mut self, offset: i64) {
        self.next = offset + 1;
    }

    pub fn front(&self) -> Option<&Record> {
        self.records.front()
    }

    pub fn pop(&mut self) -> Option<Record> {
        let record = self.records.pop_front()?;
        self.bytes -= record.cost();
        if self.records.is_empty() && self.records.capacity() > 1024 {
            self.records.shrink_to(64);
        }
        Some(record)
    }

    /// The transaction of the newest record: how far the queue runs ahead.
    pub fn newest(&self) -> Option<Seq> {
        self.records.back().map(|record| record.place.seq)
    }

    pub fn park(&mut self, from: i64) {
        self.parked = Some(Parked { from, bytes: self.bytes });
    }

    /// Drops the newer half (by bytes) of the queue and parks at its first record; gives the bytes freed.
    pub fn evict_half(&mut self) -> usize {
        let before = self.bytes;
        let mut from = self.parked.map_or(self.next, |parked| parked.from);
        while self.bytes > before / 2 {
            let Some(record) = self.records.pop_back() else { break };
            self.bytes -= record.cost();
            from = record.offset;
        }
        self.next = from;
        self.park(from);
        before - self.bytes
    }

    /// The offset to begin again at, where half of what was queued at the parking has been taken.
    pub fn rested(&self) -> Option<i64> {
        self.parked.filter(|parked| self.bytes <= parked.bytes / 2).map(|parked| parked.from)
    }

    /// Takes records again; gives the offset to begin at.
    pub fn unpark(&mut self) -> Option<i64> {
        self.parked.take().map(|parked| {
            self.next = parked.from;
            parked.from
        })
    }
}
