//! Changes that belong together, with what their messages and metrics need.

use std::sync::Arc;

use strait_schemas::Seq;

use crate::{
    apply::Stamp,
    merge::{End, PartitionId},
    plan::{Change, Places},
};

#[derive(Debug, Default)]
pub struct Gathered {
    pub changes: Vec<Change>,
    pub bytes: usize,
    pub places: Places,
    pub stamps: Vec<Stamp>,
    pub first: Option<Seq>,
    pub last: Option<Seq>,
    /// Of `last`.
    pub attempt: u32,
    pub spine_offset: i64,
}

impl Gathered {
    pub fn push(&mut self, change: Change) {
        self.bytes += change.bytes();
        self.changes.push(change);
    }

    /// Makes a partition known that changes come from.
    pub fn name(&mut self, id: PartitionId, topic: &Arc<str>, number: i32) {
        let topics = &mut self.places.topics;
        // The same partition as the change before, mostly.
        if !topics.iter().rev().any(|(known, ..)| *known == id) {
            topics.push((id, topic.clone(), number));
        }
    }

    /// Makes the transaction known that changes come from. All changes gathered with it are its own.
    pub fn name_transaction(&mut self, seq: Seq, gtid: &Arc<str>) {
        if self.places.transactions.is_empty() {
            self.places.transactions.push((seq, gtid.clone()));
        }
    }

    /// Adds what was gathered of one transaction.
    pub fn append(&mut self, mut other: Self) {
        let transaction = self.places.transactions.len() as u32;
        for change in &mut other.changes {
            change.at.transaction = transaction;
        }
        self.bytes += other.bytes;
        self.changes.append(&mut other.changes);
        self.places.transactions.append(&mut other.places.transactions);
        for (id, topic, number) in other.places.topics {
            self.name(id, &topic, number);
        }
    }

    /// Its newest transaction has ended.
    pub fn close(&mut self, end: &End, stamp: Stamp) {
        self.first = self.first.or(Some(end.seq));
        self.last = Some(end.seq);
        self.attempt = end.attempt;
        self.spine_offset = end.spine_offset;
        self.stamps.push(stamp);
    }
}
