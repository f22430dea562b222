//! A column's value as the target will hold it: exact, and independent of how it is written (SQL text, or
//! later a row image).

use bytes::Bytes;

#[derive(Debug, Clone, PartialEq)]
pub enum Datum {
    Null,
    /// Not told: the source logs partial images (binlog_row_image).
    Absent,
    Int(i64),
    UInt(u64),
    Float(f32),
    Double(f64),
    /// Unscaled big-endian two's complement.
    Decimal {
        unscaled: Bytes,
        scale: u8,
    },
    /// UTF-8, of a character, ENUM or SET column.
    Text(Bytes),
    /// UTF-8 JSON.
    Json(Bytes),
    /// JSON in the server's own binary form, for values that its text does not tell exactly.
    JsonBinary(Bytes),
    /// Raw bytes: binary columns, geometries (SRID and WKB), vectors.
    Binary(Bytes),
    /// Days since 1970-01-01.
    Date(i64),
    /// Microseconds.
    Time(i64),
    /// Microseconds since 1970-01-01 00:00:00, in UTC for TIMESTAMP.
    DateTime(i64),
    /// The text that the server accepts for the column's type: zero and partial dates.
    Literal(Bytes),
    /// Bytes in the column's own charset, for text that is not valid in it.
    Raw(Bytes),
    /// No bytes at all: what a GEOMETRY or VECTOR that may not be NULL has where it was given no value. No statement can give it, but
    /// one with the strict mode off that does not name the column.
    Nothing,
    /// Number of an ENUM's label (0: the invalid value), bits of a SET.
    Index(u64),
}

/// A row, in the order of its mapping's columns.
pub type Row = Box<[Datum]>;

impl Datum {
    /// Memory beyond the struct itself.
    pub fn heap_bytes(&self) -> usize {
        match self {
            Self::Decimal { unscaled: bytes, .. }
            | Self::Text(bytes)
            | Self::Json(bytes)
            | Self::JsonBinary(bytes)
            | Self::Binary(bytes)
            | Self::Literal(bytes)
            | Self::Raw(bytes) => bytes.len(),
            Self::Null
            | Self::Absent
            | Self::Nothing
            | Self::Int(_)
            | Self::UInt(_)
            | Self::Float(_)
            | Self::Double(_)
            | Self::Date(_)
            | Self::Time(_)
            | Self::DateTime(_)
            | Self::Index(_) => 0,
        }
    }

    /// Whether two values are the same bytes at the target. Unlike `==`, NaN-proof and true to the sign of 0.
    pub fn is_identical(&self, other: &Self) -> bool {
        match (self, other) {
            (Self::Float(a), Self::Float(b)) => a.to_bits() == b.to_bits(),
            (Self::Double(a), Self::Double(b)) => a.to_bits() == b.to_bits(),
            (a, b) => a == b,
        }
    }
}
