//! What is done at the target: rows of one table and one action, in order. Independent of how it is written.

use std::sync::Arc;

use crate::table_map::Mapping;

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Action {
    /// The row is new.
    Insert,
    /// The row is there with this primary key, and stays there.
    Update,
    /// The row moves to another primary key.
    Move,
    /// Insert or update, whichever it takes; only where no other unique index can be hit.
    Upsert,
    Delete,
    /// Of a snapshot's row: written unless there is one with its primary key.
    Keep,
    /// Of a snapshot's row: written in place of any that stands in its way.
    Replace,
    /// As `Update` and `Delete`, of one row that equals the image in every column: no primary key.
    UpdateEqual,
    DeleteEqual,
    /// All rows of the table.
    Clear,
}

/// A row of a step: positions in the batch's changes.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct StepRow {
    /// The change whose image before (`Change::old`) finds the row.
    pub before: usize,
    /// The change whose image after is written.
    pub after: usize,
}

#[derive(Debug)]
pub struct Step {
    pub mapping: Arc<Mapping>,
    pub action: Action,
    /// The target itself must check foreign keys and cascade.
    pub foreign_key_checks: bool,
    /// Written with the strict mode off: an ENUM's invalid value.
    pub lenient: bool,
    /// Of one row that is written in a way of its own.
    pub alone: bool,
    pub rows: Vec<StepRow>,
}
