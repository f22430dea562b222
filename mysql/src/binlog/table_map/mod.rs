//! TABLE_MAP: the shape of a table, sent before its rows.

mod column;

pub use column::{ColumnDef, ColumnType, GeometryKind};

use super::{RawEvent, Result};

/// The same `Arc<TableMap>` comes out of the framer as long as the server describes the table in the same
/// bytes (the table's number aside): what is compiled for it may be kept by `Arc::ptr_eq` or by `version`.
#[derive(Debug, Clone, PartialEq)]
pub struct TableMap {
    /// Different for each different description within a process; never used again.
    pub version: u64,
    pub database: String,
    pub table: String,
    pub columns: Vec<ColumnDef>,
    /// In key order; empty: no primary key (or not said: see `full_metadata`).
    pub primary_key: Vec<KeyPart>,
    /// The server told the column names (`binlog_row_metadata=FULL`).
    pub full_metadata: bool,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct KeyPart {
    /// Position in `columns`.
    pub column: usize,
    /// Characters of the column in the key; 0 = all of it.
    pub prefix: u32,
}

impl TableMap {
    pub fn parse(_event: &RawEvent) -> Result<(u64, Self)> {
        todo!()
    }
    pub fn column(&self, name: &str) -> Option<usize> {
        self.columns.iter().position(|column| column.name.eq_ignore_ascii_case(name))
    }
}
