//! A record's value to what the target will hold. `owner` is the record's body: what is borrowed from it is
//! kept as a slice of it, not copied.

use std::borrow::Cow;

use bytes::Bytes;
use strait_schemas::{ExactForm, Kind, Value, decimal};

use super::{
    ColumnClass, MappedColumn,
    time_text::{clock_micros, iso_date, zoned_micros},
};
use crate::datum::Datum;

const MICROS_PER_MILLI: i64 = 1000;
const NANOS_PER_MICRO: i64 = 1000;

impl MappedColumn {
    /// The cause, where the value is none of this column's kind.
    pub fn datum(&self, value: Value<'_>, owner: &Bytes) -> Result<Datum, String> {
        let kind = value.kind();
        Ok(match (value, &self.kind) {
            (Value::Null, _) => Datum::Null,
            (Value::Bool(v), Kind::Boolean) => Datum::Int(i64::from(v)),
            (Value::Int(v), Kind::Boolean) => Datum::Int(v),
            (Value::Int(v), Kind::Int16 | Kind::Int32 | Kind::Int64 | Kind::Year) => self.integer(v),
            (Value::Int(v), Kind::Date | Kind::ConnectDate) => Datum::Date(v),
            (Value::Int(v), Kind::MicroTime) => Datum::Time(v),
            (Value::Int(v), Kind::NanoTime) => Datum::Time(v.div_euclid(NANOS_PER_MICRO)),
            (Value::Int(v), Kind::ConnectTime) => Datum::Time(in_micros(v)?),
            (Value::Int(v), Kind::Timestamp | Kind::ConnectTimestamp) => Datum::DateTime(in_micros(v)?),
            (Value::Int(v), Kind::MicroTimestamp) => Datum::DateTime(v),
            (Value::Int(v), Kind::NanoTimestamp) => Datum::DateTime(v.div_euclid(NANOS_PER_MICRO)),
            (Value::Float(v), Kind::Float32) => Datum::Float(v),
            (Value::Double(v), Kind::Float64) if self.class == ColumnClass::Double => Datum::Double(v),
            (Value::Double(_), Kind::Float64) => {
                return Err("it came as a double, which is not exact, and the header strait.exact does not tell it: set \
                            decimal.handling.mode=precise or string at the writer"
                    .into());
            }
            (Value::Bytes(v), Kind::Decimal { scale, .. }) => self.decimal(keep(owner, v), *scale),
            (Value::Bytes(v), Kind::Bits { .. }) => Datum::UInt(bits(&v)?),
            (Value::Bytes(v), Kind::Bytes) => Datum::Binary(keep(owner, v)),
            (Value::Text(v), Kind::Json) => Datum::Json(keep_text(owner, v)),
            (Value::Text(v), Kind::ZonedTimestamp) => {
                Datum::DateTime(zoned_micros(&v).ok_or_else(|| format!("`{v}` is no time in UTC"))?)
            }
            (Value::Text(v), Kind::IsoDate) => {
                Datum::Date(iso_date(&v).ok_or_else(|| format!("`{v}` is no date"))?)
            }
            (Value::Text(v), Kind::IsoTime) => {
                let clock = v.strip_suffix('Z').and_then(clock_micros);
                Datum::Time(clock.ok_or_else(|| format!("`{v}` is no time of day in UTC"))?)
            }
            (Value::Text(v), Kind::IsoTimestamp) => {
                Datum::DateTime(zoned_micros(&v).ok_or_else(|| format!("`{v}` is no time in UTC"))?)
            }
            (Value::Text(v), Kind::Text) if self.is_number() => self.decimal_text(&v)?,
            (Value::Text(_), Kind::Text) if self.class == ColumnClass::Binary => {
                return Err("it came as text in an encoding that nothing tells, and the header strait.exact has not its bytes: set \
                            binary.handling.mode=bytes at the writer"
                    .into());
            }
            (Value::Text(v), Kind::Text | Kind::Enum { .. } | Kind::EnumSet { .. }) => {
                Datum::Text(keep_text(owner, v))
            }
            (Value::Point { x, y, wkb, srid }, Kind::Point | Kind::Geometry) => match wkb {
                Some(wkb) => geometry(srid, &wkb),
                None => geometry(srid, &point(x, y)),
            },
            (Value::Geometry { wkb, srid }, Kind::Point | Kind::Geometry) => geometry(srid, &wkb),
            (Value::Vector(v), Kind::FloatVector) => {
                Datum::Binary(v.iter().flat_map(|float| float.to_le_bytes()).collect())
            }
            _ => return Err(format!("a {kind} was sent for a column of kind {:?}", self.kind)),
        })
    }

    /// Refuses what the server would round without a word: fractions of a second that the column has no digits for. Only a writer that
    /// does not tell the column's type can send them.
    pub fn unrounded(&self, datum: Datum) -> Result<Datum, String> {
        let (Datum::Time(micros) | Datum::DateTime(micros)) = datum else { return Ok(datum) };
        let fsp = match self.class {
            ColumnClass::Time { fsp } | ColumnClass::DateTime { fsp } | ColumnClass::Timestamp { fsp } => fsp,
            _ => 6,
        };
        match micros % 10_i64.pow(6_u32.saturating_sub(fsp)) {
            0 => Ok(datum),
            _ => Err(format!("it has a fraction of a second of more than the column's {fsp} digits")),
        }
    }

    fn integer(&self, value: i64) -> Datum {
        if self.unsigned && value < 0 { Datum::UInt(value.cast_unsigned()) } else { Datum::Int(value) }
    }

    fn is_number(&self) -> bool {
        matches!(self.class, ColumnClass::Decimal { .. } | ColumnClass::Integer)
    }

    /// An integer is one whatever it came as: the row that it is the key of is the same row.
    fn decimal(&self, unscaled: Bytes, scale: u8) -> Datum {
        if self.class == ColumnClass::Integer && scale == 0 {
            let text = decimal::text_from_unscaled(&unscaled, 0);
            if let Ok(number) = text.parse() {
                return Datum::Int(number);
            }
            if let Ok(number) = text.parse() {
                return Datum::UInt(number);
            }
        }
        Datum::Decimal { unscaled, scale }
    }

    /// A number in digits; those of its fraction are no more than the column's.
    fn decimal_text(&self, text: &str) -> Result<Datum, String> {
        let scale = match self.class {
            ColumnClass::Decimal { scale } => {
                u8::try_from(scale).map_err(|_| "the column's scale is none")?
            }
            _ => 0,
        };
        let mut unscaled = Vec::new();
        decimal::unscaled_from_text(text, scale, &mut unscaled).map_err(|error| error.to_string())?;
        Ok(self.decimal(unscaled.into(), scale))
    }

    /// A value of the header `strait.exact`. `None` where the target's column is of another class than the
    /// source's, so that the form would mean something else here: then the envelope's value is the one that fits.
    pub fn exact(&self, form: ExactForm, data: &[u8]) -> Result<Option<Datum>, String> {
        let bytes = || Bytes::copy_from_slice(data);
        Ok(match (form, self.class, &self.kind) {
            (ExactForm::Absent, ..) => Some(Datum::Absent),
            (
                ExactForm::Text,
                ColumnClass::Date | ColumnClass::DateTime { .. } | ColumnClass::Timestamp { .. },
                _,
            ) => Some(Datum::Literal(bytes())),
            (ExactForm::Text, ColumnClass::Decimal { .. } | ColumnClass::Integer, Kind::Float64) => {
                let text = std::str::from_utf8(data).map_err(|_| "the exact number is no text")?;
                Some(self.decimal_text(text)?)
            }
            (ExactForm::Text, ColumnClass::Time { .. }, _) => {
                let micros = std::str::from_utf8(data).ok().and_then(clock_micros);
                Some(Datum::Time(micros.ok_or("the exact time is none")?))
            }
            (ExactForm::Raw, ColumnClass::Geometry | ColumnClass::Vector, _) if data.is_empty() => {
                Some(Datum::Nothing)
            }
            // Bytes that are no floats, as an ALTER to VECTOR leaves them.
            (ExactForm::Raw, ColumnClass::Vector, _) => Some(Datum::Raw(bytes())),
            (ExactForm::Raw, ColumnClass::Binary, Kind::Text | Kind::FloatVector) => {
                Some(Datum::Binary(bytes()))
            }
            (ExactForm::Raw, ColumnClass::Json, Kind::Json) => Some(Datum::JsonBinary(bytes())),
            (ExactForm::Raw, ColumnClass::Character, Kind::Text) => Some(Datum::Raw(bytes())),
            (ExactForm::Index, ColumnClass::Enum, Kind::Enum { .. })
            | (ExactForm::Index, ColumnClass::Set, Kind::EnumSet { .. }) => {
                let text = std::str::from_utf8(data).ok().and_then(|text| text.parse().ok());
                Some(Datum::Index(text.ok_or("the exact index is no number")?))
            }
            _ => None,
        })
    }
}

fn in_micros(millis: i64) -> Result<i64, String> {
    millis.checked_mul(MICROS_PER_MILLI).ok_or_else(|| "the time is out of range".into())
}

/// Keeps what lies in `owner` as a slice of it.
fn keep(owner: &Bytes, part: Cow<'_, [u8]>) -> Bytes {
    match part {
        Cow::Owned(part) => part.into(),
        Cow::Borrowed(part) => {
            let range = owner.as_ptr_range();
            let inside = part.as_ptr_range();
            if range.start <= inside.start && inside.end <= range.end {
                owner.slice_ref(part)
            } else {
                Bytes::copy_from_slice(part)
            }
        }
    }
}

fn keep_text(owner: &Bytes, part: Cow<'_, str>) -> Bytes {
    match part {
        Cow::Owned(part) => part.into_bytes().into(),
        Cow::Borrowed(part) => keep(owner, Cow::Borrowed(part.as_bytes())),
    }
}

/// Little-endian bits, as Connect has them.
fn bits(bytes: &[u8]) -> Result<u64, String> {
    let used = bytes.iter().rposition(|byte| *byte != 0).map_or(0, |last| last + 1);
    if used > 8 {
        return Err("a BIT value has more than 64 bits".into());
    }
    Ok(bytes[..used].iter().rev().fold(0, |bits, byte| bits << 8 | u64::from(*byte)))
}

/// The server's own form: the spatial reference system, then WKB.
fn geometry(srid: Option<i32>, wkb: &[u8]) -> Datum {
    let mut bytes = Vec::with_capacity(4 + wkb.len());
    bytes.extend_from_slice(&srid.unwrap_or(0).to_le_bytes());
    bytes.extend_from_slice(wkb);
    Datum::Binary(bytes.into())
}

fn point(x: f64, y: f64) -> Vec<u8> {
    let mut wkb = vec![1, 1, 0, 0, 0];
    wkb.extend_from_slice(&x.to_le_bytes());
    wkb.extend_from_slice(&y.to_le_bytes());
    wkb
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::plan::Comparison;

    #[test]
    fn bits_are_little_endian() {
        assert_eq!(bits(&[0x34, 0x12]), Ok(0x1234));
        assert_eq!(bits(&[0xff; 8]), Ok(u64::MAX));
        assert_eq!(bits(&[1, 0, 0, 0, 0, 0, 0, 0, 0]), Ok(1));
        assert!(bits(&[0, 0, 0, 0, 0, 0, 0, 0, 1]).is_err());
    }

    /// The forms mean what they mean in the source's type only.
    #[test]
    fn exact_forms_are_for_columns_of_the_source_s_class() {
        let exact = |class, kind, form| {
            let column = MappedColumn {
                source: 0,
                name: "c".into(),
                quoted: "`c`".into(),
                class,
                kind,
                unsigned: false,
                charset: None,
                collation: None,
                empty_label: None,
                comparison: Comparison::Bytes,
            };
            column.exact(form, b"1").expect("a form that can be read")
        };
        let one = || Bytes::from_static(b"1");
        let (labels, set) =
            (|| Kind::Enum { allowed: String::new() }, || Kind::EnumSet { allowed: String::new() });
        assert_eq!(exact(ColumnClass::Json, Kind::Json, ExactForm::Raw), Some(Datum::JsonBinary(one())));
        assert_eq!(exact(ColumnClass::Character, Kind::Json, ExactForm::Raw), None);
        assert_eq!(exact(ColumnClass::Character, Kind::Text, ExactForm::Raw), Some(Datum::Raw(one())));
        assert_eq!(exact(ColumnClass::Enum, labels(), ExactForm::Index), Some(Datum::Index(1)));
        assert_eq!(exact(ColumnClass::Character, labels(), ExactForm::Index), None);
        assert_eq!(exact(ColumnClass::Set, set(), ExactForm::Index), Some(Datum::Index(1)));
        assert_eq!(exact(ColumnClass::Character, set(), ExactForm::Index), None);
        assert_eq!(exact(ColumnClass::Date, Kind::Date, ExactForm::Text), Some(Datum::Literal(one())));
    }

    #[test]
    fn what_lies_in_the_record_is_not_copied() {
        let owner = Bytes::from_static(b"abcdef");
        let kept = keep(&owner, Cow::Borrowed(&owner[2..4]));
        assert_eq!((kept.as_ptr(), &kept[..]), (owner[2..].as_ptr(), &b"cd"[..]));
        assert_eq!(&keep(&owner, Cow::Borrowed(b"elsewhere"))[..], b"elsewhere");
    }
}
