//! MySQL's binary JSON to text, as the server prints it.
//!
//! A value is a type byte and a body. Containers hold counts and offsets relative to their own start; small ones
//! have 2-byte offsets, large ones 4-byte. Damaged bytes may nest deeply or refer to one place many times, so
//! depth is limited as in the server, and the work is limited by the length of the input: in a sound document no
//! byte belongs to two values.

mod diff;
mod document;
mod double;
mod expression;
mod path;
mod text;
mod typed;

pub use diff::apply_diffs;
pub use expression::to_expression;
pub use typed::from_typed_text;

use crate::{
    binlog::{Error, Reader, Result},
    value::{DateTime, DecimalValue, Time},
};

/// What the JSON text form cannot carry: reading the text back gives another document.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct JsonFacts {
    /// The document holds a DECIMAL, temporal or other scalar of an SQL type.
    pub opaque: bool,
    /// The document holds an UNSIGNED INTEGER that, read from text, becomes an INTEGER.
    pub unsigned: bool,
}

/// Appends the text of a JSON value exactly as the server prints it. An empty value is the JSON null that a
/// NOT NULL column gets from a non-strict session.
pub fn to_text(bytes: &[u8], out: &mut String) -> Result<JsonFacts> {
    let Some((kind, body)) = bytes.split_first() else {
        out.push_str("null");
        return Ok(JsonFacts::default());
    };
    let mut printer = Printer { out, facts: JsonFacts::default(), budget: bytes.len() };
    printer.value(*kind, body, 0)?;
    Ok(printer.facts)
}

mod kind {
    pub const SMALL_OBJECT: u8 = 0;
    pub const LARGE_OBJECT: u8 = 1;
    pub const SMALL_ARRAY: u8 = 2;
    pub const LARGE_ARRAY: u8 = 3;
    pub const LITERAL: u8 = 4;
    pub const INT16: u8 = 5;
    pub const UINT16: u8 = 6;
    pub const INT32: u8 = 7;
    pub const UINT32: u8 = 8;
    pub const INT64: u8 = 9;
    pub const UINT64: u8 = 10;
    pub const DOUBLE: u8 = 11;
    pub const STRING: u8 = 12;
    pub const OPAQUE: u8 = 15;
}

/// Types of columns that opaque values come from.
mod field {
    pub const TIMESTAMP: u8 = 7;
    pub const DATE: u8 = 10;
    pub const TIME: u8 = 11;
    pub const DATETIME: u8 = 12;
    pub const VARCHAR: u8 = 15;
    pub const BIT: u8 = 16;
    pub const NEWDECIMAL: u8 = 246;
    pub const TINY_BLOB: u8 = 249;
    pub const MEDIUM_BLOB: u8 = 250;
    pub const LONG_BLOB: u8 = 251;
    pub const BLOB: u8 = 252;
    pub const VAR_STRING: u8 = 253;
    pub const STRING: u8 = 254;
}

/// The server's limit.
const MAX_DEPTH: usize = 100;

struct Printer<'o> {
    out: &'o mut String,
    facts: JsonFacts,
    budget: usize,
}

/// An array or object: its bytes, and where the entries are.
struct Container<'a> {
    bytes: &'a [u8],
    count: usize,
    large: bool,
    object: bool,
}

impl Printer<'_> {
    fn value(&mut self, kind: u8, body: &[u8], depth: usize) -> Result<()> {
        self.spend(1)?;
        let mut reader = Reader::new("a JSON value", body);
        match kind {
            kind::SMALL_OBJECT => self.container(&Container::read(body, false, true)?, depth),
            kind::LARGE_OBJECT => self.container(&Container::read(body, true, true)?, depth),
            kind::SMALL_ARRAY => self.container(&Container::read(body, false, false)?, depth),
            kind::LARGE_ARRAY => self.container(&Container::read(body, true, false)?, depth),
            kind::LITERAL => {
                self.out.push_str(match reader.u8()? {
                    0 => "null",
                    1 => "true",
                    2 => "false",
                    other => return Err(malformed(format!("literal {other}"))),
                });
                Ok(())
            }
            kind::INT16 => self.integer(i64::from(reader.u16()?.cast_signed())),
            kind::INT32 => self.integer(i64::from(reader.i32()?)),
            kind::INT64 => {
                let value = reader.i64()?;
                self.integer(value)
            }
            kind::UINT16 => self.unsigned(u64::from(reader.u16()?)),
            kind::UINT32 => self.unsigned(u64::from(reader.u32()?)),
            kind::UINT64 => {
                let value = reader.u64()?;
                self.unsigned(value)
            }
            kind::DOUBLE => double::write(f64::from_le_bytes(*reader.array()?), self.out),
            kind::STRING => {
                let length = read_length(&mut reader)?;
                let bytes = reader.take(length)?;
                self.spend(length)?;
                self.quoted(bytes)
            }
            kind::OPAQUE => {
                let field = reader.u8()?;
                let length = read_length(&mut reader)?;
                let bytes = reader.take(length)?;
                self.spend(length)?;
                self.opaque(field, bytes)
            }
            other => Err(malformed(format!("type {other}"))),
        }
    }

    fn container(&mut self, container: &Container, depth: usize) -> Result<()> {
        if depth >= MAX_DEPTH {
            return Err(malformed(format!("more than {MAX_DEPTH} levels")));
        }
        self.out.push(if container.object { '{' } else { '[' });
        for index in 0..container.count {
            if index > 0 {
                self.out.push_str(", ");
            }
            if container.object {
                let key = container.key(index)?;
                self.spend(key.len())?;
                self.quoted(key)?;
                self.out.push_str(": ");
            }
            let (kind, body) = container.entry(index)?;
            self.value(kind, body, depth + 1)?;
        }
        self.out.push(if container.object { '}' } else { ']' });
        Ok(())
    }

    fn quoted(&mut self, bytes: &[u8]) -> Result<()> {
        let text = std::str::from_utf8(bytes).map_err(|_| malformed("a string that is not UTF-8"))?;
        text::write_quoted(text, self.out);
        Ok(())
    }

    #[allow(clippy::unnecessary_wraps, reason = "an arm among others that can fail")]
    fn integer(&mut self, value: i64) -> Result<()> {
        text::write_integer(value, self.out);
        Ok(())
    }

    #[allow(clippy::unnecessary_wraps, reason = "an arm among others that can fail")]
    fn unsigned(&mut self, value: u64) -> Result<()> {
        // Larger ones are unsigned when read from text, too.
        self.facts.unsigned |= i64::try_from(value).is_ok();
        text::write_unsigned(value, self.out);
        Ok(())
    }

    fn opaque(&mut self, field: u8, bytes: &[u8]) -> Result<()> {
        self.facts.opaque = true;
        match field {
            field::NEWDECIMAL => {
                let decimal = match bytes {
                    [precision, scale, stored @ ..] => DecimalValue::new(stored, *precision, *scale),
                    _ => None,
                };
                decimal.ok_or_else(|| malformed("a DECIMAL"))?.write_text(self.out);
            }
            field::DATE | field::DATETIME | field::TIMESTAMP => {
                let datetime = datetime(bytes).ok_or_else(|| malformed("a date"))?;
                self.out.push('"');
                if field == field::DATE {
                    datetime.date.write_text(self.out);
                } else {
                    datetime.write_text(6, self.out);
                }
                self.out.push('"');
            }
            field::TIME => {
                let time = time(bytes).ok_or_else(|| malformed("a TIME"))?;
                self.out.push('"');
                time.write_text(6, self.out);
                self.out.push('"');
            }
            field::VAR_STRING => self.quoted(bytes)?,
            other => text::write_opaque(other, bytes, self.out),
        }
        Ok(())
    }

    fn spend(&mut self, bytes: usize) -> Result<()> {
        self.budget =
            self.budget.checked_sub(bytes).ok_or_else(|| malformed("values that share the same bytes"))?;
        Ok(())
    }
}

impl<'a> Container<'a> {
    fn read(bytes: &'a [u8], large: bool, object: bool) -> Result<Self> {
        let mut container = Self { bytes, count: 0, large, object };
        let mut reader = Reader::new("a JSON container", bytes);
        container.count = reader.uint(container.offset_length())? as usize;
        let size = reader.uint(container.offset_length())? as usize;
        // What follows belongs to others.
        container.bytes = bytes.get(..size).ok_or_else(|| malformed("a container larger than its place"))?;
        let entries = container
            .entries_start()
            .saturating_add(container.count.saturating_mul(container.entry_length()));
        if entries > size {
            return Err(malformed("a container with more entries than it has bytes for"));
        }
        Ok(container)
    }

    fn offset_length(&self) -> usize {
        if self.large { 4 } else { 2 }
    }

    fn key_entry_length(&self) -> usize {
        self.offset_length() + 2
    }

    fn entry_length(&self) -> usize {
        self.offset_length() + 1
    }

    fn entries_start(&self) -> usize {
        let keys = if self.object { self.count.saturating_mul(self.key_entry_length()) } else { 0 };
        (2 * self.offset_length()).saturating_add(keys)
    }

    fn at(&self, offset: usize) -> Result<Reader<'a>> {
        let bytes =
            self.bytes.get(offset..).ok_or_else(|| malformed("an offset outside of its container"))?;
        Ok(Reader::new("a JSON container", bytes))
    }

    fn key(&self, index: usize) -> Result<&'a [u8]> {
        let mut entry = self.at(2 * self.offset_length() + index * self.key_entry_length())?;
        let offset = entry.uint(self.offset_length())? as usize;
        let length = usize::from(entry.u16()?);
        self.at(offset)?.take(length)
    }

    /// Type and body. Small scalars are in the entry itself.
    fn entry(&self, index: usize) -> Result<(u8, &'a [u8])> {
        let mut entry = self.at(self.entries_start() + index * self.entry_length())?;
        let kind = entry.u8()?;
        let inline = match kind {
            kind::LITERAL | kind::INT16 | kind::UINT16 => true,
            kind::INT32 | kind::UINT32 => self.large,
            _ => false,
        };
        if inline {
            return Ok((kind, entry.take(self.offset_length())?));
        }
        let offset = entry.uint(self.offset_length())? as usize;
        Ok((kind, self.at(offset)?.left()))
    }
}

/// Seven bits a byte, lowest first; the highest bit says that more follow.
fn read_length(reader: &mut Reader) -> Result<usize> {
    let mut length = 0_u64;
    for shift in (0..35).step_by(7) {
        let byte = reader.u8()?;
        length |= u64::from(byte & 0x7f) << shift;
        if byte & 0x80 == 0 {
            return match u32::try_from(length) {
                Ok(length) => Ok(length as usize),
                Err(_) => Err(malformed("a length of more than 32 bits")),
            };
        }
    }
    Err(malformed("a length of more than 5 bytes"))
}

/// The lower 24 bits of a packed time are the microseconds.
fn unpack(bytes: &[u8]) -> Option<(bool, u64, u32)> {
    let packed = i64::from_le_bytes(bytes.try_into().ok()?);
    let magnitude = packed.unsigned_abs();
    Some((packed < 0, magnitude >> 24, (magnitude & 0xff_ffff) as u32))
}

fn datetime(bytes: &[u8]) -> Option<DateTime> {
    match unpack(bytes)? {
        (false, packed, micros) => DateTime::from_parts(packed, micros),
        (true, ..) => None,
    }
}

fn time(bytes: &[u8]) -> Option<Time> {
    let (negative, hms, micros) = unpack(bytes)?;
    Time::from_parts(negative, u32::try_from(hms).ok()?, micros)
}

#[cold]
fn malformed(found: impl Into<String>) -> Error {
    Error::Malformed { what: "a JSON value", found: found.into() }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn text(bytes: &[u8]) -> String {
        let mut out = String::new();
        to_text(bytes, &mut out).unwrap();
        out
    }

    #[test]
    fn scalars() {
        let cases: [(&[u8], &str); 9] = [
            (&[], "null"),
            (&[4, 1], "true"),
            (&[5, 0xff, 0xff], "-1"),
            (&[6, 0xff, 0xff], "65535"),
            (&[7, 0, 0, 0, 0x80], "-2147483648"),
            (&[10, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff], "18446744073709551615"),
            (&[11, 0, 0, 0, 0, 0, 0, 0xf0, 0x3f], "1.0"),
            (&[12, 3, b'a', b'"', b'\n'], r#""a\"\n""#),
            (&[15, 246, 4, 3, 2, 0x80 | 1, 50], "1.50"),
        ];
        for (bytes, expected) in cases {
            assert_eq!(text(bytes), expected, "{bytes:?}");
        }
    }

    #[test]
    fn facts_tell_what_text_loses() {
        let facts = |bytes: &[u8]| to_text(bytes, &mut String::new()).unwrap();
        assert_eq!(facts(&[5, 1, 0]), JsonFacts::default());
        assert_eq!(facts(&[6, 1, 0]), JsonFacts { unsigned: true, opaque: false });
        assert_eq!(facts(&[10, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff]), JsonFacts::default());
        assert_eq!(facts(&[15, 246, 4, 3, 2, 0x81, 50]), JsonFacts { unsigned: false, opaque: true });
    }

    /// {"a": [1, {}], "b": "x"}
    const DOCUMENT: &[u8] = &[
        0, 2, 0, 36, 0, 18, 0, 1, 0, 19, 0, 1, 0, 2, 20, 0, 12, 34, 0, b'a', b'b', 2, 0, 14, 0, 5, 1, 0, 0,
        10, 0, 0, 0, 4, 0, 1, b'x',
    ];

    #[test]
    fn containers_nest() {
        assert_eq!(text(DOCUMENT), r#"{"a": [1, {}], "b": "x"}"#);
    }

    #[test]
    fn truncations_are_errors() {
        for length in 1..DOCUMENT.len() {
            assert!(to_text(&DOCUMENT[..length], &mut String::new()).is_err(), "{length}");
        }
    }

    #[test]
    fn arrays_that_contain_one_child_twice_do_not_grow_without_bound() {
        // Each level holds two entries that refer to the same next level.
        let mut bytes = vec![4, 0];
        for _ in 0..60 {
            let size = 10 + bytes.len() - 1;
            let mut outer = vec![2, 2, 0, size as u8, (size >> 8) as u8];
            for _ in 0..2 {
                outer.extend([bytes[0], 10, 0]);
            }
            outer.extend(&bytes[1..]);
            bytes = outer;
        }
        assert!(to_text(&bytes, &mut String::new()).is_err());
    }

    #[test]
    fn depth_is_limited() {
        let mut bytes = vec![2, 0, 0, 4, 0];
        for level in 1..=MAX_DEPTH {
            let size = 7 + bytes.len() - 1;
            bytes = [vec![2, 1, 0, size as u8, (size >> 8) as u8, 2, 7, 0], bytes[1..].to_vec()].concat();
            assert_eq!(to_text(&bytes, &mut String::new()).is_ok(), level < MAX_DEPTH, "{level}");
        }
    }

    proptest! {
        #[test]
        fn no_bytes_make_it_panic(bytes in prop::collection::vec(any::<u8>(), 0..200)) {
            let _ = to_text(&bytes, &mut String::new());
        }

        #[test]
        fn no_damage_makes_it_panic(at in 0..DOCUMENT.len(), byte: u8) {
            let mut bytes = DOCUMENT.to_vec();
            bytes[at] = byte;
            let _ = to_text(&bytes, &mut String::new());
        }
    }
}
