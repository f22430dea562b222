//! One row change, as the target's table sees it.

use std::sync::Arc;

use strait_schemas::seq::flags;

use crate::{
    datum::{Datum, Row},
    error::Place,
    merge::PartitionId,
    table_map::Mapping,
};

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Operation {
    Insert,
    Update,
    Delete,
    /// All rows go (a truncate record).
    Clear,
    /// The row is put there unless it is: the next change is of it, and a snapshot has not brought it yet.
    Ensure,
}

/// Whether a snapshot still brings the row's table, and what it makes of rows that are there.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Stage {
    /// All of the table is there.
    Steady,
    /// Nothing of it has come: a row that is there all the same is changed, one that is not is not put there.
    Ahead,
    /// A row may be missing, and one that is there may be older or newer.
    Keep,
    /// So it may, and one that stands in the way gives way: its own chunk brings it back, if the source has it.
    Replace,
}

#[derive(Debug)]
pub struct Change {
    pub mapping: Arc<Mapping>,
    pub operation: Operation,
    pub before: Option<Row>,
    pub after: Option<Row>,
    /// Of the rows event (`strait_schemas::seq::flags`).
    pub flags: u8,
    pub stage: Stage,
    /// Some column of an image is `Absent`.
    pub partial_log: bool,
    pub at: RecordAt,
}

/// Where the record is; cheap to keep with each row.
#[derive(Debug, Clone, Copy)]
pub struct RecordAt {
    pub partition: PartitionId,
    pub offset: i64,
    pub index: u32,
    /// Which of the batch's transactions.
    pub transaction: u32,
}

impl Change {
    /// The row before, or, where the record does not tell it, the row after: the same key.
    pub fn old(&self) -> Option<&Row> {
        self.before.as_ref().or(self.after.as_ref())
    }

    /// Whether its row is found by a key. A source that logs partial images tells what the server thinks tells rows apart, which
    /// need not be the key that is meant here.
    pub fn is_keyed(&self) -> bool {
        let told =
            |row: &Row| self.mapping.primary.iter().flatten().all(|place| row[*place] != Datum::Absent);
        self.mapping.primary.is_some() && (!self.partial_log || self.old().is_none_or(told))
    }

    /// Whether an update moves the row to another primary key; bytes decide, as another case of a letter
    /// must arrive too.
    pub fn moves(&self) -> bool {
        let (Operation::Update, Some(before), Some(after), Some(key)) =
            (self.operation, &self.before, &self.after, &self.mapping.primary)
        else {
            return false;
        };
        if !self.is_keyed() {
            return false;
        }
        key.iter().any(|place| !before[*place].is_identical(&after[*place]))
    }

    /// Whether the target itself must check and cascade: the source's log does not tell the effects.
    pub fn needs_native_checks(&self) -> bool {
        self.mapping.target.has_foreign_keys
            && self.flags & (flags::NO_FOREIGN_KEY_CHECKS | flags::USE_SQL_FOREIGN_KEY) == 0
    }

    /// Whether the target's foreign keys may write rows of children with it.
    pub fn cascades(&self) -> bool {
        let target = &self.mapping.target;
        if target.cascades_to.is_empty() || !self.needs_native_checks() {
            return false;
        }
        match (self.operation, &self.before, &self.after) {
            (Operation::Delete, ..) => true,
            (Operation::Update, Some(before), Some(after)) => {
                let mut referenced = target.table.referenced_by.iter().flat_map(|key| &key.parent_columns);
                let place = |name: &String| self.mapping.columns.iter().position(|it| *it.name == **name);
                referenced.any(|name| place(name).is_some_and(|at| !before[at].is_identical(&after[at])))
            }
            _ => false,
        }
    }

    /// What makes sure of the row that this changes.
    pub fn row_before(&self) -> Option<Self> {
        if self.partial_log || self.stage == Stage::Ahead {
            return None;
        }
        Some(Self {
            mapping: self.mapping.clone(),
            operation: Operation::Ensure,
            before: None,
            after: Some(self.before.clone()?),
            flags: self.flags | flags::NO_FOREIGN_KEY_CHECKS,
            stage: self.stage,
            partial_log: self.partial_log,
            at: self.at,
        })
    }

    /// Whether the change does not tell all that it writes, or finds the row by: the target keeps what it is not told.
    pub fn is_partial(&self) -> bool {
        let partial = |row: &Option<Row>| row.as_ref().is_some_and(|row| row.contains(&Datum::Absent));
        self.partial_log && (partial(&self.after) || !self.is_keyed() && partial(&self.before))
    }

    /// Whether rows with one of its unique values give way to it.
    pub fn replaces(&self) -> bool {
        self.stage == Stage::Replace
            && !self.is_partial()
            && !self.mapping.unique.is_empty()
            && self.mapping.primary.is_some()
    }

    /// Whether an update leaves a column without a value, which only an INSERT can that does not name it.
    pub fn empties(&self) -> bool {
        let (Operation::Update, Some(before), Some(after)) = (self.operation, &self.before, &self.after)
        else {
            return false;
        };
        let emptied = |(before, after): (&Datum, &Datum)| *after == Datum::Nothing && before != after;
        // Children that follow a key must do so by an UPDATE.
        let follows = self.moves() && self.cascades();
        !self.is_partial() && !follows && before.iter().zip(after.iter()).any(emptied)
    }

    /// What no UPDATE can do as a delete and an insert; otherwise the change as it is.
    pub fn parted(mut self) -> (Option<Self>, Self) {
        if !self.moves() && !self.empties() {
            return (None, self);
        }
        let gone = Self {
            mapping: self.mapping.clone(),
            operation: Operation::Delete,
            before: self.before.take(),
            after: None,
            flags: self.flags,
            stage: self.stage,
            partial_log: self.partial_log,
            at: self.at,
        };
        self.operation = Operation::Insert;
        (Some(gone), self)
    }

    /// Whether a value can only be written with the strict mode off: an ENUM's invalid value, or none.
    pub fn is_lenient(&self) -> bool {
        self.after.as_ref().is_some_and(|row| row.contains(&Datum::Index(0))) || self.leaves_out()
    }

    /// Whether an update leaves bytes alone that are no text of their charset, as an ALTER may cut them, or no VECTOR: no server
    /// takes them from SQL, so only a statement that does not name the column can make the update.
    pub fn keeps_raw(&self) -> bool {
        let (Operation::Update, Some(before), Some(after)) = (self.operation, &self.before, &self.after)
        else {
            return false;
        };
        let kept = |(after, before): (&Datum, &Datum)| matches!(after, Datum::Raw(_)) && before == after;
        self.stage == Stage::Steady && after.iter().zip(before.iter()).any(kept)
    }

    /// Whether a column is not named so that it gets no value.
    pub fn leaves_out(&self) -> bool {
        self.after.as_ref().is_some_and(|row| row.contains(&Datum::Nothing))
    }

    pub fn bytes(&self) -> usize {
        let row = |row: &Option<Row>| {
            row.as_ref().map_or(0, |row| {
                row.iter().map(|datum| size_of::<Datum>() + datum.heap_bytes()).sum::<usize>()
            })
        };
        size_of::<Self>() + row(&self.before) + row(&self.after)
    }
}

/// Names of the places that changes refer to.
#[derive(Debug, Default)]
pub struct Places {
    pub topics: Vec<(PartitionId, Arc<str>, i32)>,
    pub transactions: Vec<(strait_schemas::Seq, Arc<str>)>,
}

impl Places {
    pub fn of(&self, at: RecordAt) -> Place {
        let (topic, partition) = self
            .topics
            .iter()
            .find(|(id, ..)| *id == at.partition)
            .map_or((Arc::from("?"), -1), |(_, topic, partition)| (topic.clone(), *partition));
        let (seq, gtid) = self
            .transactions
            .get(at.transaction as usize)
            .map_or((strait_schemas::Seq::default(), Arc::from("?")), |(seq, gtid)| (*seq, gtid.clone()));
        Place { topic, partition, offset: at.offset, seq, index: at.index, gtid }
    }
}
