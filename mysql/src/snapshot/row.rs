//! A row that SELECT gave, as the values that the log would carry. The session must let the bytes of characters
//! alone (`character_set_results = NULL`), be in UTC, and use the binary protocol, which keeps floating point
//! numbers and dates as they are.

use crate::{
    binlog::{ColumnDef, ColumnType},
    jsonb,
    value::{BinaryValue, ColumnValue, Date, DateTime, DecimalValue, Time},
};
use mysql_async::Value;

use super::query::KeyValue;

/// A row's values; DECIMAL in the form that rows of the log store, and so JSON where its text does not tell all of it.
#[derive(Debug)]
pub struct SelectedRow(Vec<Value>);

/// A value that is not of its column's type.
#[derive(Debug, thiserror::Error)]
#[error("column {column} came as {found}")]
pub struct Unexpected {
    pub column: String,
    pub found: String,
}

impl SelectedRow {
    /// # Errors
    /// A DECIMAL that is none; a document and the types of another one.
    pub fn new(columns: &[ColumnDef], row: mysql_async::Row) -> Result<Self, Unexpected> {
        let mut values = row.unwrap();
        for (column, value) in columns.iter().zip(&mut values) {
            if let (ColumnType::Decimal { precision, scale }, Value::Bytes(text)) = (column.ty, &*value) {
                let stored =
                    DecimalValue::store(text, precision, scale).ok_or_else(|| unexpected(column, value))?;
                *value = Value::Bytes(stored);
            }
        }
        let types = values.split_off(columns.len().min(values.len()));
        let documents = columns.iter().zip(&mut values).filter(|(column, _)| is_json(column));
        for ((column, value), types) in documents.zip(&types) {
            if let (Value::Bytes(text), Value::Bytes(types)) = (&*value, types) {
                let stored = std::str::from_utf8(text)
                    .ok()
                    .zip(std::str::from_utf8(types).ok())
                    .and_then(|(text, types)| jsonb::from_typed_text(text, types));
                *value = Value::Bytes(stored.ok_or_else(|| unexpected(column, value))?);
            }
        }
        Ok(Self(values))
    }

    /// About as many bytes as it takes in memory.
    pub fn bytes(&self) -> usize {
        let heap = |value: &Value| if let Value::Bytes(bytes) = value { bytes.capacity() } else { 0 };
        self.0.iter().map(|value| size_of::<Value>() + heap(value)).sum()
    }

    /// Replaces `out` by the row's values.
    ///
    /// # Errors
    /// A value that is not of its column's type: the table was altered after its shape was read.
    pub fn values<'a>(
        &'a self,
        columns: &[ColumnDef],
        out: &mut Vec<ColumnValue<'a>>,
    ) -> Result<(), Unexpected> {
        out.clear();
        for (column, value) in columns.iter().zip(&self.0) {
            out.push(convert(column, value).ok_or_else(|| unexpected(column, value))?);
        }
        Ok(())
    }
}

fn is_json(column: &ColumnDef) -> bool {
    matches!(column.ty, ColumnType::Json { .. })
}

fn unexpected(column: &ColumnDef, value: &Value) -> Unexpected {
    let mut found = value.as_sql(true);
    found.truncate(found.floor_char_boundary(60));
    Unexpected { column: column.name.clone(), found }
}

fn convert<'a>(column: &ColumnDef, value: &'a Value) -> Option<ColumnValue<'a>> {
    Some(match (column.ty, value) {
        (_, Value::NULL) => ColumnValue::Null,
        (ColumnType::Year, _) => ColumnValue::Year(u16::try_from(integer(value)?).ok()?),
        (ColumnType::Enum { .. }, _) => ColumnValue::Enum(u16::try_from(integer(value)?).ok()?),
        (ColumnType::Set { .. }, Value::UInt(bitmap)) => ColumnValue::Set(*bitmap),
        (ColumnType::Set { .. }, _) => ColumnValue::Set(u64::try_from(integer(value)?).ok()?),
        (
            ColumnType::Tiny
            | ColumnType::Short
            | ColumnType::Int24
            | ColumnType::Long
            | ColumnType::LongLong,
            Value::Int(_) | Value::UInt(_),
        ) => number(column, value)?,
        (ColumnType::Float, Value::Float(float)) => ColumnValue::Float(*float),
        (ColumnType::Double, Value::Double(double)) => ColumnValue::Double(*double),
        (ColumnType::Decimal { precision, scale }, Value::Bytes(stored)) => {
            ColumnValue::Decimal(DecimalValue::new(stored, precision, scale)?)
        }
        (ColumnType::Date, Value::Date(year, month, day, ..)) => {
            ColumnValue::Date(Date { year: *year, month: *month, day: *day })
        }
        (ColumnType::DateTime { .. }, Value::Date(..)) => ColumnValue::DateTime(datetime(value)?),
        (ColumnType::Timestamp { .. }, Value::Date(..)) => timestamp(datetime(value)?)?,
        (ColumnType::Time { .. }, Value::Time(negative, days, hours, minutes, seconds, micros)) => {
            ColumnValue::Time(Time {
                negative: *negative,
                hours: u16::try_from(*days * 24 + u32::from(*hours)).ok()?,
                minutes: *minutes,
                seconds: *seconds,
                micros: *micros,
            })
        }
        (_, Value::Bytes(bytes)) => of_bytes(column, bytes)?,
        _ => return None,
    })
}

fn of_bytes<'a>(column: &ColumnDef, bytes: &'a [u8]) -> Option<ColumnValue<'a>> {
    Some(match column.ty {
        ColumnType::Bit { bits } => ColumnValue::Bit { bytes, bits },
        ColumnType::Char { .. } | ColumnType::VarChar { .. } | ColumnType::Blob { .. }
            if column.is_binary() =>
        {
            ColumnValue::Binary(BinaryValue::whole(bytes))
        }
        ColumnType::Char { .. } | ColumnType::VarChar { .. } | ColumnType::Blob { .. } => {
            ColumnValue::Text(bytes)
        }
        // No text begins with a control character, and every binary form with its type's number.
        ColumnType::Json { .. } if bytes.first().is_some_and(|byte| *byte < b' ') => ColumnValue::Json(bytes),
        ColumnType::Json { .. } => ColumnValue::JsonText(std::str::from_utf8(bytes).ok()?),
        ColumnType::Geometry { .. } => ColumnValue::Geometry(bytes),
        ColumnType::Vector { .. } => ColumnValue::Vector(bytes),
        _ => return None,
    })
}

fn integer(value: &Value) -> Option<i64> {
    match value {
        Value::Int(number) => Some(*number),
        Value::UInt(number) => i64::try_from(*number).ok(),
        _ => None,
    }
}

fn number<'a>(column: &ColumnDef, value: &Value) -> Option<ColumnValue<'a>> {
    Some(match (column.unsigned, value) {
        (true, Value::UInt(number)) => ColumnValue::UInt(*number),
        (true, Value::Int(number)) => ColumnValue::UInt(u64::try_from(*number).ok()?),
        (false, _) => ColumnValue::Int(integer(value)?),
        _ => return None,
    })
}

fn datetime(value: &Value) -> Option<DateTime> {
    let Value::Date(year, month, day, hour, minute, second, micros) = value else { return None };
    Some(DateTime {
        date: Date { year: *year, month: *month, day: *day },
        hour: *hour,
        minute: *minute,
        second: *second,
        micros: *micros,
    })
}

fn timestamp<'a>(at: DateTime) -> Option<ColumnValue<'a>> {
    if at.date.year == 0 {
        return Some(ColumnValue::Timestamp { seconds: 0, micros: 0 });
    }
    let micros = at.micros_since_epoch()?;
    Some(ColumnValue::Timestamp {
        seconds: micros.div_euclid(1_000_000),
        micros: u32::try_from(micros.rem_euclid(1_000_000)).ok()?,
    })
}

/// The values of a row's key, in key order. Two images of a row whose key did not change give the same parts, whether
/// they come from the log or from SELECT. `None`: a value is missing or NULL.
pub fn key_values(columns: &[ColumnDef], key: &[usize], row: &[ColumnValue<'_>]) -> Option<Vec<KeyValue>> {
    key.iter().map(|at| key_value(&columns[*at], row.get(*at)?)).collect()
}

fn key_value(column: &ColumnDef, value: &ColumnValue<'_>) -> Option<KeyValue> {
    let text = |write: &dyn Fn(&mut String)| {
        let mut text = String::new();
        write(&mut text);
        KeyValue::Text(text)
    };
    let fsp = match column.ty {
        ColumnType::Time { fsp } | ColumnType::DateTime { fsp } | ColumnType::Timestamp { fsp } => fsp,
        _ => 0,
    };
    Some(match value {
        ColumnValue::Null | ColumnValue::Absent => return None,
        ColumnValue::Int(number) => KeyValue::Number(number.to_string()),
        ColumnValue::UInt(number) | ColumnValue::Set(number) => KeyValue::Number(number.to_string()),
        ColumnValue::Enum(number) | ColumnValue::Year(number) => KeyValue::Number(number.to_string()),
        ColumnValue::Float(number) => KeyValue::Number(format!("{:e}", f64::from(*number))),
        ColumnValue::Double(number) => KeyValue::Number(format!("{number:e}")),
        ColumnValue::Decimal(decimal) => KeyValue::Number(decimal.to_text()),
        ColumnValue::Date(date) => text(&|out| date.write_text(out)),
        ColumnValue::Time(time) => text(&|out| time.write_text(fsp, out)),
        ColumnValue::DateTime(at) => text(&|out| at.write_text(fsp, out)),
        ColumnValue::Timestamp { seconds: 0, micros: 0 } => KeyValue::Text("0000-00-00 00:00:00".into()),
        ColumnValue::Timestamp { seconds, micros } => {
            text(&|out| DateTime::from_epoch(*seconds, *micros).write_text(fsp, out))
        }
        ColumnValue::Bit { bytes, .. } => {
            KeyValue::Number(bytes.iter().fold(0_u64, |all, byte| all << 8 | u64::from(*byte)).to_string())
        }
        ColumnValue::Text(bytes) => KeyValue::Characters(bytes.to_vec()),
        ColumnValue::Binary(binary) => KeyValue::Bytes(binary.to_bytes().into_owned()),
        ColumnValue::Json(bytes) | ColumnValue::Geometry(bytes) | ColumnValue::Vector(bytes) => {
            KeyValue::Bytes(bytes.to_vec())
        }
        ColumnValue::JsonText(text) => KeyValue::Text((*text).to_owned()),
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_timestamp_is_seconds_and_its_zero_is_zero() {
        let value = |at| timestamp(at);
        let zero =
            DateTime { date: Date { year: 0, month: 0, day: 0 }, hour: 0, minute: 0, second: 0, micros: 0 };
        assert_eq!(value(zero), Some(ColumnValue::Timestamp { seconds: 0, micros: 0 }));
        let early = DateTime { date: Date { year: 1970, month: 1, day: 1 }, second: 1, micros: 5, ..zero };
        assert_eq!(value(early), Some(ColumnValue::Timestamp { seconds: 1, micros: 5 }));
    }
}
