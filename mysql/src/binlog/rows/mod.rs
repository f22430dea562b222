//! WRITE_ROWS, UPDATE_ROWS, DELETE_ROWS: row images.

use super::{RawEvent, Result, TableMap};
use crate::value::ColumnValue;

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum RowsKind {
    Insert,
    Update,
    Delete,
}

/// Flags of rows events.
pub mod row_flags {
    pub const STMT_END: u16 = 0x01;
    pub const NO_FOREIGN_KEY_CHECKS: u16 = 0x02;
    pub const RELAXED_UNIQUE_CHECKS: u16 = 0x04;
    pub const COMPLETE_ROWS: u16 = 0x08;
    pub const USE_SQL_FOREIGN_KEY: u16 = 0x10;
}

#[derive(Debug, Clone)]
pub struct RowsEvent<'a> {
    pub table_id: u64,
    pub flags: u16,
    pub kind: RowsKind,
    /// The bytes of all row images.
    pub images: &'a [u8],
}

impl<'a> RowsEvent<'a> {
    pub fn parse(_event: &'a RawEvent) -> Result<Self> {
        todo!()
    }
    /// The table must be the one this event's `table_id` was mapped to.
    pub fn rows<'t>(&self, _table: &'t TableMap) -> Result<RowIter<'a, 't>> {
        todo!()
    }
}

/// Decodes one row after the other into vectors that the caller reuses.
pub struct RowIter<'a, 't> {
    images: &'a [u8],
    table: &'t TableMap,
}

impl<'a> RowIter<'a, '_> {
    /// The next row: `before` is filled for updates and deletes, `after` for inserts and updates, the other
    /// is left empty. One value for each column of the table. False: no more rows.
    pub fn next(
        &mut self,
        _before: &mut Vec<ColumnValue<'a>>,
        _after: &mut Vec<ColumnValue<'a>>,
    ) -> Result<bool> {
        let _ = (self.images, self.table);
        todo!()
    }
    /// Bytes of row images not yet decoded: the difference tells how many bytes a row took.
    pub fn left(&self) -> &'a [u8] {
        self.images
    }
}
