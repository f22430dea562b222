//! WRITE_ROWS, UPDATE_ROWS, DELETE_ROWS: row images.
//!
//! Layout: table number, flags, (v2) extra data, column count, a bitmap of the columns present (two for an
//! update: before, after), then the images one after the other: a bitmap of NULLs over the present columns,
//! then their values. Nothing says how many rows there are: they end with the event.

mod cell;
mod partial;

pub(super) use cell::Cell;
pub use cell::unsupported_type;
pub(super) use partial::{complete, table_of};

use std::sync::Arc;

use super::{Error, EventType, RawEvent, Reader, Result, TableMap};
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
    /// The effects of foreign keys are logged as rows of their own, before the rows that caused them.
    pub const USE_SQL_FOREIGN_KEY: u16 = 0x10;
}

#[derive(Debug, Clone)]
pub struct RowsEvent<'a> {
    pub table_id: u64,
    /// See [`row_flags`].
    pub flags: u16,
    pub kind: RowsKind,
    /// The bytes of all row images.
    pub images: &'a [u8],
    columns: u64,
    before: Present<'a>,
    after: Present<'a>,
}

/// A rows event that is kept, with what it needs to be read later.
#[derive(Debug, Clone)]
pub struct LoggedRows {
    pub table: Arc<TableMap>,
    pub event: RawEvent,
    /// Where it begins, in bytes of its file.
    pub pos: u64,
}

impl LoggedRows {
    /// What is in it. It was read before, so it is no error that the event is none of rows.
    pub fn rows(&self) -> Result<RowsEvent<'_>> {
        RowsEvent::parse(&self.event)
    }
}

/// Which columns an image has: bit n, from the lowest of the first byte, is column n.
#[derive(Debug, Clone, Copy)]
struct Present<'a> {
    bits: &'a [u8],
    count: usize,
    /// All of them, as with binlog_row_image=FULL.
    all: bool,
}

impl<'a> RowsEvent<'a> {
    /// The table number of the event that only ends a statement.
    pub(super) const DUMMY_TABLE: u64 = 0x00ff_ffff;

    /// A PARTIAL_UPDATE_ROWS event must have been made whole before: see [`Framer::complete`](super::Framer::complete).
    pub fn parse(event: &'a RawEvent) -> Result<Self> {
        if event.header.event_type == EventType::PartialUpdateRows {
            let found = "a PARTIAL_UPDATE_ROWS event that was not completed".to_owned();
            return Err(Error::Malformed { what: "a rows event", found });
        }
        Self::parse_any(event)
    }

    fn parse_any(event: &'a RawEvent) -> Result<Self> {
        let (kind, has_extra_data) = match event.header.event_type {
            EventType::WriteRowsV1 => (RowsKind::Insert, false),
            EventType::UpdateRowsV1 => (RowsKind::Update, false),
            EventType::DeleteRowsV1 => (RowsKind::Delete, false),
            EventType::WriteRows => (RowsKind::Insert, true),
            EventType::UpdateRows | EventType::PartialUpdateRows => (RowsKind::Update, true),
            EventType::DeleteRows => (RowsKind::Delete, true),
            other => {
                let found = format!("event {other}");
                return Err(Error::Malformed { what: "a rows event", found });
            }
        };
        let mut reader = Reader::new("a rows event", &event.body);
        let table_id = reader.uint(6)?;
        let flags = reader.u16()?;
        if has_extra_data {
            // Its length counts itself.
            let length = usize::from(reader.u16()?);
            reader.take(
                length.checked_sub(2).ok_or_else(|| reader.malformed("extra data of negative length"))?,
            )?;
        }
        let columns = reader.lenenc()?;
        let first = Present::read(&mut reader, columns)?;
        let second = if kind == RowsKind::Update { Present::read(&mut reader, columns)? } else { first };
        Ok(Self { table_id, flags, kind, images: reader.rest(), columns, before: first, after: second })
    }

    pub fn has_flag(&self, flag: u16) -> bool {
        self.flags & flag != 0
    }

    /// Every image has every column (binlog_row_image=FULL).
    pub fn is_full(&self) -> bool {
        self.before.all && self.after.all
    }

    /// The table must be the one this event's `table_id` was mapped to.
    pub fn rows<'t>(&self, table: &'t TableMap) -> Result<RowIter<'a, 't>> {
        self.rows_with(table, None)
    }

    fn ensure_of(&self, table: &TableMap) -> Result<()> {
        if self.columns != table.columns.len() as u64 {
            return Err(Error::Malformed {
                what: "a rows event",
                found: format!(
                    "it has {} columns, its table {}.{} has {}",
                    self.columns,
                    table.database,
                    table.table,
                    table.columns.len()
                ),
            });
        }
        Ok(())
    }

    /// Decodes only columns that are `wanted`, one entry for each of the table; of the others the length is read, and they
    /// are `Absent` unless they are NULL.
    pub fn rows_with<'t>(&self, table: &'t TableMap, wanted: Option<&'t [bool]>) -> Result<RowIter<'a, 't>> {
        self.ensure_of(table)?;
        // Rows without columns have no bytes: how many there are cannot be told.
        let countless = self.before.count == 0 || self.kind != RowsKind::Update && self.after.count == 0;
        if countless && (self.columns > 0 || !self.images.is_empty()) {
            return Err(Error::Unsupported {
                what: format!("rows of {}.{} without any column", table.database, table.table),
                remedy: "SET GLOBAL binlog_row_image=FULL on the source, in running sessions too",
            });
        }
        let (before, after) = match self.kind {
            RowsKind::Insert => (None, Some(self.after)),
            RowsKind::Update => (Some(self.before), Some(self.after)),
            RowsKind::Delete => (Some(self.before), None),
        };
        Ok(RowIter { images: self.images, table, wanted, before, after })
    }
}

impl<'a> Present<'a> {
    fn read(reader: &mut Reader<'a>, columns: u64) -> Result<Self> {
        let bits = reader.take_long(columns.div_ceil(8))?;
        let columns = columns as usize;
        let count = (0..columns).filter(|column| bit(bits, *column)).count();
        Ok(Self { bits, count, all: count == columns })
    }
}

#[inline]
fn bit(bits: &[u8], index: usize) -> bool {
    bits[index / 8] & 1 << (index % 8) != 0
}

/// Decodes one row after the other into vectors that the caller reuses.
pub struct RowIter<'a, 't> {
    images: &'a [u8],
    table: &'t TableMap,
    wanted: Option<&'t [bool]>,
    before: Option<Present<'a>>,
    after: Option<Present<'a>>,
}

impl<'a> RowIter<'a, '_> {
    /// The next row: `before` is filled for updates and deletes, `after` for inserts and updates, the other
    /// is left empty. One value for each column of the table. False: no more rows. After an error the
    /// iterator must not be used.
    pub fn next(
        &mut self,
        before: &mut Vec<ColumnValue<'a>>,
        after: &mut Vec<ColumnValue<'a>>,
    ) -> Result<bool> {
        before.clear();
        after.clear();
        if self.images.is_empty() {
            return Ok(false);
        }
        if let Some(present) = self.before {
            self.read_image(present, before)?;
        }
        if let Some(present) = self.after {
            self.read_image(present, after)?;
        }
        Ok(true)
    }

    /// Bytes of row images not yet decoded: the difference tells how many bytes a row took.
    pub fn left(&self) -> &'a [u8] {
        self.images
    }

    fn read_image(&mut self, present: Present, values: &mut Vec<ColumnValue<'a>>) -> Result<()> {
        let mut reader = Reader::new("a row image", self.images);
        let nulls = reader.take(present.count.div_ceil(8))?;
        values.reserve(self.table.cells.len());
        let mut nth = 0;
        for (column, cell) in self.table.cells.iter().enumerate() {
            if !present.all && !bit(present.bits, column) {
                values.push(ColumnValue::Absent);
                continue;
            }
            let value = if bit(nulls, nth) {
                Ok(ColumnValue::Null)
            } else if self.wanted.is_some_and(|wanted| !wanted.get(column).is_some_and(|wanted| *wanted)) {
                cell.skip(&mut reader).map(|()| ColumnValue::Absent)
            } else {
                cell.read(&mut reader)
            };
            match value {
                Ok(value) => values.push(value),
                Err(source) => return Err(in_column(self.table, column, source)),
            }
            nth += 1;
        }
        self.images = reader.left();
        Ok(())
    }
}

#[cold]
fn in_column(table: &TableMap, column: usize, source: Error) -> Error {
    let name = table.columns.get(column).map(|column| column.name.as_str()).filter(|name| !name.is_empty());
    Error::Column {
        table: format!("{}.{}", table.database, table.table),
        column: name.map_or_else(|| format!("#{}", column + 1), str::to_owned),
        source: Box::new(source),
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;
    use crate::binlog::{ColumnDef, ColumnType, EventHeader};

    fn table(types: &[ColumnType]) -> TableMap {
        let columns = types.iter().enumerate().map(|(index, ty)| ColumnDef {
            name: format!("c{index}"),
            ty: *ty,
            unsigned: false,
            nullable: true,
            collation: Some(63),
            labels: [].into(),
            visible: true,
        });
        TableMap::new("d".into(), "t".into(), columns.collect(), Vec::new(), true)
    }

    fn event(event_type: EventType, body: &[u8]) -> RawEvent {
        let header =
            EventHeader { timestamp: 0, event_type, server_id: 1, event_size: 0, log_pos: 0, flags: 0 };
        RawEvent { header, body: body.to_vec().into(), inside_payload: false }
    }

    const HEAD: [u8; 8] = [1, 0, 0, 0, 0, 0, 0x13, 0];

    /// All rows, as (before, after).
    fn decode(event: &RawEvent, table: &TableMap) -> Result<Vec<(String, String)>> {
        let rows = RowsEvent::parse(event)?;
        let mut iter = rows.rows(table)?;
        let (mut before, mut after, mut all) = (Vec::new(), Vec::new(), Vec::new());
        while iter.next(&mut before, &mut after)? {
            all.push((format!("{before:?}"), format!("{after:?}")));
        }
        Ok(all)
    }

    #[test]
    fn a_column_that_is_not_wanted_is_passed_over() {
        let types = [
            ColumnType::Tiny,
            ColumnType::VarChar { max_bytes: 10 },
            ColumnType::DateTime { fsp: 6 },
            ColumnType::Decimal { precision: 10, scale: 2 },
            ColumnType::Long,
        ];
        let table = table(&types);
        let rest = [[0xff; 8].as_slice(), &[0xff; 5], &[9, 0, 0, 0]].concat();
        let one = [&[0, 7, 2, b'a', b'b'], &rest[..]].concat();
        let null = [&[0b00010, 8], &rest[..]].concat();
        let body = [&HEAD[..], &[2, 0], &[5, 0b11111], &one, &null].concat();
        let event = event(EventType::WriteRows, &body);
        let rows = RowsEvent::parse(&event).expect("a rows event");
        assert!(rows.rows(&table).and_then(|mut all| all.next(&mut Vec::new(), &mut Vec::new())).is_err());
        let wanted = [true, false, false, false, true];
        let mut iter = rows.rows_with(&table, Some(&wanted)).expect("its table");
        let (mut before, mut after) = (Vec::new(), Vec::new());
        let absent = ColumnValue::Absent;
        assert!(iter.next(&mut before, &mut after).expect("a row"));
        assert_eq!(after, [ColumnValue::Int(7), absent, absent, absent, ColumnValue::Int(9)]);
        assert!(iter.next(&mut before, &mut after).expect("a row"));
        assert_eq!(after, [ColumnValue::Int(8), ColumnValue::Null, absent, absent, ColumnValue::Int(9)]);
        assert!(!iter.next(&mut before, &mut after).expect("the end"));
    }

    #[test]
    fn images_with_nulls_and_absent_columns() {
        let table = table(&[ColumnType::Tiny, ColumnType::Tiny, ColumnType::Char { max_bytes: 3 }]);
        // Extra data of 3 bytes; before: only column 0; after: columns 1 and 2.
        let body =
            [&HEAD[..], &[5, 0, 9, 9, 9], &[3, 0b001, 0b110], &[0, 7, 0b01, 1, b'x'], &[1, 0b10, 0xff]]
                .concat();
        let event = event(EventType::UpdateRows, &body);
        assert_eq!(
            decode(&event, &table).unwrap(),
            [
                (
                    "[Int(7), Absent, Absent]".into(),
                    "[Absent, Null, Binary(BinaryValue { stored: [120], zeros: 2 })]".into()
                ),
                ("[Null, Absent, Absent]".into(), "[Absent, Int(-1), Null]".into()),
            ]
        );
        let rows = RowsEvent::parse(&event).unwrap();
        assert!(!rows.is_full());
        assert!(
            rows.has_flag(row_flags::NO_FOREIGN_KEY_CHECKS)
                && !rows.has_flag(row_flags::RELAXED_UNIQUE_CHECKS)
        );
    }

    #[test]
    fn the_first_version_has_no_extra_data_and_deletes_have_only_a_before_image() {
        let table = table(&[ColumnType::Short]);
        let body = [&HEAD[..], &[1, 1], &[0, 1, 0, 0, 2, 0]].concat();
        let none = || "[]".to_owned();
        let rows = decode(&event(EventType::DeleteRowsV1, &body), &table).unwrap();
        assert_eq!(rows, [("[Int(1)]".into(), none()), ("[Int(2)]".into(), none())]);
        let rows = decode(&event(EventType::WriteRowsV1, &body), &table).unwrap();
        assert_eq!(rows, [(none(), "[Int(1)]".into()), (none(), "[Int(2)]".into())]);
    }

    #[test]
    fn left_tells_how_many_bytes_each_row_took() {
        let table = table(&[ColumnType::VarChar { max_bytes: 9 }]);
        let body = [&HEAD[..], &[1, 1], &[0, 2, b'a', b'b', 1, 0, 0]].concat();
        let event = event(EventType::WriteRowsV1, &body);
        let rows = RowsEvent::parse(&event).unwrap();
        let mut iter = rows.rows(&table).unwrap();
        let mut lefts = vec![iter.left().len()];
        while iter.next(&mut Vec::new(), &mut Vec::new()).unwrap() {
            lefts.push(iter.left().len());
        }
        assert_eq!((rows.images.len(), lefts), (7, vec![7, 3, 2, 0]));
    }

    #[test]
    fn errors_name_the_table_and_the_column() {
        let table = table(&[ColumnType::Tiny, ColumnType::Long]);
        let cut = [&HEAD[..], &[2, 3], &[0, 1, 1, 1, 1]].concat();
        let error = decode(&event(EventType::WriteRowsV1, &cut), &table).unwrap_err();
        assert_eq!(error.to_string(), "column c1 of d.t could not be decoded");
        let one = self::table(&[ColumnType::Tiny]);
        let error = decode(&event(EventType::WriteRowsV1, &cut), &one).unwrap_err();
        assert!(error.to_string().contains("it has 2 columns, its table d.t has 1"), "{error}");
        let old = self::table(&[ColumnType::Tiny, ColumnType::Unsupported { code: 12 }]);
        let error = decode(&event(EventType::WriteRowsV1, &cut), &old).unwrap_err();
        assert!(matches!(error, Error::Column { source, .. } if source.to_string().contains("MySQL 5.5")));
    }

    #[test]
    fn rows_without_columns_cannot_be_counted_and_are_refused() {
        let table = table(&[ColumnType::Tiny]);
        let body = [&HEAD[..], &[1, 0]].concat();
        let error = decode(&event(EventType::WriteRowsV1, &body), &table).unwrap_err();
        assert!(error.to_string().contains("without any column"), "{error}");
    }

    proptest! {
        #[test]
        fn no_bytes_make_it_panic(kind in 0..8_u8, body in prop::collection::vec(any::<u8>(), 0..120)) {
            use ColumnType::*;
            let table = table(&[
                Tiny, Int24, Double, Decimal { precision: 10, scale: 3 }, Year, Date, Time { fsp: 3 }, DateTime { fsp: 2 },
                Timestamp { fsp: 6 }, Bit { bits: 9 }, Enum { bytes: 1 }, Set { bytes: 3 }, Char { max_bytes: 300 },
                VarChar { max_bytes: 20 }, Blob { length_bytes: 3 }, Vector { length_bytes: 4, dimensions: 0 },
            ]);
            let kinds = [
                EventType::WriteRows, EventType::UpdateRows, EventType::DeleteRows, EventType::WriteRowsV1,
                EventType::UpdateRowsV1, EventType::DeleteRowsV1, EventType::PartialUpdateRows, EventType::Xid,
            ];
            let head = if kind < 3 { &[2, 0, 16][..] } else { &[16] };
            let _ = decode(&event(kinds[usize::from(kind)], &[&HEAD[..], head, &body].concat()), &table);
            let _ = decode(&event(kinds[usize::from(kind)], &body), &table);
        }
    }
}
