//! What the lanes are given to do. Declared here, by the consumer: `sql` implements `Work` with folded SQL, `row_events` with
//! events beside it; the lanes' own tests do with literal statements.

use std::{fmt, sync::Arc};

use strait_schemas::Seq;

use crate::{
    error::{Place, Result},
    plan::Token,
    table_map::Target,
};

/// In which form a batch is written.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Form {
    /// As `Folded`, and rows of `Work::event_tables` as events.
    Events,
    /// Rows of one key folded, many rows a statement.
    Folded,
    /// Every change by itself, in the source's order: for what failed once, at its turn, where each error
    /// is evidence.
    Original,
}

/// How many rows a statement must match (sessions count matched rows: CLIENT_FOUND_ROWS).
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Expect {
    /// Not known, or not a fault.
    Any,
    /// This many; fewer means that a row is missing at the target.
    Rows(u64),
}

/// How it is known that only what the server computes was refused.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Computed {
    /// No value is written.
    Nothing,
    /// The row must be found by this text, which compares it byte by byte.
    Row(Vec<u8>),
}

/// What becomes of a row that is there already, by its primary key.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum OnDuplicate {
    /// It is made the new image.
    Write(Vec<u8>),
    /// It stays as it is.
    Keep(Vec<u8>),
}

/// What becomes of a row that is missing.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum OnMissing {
    /// It is written, by this text.
    Write(Vec<u8>),
    /// It was to go, and is gone.
    Gone,
}

/// One COM_QUERY.
#[derive(Debug, Clone)]
pub struct Statement {
    pub sql: Vec<u8>,
    /// The session's `foreign_key_checks` while it runs.
    pub foreign_key_checks: bool,
    pub rows: usize,
    pub table: Arc<str>,
    /// For messages: "insert into shop.orders".
    pub what: Arc<str>,
    /// Its first row.
    pub place: Place,
    pub expect: Expect,
    /// Rows as events, not SQL.
    pub is_events: bool,
    /// At error 1062 in one's turn. If it matches no row, another one holds the unique value, which is drift.
    pub on_duplicate: Option<OnDuplicate>,
    /// A snapshot still brings the table: a row that is missing, or there, is no fault.
    pub pending: bool,
    /// If fewer rows matched than expected in one's turn. `None`: nothing can be done about it.
    pub on_missing: Option<OnMissing>,
    /// Written with the strict mode off: what the server warns of must be these columns' invalid values, and
    /// nothing else. `None`: the strict mode is on, so what does not fit is an error.
    pub invalid: Option<Vec<Arc<str>>>,
    /// Of columns, and of indexes on expressions: the source's session may have computed with its strict mode off what the strict
    /// mode refuses, and the server computes them even of rows that it deletes or passes over. So what the strict mode refuses
    /// in one's turn is done without.
    pub computed: Option<Computed>,
}

/// A batch, as statements. Must give the same rows each time.
pub trait Work: fmt::Debug + Send + Sync {
    /// # Errors
    /// What a value or table refuses.
    fn statements(&self, form: Form) -> Result<Vec<Statement>>;

    /// Tables whose rows may come as events, if they still are what they are taken for.
    fn event_tables(&self) -> Vec<Arc<Target>> {
        Vec::new()
    }
}

/// When a source transaction was committed there, for the lag.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Stamp {
    /// Microseconds since 1970.
    pub commit_us: i64,
    pub records: u64,
}

/// Consecutive whole source transactions, applied in one transaction of the target.
#[derive(Debug, Clone)]
pub struct Task {
    pub first: Seq,
    pub last: Seq,
    /// Of `last`.
    pub attempt: u32,
    /// Where the spine may be read on once this is applied.
    pub spine_offset: i64,
    /// What it touches: two tasks whose tokens meet are never in flight together. No duplicates.
    pub tokens: Vec<Token>,
    pub stamps: Vec<Stamp>,
    pub rows: usize,
    pub work: Arc<dyn Work>,
}

/// A task is at the target.
#[derive(Debug, Clone)]
pub struct Applied {
    pub last: Seq,
    pub lane: u16,
    pub rows: usize,
    pub stamps: Vec<Stamp>,
    /// Of the COMMIT's acknowledgement, microseconds since 1970.
    pub applied_us: i64,
}
