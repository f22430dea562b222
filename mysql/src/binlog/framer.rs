//! Where transactions begin and end: a state machine over events.

use std::sync::Arc;

use super::{FormatDescription, QueryEvent, RawEvent, Result, RowsEvent, TableMap};
use crate::gtid::{Gtid, GtidSet};

/// What is known of a transaction when its first statement begins.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct TransactionHead {
    /// None with GTIDs off.
    pub gtid: Option<Gtid>,
    /// Commit time on the server that we read from, us; the header's seconds where the server does not say.
    pub commit_us: i64,
    /// Commit time on the server where the transaction began.
    pub original_commit_us: i64,
    pub server_id: u32,
    /// Connection id of the session that ran it, from its first QUERY event.
    pub thread: Option<u32>,
    pub file: Arc<str>,
    /// Where its GTID event begins.
    pub pos: u64,
    /// Bytes of the whole transaction in the binlog.
    pub transaction_length: Option<u64>,
}

#[derive(Debug, Clone, PartialEq, Eq)]
pub struct TransactionEnd {
    pub file: Arc<str>,
    /// After the transaction's last event.
    pub pos: u64,
}

/// Identifier of an XA transaction.
#[derive(Debug, Clone, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct Xid {
    pub format_id: i64,
    pub global: Vec<u8>,
    pub branch: Vec<u8>,
}

#[derive(Debug)]
pub enum Step<'a> {
    /// Nothing that a reader needs to act on.
    Nothing,
    /// A transaction begins: rows follow. `xa` is set when it began with XA START.
    Begin {
        head: TransactionHead,
        xa: Option<Xid>,
    },
    /// The original statement of the rows that follow (`binlog_rows_query_log_events`).
    RowsQuery(&'a [u8]),
    /// Rows. `pos` is where the event begins (of the whole transaction if it was compressed).
    Rows {
        table: Arc<TableMap>,
        rows: RowsEvent<'a>,
        pos: u64,
    },
    /// A statement that is a transaction of its own, begun and ended here.
    Ddl {
        head: TransactionHead,
        query: QueryEvent<'a>,
        end: TransactionEnd,
    },
    /// Inside a transaction: CREATE TABLE ... SELECT. Its rows follow under the same GTID.
    CreateSelect(QueryEvent<'a>),
    /// A change in STATEMENT form, which cannot be replicated by rows: the reader halts. Inside or outside a
    /// transaction.
    Statement {
        event: super::EventType,
        statement: String,
    },
    Commit(TransactionEnd),
    /// The transaction ends, and its rows of transactional tables count for nothing.
    Rollback(TransactionEnd),
    /// The transaction's GTID ends here, but its rows wait for XaCommit or XaRollback of the same xid; with
    /// `one_phase` they are committed.
    XaPrepare {
        xid: Xid,
        one_phase: bool,
        end: TransactionEnd,
    },
    /// A transaction of its own: rows prepared earlier are committed.
    XaCommit {
        head: TransactionHead,
        xid: Xid,
        end: TransactionEnd,
    },
    XaRollback {
        head: TransactionHead,
        xid: Xid,
        end: TransactionEnd,
    },
    FormatDescription(FormatDescription),
    PreviousGtids(GtidSet),
    /// The server has nothing more to send: it is at this position.
    Heartbeat {
        file: Arc<str>,
        pos: u64,
    },
    /// The next event comes from this file.
    Rotate {
        file: Arc<str>,
        pos: u64,
    },
}

pub struct Framer {
    file: Arc<str>,
    pos: u64,
}

impl Framer {
    /// `file` and `pos` as known at the start; empty and 0 if streaming starts by GTID (the server tells).
    pub fn new(file: &str, pos: u64) -> Self {
        Self { file: file.into(), pos }
    }

    /// Takes the next event, which must have gone through [`expand`](super::expand).
    pub fn step<'a>(&mut self, _event: &'a RawEvent) -> Result<Step<'a>> {
        todo!()
    }

    pub fn in_transaction(&self) -> bool {
        todo!()
    }
    /// The head of the transaction under way.
    pub fn head(&self) -> Option<&TransactionHead> {
        todo!()
    }
    pub fn file(&self) -> &Arc<str> {
        &self.file
    }
    /// After the last event taken.
    pub fn pos(&self) -> u64 {
        self.pos
    }
}
