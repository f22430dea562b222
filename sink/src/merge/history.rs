//! What is behind the merge: the newest transactions that were passed on, so that a number which is given a
//! second time can be compared with what it meant the first time.

use std::collections::{BTreeMap, VecDeque};

use strait_schemas::{PartitionCount, Seq};

/// How many transactions are remembered. A number comes again only from a copy that honours no Kafka
/// transactions, and then within what one Kafka transaction held.
const KEPT: usize = 4096;

/// What two attempts at one transaction have in common: the GTID, the records in each partition, and whether
/// it was given up. How it was split is each attempt's own.
#[derive(Debug, Clone, Default)]
pub struct Summary {
    gtid: String,
    void: bool,
    /// Index of the first record of each part, and its counts.
    parts: Vec<(u32, Vec<PartitionCount>)>,
}

impl Summary {
    pub fn void() -> Self {
        Self { void: true, ..Self::default() }
    }

    pub fn add(&mut self, gtid: &str, first: u32, counts: &[PartitionCount]) {
        gtid.clone_into(&mut self.gtid);
        self.parts.push((first, counts.to_vec()));
    }

    /// The parts that begin before a record: what an attempt that goes on from there takes over.
    pub fn before(&self, first: u32) -> Self {
        let parts = self.parts.iter().filter(|part| part.0 < first).cloned().collect();
        Self { gtid: self.gtid.clone(), void: false, parts }
    }

    pub fn agrees_with(&self, other: &Self) -> bool {
        self.void == other.void && self.gtid == other.gtid && self.totals() == other.totals()
    }

    fn totals(&self) -> BTreeMap<(&str, i32), u64> {
        let mut totals = BTreeMap::new();
        for count in self.parts.iter().flat_map(|part| &part.1) {
            *totals.entry((&*count.topic, count.partition)).or_default() += u64::from(count.count);
        }
        totals
    }
}

#[derive(Debug, Default)]
pub struct History {
    passed: VecDeque<(Seq, Summary)>,
}

impl History {
    /// Numbers come in order; one older than the newest is not remembered.
    pub fn add(&mut self, seq: Seq, summary: Summary) {
        if self.passed.back().is_some_and(|(newest, _)| *newest >= seq) {
            return;
        }
        if self.passed.len() == KEPT {
            self.passed.pop_front();
        }
        self.passed.push_back((seq, summary));
    }

    pub fn of(&self, seq: Seq) -> Option<&Summary> {
        // Numbers are added in order.
        let at = self.passed.partition_point(|(passed, _)| *passed < seq);
        self.passed.get(at).filter(|(passed, _)| *passed == seq).map(|(_, summary)| summary)
    }
}
