//! The description of a table: what its columns are stored as.

use super::push_bitmap;
use crate::{
    binlog::{ColumnDef, ColumnType},
    catalog::TableName,
};

/// The body of a TABLE_MAP event after the table's number. `None`: a column is of a type that no row carries.
pub fn describe(name: &TableName, columns: &[ColumnDef]) -> Option<Vec<u8>> {
    let (mut codes, mut metadata) = (Vec::with_capacity(columns.len()), Vec::new());
    for column in columns {
        codes.push(code_and_metadata(column.ty, &mut metadata)?);
    }
    // Flags: none.
    let mut body = vec![0, 0];
    for name in [&name.database, &name.table] {
        push_length(name.len() as u64, &mut body);
        body.extend(name.bytes());
        body.push(0);
    }
    push_length(codes.len() as u64, &mut body);
    body.extend(codes);
    push_length(metadata.len() as u64, &mut body);
    body.extend(metadata);
    push_bitmap(columns.len(), |at| columns[at].nullable, &mut body);
    Some(body)
}

/// The server's number of the type, and what belongs to it.
fn code_and_metadata(ty: ColumnType, metadata: &mut Vec<u8>) -> Option<u8> {
    let (code, bytes): (u8, &[u8]) = match ty {
        ColumnType::Tiny => (1, &[]),
        ColumnType::Short => (2, &[]),
        ColumnType::Long => (3, &[]),
        ColumnType::Float => (4, &[4]),
        ColumnType::Double => (5, &[8]),
        ColumnType::LongLong => (8, &[]),
        ColumnType::Int24 => (9, &[]),
        ColumnType::Date => (10, &[]),
        ColumnType::Year => (13, &[]),
        ColumnType::VarChar { max_bytes } => (15, &max_bytes.to_le_bytes()),
        ColumnType::Bit { bits } => (16, &[(bits % 8) as u8, (bits / 8) as u8]),
        ColumnType::Timestamp { fsp } => (17, &[fsp]),
        ColumnType::DateTime { fsp } => (18, &[fsp]),
        ColumnType::Time { fsp } => (19, &[fsp]),
        ColumnType::Vector { length_bytes, .. } => (242, &[length_bytes]),
        ColumnType::Json { length_bytes } => (245, &[length_bytes]),
        ColumnType::Decimal { precision, scale } => (246, &[precision, scale]),
        ColumnType::Blob { length_bytes } => (252, &[length_bytes]),
        ColumnType::Enum { bytes } => (254, &[247, bytes]),
        ColumnType::Set { bytes } => (254, &[248, bytes]),
        // Bits 8 and 9 of the length are kept inverted in the type.
        ColumnType::Char { max_bytes } => {
            (254, &[254 ^ ((max_bytes >> 4) as u8 & 0x30), (max_bytes & 0xff) as u8])
        }
        ColumnType::Geometry { length_bytes, .. } => (255, &[length_bytes]),
        ColumnType::Unsupported { .. } => return None,
    };
    metadata.extend(bytes);
    Some(code)
}

/// Length-encoded.
pub(super) fn push_length(length: u64, out: &mut Vec<u8>) {
    match length {
        0..=250 => out.push(length as u8),
        251..=0xffff => {
            out.push(252);
            out.extend(&length.to_le_bytes()[..2]);
        }
        0x1_0000..=0xff_ffff => {
            out.push(253);
            out.extend(&length.to_le_bytes()[..3]);
        }
        _ => {
            out.push(254);
            out.extend(length.to_le_bytes());
        }
    }
}
