//! Connect schemas: the one description from which both the Avro schema and JSON's schema are printed.
//!
//! Debezium builds Connect schemas and leaves their form to a converter; this folder does the same, with
//! the same rules: `avro` prints as Confluent's Avro converter does, `json` as Kafka's JSON converter.

mod avro;
mod json;
pub(crate) mod names;
pub(crate) mod rows;
pub(crate) mod shared;

pub(crate) use avro::avro_text;
pub(crate) use json::json_text;

use std::borrow::Cow;

#[derive(Debug, Clone, PartialEq)]
pub(crate) struct Connect {
    pub ty: Type,
    pub optional: bool,
    /// The semantic name.
    pub name: Option<Cow<'static, str>>,
    pub version: Option<u32>,
    pub doc: Option<&'static str>,
    pub parameters: Vec<(&'static str, String)>,
    pub default: Option<&'static str>,
}

#[derive(Debug, Clone, PartialEq)]
pub(crate) enum Type {
    Boolean,
    Int16,
    Int32,
    Int64,
    Float32,
    Float64,
    Text,
    Bytes,
    Array(Box<Connect>),
    Struct(Vec<Field>),
}

#[derive(Debug, Clone, PartialEq)]
pub(crate) struct Field {
    pub name: String,
    pub schema: Connect,
}

impl Connect {
    pub fn new(ty: Type) -> Self {
        Self {
            ty,
            optional: false,
            name: None,
            version: None,
            doc: None,
            parameters: Vec::new(),
            default: None,
        }
    }

    /// A structure with a name, not yet versioned.
    pub fn structure(name: impl Into<Cow<'static, str>>, fields: Vec<Field>) -> Self {
        Self { name: Some(name.into()), ..Self::new(Type::Struct(fields)) }
    }

    pub fn optional(self) -> Self {
        Self { optional: true, ..self }
    }

    /// A semantic name at version 1, as all of Debezium's are.
    pub fn semantic(self, name: &'static str) -> Self {
        Self { name: Some(Cow::Borrowed(name)), version: Some(1), ..self }
    }

    pub fn version(self, version: u32) -> Self {
        Self { version: Some(version), ..self }
    }

    pub fn doc(self, doc: &'static str) -> Self {
        Self { doc: Some(doc), ..self }
    }

    pub fn parameter(mut self, key: &'static str, value: impl Into<String>) -> Self {
        self.parameters.push((key, value.into()));
        self
    }
}

impl Field {
    pub fn new(name: impl Into<String>, schema: Connect) -> Self {
        Self { name: name.into(), schema }
    }

    pub fn required(name: &'static str, ty: Type) -> Self {
        Self::new(name, Connect::new(ty))
    }

    pub fn optional(name: &'static str, ty: Type) -> Self {
        Self::new(name, Connect::new(ty).optional())
    }
}

/// Semantic names, and the parameters that belong to them.
pub(crate) mod semantic {
    pub const DECIMAL: &str = "org.apache.kafka.connect.data.Decimal";
    pub const CONNECT_DATE: &str = "org.apache.kafka.connect.data.Date";
    pub const CONNECT_TIME: &str = "org.apache.kafka.connect.data.Time";
    pub const CONNECT_TIMESTAMP: &str = "org.apache.kafka.connect.data.Timestamp";
    pub const BITS: &str = "io.debezium.data.Bits";
    pub const ENUM: &str = "io.debezium.data.Enum";
    pub const ENUM_SET: &str = "io.debezium.data.EnumSet";
    pub const JSON: &str = "io.debezium.data.Json";
    pub const YEAR: &str = "io.debezium.time.Year";
    pub const DATE: &str = "io.debezium.time.Date";
    pub const MICRO_TIME: &str = "io.debezium.time.MicroTime";
    pub const TIMESTAMP: &str = "io.debezium.time.Timestamp";
    pub const MICRO_TIMESTAMP: &str = "io.debezium.time.MicroTimestamp";
    pub const ZONED_TIMESTAMP: &str = "io.debezium.time.ZonedTimestamp";
    pub const NANO_TIME: &str = "io.debezium.time.NanoTime";
    pub const NANO_TIMESTAMP: &str = "io.debezium.time.NanoTimestamp";
    pub const ISO_DATE: &str = "io.debezium.time.IsoDate";
    pub const ISO_TIME: &str = "io.debezium.time.IsoTime";
    pub const ISO_TIMESTAMP: &str = "io.debezium.time.IsoTimestamp";
    pub const POINT: &str = "io.debezium.data.geometry.Point";
    pub const GEOMETRY: &str = "io.debezium.data.geometry.Geometry";
    pub const FLOAT_VECTOR: &str = "io.debezium.data.FloatVector";

    pub const SCALE: &str = "scale";
    pub const PRECISION: &str = "connect.decimal.precision";
    pub const LENGTH: &str = "length";
    pub const ALLOWED: &str = "allowed";
    pub const SOURCE_TYPE: &str = "__debezium.source.column.type";
    pub const SOURCE_LENGTH: &str = "__debezium.source.column.length";
    pub const SOURCE_SCALE: &str = "__debezium.source.column.scale";
    pub const SOURCE_NAME: &str = "__debezium.source.column.name";
}

/// Why a type is refused: with the writer's setting that would help, where there is one.
pub(crate) fn unmapped(ty: &str) -> String {
    if ty.contains("io.debezium.time.") {
        return format!(
            "its type {ty} is not mapped: set time.precision.mode=adaptive_time_microseconds at the writer"
        );
    }
    format!("its type {ty} is not mapped")
}
