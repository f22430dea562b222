//! Column values as rows carry them, borrowed from the event.

mod decimal;
mod temporal;

use std::borrow::Cow;

pub use decimal::DecimalValue;
pub use temporal::{Date, DateTime, Time};

#[derive(Debug, Clone, Copy, PartialEq)]
pub enum ColumnValue<'a> {
    Null,
    /// Not in a partial image (binlog_row_image other than FULL).
    Absent,
    Int(i64),
    UInt(u64),
    Float(f32),
    Double(f64),
    Decimal(DecimalValue<'a>),
    Year(u16),
    Date(Date),
    Time(Time),
    DateTime(DateTime),
    /// Seconds since the epoch, UTC; 0 with 0 micros is the zero date.
    Timestamp {
        seconds: i64,
        micros: u32,
    },
    /// Big-endian, ceil(bits / 8) bytes.
    Bit {
        bytes: &'a [u8],
        bits: u16,
    },
    /// 0 = the empty string of an invalid value; else 1-based.
    Enum(u16),
    /// Bit 0 = first label.
    Set(u64),
    /// In the column's own charset.
    Text(&'a [u8]),
    Binary(BinaryValue<'a>),
    /// MySQL's binary JSON; see [`crate::jsonb`].
    Json(&'a [u8]),
    /// SRID (4 bytes, little-endian) and WKB.
    Geometry(&'a [u8]),
    /// Little-endian f32s.
    Vector(&'a [u8]),
}

/// BINARY(n) loses its trailing zero bytes in the binlog; this gives them back.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct BinaryValue<'a> {
    stored: &'a [u8],
    length: u32,
}

impl<'a> BinaryValue<'a> {
    pub fn new(stored: &'a [u8], length: u32) -> Self {
        Self { stored, length: length.max(stored.len() as u32) }
    }
    pub fn len(&self) -> usize {
        self.length as usize
    }
    pub fn is_empty(&self) -> bool {
        self.length == 0
    }
    /// The whole value; allocates only where zero bytes must be given back.
    pub fn to_bytes(&self) -> Cow<'a, [u8]> {
        if self.stored.len() == self.len() {
            return Cow::Borrowed(self.stored);
        }
        let mut bytes = self.stored.to_vec();
        bytes.resize(self.len(), 0);
        Cow::Owned(bytes)
    }
}
