//! Column values as rows carry them, borrowed from the event.

mod decimal;
mod temporal;

use std::borrow::Cow;

pub use decimal::DecimalValue;
pub use temporal::{Date, DateTime, Time};
pub(crate) use temporal::{fraction_length, fraction_micros};

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
    /// JSON as the server prints it, where that is all that it tells (SELECT).
    JsonText(&'a str),
    /// SRID (4 bytes, little-endian) and WKB.
    Geometry(&'a [u8]),
    /// Little-endian f32s, unless an ALTER has made it of other bytes.
    Vector(&'a [u8]),
}

/// BINARY(n) loses its trailing zero bytes in the binlog; this gives them back.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct BinaryValue<'a> {
    stored: &'a [u8],
    /// Zero bytes after them.
    zeros: u16,
}

impl<'a> BinaryValue<'a> {
    pub fn whole(bytes: &'a [u8]) -> Self {
        Self { stored: bytes, zeros: 0 }
    }

    /// None if there are more bytes than `length`.
    pub fn padded(stored: &'a [u8], length: usize) -> Option<Self> {
        Some(Self { stored, zeros: u16::try_from(length.checked_sub(stored.len())?).ok()? })
    }

    pub fn len(&self) -> usize {
        self.stored.len() + usize::from(self.zeros)
    }

    pub fn is_empty(&self) -> bool {
        self.len() == 0
    }

    /// The whole value; allocates only where zero bytes must be given back.
    pub fn to_bytes(&self) -> Cow<'a, [u8]> {
        if self.zeros == 0 {
            return Cow::Borrowed(self.stored);
        }
        let mut bytes = Vec::with_capacity(self.len());
        self.write(&mut bytes);
        Cow::Owned(bytes)
    }

    /// Appends the whole value.
    pub fn write(&self, out: &mut Vec<u8>) {
        out.extend_from_slice(self.stored);
        out.resize(out.len() + usize::from(self.zeros), 0);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn zero_bytes_come_back() {
        let value = BinaryValue::padded(&[1, 2], 4).unwrap();
        assert_eq!((value.len(), &value.to_bytes()[..]), (4, &[1, 2, 0, 0][..]));
        assert!(matches!(BinaryValue::padded(&[1, 2], 2).unwrap().to_bytes(), Cow::Borrowed([1, 2])));
        assert_eq!(BinaryValue::padded(&[1, 2], 1), None);
        assert!(BinaryValue::whole(&[]).is_empty());
    }
}
