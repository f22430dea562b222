//! A data record as the merge holds it: its place in the log, and what the decoder needs later.

use bytes::Bytes;
use strait_schemas::RecordSeq;

/// Which half of a key change a record is (Debezium publishes one as a delete and a create).
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum KeyChange {
    #[default]
    No,
    /// The delete of the old key; the create of the new one follows.
    Leaves,
    /// The create of the new key.
    Arrives,
}

#[derive(Debug, Clone)]
pub struct Record {
    pub place: RecordSeq,
    pub offset: i64,
    /// `None`: a tombstone.
    pub value: Option<Bytes>,
    /// The header `strait.exact`.
    pub exact: Option<Bytes>,
    pub key_change: KeyChange,
}

/// What a queued record costs besides its bytes: the struct, the queue's slack, the allocator.
const OVERHEAD: usize = 160;

impl Record {
    pub fn cost(&self) -> usize {
        OVERHEAD + self.value.as_ref().map_or(0, Bytes::len) + self.exact.as_ref().map_or(0, Bytes::len)
    }
}
