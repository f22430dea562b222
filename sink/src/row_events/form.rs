//! How a column of the target stores a value.

use std::collections::HashMap;

use strait_mysql::{
    binlog::{ColumnDef, ColumnType, encode::Cells},
    value::{Date, DateTime, DecimalValue},
};
use strait_schemas::decimal;

use crate::datum::Datum;

const MICROS: i64 = 1_000_000;
const DAY: i64 = 86_400 * MICROS;
/// 838:59:59.
const LONGEST_TIME: i64 = (838 * 3600 + 59 * 60 + 59) * MICROS;

/// Which characters are in the column's charset as they are in UTF-8.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Repertoire {
    All,
    /// Not those of four bytes.
    Basic,
    Ascii,
}

#[derive(Debug, PartialEq)]
pub enum Form {
    Integer { bytes: u8, unsigned: bool },
    Float { unsigned: bool },
    Double { unsigned: bool },
    Decimal { precision: u8, scale: u8, unsigned: bool },
    Bit { bits: u16 },
    Year,
    Date,
    Time { fsp: u8 },
    DateTime { fsp: u8 },
    Timestamp { fsp: u8 },
    Text { length_bytes: u8, most_bytes: u64, most_characters: u64, repertoire: Repertoire },
    Binary { length_bytes: u8, most_bytes: u64 },
    Enum { bytes: u8, labels: HashMap<Box<[u8]>, u64> },
    Set { bytes: u8, labels: HashMap<Box<[u8]>, u64> },
    Json,
    Geometry,
}

/// What the column's type in the log does not tell.
#[derive(Debug, Clone, Copy)]
pub struct Bounds<'a> {
    pub charset: Option<&'a str>,
    pub characters: Option<u64>,
    pub octets: Option<u64>,
    /// Of FLOAT(m,d), too, whose values the server rounds.
    pub scale: Option<u32>,
    /// MariaDB looks at no geometry that comes in an event.
    pub geometries: bool,
}

impl Form {
    /// `None`: its values are written in SQL.
    pub fn of(column: &ColumnDef, bounds: Bounds<'_>) -> Option<Self> {
        let unsigned = column.unsigned;
        let integer = |bytes| Self::Integer { bytes, unsigned };
        let text = |length_bytes| match bounds.charset {
            None | Some("binary") => Some(Self::Binary { length_bytes, most_bytes: bounds.octets? }),
            Some(charset) => Some(Self::Text {
                length_bytes,
                most_bytes: bounds.octets?,
                most_characters: bounds.characters?,
                repertoire: repertoire(charset)?,
            }),
        };
        let lengths = |most: u16| if most > 255 { 2 } else { 1 };
        let labels = |value: fn(usize) -> u64| {
            let mut numbers: HashMap<Box<[u8]>, u64> = HashMap::new();
            for (at, label) in column.labels.iter().enumerate() {
                // Of two alike, the first.
                numbers.entry(label.as_bytes().into()).or_insert_with(|| value(at));
            }
            numbers
        };
        Some(match column.ty {
            ColumnType::Tiny => integer(1),
            ColumnType::Short => integer(2),
            ColumnType::Int24 => integer(3),
            ColumnType::Long => integer(4),
            ColumnType::LongLong => integer(8),
            ColumnType::Float | ColumnType::Double if bounds.scale.is_some() => return None,
            ColumnType::Float => Self::Float { unsigned },
            ColumnType::Double => Self::Double { unsigned },
            ColumnType::Decimal { precision, scale } => Self::Decimal { precision, scale, unsigned },
            ColumnType::Year => Self::Year,
            ColumnType::Date => Self::Date,
            ColumnType::Time { fsp } => Self::Time { fsp },
            ColumnType::DateTime { fsp } => Self::DateTime { fsp },
            ColumnType::Timestamp { fsp } => Self::Timestamp { fsp },
            ColumnType::Bit { bits } => Self::Bit { bits },
            ColumnType::Enum { bytes } => Self::Enum { bytes, labels: labels(|at| at as u64 + 1) },
            ColumnType::Set { bytes } => Self::Set { bytes, labels: labels(|at| 1 << at) },
            ColumnType::Char { max_bytes } | ColumnType::VarChar { max_bytes } => text(lengths(max_bytes))?,
            ColumnType::Blob { length_bytes } => text(length_bytes)?,
            ColumnType::Json { .. } => Self::Json,
            ColumnType::Geometry { .. } if bounds.geometries => Self::Geometry,
            ColumnType::Geometry { .. } | ColumnType::Vector { .. } | ColumnType::Unsupported { .. } => {
                return None;
            }
        })
    }

    /// Writes a value that is not NULL. `None`: it is to be said in SQL, which may refuse it.
    pub fn write(&self, value: &Datum, cells: &mut Cells<'_>) -> Option<()> {
        match (self, value) {
            (Self::Integer { bytes, unsigned }, Datum::Int(_) | Datum::UInt(_)) => {
                cells.integer(integer(value, *bytes, *unsigned)?, *bytes);
            }
            (Self::Bit { bits }, Datum::Int(_) | Datum::UInt(_)) => {
                let value = integer(value, 8, true)?;
                (*bits == 64 || value >> bits == 0).then(|| cells.bits(value, *bits))?;
            }
            (Self::Year, Datum::Int(year)) => match year {
                0 => cells.integer(0, 1),
                1901..=2155 => cells.integer((year - 1900) as u64, 1),
                _ => return None,
            },
            (Self::Float { unsigned }, Datum::Float(value)) if value.is_finite() => {
                (!unsigned || value.is_sign_positive()).then(|| cells.float(*value))?;
            }
            (Self::Double { unsigned }, Datum::Double(value)) if value.is_finite() => {
                (!unsigned || value.is_sign_positive()).then(|| cells.double(*value))?;
            }
            (Self::Decimal { precision, scale, unsigned }, Datum::Decimal { unscaled, scale: told }) => {
                if *unsigned && unscaled.first().is_some_and(|byte| byte & 0x80 != 0) {
                    return None;
                }
                let mut text = decimal::text_from_unscaled(unscaled, *told).into_bytes();
                if *told == 0 && *scale > 0 {
                    text.push(b'.');
                }
                text.extend(std::iter::repeat_n(b'0', usize::from(scale.checked_sub(*told)?)));
                cells.stored(&DecimalValue::store(&text, *precision, *scale)?);
            }
            (Self::Date, Datum::Date(days)) => cells.date(date(*days)?),
            (Self::Time { fsp }, Datum::Time(micros)) => {
                (micros.abs() <= LONGEST_TIME && fits(*micros, *fsp)).then(|| cells.time(*micros, *fsp))?;
            }
            (Self::DateTime { fsp }, Datum::DateTime(micros)) if fits(*micros, *fsp) => {
                let clock = micros.rem_euclid(DAY);
                let seconds = clock / MICROS;
                let value = DateTime {
                    date: date(micros.div_euclid(DAY))?,
                    hour: (seconds / 3600) as u8,
                    minute: (seconds / 60 % 60) as u8,
                    second: (seconds % 60) as u8,
                    micros: (clock % MICROS) as u32,
                };
                cells.datetime(value, *fsp);
            }
            (Self::Timestamp { fsp }, Datum::DateTime(micros)) if fits(*micros, *fsp) => {
                let seconds = micros.div_euclid(MICROS);
                (1..=i64::from(i32::MAX)).contains(&seconds).then(|| {
                    cells.timestamp(seconds as u32, micros.rem_euclid(MICROS) as u32, *fsp);
                })?;
            }
            (Self::Text { length_bytes, most_bytes, most_characters, repertoire }, Datum::Text(text)) => {
                let characters = repertoire.characters(text)?;
                (characters <= *most_characters && text.len() as u64 <= *most_bytes)
                    .then(|| cells.bytes(text, *length_bytes))?;
            }
            (Self::Binary { length_bytes, most_bytes }, Datum::Binary(bytes)) => {
                (bytes.len() as u64 <= *most_bytes).then(|| cells.bytes(bytes, *length_bytes))?;
            }
            (Self::Enum { bytes, labels }, Datum::Text(label)) => {
                cells.integer(*labels.get(&**label)?, *bytes);
            }
            (Self::Set { bytes, labels }, Datum::Text(list)) => cells.integer(set(list, labels)?, *bytes),
            (Self::Json, Datum::JsonBinary(document)) => cells.bytes(document, 4),
            (Self::Geometry, Datum::Binary(bytes)) if !bytes.is_empty() => cells.bytes(bytes, 4),
            _ => return None,
        }
        Some(())
    }
}

/// The bits, where the value is one of the column's.
fn integer(value: &Datum, bytes: u8, unsigned: bool) -> Option<u64> {
    let value = match value {
        Datum::Int(value) => i128::from(*value),
        Datum::UInt(value) => i128::from(*value),
        _ => return None,
    };
    let bits = 8 * u32::from(bytes);
    let (least, most) =
        if unsigned { (0, (1 << bits) - 1) } else { (-(1_i128 << (bits - 1)), (1_i128 << (bits - 1)) - 1) };
    (least..=most).contains(&value).then_some(value as u64)
}

fn date(days: i64) -> Option<Date> {
    // Of the years 0 to 9999.
    (-719_528..=2_932_896).contains(&days).then(|| Date::from_days(days))
}

/// Whether nothing would be cut off.
fn fits(micros: i64, fsp: u8) -> bool {
    micros % 10_i64.pow(6 - u32::from(fsp.min(6))) == 0
}

/// A label may be empty, but none has a comma.
fn set(list: &[u8], labels: &HashMap<Box<[u8]>, u64>) -> Option<u64> {
    if list.is_empty() {
        // The empty set, or the empty label.
        return (!labels.contains_key(&b""[..])).then_some(0);
    }
    list.split(|byte| *byte == b',').try_fold(0, |bits, label| Some(bits | labels.get(label)?))
}

/// `None`: a charset that has not even ASCII's characters as they are.
fn repertoire(charset: &str) -> Option<Repertoire> {
    match charset {
        "utf8mb4" => Some(Repertoire::All),
        "utf8mb3" | "utf8" => Some(Repertoire::Basic),
        // Of sjis the backslash alone.
        "ucs2" | "utf16" | "utf16le" | "utf32" | "swe7" | "sjis" => None,
        _ => Some(Repertoire::Ascii),
    }
}

impl Repertoire {
    /// How many there are; `None`: not all are the column's.
    fn characters(self, text: &[u8]) -> Option<u64> {
        if text.is_ascii() {
            return Some(text.len() as u64);
        }
        let is_told = match self {
            Self::All => true,
            Self::Basic => text.iter().all(|byte| *byte < 0xf0),
            Self::Ascii => false,
        };
        is_told.then(|| text.iter().filter(|byte| (**byte).cast_signed() >= -0x40).count() as u64)
    }
}

#[cfg(test)]
mod tests {
    use bytes::Bytes;
    use strait_mysql::binlog::{RowsKind, encode::Origin, encode::RowsImage};

    use super::*;

    fn column(ty: ColumnType, labels: &[&str]) -> ColumnDef {
        ColumnDef {
            name: "c".into(),
            ty,
            unsigned: false,
            nullable: true,
            collation: None,
            labels: labels.iter().map(|label| (*label).to_owned()).collect(),
            visible: true,
        }
    }

    fn form(ty: ColumnType, charset: Option<&str>) -> Form {
        let bounds = Bounds { charset, characters: Some(3), octets: Some(12), scale: None, geometries: true };
        Form::of(&column(ty, &["a", "b"]), bounds).expect("a form")
    }

    /// What is written of a value.
    fn written(form: &Form, value: &Datum) -> Option<Vec<u8>> {
        let mut image = RowsImage::begin(RowsKind::Insert, 1, Origin { server_id: 1, timestamp: 0 });
        let begin = image.bytes() + 1;
        form.write(value, &mut image.image(|_| false))?;
        Some(image.end(true).split_off(begin))
    }

    fn text(text: &str) -> Datum {
        Datum::Text(Bytes::copy_from_slice(text.as_bytes()))
    }

    #[test]
    fn what_the_column_does_not_hold_as_it_is_is_left_to_sql() {
        let tiny = form(ColumnType::Tiny, None);
        assert_eq!(written(&tiny, &Datum::Int(-128)), Some(vec![0x80]));
        assert_eq!(written(&tiny, &Datum::Int(128)), None);
        assert_eq!(written(&tiny, &text("1")), None, "a text is no number here");
        let short = form(ColumnType::VarChar { max_bytes: 12 }, Some("utf8mb4"));
        assert_eq!(written(&short, &text("äöü")), Some("\u{6}äöü".into()));
        assert_eq!(written(&short, &text("abcd")), None, "longer than the column");
        let seconds = form(ColumnType::DateTime { fsp: 0 }, None);
        assert!(written(&seconds, &Datum::DateTime(1_000_000)).is_some());
        assert_eq!(written(&seconds, &Datum::DateTime(1_000_001)), None, "a fraction would be cut");
        let price = form(ColumnType::Decimal { precision: 4, scale: 2 }, None);
        let decimal = |unscaled: i16, scale| Datum::Decimal {
            unscaled: Bytes::copy_from_slice(&unscaled.to_be_bytes()),
            scale,
        };
        assert_eq!(written(&price, &decimal(7, 0)), written(&price, &decimal(700, 2)));
        assert!(written(&price, &decimal(70, 1)).is_some());
        assert_eq!(written(&price, &decimal(700, 0)), None);
        assert_eq!(written(&price, &decimal(700, 3)), None);
        let (precision, scale) = (4, 2);
        let unsigned = Form::Decimal { precision, scale, unsigned: true };
        assert!(written(&unsigned, &decimal(700, 2)).is_some());
        assert_eq!(written(&unsigned, &decimal(-700, 2)), None);
        let unsigned = Form::Double { unsigned: true };
        assert_eq!(written(&unsigned, &Datum::Double(-1.5)), None);
        let bits = form(ColumnType::Bit { bits: 3 }, None);
        assert_eq!((written(&bits, &Datum::UInt(7)), written(&bits, &Datum::UInt(8))), (Some(vec![7]), None));
        let stamp = form(ColumnType::Timestamp { fsp: 0 }, None);
        assert_eq!(written(&stamp, &Datum::DateTime(0)), None, "that would be the zero date");
    }

    #[test]
    fn characters_are_written_where_the_charset_has_them_as_utf8_has() {
        let of = |charset| form(ColumnType::VarChar { max_bytes: 12 }, Some(charset));
        assert!(written(&of("utf8mb3"), &text("ä")).is_some());
        assert_eq!(written(&of("utf8mb3"), &text("\u{1f600}")), None);
        assert!(written(&of("latin1"), &text("a~\\")).is_some());
        assert_eq!(written(&of("latin1"), &text("ä")), None);
        let bounds = Bounds {
            charset: Some("utf16"),
            characters: Some(3),
            octets: Some(12),
            scale: None,
            geometries: true,
        };
        assert_eq!(Form::of(&column(ColumnType::VarChar { max_bytes: 12 }, &[]), bounds), None);
    }

    #[test]
    fn labels_go_by_their_numbers() {
        let one = form(ColumnType::Enum { bytes: 1 }, None);
        assert_eq!((written(&one, &text("b")), written(&one, &text("B"))), (Some(vec![2]), None));
        let many = form(ColumnType::Set { bytes: 1 }, None);
        assert_eq!(written(&many, &text("a,b")), Some(vec![3]));
        assert_eq!(written(&many, &text("")), Some(vec![0]));
        assert_eq!(written(&many, &text("a,c")), None);
    }
}
