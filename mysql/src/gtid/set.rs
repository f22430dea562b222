//! A set of GTIDs: for each (uuid, tag) a sorted list of disjoint, not adjacent intervals.

use std::collections::BTreeMap;

use super::{Gtid, ParseError, Tag, Uuid};

/// A set of GTIDs. `FromStr` reads every form the server prints (spaces, newlines, any order, overlaps,
/// several tags after one uuid); `Display` gives the server's canonical form on one line.
#[derive(Clone, PartialEq, Eq, Default)]
pub struct GtidSet {
    sources: BTreeMap<(Uuid, Option<Tag>), Vec<Interval>>,
}

/// First and last number, both within the interval.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
struct Interval {
    first: u64,
    last: u64,
}

impl GtidSet {
    pub fn new() -> Self {
        Self::default()
    }
    pub fn is_empty(&self) -> bool {
        self.sources.is_empty()
    }
    /// How many GTIDs are in the set.
    pub fn count(&self) -> u64 {
        todo!()
    }
    pub fn contains(&self, _gtid: &Gtid) -> bool {
        todo!()
    }
    /// Whether every GTID of `other` is in this set.
    pub fn contains_set(&self, _other: &GtidSet) -> bool {
        todo!()
    }
    /// Adds one; false if it was there already.
    pub fn add(&mut self, _gtid: &Gtid) -> bool {
        todo!()
    }
    /// Removes one; false if it was not there.
    pub fn remove(&mut self, _gtid: &Gtid) -> bool {
        todo!()
    }
    pub fn union(&mut self, _other: &GtidSet) {
        todo!()
    }
    pub fn subtract(&mut self, _other: &GtidSet) {
        todo!()
    }
    pub fn intersects(&self, _other: &GtidSet) -> bool {
        todo!()
    }
    /// The uuids with at least one GTID here.
    pub fn uuids(&self) -> impl Iterator<Item = Uuid> + '_ {
        self.sources.keys().map(|(uuid, _)| *uuid)
    }
    /// Only the GTIDs of one source.
    pub fn of(&self, _uuid: Uuid) -> GtidSet {
        todo!()
    }
    /// As the dump command wants it.
    pub fn to_sids(&self) -> Vec<mysql_async::Sid<'static>> {
        todo!()
    }
    /// Decodes the binary form of PREVIOUS_GTIDS events.
    pub fn from_binary(_bytes: &[u8]) -> Result<Self, crate::binlog::Error> {
        todo!()
    }
}

impl std::fmt::Debug for GtidSet {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        std::fmt::Display::fmt(self, f)
    }
}
impl std::fmt::Display for GtidSet {
    fn fmt(&self, _f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        todo!()
    }
}
impl std::str::FromStr for GtidSet {
    type Err = ParseError;
    fn from_str(_text: &str) -> Result<Self, ParseError> {
        todo!()
    }
}
