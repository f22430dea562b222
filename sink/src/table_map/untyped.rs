//! Values of records without a schema: JSON tells less than Connect's types, so the target's column decides what
//! is meant. Where a value would be read as another one if the source's column were not quite the target's (a
//! DECIMAL without its scale, a time without its unit, a number without its sign), it is refused.

use std::borrow::Cow;

use base64::{Engine as _, engine::general_purpose::STANDARD};
use serde_json::Value as Json;
use strait_schemas::{Column, Kind, SourceType, TableSchema, Value};

use super::{ColumnClass, Refused, Target};

/// The table as it would have been published from a column of the target's own type. Columns that the target
/// does not have stay, so that they are refused by name.
pub fn assumed_schema(names: &[String], target: &Target) -> Result<TableSchema, Refused> {
    let column = |name: &String| {
        let found = target.table.column(name);
        if let Some(found) = found.filter(|found| found.is_written() && !is_told(found)) {
            return Err(Refused::Untyped { column: name.clone(), target: found.column_type.clone() });
        }
        let kind =
            found.and_then(|column| ColumnClass::of(column).assumed_kind(column)).unwrap_or(Kind::Text);
        Ok(Column { name: name.clone(), kind, optional: true, source_type: SourceType::default() })
    };
    Ok(TableSchema {
        prefix: String::new(),
        database: target.table.name.database.clone(),
        table: target.table.name.table.clone(),
        columns: names.iter().map(column).collect::<Result<_, _>>()?,
        key: Vec::new(),
    })
}

/// Whether the JSON value alone tells what a column of this type is to hold.
fn is_told(column: &strait_mysql::catalog::Column) -> bool {
    match ColumnClass::of(column) {
        ColumnClass::Integer => !column.unsigned,
        // A single bit is true or false.
        ColumnClass::Bit => column.numeric_precision == Some(1),
        ColumnClass::Decimal { .. }
        | ColumnClass::Date
        | ColumnClass::Time { .. }
        | ColumnClass::DateTime { .. }
        | ColumnClass::Timestamp { .. } => false,
        ColumnClass::Float
        | ColumnClass::Double
        | ColumnClass::Year
        | ColumnClass::Character
        | ColumnClass::Binary
        | ColumnClass::Enum
        | ColumnClass::Set
        | ColumnClass::Json
        | ColumnClass::Geometry
        | ColumnClass::Vector
        | ColumnClass::Unknown => true,
    }
}

/// A JSON value as the column's kind has it; what does not fit is passed on, and refused by the conversion.
pub fn typed<'a>(value: Value<'a>, kind: &Kind) -> Value<'a> {
    match (value, kind) {
        (Value::Int(v), Kind::Float32) if v as f32 as i64 == v => Value::Float(v as f32),
        // The shortest text of a float is that of its value, or of the source's DOUBLE: then it stays what it is.
        (Value::Double(v), Kind::Float32) if format!("{}", v as f32) == format!("{v}") => {
            Value::Float(v as f32)
        }
        (Value::Int(v), Kind::Float64) => Value::Double(v as f64),
        (Value::Bool(v), Kind::Int16 | Kind::Int32 | Kind::Int64) => Value::Int(i64::from(v)),
        (Value::Text(v), Kind::Bytes) => match STANDARD.decode(v.as_bytes()) {
            Ok(bytes) => Value::Bytes(Cow::Owned(bytes)),
            Err(_) => Value::Text(v),
        },
        (Value::Text(v), Kind::Point | Kind::Geometry) => geometry(&v).unwrap_or(Value::Text(v)),
        (Value::Text(v), Kind::FloatVector) => match serde_json::from_str::<Vec<f32>>(&v) {
            Ok(floats) => Value::Vector(floats),
            Err(_) => Value::Text(v),
        },
        (value, _) => value,
    }
}

fn geometry(text: &str) -> Option<Value<'static>> {
    let json: Json = serde_json::from_str(text).ok()?;
    let srid = json.get("srid").and_then(Json::as_i64).map(|srid| srid as i32);
    let wkb = STANDARD.decode(json.get("wkb")?.as_str()?).ok()?;
    Some(Value::Geometry { wkb: Cow::Owned(wkb), srid })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_column_decides_what_a_json_value_is() {
        let text = |text: &'static str| Value::Text(Cow::Borrowed(text));
        assert_eq!(typed(text("+zI="), &Kind::Bytes), Value::Bytes(vec![0xfb, 0x32].into()));
        assert_eq!(typed(text("+zI="), &Kind::Text), text("+zI="));
        assert_eq!(typed(Value::Int(1), &Kind::Float64), Value::Double(1.0));
        assert_eq!(typed(Value::Double(0.1), &Kind::Float32), Value::Float(0.1));
        let no_float = Value::Double(0.1 + 0.2);
        assert_eq!(typed(no_float.clone(), &Kind::Float32), no_float, "is left to be refused");
        assert_eq!(typed(text("[1,2.5]"), &Kind::FloatVector), Value::Vector(vec![1.0, 2.5]));
        assert_eq!(
            typed(text(r#"{"wkb":"AQ==","srid":4326}"#), &Kind::Geometry),
            Value::Geometry { wkb: vec![1].into(), srid: Some(4326) }
        );
    }
}
