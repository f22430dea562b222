//! How to decode one column, compiled once a table map: the row loop sees this and not the column's definition.

use crate::{
    binlog::{ColumnDef, ColumnType, Error, Reader, Result},
    value::{BinaryValue, ColumnValue, Date, DateTime, DecimalValue, Time, fraction_length, fraction_micros},
};

#[derive(Debug, Clone, Copy, PartialEq)]
pub(in crate::binlog) enum Cell {
    I8,
    U8,
    I16,
    U16,
    I24,
    U24,
    I32,
    U32,
    I64,
    U64,
    F32,
    F64,
    Decimal {
        precision: u8,
        scale: u8,
        length: u8,
    },
    Year,
    Date,
    Time {
        length: u8,
    },
    DateTime {
        length: u8,
    },
    Timestamp {
        fraction: u8,
    },
    Bit {
        bits: u16,
    },
    Enum {
        bytes: u8,
    },
    Set {
        bytes: u8,
    },
    Text {
        length_bytes: u8,
    },
    /// VARBINARY and BLOB.
    Bytes {
        length_bytes: u8,
    },
    /// BINARY(n), zero bytes at the end taken off.
    Padded {
        length_bytes: u8,
        length: u16,
    },
    Json {
        length_bytes: u8,
    },
    Geometry {
        length_bytes: u8,
    },
    Vector {
        length_bytes: u8,
    },
    Unsupported {
        code: u8,
    },
}

impl Cell {
    pub fn of(column: &ColumnDef) -> Self {
        let signed = |signed, unsigned| if column.unsigned { unsigned } else { signed };
        let lengths_of = |max_bytes: u16| if max_bytes > 255 { 2 } else { 1 };
        match column.ty {
            ColumnType::Tiny => signed(Self::I8, Self::U8),
            ColumnType::Short => signed(Self::I16, Self::U16),
            ColumnType::Int24 => signed(Self::I24, Self::U24),
            ColumnType::Long => signed(Self::I32, Self::U32),
            ColumnType::LongLong => signed(Self::I64, Self::U64),
            ColumnType::Float => Self::F32,
            ColumnType::Double => Self::F64,
            ColumnType::Decimal { precision, scale } => Self::Decimal {
                precision,
                scale,
                length: DecimalValue::stored_length(precision, scale) as u8,
            },
            ColumnType::Year => Self::Year,
            ColumnType::Date => Self::Date,
            ColumnType::Time { fsp } => Self::Time { length: 3 + fraction_length(fsp) as u8 },
            ColumnType::DateTime { fsp } => Self::DateTime { length: 5 + fraction_length(fsp) as u8 },
            ColumnType::Timestamp { fsp } => Self::Timestamp { fraction: fraction_length(fsp) as u8 },
            ColumnType::Bit { bits } => Self::Bit { bits },
            ColumnType::Enum { bytes } => Self::Enum { bytes },
            ColumnType::Set { bytes } => Self::Set { bytes },
            ColumnType::Char { max_bytes } if column.is_binary() => {
                Self::Padded { length_bytes: lengths_of(max_bytes), length: max_bytes }
            }
            ColumnType::VarChar { max_bytes } if column.is_binary() => {
                Self::Bytes { length_bytes: lengths_of(max_bytes) }
            }
            ColumnType::Char { max_bytes } | ColumnType::VarChar { max_bytes } => {
                Self::Text { length_bytes: lengths_of(max_bytes) }
            }
            ColumnType::Blob { length_bytes } if column.is_binary() => Self::Bytes { length_bytes },
            ColumnType::Blob { length_bytes } => Self::Text { length_bytes },
            ColumnType::Json { length_bytes } => Self::Json { length_bytes },
            ColumnType::Geometry { length_bytes, .. } => Self::Geometry { length_bytes },
            ColumnType::Vector { length_bytes, .. } => Self::Vector { length_bytes },
            ColumnType::Unsupported { code } => Self::Unsupported { code },
        }
    }

    #[inline]
    pub fn read<'a>(self, reader: &mut Reader<'a>) -> Result<ColumnValue<'a>> {
        Ok(match self {
            Self::I8 => ColumnValue::Int(i64::from(reader.u8()?.cast_signed())),
            Self::U8 => ColumnValue::UInt(u64::from(reader.u8()?)),
            Self::I16 => ColumnValue::Int(i64::from(reader.u16()?.cast_signed())),
            Self::U16 => ColumnValue::UInt(u64::from(reader.u16()?)),
            Self::I24 => {
                let [a, b, c] = *reader.array()?;
                // In the upper bytes first, so that the shift extends the sign.
                ColumnValue::Int(i64::from(i32::from_le_bytes([0, a, b, c]) >> 8))
            }
            Self::U24 => {
                let [a, b, c] = *reader.array()?;
                ColumnValue::UInt(u64::from(u32::from_le_bytes([a, b, c, 0])))
            }
            Self::I32 => ColumnValue::Int(i64::from(reader.i32()?)),
            Self::U32 => ColumnValue::UInt(u64::from(reader.u32()?)),
            Self::I64 => ColumnValue::Int(reader.i64()?),
            Self::U64 => ColumnValue::UInt(reader.u64()?),
            Self::F32 => ColumnValue::Float(f32::from_le_bytes(*reader.array()?)),
            Self::F64 => ColumnValue::Double(f64::from_le_bytes(*reader.array()?)),
            Self::Decimal { precision, scale, length } => {
                let stored = reader.take(usize::from(length))?;
                ColumnValue::Decimal(
                    DecimalValue::new(stored, precision, scale).ok_or_else(|| bad("DECIMAL", stored))?,
                )
            }
            Self::Year => match reader.u8()? {
                0 => ColumnValue::Year(0),
                since_1900 => ColumnValue::Year(1900 + u16::from(since_1900)),
            },
            Self::Date => ColumnValue::Date(Date::from_stored(*reader.array()?)),
            Self::Time { length } => {
                let stored = reader.take(usize::from(length))?;
                ColumnValue::Time(Time::from_stored(stored).ok_or_else(|| bad("TIME", stored))?)
            }
            Self::DateTime { length } => {
                let stored = reader.take(usize::from(length))?;
                ColumnValue::DateTime(DateTime::from_stored(stored).ok_or_else(|| bad("DATETIME", stored))?)
            }
            Self::Timestamp { fraction } => {
                let seconds = i64::from(u32::from_be_bytes(*reader.array()?));
                let stored = reader.take(usize::from(fraction))?;
                let micros =
                    fraction_micros(stored).ok_or_else(|| bad("the fraction of a TIMESTAMP", stored))?;
                ColumnValue::Timestamp { seconds, micros }
            }
            Self::Bit { bits } => {
                ColumnValue::Bit { bytes: reader.take(usize::from(bits.div_ceil(8)))?, bits }
            }
            Self::Enum { bytes } => ColumnValue::Enum(reader.uint(usize::from(bytes))? as u16),
            Self::Set { bytes } => ColumnValue::Set(reader.uint(usize::from(bytes))?),
            Self::Text { length_bytes } => ColumnValue::Text(sized(reader, length_bytes)?),
            Self::Bytes { length_bytes } => {
                ColumnValue::Binary(BinaryValue::whole(sized(reader, length_bytes)?))
            }
            Self::Padded { length_bytes, length } => {
                let stored = sized(reader, length_bytes)?;
                ColumnValue::Binary(
                    BinaryValue::padded(stored, usize::from(length)).ok_or_else(|| bad("BINARY", stored))?,
                )
            }
            Self::Json { length_bytes } => ColumnValue::Json(sized(reader, length_bytes)?),
            Self::Geometry { length_bytes } => ColumnValue::Geometry(sized(reader, length_bytes)?),
            Self::Vector { length_bytes } => ColumnValue::Vector(sized(reader, length_bytes)?),
            Self::Unsupported { code } => return Err(unsupported(code)),
        })
    }

    /// Passes a value over: its length alone is looked at.
    #[inline]
    pub fn skip(self, reader: &mut Reader<'_>) -> Result<()> {
        let length = match self {
            Self::I8 | Self::U8 | Self::Year => 1,
            Self::I16 | Self::U16 => 2,
            Self::I24 | Self::U24 | Self::Date => 3,
            Self::I32 | Self::U32 | Self::F32 => 4,
            Self::I64 | Self::U64 | Self::F64 => 8,
            Self::Decimal { length, .. } | Self::Time { length } | Self::DateTime { length } => {
                usize::from(length)
            }
            Self::Timestamp { fraction } => 4 + usize::from(fraction),
            Self::Bit { bits } => usize::from(bits.div_ceil(8)),
            Self::Enum { bytes } | Self::Set { bytes } => usize::from(bytes),
            Self::Text { length_bytes }
            | Self::Bytes { length_bytes }
            | Self::Padded { length_bytes, .. }
            | Self::Json { length_bytes }
            | Self::Geometry { length_bytes }
            | Self::Vector { length_bytes } => return sized(reader, length_bytes).map(drop),
            Self::Unsupported { code } => return Err(unsupported(code)),
        };
        reader.take(length).map(drop)
    }
}

/// A length of 1 to 4 bytes, then so many bytes.
#[inline]
fn sized<'a>(reader: &mut Reader<'a>, length_bytes: u8) -> Result<&'a [u8]> {
    let length = match length_bytes {
        1 => usize::from(reader.u8()?),
        2 => usize::from(reader.u16()?),
        other => reader.uint(usize::from(other))? as usize,
    };
    reader.take(length)
}

#[cold]
fn bad(what: &'static str, stored: &[u8]) -> Error {
    let shown = &stored[..stored.len().min(32)];
    Error::Malformed { what, found: format!("no value has the bytes {shown:02x?}") }
}

#[cold]
fn unsupported(code: u8) -> Error {
    Error::Unsupported {
        what: unsupported_type(code),
        remedy: "ALTER TABLE ... FORCE brings old formats up to date; else leave the table out",
    }
}

/// How messages name a type that is not read.
pub fn unsupported_type(code: u8) -> String {
    match code {
        0 => "a DECIMAL column of before MySQL 5.0".into(),
        7 => "a TIMESTAMP column in the format of MySQL 5.5 (MariaDB: mysql56_temporal_format=OFF)".into(),
        11 => "a TIME column in the format of MySQL 5.5 (MariaDB: mysql56_temporal_format=OFF)".into(),
        12 => "a DATETIME column in the format of MySQL 5.5 (MariaDB: mysql56_temporal_format=OFF)".into(),
        20 => "an array column".into(),
        140 | 141 => "a COMPRESSED column of MariaDB".into(),
        code => format!("a column of type number {code}"),
    }
}
