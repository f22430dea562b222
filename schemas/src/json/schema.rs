//! Reads a Connect schema in its JSON form: the columns of an envelope's images.

use crate::{Column, Error, Kind, Result, SourceType, TableSchema, connect::semantic};
use serde::Deserialize;
use std::collections::HashMap;

#[derive(Debug, Deserialize)]
struct Schema {
    #[serde(rename = "type")]
    ty: String,
    #[serde(default)]
    optional: bool,
    name: Option<String>,
    #[serde(default)]
    parameters: HashMap<String, String>,
    #[serde(default)]
    fields: Vec<Schema>,
    items: Option<Box<Schema>>,
    /// The name of the field that this is the schema of.
    field: Option<String>,
}

/// The columns of an envelope, with the names their fields have in the payload.
#[derive(Debug)]
pub(super) struct Layout {
    pub table: TableSchema,
    pub fields: Vec<String>,
}

pub(super) fn envelope(json: &str) -> Result<Layout> {
    let schema: Schema = serde_json::from_str(json).map_err(|source| Error::SchemaText { source })?;
    for name in ["before", "after", "source", "op"] {
        schema.field(name)?;
    }
    let before = schema.layout("before")?;
    let after = schema.layout("after")?;
    if before.table.columns != after.table.columns {
        return Err(Error::foreign("`after`", "it has other columns than `before`"));
    }
    Ok(after)
}

impl Schema {
    fn field(&self, name: &str) -> Result<&Self> {
        self.fields.iter().find(|field| field.field.as_deref() == Some(name)).ok_or_else(|| {
            let place = format!("`{}`", self.name.as_deref().unwrap_or("the top"));
            Error::foreign(place, format!("a change envelope has a field `{name}`"))
        })
    }

    fn layout(&self, image: &str) -> Result<Layout> {
        let row = self.field(image)?;
        if row.ty != "struct" {
            return Err(Error::foreign(
                format!("`{image}`"),
                format!("a struct was expected, not {}", row.ty),
            ));
        }
        let (mut columns, mut fields) = (Vec::new(), Vec::new());
        for schema in &row.fields {
            let Some(field) = &schema.field else {
                return Err(Error::foreign(format!("`{image}`"), "one of its fields has no name"));
            };
            let kind = schema.kind().map_err(|cause| Error::foreign(format!("`{image}.{field}`"), cause))?;
            columns.push(schema.column(field, kind));
            fields.push(field.clone());
        }
        let mut parts = row.name.as_deref().unwrap_or_default().rsplitn(4, '.').skip(1).map(str::to_owned);
        let (table, database, prefix) = (parts.next(), parts.next(), parts.next());
        let table = TableSchema {
            prefix: prefix.unwrap_or_default(),
            database: database.unwrap_or_default(),
            table: table.unwrap_or_default(),
            columns,
            key: Vec::new(),
        };
        Ok(Layout { table, fields })
    }

    fn column(&self, field: &str, kind: Kind) -> Column {
        let number = |key| self.parameter(key).and_then(|text| text.parse().ok());
        Column {
            name: self.parameter(semantic::SOURCE_NAME).unwrap_or(field).to_owned(),
            kind,
            optional: self.optional,
            source_type: SourceType {
                name: self.parameter(semantic::SOURCE_TYPE).unwrap_or_default().to_owned(),
                length: number(semantic::SOURCE_LENGTH),
                scale: number(semantic::SOURCE_SCALE),
            },
        }
    }

    fn parameter(&self, key: &str) -> Option<&str> {
        self.parameters.get(key).map(String::as_str)
    }

    fn kind(&self) -> Result<Kind, String> {
        let allowed = || self.parameter(semantic::ALLOWED).unwrap_or_default().to_owned();
        let number = |key: &str, or: Option<u16>| {
            let given =
                self.parameter(key).map(|text| text.parse().map_err(|_| format!("`{key}` is `{text}`")));
            given.or(or.map(Ok)).unwrap_or_else(|| Err(format!("`{key}` is missing")))
        };
        let small =
            |key, or| number(key, or).and_then(|n| u8::try_from(n).map_err(|_| format!("`{key}` is {n}")));
        Ok(match (self.ty.as_str(), self.name.as_deref()) {
            ("boolean", None) => Kind::Boolean,
            ("int8" | "int16", None) => Kind::Int16,
            ("int32", None) => Kind::Int32,
            ("int64", None) => Kind::Int64,
            ("float", None) => Kind::Float32,
            ("double", None) => Kind::Float64,
            ("string", None) => Kind::Text,
            ("bytes", None) => Kind::Bytes,
            ("int32", Some(semantic::YEAR)) => Kind::Year,
            ("int32", Some(semantic::DATE)) => Kind::Date,
            ("int32", Some(semantic::CONNECT_DATE)) => Kind::ConnectDate,
            ("int32", Some(semantic::CONNECT_TIME)) => Kind::ConnectTime,
            ("int64", Some(semantic::MICRO_TIME)) => Kind::MicroTime,
            ("int64", Some(semantic::TIMESTAMP)) => Kind::Timestamp,
            ("int64", Some(semantic::CONNECT_TIMESTAMP)) => Kind::ConnectTimestamp,
            ("int64", Some(semantic::MICRO_TIMESTAMP)) => Kind::MicroTimestamp,
            ("int64", Some(semantic::NANO_TIME)) => Kind::NanoTime,
            ("int64", Some(semantic::NANO_TIMESTAMP)) => Kind::NanoTimestamp,
            ("string", Some(semantic::ISO_DATE)) => Kind::IsoDate,
            ("string", Some(semantic::ISO_TIME)) => Kind::IsoTime,
            ("string", Some(semantic::ISO_TIMESTAMP)) => Kind::IsoTimestamp,
            ("string", Some(semantic::ZONED_TIMESTAMP)) => Kind::ZonedTimestamp,
            ("string", Some(semantic::ENUM)) => Kind::Enum { allowed: allowed() },
            ("string", Some(semantic::ENUM_SET)) => Kind::EnumSet { allowed: allowed() },
            ("string", Some(semantic::JSON)) => Kind::Json,
            ("bytes", Some(semantic::BITS)) => Kind::Bits { length: number(semantic::LENGTH, None)? },
            ("bytes", Some(semantic::DECIMAL)) => Kind::Decimal {
                precision: small(semantic::PRECISION, Some(64))?,
                scale: small(semantic::SCALE, Some(0))?,
            },
            ("struct", Some(semantic::POINT)) => Kind::Point,
            ("struct", Some(semantic::GEOMETRY)) => Kind::Geometry,
            ("array", None | Some(semantic::FLOAT_VECTOR))
                if self.items.as_ref().is_some_and(|items| items.ty == "float") =>
            {
                Kind::FloatVector
            }
            (ty, None) => return Err(format!("its type {ty} is not mapped")),
            (ty, Some(name)) => return Err(crate::connect::unmapped(&format!("`{name}` ({ty})"))),
        })
    }
}
