//! Events of our own, for the statement `BINLOG '...'`: the server applies rows that it is given so as a replica does.
//!
//! A text is base64 of whole events: first of a session a FORMAT_DESCRIPTION, then as often as wanted one TABLE_MAP and its
//! rows events, the last of which has STMT_END (without it the server keeps the table locked and waits for more). Nothing is
//! converted: column types, their metadata and the values' bytes must be those of the table there. Source: the manual's "BINLOG Statement",
//! and the event layouts in the server's `libs/mysql/binlog/event`.

mod cell;
mod table_map;

pub use cell::Cells;
pub use table_map::describe;

use super::{EventHeader, EventType, RowsKind, row_flags};
use crate::server::Flavor;

/// Any number will do: a text describes the table that it means.
const TABLE_ID: [u8; 6] = [1, 0, 0, 0, 0, 0];
/// Post-header lengths of event types 1 to 41, as MySQL 8.0 and later have them.
const MYSQL_HEADERS: [u8; 41] = [
    0, 13, 0, 8, 0, 0, 0, 0, 4, 0, 4, 0, 0, 0, 98, 0, 4, 26, 8, 0, 0, 0, 0, 0, 0, 2, 0, 0, 0, 10, 10, 10, 42,
    42, 0, 18, 52, 0, 10, 40, 0,
];
/// And of types 1 to 32, as MariaDB has them.
const MARIADB_HEADERS: [u8; 32] =
    [56, 13, 0, 8, 0, 18, 0, 4, 4, 4, 4, 18, 0, 0, 89, 0, 4, 26, 8, 0, 0, 0, 8, 8, 8, 2, 0, 0, 0, 10, 10, 10];
/// Where a rows event has its flags.
const FLAGS: usize = EventHeader::LENGTH + TABLE_ID.len();
/// Bytes of the version's text.
const VERSION: usize = 50;

/// What the events say of their origin.
#[derive(Debug, Clone, Copy)]
pub struct Origin {
    pub server_id: u32,
    /// Seconds since 1970.
    pub timestamp: u32,
}

/// A FORMAT_DESCRIPTION event: events without checksums follow.
pub fn format_description(flavor: Flavor, origin: Origin) -> Vec<u8> {
    let (version, headers): (&str, &[u8]) = match flavor {
        Flavor::Mysql => ("8.0.34", &MYSQL_HEADERS),
        Flavor::MariaDb => ("10.11.0-MariaDB", &MARIADB_HEADERS),
    };
    let mut event = begin(EventType::FormatDescription, origin);
    event.extend(4_u16.to_le_bytes());
    event.extend(version.bytes().chain(std::iter::repeat(0)).take(VERSION));
    event.extend(0_u32.to_le_bytes());
    event.push(EventHeader::LENGTH as u8);
    event.extend(headers);
    // No checksums; the event itself has room for one all the same.
    event.extend([0; 5]);
    end(&mut event);
    event
}

/// A TABLE_MAP event; `description` is of [`describe`].
pub fn table_map(description: &[u8], origin: Origin) -> Vec<u8> {
    let mut event = begin(EventType::TableMap, origin);
    event.extend(TABLE_ID);
    event.extend(description);
    end(&mut event);
    event
}

/// A rows event that is filled with images: each a bitmap of NULLs and the values, of an update the one before, then the one after.
#[derive(Debug)]
pub struct RowsImage {
    event: Vec<u8>,
    columns: usize,
}

impl RowsImage {
    /// Of all columns, with the foreign keys left alone.
    pub fn begin(kind: RowsKind, columns: usize, origin: Origin) -> Self {
        let (event_type, images) = match kind {
            RowsKind::Insert => (EventType::WriteRows, 1),
            RowsKind::Update => (EventType::UpdateRows, 2),
            RowsKind::Delete => (EventType::DeleteRows, 1),
        };
        let mut event = begin(event_type, origin);
        event.extend(TABLE_ID);
        event.extend(row_flags::NO_FOREIGN_KEY_CHECKS.to_le_bytes());
        // No extra data: only its own length.
        event.extend(2_u16.to_le_bytes());
        table_map::push_length(columns as u64, &mut event);
        for _ in 0..images {
            push_bitmap(columns, |_| true, &mut event);
        }
        Self { event, columns }
    }

    /// Begins an image; the values follow, in the columns' order, without those that are NULL.
    pub fn image(&mut self, is_null: impl Fn(usize) -> bool) -> Cells<'_> {
        push_bitmap(self.columns, is_null, &mut self.event);
        Cells::new(&mut self.event)
    }

    /// Bytes so far.
    pub fn bytes(&self) -> usize {
        self.event.len()
    }

    /// The whole event; the last of a text ends its statement.
    pub fn end(mut self, last: bool) -> Vec<u8> {
        if last {
            self.event[FLAGS] |= row_flags::STMT_END as u8;
        }
        end(&mut self.event);
        self.event
    }
}

fn begin(event_type: EventType, origin: Origin) -> Vec<u8> {
    let mut event = Vec::with_capacity(256);
    event.extend(origin.timestamp.to_le_bytes());
    event.push(event_type.into());
    event.extend(origin.server_id.to_le_bytes());
    // Size, and a place in a file that it is not in, then flags.
    event.extend([0; 10]);
    event
}

fn end(event: &mut [u8]) {
    let size = event.len() as u32;
    event[9..13].copy_from_slice(&size.to_le_bytes());
}

fn push_bitmap(bits: usize, is_set: impl Fn(usize) -> bool, out: &mut Vec<u8>) {
    for byte in 0..bits.div_ceil(8) {
        let of_byte = byte * 8..bits.min(byte * 8 + 8);
        out.push(of_byte.filter(|bit| is_set(*bit)).fold(0, |byte, bit| byte | 1 << (bit % 8)));
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;
    use crate::{
        binlog::{ColumnDef, ColumnType, FormatDescription, RawEvent, RowsEvent, TableMap},
        catalog::TableName,
        value::{ColumnValue, Date, DateTime},
    };

    const ORIGIN: Origin = Origin { server_id: 7, timestamp: 1_700_000_000 };

    fn column(ty: ColumnType) -> ColumnDef {
        let (labels, collation) = ([].into(), Some(45));
        ColumnDef {
            name: String::new(),
            ty,
            unsigned: false,
            nullable: true,
            collation,
            labels,
            visible: true,
        }
    }

    fn raw(event: &[u8]) -> RawEvent {
        assert_eq!(event[9..13], (event.len() as u32).to_le_bytes());
        let header = EventHeader {
            timestamp: 0,
            event_type: event[4].into(),
            server_id: 1,
            event_size: event.len() as u32,
            log_pos: 0,
            flags: 0,
        };
        RawEvent { header, body: event[EventHeader::LENGTH..].to_vec().into(), inside_payload: false }
    }

    #[test]
    fn a_format_description_announces_events_without_checksums() {
        for flavor in [Flavor::Mysql, Flavor::MariaDb] {
            let mut event = format_description(flavor, ORIGIN);
            // What follows the algorithm is taken off with the header.
            event.truncate(event.len() - 4);
            let size = event.len() as u32;
            event[9..13].copy_from_slice(&size.to_le_bytes());
            let read = FormatDescription::parse(&raw(&event)).expect("it is one");
            assert_eq!(read.checksum, crate::binlog::Checksum::None);
        }
    }

    #[test]
    fn a_description_is_read_as_it_was_meant() {
        let types = [
            ColumnType::Tiny,
            ColumnType::Float,
            ColumnType::Decimal { precision: 30, scale: 5 },
            ColumnType::Bit { bits: 12 },
            ColumnType::Enum { bytes: 2 },
            ColumnType::Set { bytes: 8 },
            ColumnType::Char { max_bytes: 40 },
            ColumnType::Char { max_bytes: 1020 },
            ColumnType::VarChar { max_bytes: 4000 },
            ColumnType::Blob { length_bytes: 3 },
            ColumnType::Json { length_bytes: 4 },
            ColumnType::Time { fsp: 6 },
        ];
        let columns: Vec<_> = types.into_iter().map(column).collect();
        let description = describe(&TableName::new("d", "t"), &columns).expect("known types");
        let (_, map) = TableMap::parse(&raw(&table_map(&description, ORIGIN))).expect("a description");
        assert_eq!((map.database.as_str(), map.table.as_str()), ("d", "t"));
        let read: Vec<_> = map.columns.iter().map(|column| (column.ty, column.nullable)).collect();
        assert_eq!(read, types.map(|ty| (ty, true)));
    }

    proptest! {
        #[test]
        fn values_are_read_as_they_were_written(
            number: i64, bits in 0..1_u64 << 12, text in "[a-zäß]{0,60}", micros in -3_020_399_999_999..=3_020_399_999_999_i64,
            year in 0..=9999_u16, month in 0..=12_u8, day in 0..=31_u8, fraction in 0..1_000_000_u32, fsp in 0..=6_u8,
        ) {
            let cut = |micros: i64| micros - micros % 10_i64.pow(6 - u32::from(fsp));
            let fraction = cut(i64::from(fraction)) as u32;
            let micros = cut(micros);
            let date = Date { year, month, day };
            let datetime = DateTime { date, hour: 23, minute: 59, second: day, micros: fraction };
            let types = [
                ColumnType::LongLong, ColumnType::Bit { bits: 12 }, ColumnType::VarChar { max_bytes: 400 }, ColumnType::Time { fsp },
                ColumnType::Date, ColumnType::DateTime { fsp }, ColumnType::Timestamp { fsp }, ColumnType::Tiny,
            ];
            let columns: Vec<_> = types.into_iter().map(column).collect();
            let map = TableMap::new("d".into(), "t".into(), columns, Vec::new(), true);
            let mut event = RowsImage::begin(RowsKind::Insert, types.len(), ORIGIN);
            let mut cells = event.image(|at| at == 7);
            cells.integer(number.cast_unsigned(), 8);
            cells.bits(bits, 12);
            cells.bytes(text.as_bytes(), 2);
            cells.time(micros, fsp);
            cells.date(date);
            cells.datetime(datetime, fsp);
            cells.timestamp(5, fraction, fsp);
            let event = raw(&event.end(true));
            let rows = RowsEvent::parse(&event).expect("rows");
            let (mut before, mut after) = (Vec::new(), Vec::new());
            let mut images = rows.rows(&map).expect("of the table");
            prop_assert!(images.next(&mut before, &mut after).expect("a row"));
            prop_assert_eq!(after[0], ColumnValue::Int(number));
            prop_assert_eq!(after[1], ColumnValue::Bit { bytes: &(bits as u16).to_be_bytes(), bits: 12 });
            prop_assert_eq!(after[2], ColumnValue::Text(text.as_bytes()));
            let ColumnValue::Time(time) = after[3] else { panic!("a time") };
            prop_assert_eq!(time.total_micros(), micros);
            prop_assert_eq!(after[4], ColumnValue::Date(date));
            prop_assert_eq!(after[5], ColumnValue::DateTime(datetime));
            prop_assert_eq!(after[6], ColumnValue::Timestamp { seconds: 5, micros: fraction });
            prop_assert_eq!(after[7], ColumnValue::Null);
            prop_assert!(!images.next(&mut before, &mut after).expect("the end"));
        }
    }

    #[test]
    fn an_update_has_two_images() {
        let columns = vec![column(ColumnType::Blob { length_bytes: 2 })];
        let map = TableMap::new("d".into(), "t".into(), columns, Vec::new(), true);
        let mut event = RowsImage::begin(RowsKind::Update, 1, ORIGIN);
        event.image(|_| false).bytes(b"old", 2);
        event.image(|_| false).bytes(b"new", 2);
        let event = raw(&event.end(true));
        let rows = RowsEvent::parse(&event).expect("rows");
        let (mut before, mut after) = (Vec::new(), Vec::new());
        let mut images = rows.rows(&map).expect("of the table");
        assert!(images.next(&mut before, &mut after).expect("a row"));
        assert_eq!((before[0], after[0]), (ColumnValue::Text(b"old"), ColumnValue::Text(b"new")));
        assert!(!images.next(&mut before, &mut after).expect("the end"));
    }
}
