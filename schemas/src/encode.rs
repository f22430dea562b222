//! The encoder of one table version, whatever the format.

use crate::{
    Change, Error, Result, TableSchema, Value,
    avro::AvroEncoder,
    carrier::Carrier,
    envelope::VERSION,
    flat::{FlatEncoder, Form},
    json::JsonEncoder,
};
use std::{fmt, str::FromStr};

/// The form of keys and values on the data topics.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Default, serde::Serialize, serde::Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Format {
    /// Confluent's wire format, the schemas in a registry.
    #[default]
    Avro,
    /// Connect's JSON, the schema in every record.
    Json,
    /// Connect's JSON without schemas.
    JsonSchemaless,
}

impl Format {
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Avro => "avro",
            Self::Json => "json",
            Self::JsonSchemaless => "json-schemaless",
        }
    }
}

impl fmt::Display for Format {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.as_str())
    }
}

impl FromStr for Format {
    type Err = Error;

    fn from_str(text: &str) -> Result<Self> {
        Ok(match text {
            "avro" => Self::Avro,
            "json" => Self::Json,
            "json-schemaless" => Self::JsonSchemaless,
            _ => {
                return Err(Error::Text {
                    what: "format",
                    text: text.chars().take(32).collect(),
                    cause: "expected avro, json or json-schemaless".into(),
                });
            }
        })
    }
}

/// Writes keys and envelopes of one table version straight into a buffer.
#[derive(Debug)]
pub struct TableEncoder(Inner);

#[derive(Debug)]
enum Inner {
    Avro(AvroEncoder),
    Json(JsonEncoder),
    Flat(FlatEncoder),
}

impl TableEncoder {
    /// `key_id` and `value_id`: the registry's ids of [`TableSchema::avro_key`] and
    /// [`TableSchema::avro_value`].
    pub fn avro(table: &TableSchema, key_id: Option<u32>, value_id: u32) -> Self {
        Self(Inner::Avro(AvroEncoder::new(table, key_id, value_id, VERSION)))
    }

    pub fn json(table: &TableSchema, with_schema: bool) -> Self {
        Self(Inner::Json(JsonEncoder::new(table, with_schema, VERSION)))
    }

    /// Maxwell's flat JSON. `Err`: the name of a column whose values it has no place for.
    pub fn maxwell(table: &TableSchema) -> Result<Self, String> {
        FlatEncoder::new(table, Form::Maxwell).map(|encoder| Self(Inner::Flat(encoder)))
    }

    /// Canal's flat JSON. `Err`: the name of a column whose values it has no place for.
    pub fn canal(table: &TableSchema) -> Result<Self, String> {
        FlatEncoder::new(table, Form::Canal).map(|encoder| Self(Inner::Flat(encoder)))
    }

    /// The same encoder with another `source.version` than [`VERSION`].
    #[must_use]
    pub fn with_version(self, version: &str) -> Self {
        Self(match self.0 {
            Inner::Avro(encoder) => Inner::Avro(encoder.with_version(version)),
            Inner::Json(encoder) => Inner::Json(encoder.with_version(version)),
            Inner::Flat(encoder) => Inner::Flat(encoder),
        })
    }

    /// Appends the key of a full row image. `false`: the table has no key, nothing was written. After an
    /// error `out` holds what was there before.
    pub fn encode_key(&self, row: &[Value<'_>], out: &mut Vec<u8>) -> Result<bool> {
        let start = out.len();
        let done = match &self.0 {
            Inner::Avro(encoder) => encoder.encode_key(row, out),
            Inner::Json(encoder) => encoder.encode_key(row, out),
            Inner::Flat(encoder) => encoder.encode_key(row, out),
        };
        done.inspect_err(|_| out.truncate(start))
    }

    /// Appends the envelope. After an error `out` holds what was there before.
    pub fn encode_value(&self, change: &Change<'_>, out: &mut Vec<u8>) -> Result<()> {
        let start = out.len();
        let done = match &self.0 {
            Inner::Avro(encoder) => encoder.encode_value(change, out),
            Inner::Json(encoder) => encoder.encode_value(change, out),
            Inner::Flat(encoder) => encoder.encode_value(change, out),
        };
        done.inspect_err(|_| out.truncate(start))
    }
}

#[inline]
pub(crate) fn row_width(table: &str, expected: usize, got: usize) -> Result<()> {
    if expected == got {
        return Ok(());
    }
    Err(Error::RowWidth { table: table.to_owned(), expected, got })
}

#[cold]
pub(crate) fn not_nullable(column: &str) -> Error {
    Error::Encode { column: column.to_owned(), cause: "it is null, but the column is NOT NULL".into() }
}

#[cold]
pub(crate) fn misfit(column: &str, carrier: Carrier, value: &Value<'_>) -> Error {
    let got = match value {
        Value::Int(number) => format!("integer {number}"),
        other => other.kind().to_owned(),
    };
    Error::Encode {
        column: column.to_owned(),
        cause: format!("a {} was expected, not {got}", carrier.describe()),
    }
}
