//! How an index compares a column's values: the bytes under which equal values are equal.
//!
//! Two values that the server calls equal must give the same bytes (or none can be given: doubtful). The other
//! way round is not needed: different values with the same bytes only cost parallelism.
//!
//! - Numbers and times compare by value; so trailing zeros of decimals and the sign of zero fall away.
//! - Binary collations compare bytes, some of them padded with spaces: trailing spaces fall away, and the
//!   zeros that BINARY(n) is padded with.
//! - Case-insensitive collations of the list below hold, among printable ASCII, no two characters equal but
//!   the two cases of a letter, and ignore none (a test asks the server). So printable ASCII is lower-cased.
//!   Anything else is doubtful: 'ß' = 'ss', 'é' = 'e', a soft hyphen equals nothing at all.
//! - Collations with rules of their own for ASCII ('~' = 'y' in gbk, 'ccs' = 'cscs' in Hungarian, 'll' in Spanish, i = y in Lithuanian, I = J in classical
//!   Latin) are not in the list, and doubtful throughout.

use crate::{datum::Datum, table_map::ColumnClass};

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Comparison {
    Number,
    Time,
    Bytes,
    PrintableAscii,
    Doubtful,
}

/// Charsets and endings of the collations in which printable ASCII is as said above. Not every `_general_ci` is:
/// macce's has m = n, koi8u's ',' = '`'.
const PLAIN_CHARSETS: [&str; 9] =
    ["utf8mb4", "utf8mb3", "utf8", "utf16", "utf16le", "utf32", "ucs2", "latin1", "ascii"];
const PLAIN_ENDINGS: [&str; 14] = [
    "_general_ci",
    "_general_cs",
    "_general_mysql500_ci",
    "_general_nopad_ci",
    "_unicode_ci",
    "_unicode_520_ci",
    "_unicode_nopad_ci",
    "_0900_ai_ci",
    "_0900_as_ci",
    "_0900_as_cs",
    "_uca1400_ai_ci",
    "_uca1400_as_ci",
    "_swedish_ci",
    "_zh_0900_as_cs",
];

/// Only a charset and an ending of the lists, nothing between: a language in between has rules of its own.
fn is_plain_ascii(collation: &str) -> bool {
    PLAIN_CHARSETS.iter().any(|charset| {
        collation.strip_prefix(charset).is_some_and(|ending| {
            PLAIN_ENDINGS.contains(&ending) && (ending != "_swedish_ci" || *charset == "latin1")
        })
    })
}

impl Comparison {
    pub fn of(class: ColumnClass, collation: Option<&str>) -> Self {
        match class {
            ColumnClass::Integer
            | ColumnClass::Float
            | ColumnClass::Double
            | ColumnClass::Decimal { .. }
            | ColumnClass::Bit
            | ColumnClass::Year => Self::Number,
            ColumnClass::Date
            | ColumnClass::Time { .. }
            | ColumnClass::DateTime { .. }
            | ColumnClass::Timestamp { .. } => Self::Time,
            ColumnClass::Binary => Self::Bytes,
            ColumnClass::Character | ColumnClass::Enum | ColumnClass::Set => match collation {
                Some(name) if name == "binary" || name.ends_with("_bin") => Self::Bytes,
                Some(name) if is_plain_ascii(name) => Self::PrintableAscii,
                _ => Self::Doubtful,
            },
            ColumnClass::Json | ColumnClass::Geometry | ColumnClass::Vector | ColumnClass::Unknown => {
                Self::Doubtful
            }
        }
    }

    /// Appends the bytes that stand for a value; false: none can be told. NULL is the caller's.
    pub fn write(self, value: &Datum, out: &mut Vec<u8>) -> bool {
        match (self, value) {
            (Self::Number, Datum::Int(v)) => write_number((*v).into(), 0, out),
            (Self::Number, Datum::UInt(v)) => write_number((*v).into(), 0, out),
            (Self::Number, Datum::Decimal { unscaled, scale }) => match two_complement(unscaled) {
                Some(v) => write_number(v, *scale, out),
                None => return false,
            },
            (Self::Number, Datum::Float(v)) => write_float(f64::from(*v), out),
            (Self::Number, Datum::Double(v)) => write_float(*v, out),
            (Self::Time, Datum::Date(days)) => {
                // As midnight: the column may be a DATETIME.
                out.extend_from_slice(&(i128::from(*days) * 86_400_000_000).to_le_bytes());
            }
            (Self::Time, Datum::DateTime(micros) | Datum::Time(micros)) => {
                out.extend_from_slice(&i128::from(*micros).to_le_bytes());
            }
            (Self::Bytes, Datum::Text(bytes) | Datum::Binary(bytes)) => {
                let end = bytes.iter().rposition(|byte| !matches!(byte, 0 | b' ')).map_or(0, |last| last + 1);
                write_run(&bytes[..end], out);
            }
            (Self::PrintableAscii, Datum::Text(bytes)) => {
                if !bytes.iter().all(|byte| (0x20..0x7f).contains(byte)) {
                    return false;
                }
                write_run(&bytes.trim_ascii_end().to_ascii_lowercase(), out);
            }
            _ => return false,
        }
        true
    }
}

/// Length first, so that ('a', 'bc') is not ('ab', 'c').
fn write_run(bytes: &[u8], out: &mut Vec<u8>) {
    out.extend_from_slice(&(bytes.len() as u64).to_le_bytes());
    out.extend_from_slice(bytes);
}

fn write_number(mut value: i128, mut scale: u8, out: &mut Vec<u8>) {
    while scale > 0 && value % 10 == 0 {
        value /= 10;
        scale -= 1;
    }
    out.push(scale);
    out.extend_from_slice(&value.to_le_bytes());
}

fn write_float(value: f64, out: &mut Vec<u8>) {
    // -0.0 = 0.0.
    let value = if value == 0.0 { 0.0 } else { value };
    out.extend_from_slice(&value.to_bits().to_le_bytes());
}

/// `None`: more than 128 bits.
fn two_complement(bytes: &[u8]) -> Option<i128> {
    if bytes.len() > 16 {
        return None;
    }
    let sign = if bytes.first().is_some_and(|byte| byte & 0x80 != 0) { 0xff } else { 0 };
    let mut wide = [sign; 16];
    wide[16 - bytes.len()..].copy_from_slice(bytes);
    Some(i128::from_be_bytes(wide))
}

#[cfg(test)]
mod tests {
    use super::*;
    use bytes::Bytes;

    fn bytes_of(comparison: Comparison, value: &Datum) -> Option<Vec<u8>> {
        let mut out = Vec::new();
        comparison.write(value, &mut out).then_some(out)
    }

    fn text(text: &'static str) -> Datum {
        Datum::Text(Bytes::from_static(text.as_bytes()))
    }

    #[test]
    fn what_the_collation_calls_equal_is_equal() {
        let ci = Comparison::of(ColumnClass::Character, Some("utf8mb4_0900_ai_ci"));
        let bob = bytes_of(ci, &text("bob"));
        assert!(bob.is_some());
        assert_eq!(bob, bytes_of(ci, &text("BoB")));
        assert_eq!(bob, bytes_of(ci, &text("bob  ")));
        assert_ne!(bob, bytes_of(ci, &text("bobb")));
        assert_eq!(bytes_of(ci, &text("Zoë")), None, "an accent may not count");
        assert_eq!(bytes_of(ci, &text("a\u{1}")), None, "a control character may not count");
        let lithuanian = Comparison::of(ColumnClass::Character, Some("utf8mb4_lithuanian_ci"));
        assert_eq!(bytes_of(lithuanian, &text("i")), None);
        let binary = Comparison::of(ColumnClass::Character, Some("utf8mb4_bin"));
        assert_ne!(bytes_of(binary, &text("bob")), bytes_of(binary, &text("Bob")));
        assert!(bytes_of(binary, &text("Zoë")).is_some());
    }

    #[test]
    fn numbers_compare_by_value() {
        let decimal =
            |unscaled: &'static [u8], scale| Datum::Decimal { unscaled: Bytes::from_static(unscaled), scale };
        let n = Comparison::Number;
        assert_eq!(bytes_of(n, &decimal(&[10], 1)), bytes_of(n, &Datum::Int(1)));
        assert_eq!(bytes_of(n, &decimal(&[0xfb, 0x32], 2)), bytes_of(n, &decimal(&[0x85], 1)));
        assert_eq!(bytes_of(n, &Datum::UInt(7)), bytes_of(n, &Datum::Int(7)));
        assert_ne!(bytes_of(n, &Datum::UInt(u64::MAX)), bytes_of(n, &Datum::Int(-1)));
        assert_eq!(bytes_of(n, &Datum::Double(-0.0)), bytes_of(n, &Datum::Double(0.0)));
        let wide = decimal(&[1; 20], 0);
        assert_eq!(bytes_of(n, &wide), None);
    }
}
