//! Row images become Connect values, one call a row. Which columns need an exact copy beside the value is
//! decided here, value by value: the rule is that a reader who has only the envelope's value must be able to
//! store the same bytes again, else the exact form goes along.

use std::{borrow::Cow, fmt::Write as _, sync::Arc};

use base64::{
    Engine as _,
    engine::general_purpose::{STANDARD, URL_SAFE},
};
use strait_mysql::{
    binlog::{ColumnDef, ColumnType, TableMap},
    charset::{self, Charset},
    jsonb,
    value::{BinaryValue, ColumnValue, Date, DateTime, DecimalValue, Time},
};
use strait_schemas::{Exact, ExactForm, Image, Value};

use super::{
    modes::{BigintUnsignedMode, BinaryMode, DecimalMode, TimeMode, Types},
    table::escape_label,
    time,
    zero::Zero,
};
use crate::filter::{Change, Treatment};

/// What stands for a time that is none where null is not allowed.
/// In a label: a text with one of them may be the label's, or not (`Label::doubtful`).
const DOUBTFUL: [char; 3] = [',', '?', char::REPLACEMENT_CHARACTER];
const EPOCH: &str = "1970-01-01T00:00:00Z";
const DAY_MICROS: i64 = 86_400_000_000;

/// A value that does not fit its column's description.
#[derive(Debug, thiserror::Error)]
pub enum Unreadable {
    #[error(
        "column {column} is missing from the row image (it was written with binlog_row_image other than FULL)"
    )]
    Absent { column: String },
    #[error("column {column} holds bytes that are no {what}")]
    Malformed { column: String, what: &'static str },
    #[error("the JSON value of column {column} cannot be read")]
    Json {
        column: String,
        #[source]
        source: strait_mysql::binlog::Error,
    },
    #[error("the row image has {got} columns where the table has {expected}")]
    Width { expected: usize, got: usize },
}

/// Maps the rows of one table version.
#[derive(Debug)]
pub struct RowMapper {
    /// One for each column of the table; `None`: it is left out.
    columns: Box<[Option<ColumnMapper>]>,
    /// Whoever reads the values reads nothing else: what they cannot carry is told as text.
    alone: bool,
}

#[derive(Debug)]
struct ColumnMapper {
    name: Box<str>,
    nullable: bool,
    types: Types,
    detail: Detail,
    change: Option<Change>,
    /// What stands in the envelope for a value that the image does not have.
    zero: Zero,
}

/// What a value needs to know of its column beyond what it says itself.
#[derive(Debug)]
enum Detail {
    Plain,
    /// BIGINT UNSIGNED as Connect's Decimal.
    Precise,
    Fsp(u8),
    Charset(Option<&'static Charset>),
    Enum {
        labels: Box<[Label]>,
    },
    Set {
        labels: Arc<[String]>,
    },
    Point,
}

#[derive(Debug)]
struct Label {
    text: Box<str>,
    /// The text is not the label itself, or may not be: the catalog, which a snapshot has labels from, prints characters above
    /// U+FFFF as '?', and bytes that are no character are U+FFFD.
    doubtful: bool,
}

impl RowMapper {
    /// `treatments`: one for each column of the table.
    pub fn new(map: &TableMap, types: Types, treatments: &[Treatment], alone: bool) -> Self {
        let mapper = |(column, treatment): (&ColumnDef, &Treatment)| match treatment {
            Treatment::Whole => Some(ColumnMapper::new(column, types)),
            Treatment::LeftOut { .. } => None,
            Treatment::Changed { change, .. } => {
                Some(ColumnMapper { change: Some(change.clone()), ..ColumnMapper::new(column, types) })
            }
        };
        Self { columns: map.columns.iter().zip(treatments).map(mapper).collect(), alone }
    }

    /// Replaces `values` by those of the published columns of the image `row`, and appends to `exact` what they cannot
    /// carry.
    pub fn map<'v>(
        &'v self,
        row: &[ColumnValue<'v>],
        image: Image,
        values: &mut Vec<Value<'v>>,
        exact: &mut Vec<Exact<'v>>,
    ) -> Result<(), Unreadable> {
        if row.len() != self.columns.len() {
            return Err(Unreadable::Width { expected: self.columns.len(), got: row.len() });
        }
        values.clear();
        for (column, value) in self.columns.iter().zip(row) {
            let Some(column) = column else { continue };
            if matches!(value, ColumnValue::Absent) {
                values.push(column.of_absent()?);
                let name = Cow::Borrowed(&*column.name);
                exact.push(Exact { image, column: name, form: ExactForm::Absent, data: Cow::Borrowed(&[]) });
                continue;
            }
            let (value, form) = column.map_changed(value)?;
            if self.alone {
                values.push(match form {
                    Some((ExactForm::Text, data)) => {
                        Value::Text(Cow::Owned(String::from_utf8_lossy(&data).into_owned()))
                    }
                    _ => value,
                });
                continue;
            }
            values.push(value);
            if let Some((form, data)) = form {
                exact.push(Exact { image, column: Cow::Borrowed(&*column.name), form, data });
            }
        }
        Ok(())
    }
}

type Mapped<'v> = (Value<'v>, Option<(ExactForm, Cow<'v, [u8]>)>);

impl ColumnMapper {
    fn new(column: &ColumnDef, types: Types) -> Self {
        let detail = match column.ty {
            ColumnType::LongLong if types.bigint_unsigned_handling_mode == BigintUnsignedMode::Precise => {
                Detail::Precise
            }
            ColumnType::Time { fsp } | ColumnType::DateTime { fsp } | ColumnType::Timestamp { fsp } => {
                Detail::Fsp(fsp)
            }
            ColumnType::Char { .. } | ColumnType::VarChar { .. } | ColumnType::Blob { .. } => {
                Detail::Charset(column.collation.and_then(charset::of_collation))
            }
            ColumnType::Enum { .. } => Detail::Enum {
                labels: column
                    .labels
                    .iter()
                    .map(|label| Label {
                        text: escape_label(label).into(),
                        doubtful: label.contains(DOUBTFUL),
                    })
                    .collect(),
            },
            ColumnType::Set { .. } => Detail::Set { labels: Arc::clone(&column.labels) },
            ColumnType::Geometry { kind: strait_mysql::binlog::GeometryKind::Point, .. } => Detail::Point,
            _ => Detail::Plain,
        };
        Self {
            name: column.name.as_str().into(),
            nullable: column.nullable,
            types,
            detail,
            change: None,
            zero: Zero::of(column),
        }
    }

    fn of_absent(&self) -> Result<Value<'_>, Unreadable> {
        if self.nullable { Ok(Value::Null) } else { Ok(self.map(&self.zero.value())?.0) }
    }

    /// What a GEOMETRY or VECTOR that may not be NULL has where a row was not given a value, as when the column is added to it: none
    /// that a reader could understand.
    fn of_no_bytes(&self) -> Result<Mapped<'_>, Unreadable> {
        Ok((self.of_absent()?, Some((ExactForm::Raw, Cow::Borrowed(&[])))))
    }

    /// What a setting changes is changed for the header, too: it has nothing that the value has not.
    fn map_changed<'v>(&'v self, value: &ColumnValue<'v>) -> Result<Mapped<'v>, Unreadable> {
        let (value, exact) = self.map(value)?;
        Ok(match (&self.change, value) {
            (Some(change), Value::Text(text)) => (Value::Text(Cow::Owned(change.apply(&text))), None),
            (_, value) => (value, exact),
        })
    }

    fn map<'v>(&'v self, value: &ColumnValue<'v>) -> Result<Mapped<'v>, Unreadable> {
        let plain = match *value {
            ColumnValue::Null => Value::Null,
            ColumnValue::Absent => return Err(Unreadable::Absent { column: self.name.to_string() }),
            ColumnValue::Int(v) => Value::Int(v),
            ColumnValue::UInt(v) if matches!(self.detail, Detail::Precise) => {
                Value::Bytes(Cow::Owned(unscaled(v)))
            }
            // A BIGINT UNSIGNED above i64::MAX wraps, as in Debezium's "long" mode; the type's name tells.
            ColumnValue::UInt(v) => Value::Int(v as i64),
            ColumnValue::Float(v) => Value::Float(v),
            ColumnValue::Double(v) => Value::Double(v),
            ColumnValue::Decimal(v) => return self.decimal(v),
            ColumnValue::Year(v) => Value::Int(i64::from(v)),
            ColumnValue::Date(v) => return Ok(self.date(v)),
            ColumnValue::Time(v) => return Ok(self.time(v)),
            ColumnValue::DateTime(v) => return Ok(self.datetime(v)),
            ColumnValue::Timestamp { seconds, micros } => return Ok(self.timestamp(seconds, micros)),
            ColumnValue::Bit { bytes, bits: 1 } => Value::Bool(bytes.iter().any(|byte| *byte != 0)),
            ColumnValue::Bit { bytes, .. } => Value::Bytes(bytes.iter().rev().copied().collect()),
            ColumnValue::Enum(index) => return Ok(self.enumeration(index)),
            ColumnValue::Set(bitmap) => return Ok(self.set(bitmap)),
            ColumnValue::Text(bytes) => return Ok(self.text(bytes)),
            ColumnValue::Binary(v) => return Ok(self.binary(v)),
            ColumnValue::Json(bytes) => return self.json(bytes),
            ColumnValue::JsonText(text) => Value::Text(Cow::Borrowed(text)),
            ColumnValue::Geometry([]) | ColumnValue::Vector([]) => return self.of_no_bytes(),
            ColumnValue::Geometry(bytes) => self.geometry(bytes)?,
            ColumnValue::Vector(bytes) => match bytes.as_chunks::<4>() {
                // No server takes any other number back.
                (floats, []) if floats.iter().all(|float| f32::from_le_bytes(*float).is_finite()) => {
                    Value::Vector(floats.iter().map(|float| f32::from_le_bytes(*float)).collect())
                }
                _ => return Ok((self.of_absent()?, Some((ExactForm::Raw, Cow::Borrowed(bytes))))),
            },
        };
        Ok((plain, None))
    }

    fn fsp(&self) -> u8 {
        match self.detail {
            Detail::Fsp(fsp) => fsp,
            _ => 0,
        }
    }

    /// Zero and partial dates have no place in Connect's time types: null, or the epoch where null is not
    /// allowed, as Debezium does it; and the text beside it.
    fn no_such_date<'v>(&self, epoch: Value<'v>, text: String) -> Mapped<'v> {
        let value = if self.nullable { Value::Null } else { epoch };
        (value, Some((ExactForm::Text, Cow::Owned(text.into_bytes()))))
    }

    fn decimal<'v>(&self, decimal: DecimalValue<'v>) -> Result<Mapped<'v>, Unreadable> {
        Ok(match self.types.decimal_handling_mode {
            DecimalMode::Precise => {
                let mut unscaled = Vec::new();
                decimal.write_unscaled_be(&mut unscaled);
                (Value::Bytes(Cow::Owned(unscaled)), None)
            }
            DecimalMode::String => (Value::Text(Cow::Owned(decimal.to_text())), None),
            DecimalMode::Double => {
                let text = decimal.to_text();
                let double = text.parse().map_err(|_| self.malformed("decimal"))?;
                (Value::Double(double), Some((ExactForm::Text, Cow::Owned(text.into_bytes()))))
            }
        })
    }

    /// As text the bytes could be read back, but not without knowing by which mode.
    fn binary<'v>(&self, binary: BinaryValue<'v>) -> Mapped<'v> {
        let bytes = binary.to_bytes();
        let text = match self.types.binary_handling_mode {
            BinaryMode::Bytes => return (Value::Bytes(bytes), None),
            BinaryMode::Base64 => STANDARD.encode(&bytes),
            BinaryMode::Base64UrlSafe => URL_SAFE.encode(&bytes),
            BinaryMode::Hex => hex(&bytes),
        };
        (Value::Text(Cow::Owned(text)), Some((ExactForm::Raw, bytes)))
    }

    fn time<'v>(&self, time: Time) -> Mapped<'v> {
        let micros = time.total_micros();
        let mode = self.types.time_precision_mode;
        if mode == TimeMode::AdaptiveTimeMicroseconds {
            return (Value::Int(micros), None);
        }
        let exact = || {
            let mut text = String::new();
            time.write_text(self.fsp(), &mut text);
            text
        };
        if !(0..DAY_MICROS).contains(&micros) {
            let midnight = match mode {
                TimeMode::IsoString => Value::Text(Cow::Borrowed("00:00:00Z")),
                _ => Value::Int(0),
            };
            return self.no_such_date(midnight, exact());
        }
        match mode {
            TimeMode::AdaptiveTimeMicroseconds | TimeMode::Microseconds => (Value::Int(micros), None),
            TimeMode::Nanoseconds => (Value::Int(micros * 1000), None),
            TimeMode::Connect => {
                let lost = micros % 1000 != 0;
                (Value::Int(micros / 1000), lost.then(|| (ExactForm::Text, Cow::Owned(exact().into_bytes()))))
            }
            TimeMode::IsoString => (Value::Text(Cow::Owned(time::iso_time(micros))), None),
        }
    }

    fn date<'v>(&self, date: Date) -> Mapped<'v> {
        let iso = self.types.time_precision_mode == TimeMode::IsoString;
        let mut text = String::new();
        match date.days() {
            Some(days) if !iso => (Value::Int(i64::from(days)), None),
            Some(_) => {
                date.write_text(&mut text);
                text.push('Z');
                (Value::Text(Cow::Owned(text)), None)
            }
            None => {
                date.write_text(&mut text);
                let epoch = if iso { Value::Text(Cow::Borrowed("1970-01-01Z")) } else { Value::Int(0) };
                self.no_such_date(epoch, text)
            }
        }
    }

    fn datetime<'v>(&self, at: DateTime) -> Mapped<'v> {
        let mode = self.types.time_precision_mode;
        let exact = || {
            let mut text = String::new();
            at.write_text(self.fsp(), &mut text);
            text
        };
        let Some(micros) = at.micros_since_epoch() else {
            let epoch = match mode {
                TimeMode::IsoString => Value::Text(Cow::Borrowed(EPOCH)),
                _ => Value::Int(0),
            };
            return self.no_such_date(epoch, exact());
        };
        match mode {
            TimeMode::AdaptiveTimeMicroseconds if self.fsp() <= 3 => {
                (Value::Int(micros.div_euclid(1000)), None)
            }
            TimeMode::AdaptiveTimeMicroseconds | TimeMode::Microseconds => (Value::Int(micros), None),
            // 64 bits of nanoseconds reach from 1677 to 2262.
            TimeMode::Nanoseconds => match micros.checked_mul(1000) {
                Some(nanos) => (Value::Int(nanos), None),
                None => self.no_such_date(Value::Int(0), exact()),
            },
            TimeMode::Connect => {
                let lost = micros % 1000 != 0;
                let millis = micros.div_euclid(1000);
                (Value::Int(millis), lost.then(|| (ExactForm::Text, Cow::Owned(exact().into_bytes()))))
            }
            TimeMode::IsoString => (Value::Text(Cow::Owned(time::iso_timestamp(&at, micros))), None),
        }
    }

    fn timestamp<'v>(&self, seconds: i64, micros: u32) -> Mapped<'v> {
        if seconds == 0 && micros == 0 {
            let zero = DateTime {
                date: Date { year: 0, month: 0, day: 0 },
                hour: 0,
                minute: 0,
                second: 0,
                micros: 0,
            };
            let mut exact = String::new();
            zero.write_text(self.fsp(), &mut exact);
            return self.no_such_date(Value::Text(Cow::Borrowed(EPOCH)), exact);
        }
        let mut text = String::with_capacity(28);
        time::write_zoned(seconds, micros, self.fsp(), &mut text);
        (Value::Text(Cow::Owned(text)), None)
    }

    /// Index 0 is the empty string of an invalid value, which is not the label '' (if there is one).
    fn enumeration(&self, index: u16) -> Mapped<'_> {
        let label = match &self.detail {
            Detail::Enum { labels } => usize::from(index).checked_sub(1).and_then(|at| labels.get(at)),
            _ => None,
        };
        match label {
            Some(label) if !label.doubtful => (Value::Text(Cow::Borrowed(&*label.text)), None),
            Some(label) => (Value::Text(Cow::Borrowed(&*label.text)), Some(by_index(u64::from(index)))),
            None => (Value::Text(Cow::Borrowed("")), Some(by_index(u64::from(index)))),
        }
    }

    fn set(&self, bitmap: u64) -> Mapped<'_> {
        let labels: &[String] = match &self.detail {
            Detail::Set { labels } => labels,
            _ => &[],
        };
        let mut text = String::new();
        let mut told = 0;
        let mut ambiguous = false;
        for (bit, label) in labels.iter().enumerate().take(64).filter(|(bit, _)| bitmap >> bit & 1 == 1) {
            if told != 0 {
                text.push(',');
            }
            told |= 1 << bit;
            ambiguous |= label.is_empty() || label.contains(DOUBTFUL);
            text.push_str(label);
        }
        let exact = (told != bitmap || ambiguous).then(|| by_index(bitmap));
        (Value::Text(Cow::Owned(text)), exact)
    }

    fn text<'v>(&self, bytes: &'v [u8]) -> Mapped<'v> {
        let decoded = match self.detail {
            Detail::Charset(Some(charset)) => Some(charset.decode(bytes)),
            _ => None,
        };
        match decoded {
            Some(decoded) if decoded.lossless => (Value::Text(decoded.text), None),
            Some(decoded) => (Value::Text(decoded.text), Some((ExactForm::Raw, Cow::Borrowed(bytes)))),
            // A charset that we cannot decode: readers of the envelope see what is ASCII in it.
            None => {
                (Value::Text(String::from_utf8_lossy(bytes)), Some((ExactForm::Raw, Cow::Borrowed(bytes))))
            }
        }
    }

    /// The text form of DECIMAL, temporal and unsigned scalars parses to another JSON type: then the
    /// server's binary form goes along.
    fn json<'v>(&self, bytes: &'v [u8]) -> Result<Mapped<'v>, Unreadable> {
        let mut text = String::with_capacity(bytes.len());
        let facts = jsonb::to_text(bytes, &mut text)
            .map_err(|source| Unreadable::Json { column: self.name.to_string(), source })?;
        let exact = (facts.opaque || facts.unsigned).then_some((ExactForm::Raw, Cow::Borrowed(bytes)));
        Ok((Value::Text(Cow::Owned(text)), exact))
    }

    fn malformed(&self, what: &'static str) -> Unreadable {
        Unreadable::Malformed { column: self.name.to_string(), what }
    }

    fn geometry<'v>(&self, bytes: &'v [u8]) -> Result<Value<'v>, Unreadable> {
        let (srid, wkb) = bytes.split_first_chunk::<4>().ok_or_else(|| self.malformed("geometry"))?;
        let srid = match u32::from_le_bytes(*srid) {
            0 => None,
            srid => Some(srid as i32),
        };
        if matches!(self.detail, Detail::Point) {
            let (x, y) = point(wkb).ok_or_else(|| self.malformed("point"))?;
            return Ok(Value::Point { x, y, wkb: Some(Cow::Borrowed(wkb)), srid });
        }
        Ok(Value::Geometry { wkb: Cow::Borrowed(wkb), srid })
    }
}

/// Big-endian two's complement of least length.
fn unscaled(value: u64) -> Vec<u8> {
    let wide = i128::from(value).to_be_bytes();
    let needed = (64 - value.leading_zeros()) as usize / 8 + 1;
    wide[wide.len() - needed..].to_vec()
}

fn hex(bytes: &[u8]) -> String {
    let mut text = String::with_capacity(bytes.len() * 2);
    for byte in bytes {
        write!(text, "{byte:02x}").expect("writing to a string cannot fail");
    }
    text
}

fn by_index<'v>(index: u64) -> (ExactForm, Cow<'v, [u8]>) {
    (ExactForm::Index, Cow::Owned(index.to_string().into_bytes()))
}

/// Coordinates of a WKB point: byte order, type 1, two doubles.
fn point(wkb: &[u8]) -> Option<(f64, f64)> {
    let (&order, rest) = wkb.split_first()?;
    let (_, rest) = rest.split_first_chunk::<4>()?;
    let (x, rest) = rest.split_first_chunk::<8>()?;
    let (y, _) = rest.split_first_chunk::<8>()?;
    let read =
        |bytes: &[u8; 8]| if order == 0 { f64::from_be_bytes(*bytes) } else { f64::from_le_bytes(*bytes) };
    Some((read(x), read(y)))
}

#[cfg(test)]
pub mod tests {
    use super::*;

    pub fn column(name: &str, ty: ColumnType) -> ColumnDef {
        ColumnDef {
            name: name.into(),
            ty,
            unsigned: false,
            nullable: true,
            collation: None,
            labels: Arc::from([]),
            visible: true,
        }
    }

    /// Maps one value of one column; the exact form, if any, as text.
    fn map(column: ColumnDef, value: ColumnValue<'static>) -> (Value<'static>, Option<(ExactForm, Vec<u8>)>) {
        map_as(Types::default(), column, value)
    }

    fn map_as(
        types: Types,
        column: ColumnDef,
        value: ColumnValue<'static>,
    ) -> (Value<'static>, Option<(ExactForm, Vec<u8>)>) {
        let map = TableMap::new("d".into(), "t".into(), vec![column], vec![], true);
        let mapper = RowMapper::new(&map, types, &vec![Treatment::Whole; map.columns.len()], false);
        let (mut values, mut exact) = (Vec::new(), Vec::new());
        mapper.map(&[value], Image::After, &mut values, &mut exact).expect("maps");
        let value = values.remove(0).into_owned();
        (value, exact.pop().map(|exact| (exact.form, exact.data.into_owned())))
    }

    fn text(value: &str) -> Value<'static> {
        Value::Text(Cow::Owned(value.to_owned()))
    }

    #[test]
    fn a_zero_date_is_null_or_the_epoch_and_exact() {
        let zero = ColumnValue::Date(Date { year: 0, month: 0, day: 0 });
        let exact = Some((ExactForm::Text, b"0000-00-00".to_vec()));
        assert_eq!(map(column("c", ColumnType::Date), zero), (Value::Null, exact.clone()));
        let not_null = ColumnDef { nullable: false, ..column("c", ColumnType::Date) };
        assert_eq!(map(not_null, zero), (Value::Int(0), exact));
        let real = ColumnValue::Date(Date { year: 1970, month: 1, day: 2 });
        assert_eq!(map(column("c", ColumnType::Date), real), (Value::Int(1), None));
    }

    #[test]
    fn a_partial_datetime_is_exact_with_its_digits() {
        let partial = DateTime {
            date: Date { year: 2024, month: 0, day: 0 },
            hour: 1,
            minute: 2,
            second: 3,
            micros: 4000,
        };
        let (value, exact) =
            map(column("c", ColumnType::DateTime { fsp: 3 }), ColumnValue::DateTime(partial));
        assert_eq!(value, Value::Null);
        assert_eq!(exact, Some((ExactForm::Text, b"2024-00-00 01:02:03.004".to_vec())));
    }

    #[test]
    fn datetimes_count_milliseconds_or_microseconds() {
        let at = DateTime {
            date: Date { year: 1969, month: 12, day: 31 },
            hour: 23,
            minute: 59,
            second: 59,
            micros: 999_000,
        };
        let value = |fsp| map(column("c", ColumnType::DateTime { fsp }), ColumnValue::DateTime(at)).0;
        assert_eq!(value(3), Value::Int(-1));
        assert_eq!(value(6), Value::Int(-1000));
    }

    #[test]
    fn timestamps_are_text_in_utc_and_zero_is_exact() {
        let ty = ColumnType::Timestamp { fsp: 0 };
        let at = ColumnValue::Timestamp { seconds: 1_709_201_730, micros: 0 };
        assert_eq!(map(column("c", ty), at), (text("2024-02-29T10:15:30Z"), None));
        let zero = ColumnValue::Timestamp { seconds: 0, micros: 0 };
        let not_null = ColumnDef { nullable: false, ..column("c", ty) };
        assert_eq!(
            map(not_null, zero),
            (text("1970-01-01T00:00:00Z"), Some((ExactForm::Text, b"0000-00-00 00:00:00".to_vec())))
        );
    }

    #[test]
    fn a_time_beyond_a_day_is_plain() {
        let time = Time { negative: true, hours: 838, minutes: 59, seconds: 59, micros: 0 };
        let (value, exact) = map(column("c", ColumnType::Time { fsp: 0 }), ColumnValue::Time(time));
        assert_eq!((value, exact), (Value::Int(-(838 * 3600 + 59 * 60 + 59) * 1_000_000), None));
    }

    #[test]
    fn unsigned_bigint_wraps_and_negative_zero_stays() {
        let big = column("c", ColumnType::LongLong);
        assert_eq!(map(big, ColumnValue::UInt(u64::MAX)), (Value::Int(-1), None));
        let (value, _) = map(column("c", ColumnType::Double), ColumnValue::Double(-0.0));
        assert!(matches!(value, Value::Double(v) if v.is_sign_negative()));
    }

    #[test]
    fn unsigned_numbers_have_no_byte_too_many() {
        for (value, bytes) in [
            (0, &[0][..]),
            (127, &[127]),
            (128, &[0, 128]),
            (255, &[0, 255]),
            (256, &[1, 0]),
            (u64::MAX, &[0, 255, 255, 255, 255, 255, 255, 255, 255]),
        ] {
            assert_eq!(unscaled(value), bytes, "{value}");
        }
    }

    #[test]
    fn what_an_option_loses_goes_along() {
        let bytes = || ColumnValue::Binary(BinaryValue::whole(&[0xfb, 0xff]));
        for (mode, expected) in
            [(BinaryMode::Base64, "+/8="), (BinaryMode::Base64UrlSafe, "-_8="), (BinaryMode::Hex, "fbff")]
        {
            let types = Types { binary_handling_mode: mode, ..Types::default() };
            let mapped = map_as(types, column("c", ColumnType::Blob { length_bytes: 2 }), bytes());
            assert_eq!(mapped, (text(expected), Some((ExactForm::Raw, vec![0xfb, 0xff]))));
        }
        let types = Types { time_precision_mode: TimeMode::Connect, ..Types::default() };
        let time =
            |negative, micros| ColumnValue::Time(Time { negative, hours: 1, minutes: 0, seconds: 0, micros });
        let as_time = |value| map_as(types, column("c", ColumnType::Time { fsp: 6 }), value);
        let exact = |text: &str| Some((ExactForm::Text, text.as_bytes().to_vec()));
        assert_eq!(as_time(time(false, 5000)), (Value::Int(3_600_005), None));
        assert_eq!(as_time(time(false, 5001)), (Value::Int(3_600_005), exact("01:00:00.005001")));
        assert_eq!(as_time(time(true, 0)), (Value::Null, exact("-01:00:00.000000")));
    }

    #[test]
    fn enum_zero_is_told_from_an_empty_label() {
        let column = ColumnDef {
            labels: ["", "a,b", "c"].map(str::to_owned).into(),
            ..column("c", ColumnType::Enum { bytes: 1 })
        };
        let index = |text: &str| Some((ExactForm::Index, text.as_bytes().to_vec()));
        assert_eq!(map(column.clone(), ColumnValue::Enum(0)), (text(""), index("0")));
        assert_eq!(map(column.clone(), ColumnValue::Enum(1)), (text(""), None));
        assert_eq!(map(column.clone(), ColumnValue::Enum(2)), (text("a\\,b"), index("2")));
        assert_eq!(map(column.clone(), ColumnValue::Enum(3)), (text("c"), None));
        assert_eq!(map(column, ColumnValue::Enum(4)), (text(""), index("4")));
        let printed = ColumnDef {
            labels: ["?", "\u{fffd}"].map(str::to_owned).into(),
            ..self::column("c", ColumnType::Enum { bytes: 1 })
        };
        assert_eq!(map(printed.clone(), ColumnValue::Enum(1)), (text("?"), index("1")));
        assert_eq!(map(printed, ColumnValue::Enum(2)), (text("\u{fffd}"), index("2")));
    }

    #[test]
    fn sets_join_their_labels() {
        let labelled = |labels: &[&str]| ColumnDef {
            labels: labels.iter().map(|label| (*label).to_owned()).collect(),
            ..column("c", ColumnType::Set { bytes: 1 })
        };
        let index = |text: &str| Some((ExactForm::Index, text.as_bytes().to_vec()));
        assert_eq!(map(labelled(&["a", "b", "c"]), ColumnValue::Set(0b101)), (text("a,c"), None));
        assert_eq!(map(labelled(&["a", "b", "c"]), ColumnValue::Set(0)), (text(""), None));
        assert_eq!(map(labelled(&["a"]), ColumnValue::Set(0b11)), (text("a"), index("3")));
        assert_eq!(map(labelled(&["", "a"]), ColumnValue::Set(0b01)), (text(""), index("1")));
    }

    #[test]
    fn undecodable_text_keeps_its_bytes() {
        let utf8 = ColumnDef { collation: Some(255), ..column("c", ColumnType::VarChar { max_bytes: 40 }) };
        assert_eq!(map(utf8.clone(), ColumnValue::Text("né".as_bytes())), (text("né"), None));
        let (_, exact) = map(utf8, ColumnValue::Text(b"a\xffb"));
        assert_eq!(exact, Some((ExactForm::Raw, b"a\xffb".to_vec())));
        let unknown =
            ColumnDef { collation: Some(9999), ..column("c", ColumnType::VarChar { max_bytes: 40 }) };
        let (_, exact) = map(unknown, ColumnValue::Text(b"ab"));
        assert_eq!(exact, Some((ExactForm::Raw, b"ab".to_vec())));
    }

    #[test]
    fn bits_are_little_endian_and_one_bit_is_boolean() {
        let bits = ColumnValue::Bit { bytes: &[0x01, 0x02], bits: 9 };
        assert_eq!(
            map(column("c", ColumnType::Bit { bits: 9 }), bits).0,
            Value::Bytes(Cow::Owned(vec![2, 1]))
        );
        let bit = ColumnValue::Bit { bytes: &[1], bits: 1 };
        assert_eq!(map(column("c", ColumnType::Bit { bits: 1 }), bit).0, Value::Bool(true));
    }

    #[test]
    fn points_tell_their_coordinates() {
        let mut stored = vec![0xe6, 0x10, 0, 0, 1, 1, 0, 0, 0];
        stored.extend(1.5f64.to_le_bytes());
        stored.extend((-2.0f64).to_le_bytes());
        let stored: &'static [u8] = stored.leak();
        let kind = strait_mysql::binlog::GeometryKind::Point;
        let (value, _) =
            map(column("c", ColumnType::Geometry { length_bytes: 4, kind }), ColumnValue::Geometry(stored));
        let wkb = Some(Cow::Owned(stored[4..].to_vec()));
        assert_eq!(value, Value::Point { x: 1.5, y: -2.0, wkb, srid: Some(4326) });
    }

    #[test]
    fn what_a_partial_image_does_not_have_is_told() {
        let map = TableMap::new("d".into(), "t".into(), vec![column("gone", ColumnType::Long)], vec![], true);
        let mapper =
            RowMapper::new(&map, Types::default(), &vec![Treatment::Whole; map.columns.len()], false);
        let (mut values, mut exact) = (Vec::new(), Vec::new());
        mapper.map(&[ColumnValue::Absent], Image::After, &mut values, &mut exact).expect("a partial image");
        assert_eq!(values, [Value::Null]);
        assert_eq!((&*exact[0].column, exact[0].form), ("gone", ExactForm::Absent));
    }
}
