//! The source transaction under way: what it is, how much of it has been read, and what becomes of its rows.

use crc32fast::Hasher;
use strait_mysql::binlog::TransactionHead;
use strait_schemas::{Fingerprint, Inside, Signal};

use crate::{held::HeldRows, progress::transaction_id};

pub struct Current {
    pub head: TransactionHead,
    /// How the log names it.
    pub id: String,
    pub fate: Fate,
    /// The site whose change this is, where our own sink says so.
    pub origin: Option<String>,
    /// A rows event has been seen.
    pub any_rows: bool,
    /// The statement that creates the table of its rows has been published.
    pub creates: bool,
    /// Rows of the signal table.
    pub signals: Vec<Signal>,
    /// Of an XA transaction: its rows, until it is known what becomes of it.
    pub held: Option<HeldRows>,
    /// An XA transaction, or the commit of one: an engine may have it a moment after the log.
    pub is_xa: bool,
    read: Read,
}

/// What becomes of a transaction's rows.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Fate {
    /// No rows yet: the first ones decide.
    Undecided,
    Published,
    /// Our own sink wrote it.
    Looped,
    /// The last one that was read before the start; read again to compare, not to publish.
    Compared(Fingerprint),
    /// Published in part by an earlier attempt: rows are passed over up to that point.
    Resumed(Inside),
}

/// Bytes read, and their checksum.
#[derive(Default)]
struct Read {
    bytes: u64,
    crc: Hasher,
}

/// Where a transaction that is to be resumed stands.
#[derive(Debug, PartialEq, Eq)]
pub enum Resumption {
    /// These bytes were published already.
    NotYet,
    /// Exactly up to here it was published, and it is the same transaction.
    Reached,
    /// These are other bytes than those that were published.
    Differs,
}

impl Current {
    pub fn new(head: TransactionHead, fate: Fate) -> Self {
        let id = transaction_id(&head);
        Self {
            head,
            id,
            fate,
            origin: None,
            any_rows: false,
            creates: false,
            signals: Vec::new(),
            held: None,
            is_xa: false,
            read: Read::default(),
        }
    }

    /// A table is published, and none of its rows: to end a Kafka transaction here, a restart would have nothing of the transaction
    /// by which to find the place again.
    pub fn is_bare_table(&self) -> bool {
        self.creates && !self.any_rows
    }

    /// Its rows come again, or are another transaction's.
    pub fn count_anew(&mut self) {
        self.read = Read::default();
    }

    /// Counts row images (or a statement), whatever becomes of them.
    pub fn count(&mut self, bytes: &[u8]) {
        self.read.bytes += bytes.len() as u64;
        self.read.crc.update(bytes);
    }

    pub fn row_bytes(&self) -> u64 {
        self.read.bytes
    }

    pub fn crc(&self) -> u32 {
        self.read.crc.clone().finalize()
    }

    /// The original commit time is the same on every server that has the transaction.
    pub fn fingerprint(&self) -> Fingerprint {
        Fingerprint {
            gtid: self.id.clone(),
            row_bytes: self.row_bytes(),
            crc: self.crc(),
            commit_us: self.head.original_commit_us,
        }
    }

    /// After bytes were counted: whether the point of an earlier attempt is reached.
    pub fn resumption(&self, inside: &Inside) -> Resumption {
        match self.row_bytes().cmp(&inside.row_bytes) {
            std::cmp::Ordering::Less => Resumption::NotYet,
            std::cmp::Ordering::Equal if self.crc() == inside.crc => Resumption::Reached,
            std::cmp::Ordering::Equal | std::cmp::Ordering::Greater => Resumption::Differs,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use strait_schemas::Seq;

    fn current() -> Current {
        let head = TransactionHead {
            gtid: None,
            commit_us: 2,
            original_commit_us: 1,
            server_id: 1,
            thread: None,
            file: "binlog.000001".into(),
            pos: 4,
            transaction_length: None,
        };
        Current::new(head, Fate::Undecided)
    }

    fn inside(of: &[u8]) -> Inside {
        Inside {
            gtid: "file=binlog.000001,pos=4".into(),
            seq: Seq::new(1, 1),
            next_index: 3,
            row_bytes: of.len() as u64,
            crc: crc32fast::hash(of),
        }
    }

    #[test]
    fn the_point_of_resumption_is_bytes_and_checksum() {
        let point = inside(b"abcd");
        let mut same = current();
        same.count(b"ab");
        assert_eq!(same.resumption(&point), Resumption::NotYet);
        same.count(b"cd");
        assert_eq!(same.resumption(&point), Resumption::Reached);

        let mut other = current();
        other.count(b"abcx");
        assert_eq!(other.resumption(&point), Resumption::Differs, "other bytes");
        let mut beyond = current();
        beyond.count(b"abcde");
        assert_eq!(beyond.resumption(&point), Resumption::Differs, "grouped otherwise");
    }

    #[test]
    fn the_fingerprint_is_of_all_that_was_read() {
        let mut one = current();
        one.count(b"ab");
        one.count(b"cd");
        let mut whole = current();
        whole.count(b"abcd");
        assert_eq!(one.fingerprint(), whole.fingerprint());
        assert_eq!(one.fingerprint().commit_us, 1);
    }
}
