//! Values of records without a schema: JSON tells less than Connect's types, so the target's column decides what
//! is meant.

use std::borrow::Cow;

use base64::{Engine as _, engine::general_purpose::STANDARD};
use serde_json::Value as Json;
use strait_schemas::{Column, Kind, SourceType, TableSchema, Value};

use super::{ColumnClass, Target};

/// The table as it would have been published from a column of the target's own type. Columns that the target
/// does not have stay, so that they are refused by name.
pub fn assumed_schema(names: &[String], target: &Target) -> TableSchema {
    let column = |name: &String| {
        let found = target.table.column(name);
        let kind =
            found.and_then(|column| ColumnClass::of(column).assumed_kind(column)).unwrap_or(Kind::Text);
        let unsigned = found.is_some_and(|column| column.unsigned);
        let source_type = SourceType {
            name: if unsigned { "BIGINT UNSIGNED".into() } else { String::new() },
            ..SourceType::default()
        };
        Column { name: name.clone(), kind, optional: true, source_type }
    };
    TableSchema {
        prefix: String::new(),
        database: target.table.name.database.clone(),
        table: target.table.name.table.clone(),
        columns: names.iter().map(column).collect(),
        key: Vec::new(),
    }
}

/// A JSON value as the column's kind has it; what does not fit is passed on, and refused by the conversion.
pub fn typed<'a>(value: Value<'a>, kind: &Kind) -> Value<'a> {
    match (value, kind) {
        (Value::Int(v), Kind::Float32) => Value::Float(v as f32),
        (Value::Double(v), Kind::Float32) => Value::Float(v as f32),
        (Value::Int(v), Kind::Float64) => Value::Double(v as f64),
        (Value::Bool(v), Kind::Int16 | Kind::Int32 | Kind::Int64) => Value::Int(i64::from(v)),
        (Value::Text(v), Kind::Decimal { .. } | Kind::Bits { .. } | Kind::Bytes) => {
            match STANDARD.decode(v.as_bytes()) {
                Ok(bytes) => Value::Bytes(Cow::Owned(bytes)),
                Err(_) => Value::Text(v),
            }
        }
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
        assert_eq!(
            typed(text("+zI="), &Kind::Decimal { precision: 4, scale: 2 }),
            Value::Bytes(vec![0xfb, 0x32].into())
        );
        assert_eq!(typed(text("+zI="), &Kind::Text), text("+zI="));
        assert_eq!(typed(Value::Int(1), &Kind::Float64), Value::Double(1.0));
        assert_eq!(typed(text("[1,2.5]"), &Kind::FloatVector), Value::Vector(vec![1.0, 2.5]));
        assert_eq!(
            typed(text(r#"{"wkb":"AQ==","srid":4326}"#), &Kind::Geometry),
            Value::Geometry { wkb: vec![1].into(), srid: Some(4326) }
        );
    }
}
