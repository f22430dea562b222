//! TABLE_MAP: the shape of a table, sent before its rows.

mod column;
mod metadata;
mod types;

use std::sync::{
    Arc,
    atomic::{AtomicU64, Ordering},
};

pub use column::{BINARY_COLLATION, ColumnDef, ColumnType, GeometryKind};

use self::metadata::Metadata;
use super::{RawEvent, Reader, Result, rows::Cell};

/// The same `Arc<TableMap>` comes out of the framer as long as the server describes the table in the same
/// bytes (the table's number aside): what is compiled for it may be kept by `Arc::ptr_eq` or by `version`.
#[derive(Debug, Clone, PartialEq)]
pub struct TableMap {
    /// Different for each different description within a process; never used again.
    pub version: u64,
    pub database: String,
    pub table: String,
    pub columns: Vec<ColumnDef>,
    /// In key order. Without a primary key the server names the first unique key whose columns are all NOT NULL.
    /// Empty: there is neither (or it is not said: see `full_metadata`).
    pub primary_key: Vec<KeyPart>,
    /// The server told the column names (`binlog_row_metadata=FULL`).
    pub full_metadata: bool,
    /// How to decode each column.
    pub(super) cells: Vec<Cell>,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct KeyPart {
    /// Position in `columns`.
    pub column: usize,
    /// Characters of the column in the key; 0 = all of it.
    pub prefix: u32,
}

impl TableMap {
    pub fn new(
        database: String,
        table: String,
        columns: Vec<ColumnDef>,
        primary_key: Vec<KeyPart>,
        full_metadata: bool,
    ) -> Self {
        static VERSION: AtomicU64 = AtomicU64::new(1);
        let cells = columns.iter().map(Cell::of).collect();
        let version = VERSION.fetch_add(1, Ordering::Relaxed);
        Self { version, database, table, columns, primary_key, full_metadata, cells }
    }

    /// The table's number and its description, from an event of MySQL.
    pub fn parse(event: &RawEvent) -> Result<(u64, Self)> {
        let (table_id, description) = split_table_id(event)?;
        Ok((table_id, Self::parse_description(description, false)?))
    }

    /// What [`split_table_id`] left; `mariadb` says who wrote it.
    pub(super) fn parse_description(description: &[u8], mariadb: bool) -> Result<Self> {
        let mut reader = Reader::new("a TABLE_MAP event", description);
        let _flags = reader.u16()?;
        let database = read_name(&mut reader)?;
        let table = read_name(&mut reader)?;
        let count = reader.lenenc()?;
        let codes = reader.take_long(count)?;
        let types = types::read_types(codes, reader.lenenc_bytes()?)?;
        let nullable = reader.take(codes.len().div_ceil(8))?;
        let metadata = Metadata::read(reader.rest())?;
        let mut columns: Vec<ColumnDef> = types
            .into_iter()
            .enumerate()
            .map(|(index, ty)| ColumnDef {
                name: String::new(),
                ty,
                unsigned: false,
                nullable: nullable[index / 8] & 1 << (index % 8) != 0,
                collation: None,
                labels: Arc::default(),
                visible: true,
            })
            .collect();
        metadata.apply(&mut columns, mariadb)?;
        let primary_key = metadata.primary_key(columns.len())?;
        Ok(Self::new(database, table, columns, primary_key, metadata.has_names()))
    }

    pub fn column(&self, name: &str) -> Option<usize> {
        self.columns.iter().position(|column| column.name.eq_ignore_ascii_case(name))
    }
}

/// The number that rows events name the table by, and the description, which does not depend on it.
pub(super) fn split_table_id(event: &RawEvent) -> Result<(u64, &[u8])> {
    let mut reader = Reader::new("a TABLE_MAP event", &event.body);
    let table_id = reader.uint(6)?;
    Ok((table_id, reader.rest()))
}

/// Length, name, zero byte.
fn read_name(reader: &mut Reader) -> Result<String> {
    let name = reader.lenenc_bytes()?;
    if reader.u8()? != 0 {
        return Err(reader.malformed("no zero byte after a name"));
    }
    Ok(String::from_utf8_lossy(name).into_owned())
}

#[cfg(test)]
mod tests {
    use super::*;

    fn description(hex: &str) -> Vec<u8> {
        (0..hex.len()).step_by(2).map(|at| u8::from_str_radix(&hex[at..at + 2], 16).unwrap()).collect()
    }

    #[test]
    fn mariadb_lists_a_charset_for_geometries_too() {
        // (id BIGINT, c CHAR(10) utf8mb4, l VARCHAR(50) latin1, g GEOMETRY), as MariaDB 10.11 wrote it.
        let written = description(
            "01000176000174000408fe0fff05fe283200040e01010003032d083f07010004090269640163016c0167080100",
        );
        let map = TableMap::parse_description(&written, true).unwrap();
        let collations: Vec<_> = map.columns.iter().map(|column| column.collation).collect();
        assert_eq!(collations, [None, Some(45), Some(8), Some(63)]);
        assert!(TableMap::parse_description(&written, false).is_err(), "MySQL would list two");
    }
}
