//! From a table to Connect schemas: one column, the key, a row, the envelope.

use super::{
    Connect, Field, Type,
    names::{Naming, field_names, record_name},
    semantic, shared,
};
use crate::{Column, Kind, SourceType, TableSchema};

/// The key's schema. It does not tell the columns' source types: they change with an ALTER that leaves the
/// key as it is, and a new schema id is a new key to the partitioner.
pub(crate) fn key(table: &TableSchema, naming: Naming) -> Option<Connect> {
    table.key_columns().next()?;
    let names = field_names(naming, table.columns.iter().map(|column| column.name.as_str()));
    let fields = table.key_columns().map(|at| {
        let (column, name) = (&table.columns[at], &names[at]);
        let mut schema = bare(column);
        if *name != column.name {
            schema = schema.parameter(semantic::SOURCE_NAME, &column.name);
        }
        Field::new(name, schema)
    });
    Some(Connect::structure(name_of(table, naming, "Key"), fields.collect()))
}

/// The envelope's schema.
pub(crate) fn envelope(table: &TableSchema, naming: Naming) -> Connect {
    let row = row(table, naming).optional();
    Connect::structure(
        name_of(table, naming, "Envelope"),
        vec![
            Field::new("before", row.clone()),
            Field::new("after", row),
            Field::new("source", shared::source()),
            Field::new("transaction", shared::transaction_block()),
            Field::required("op", Type::Text),
            Field::optional("ts_ms", Type::Int64),
            Field::optional("ts_us", Type::Int64),
            Field::optional("ts_ns", Type::Int64),
        ],
    )
    .version(2)
}

fn row(table: &TableSchema, naming: Naming) -> Connect {
    let names = field_names(naming, table.columns.iter().map(|column| column.name.as_str()));
    let fields = table.columns.iter().zip(names).map(|(column, name)| {
        let schema = with_source(column, name != column.name);
        Field::new(name, schema)
    });
    Connect::structure(name_of(table, naming, "Value"), fields.collect())
}

fn name_of(table: &TableSchema, naming: Naming, kind: &str) -> String {
    record_name(naming, &table.prefix, &table.database, &table.table, kind)
}

/// A column as a value's field: what is known of its source in parameters, its name always if the field's
/// is another.
fn with_source(column: &Column, renamed: bool) -> Connect {
    let source = &column.source_type;
    let mut schema = bare(column);
    if !source.name.is_empty() {
        schema = schema.parameter(semantic::SOURCE_TYPE, &source.name);
    }
    if let Some(length) = source.length {
        schema = schema.parameter(semantic::SOURCE_LENGTH, length.to_string());
    }
    if let Some(scale) = source.scale {
        schema = schema.parameter(semantic::SOURCE_SCALE, scale.to_string());
    }
    if renamed || *source != SourceType::default() {
        schema = schema.parameter(semantic::SOURCE_NAME, &column.name);
    }
    schema
}

fn bare(column: &Column) -> Connect {
    let schema = of_kind(&column.kind);
    if column.optional { schema.optional() } else { schema }
}

fn of_kind(kind: &Kind) -> Connect {
    let new = Connect::new;
    match kind {
        Kind::Boolean => new(Type::Boolean),
        Kind::Int16 => new(Type::Int16),
        Kind::Int32 => new(Type::Int32),
        Kind::Int64 => new(Type::Int64),
        Kind::Float32 => new(Type::Float32),
        Kind::Float64 => new(Type::Float64),
        Kind::Text => new(Type::Text),
        Kind::Bytes => new(Type::Bytes),
        Kind::Decimal { precision, scale } => new(Type::Bytes)
            .semantic(semantic::DECIMAL)
            .parameter(semantic::SCALE, scale.to_string())
            .parameter(semantic::PRECISION, precision.to_string()),
        Kind::Bits { length } => {
            new(Type::Bytes).semantic(semantic::BITS).parameter(semantic::LENGTH, length.to_string())
        }
        Kind::Enum { allowed } => {
            new(Type::Text).semantic(semantic::ENUM).parameter(semantic::ALLOWED, allowed)
        }
        Kind::EnumSet { allowed } => {
            new(Type::Text).semantic(semantic::ENUM_SET).parameter(semantic::ALLOWED, allowed)
        }
        Kind::Json => new(Type::Text).semantic(semantic::JSON),
        Kind::Year => new(Type::Int32).semantic(semantic::YEAR),
        Kind::Date => new(Type::Int32).semantic(semantic::DATE),
        Kind::MicroTime => new(Type::Int64).semantic(semantic::MICRO_TIME),
        Kind::Timestamp => new(Type::Int64).semantic(semantic::TIMESTAMP),
        Kind::MicroTimestamp => new(Type::Int64).semantic(semantic::MICRO_TIMESTAMP),
        Kind::ZonedTimestamp => new(Type::Text).semantic(semantic::ZONED_TIMESTAMP),
        Kind::ConnectDate => new(Type::Int32).semantic(semantic::CONNECT_DATE),
        Kind::ConnectTime => new(Type::Int32).semantic(semantic::CONNECT_TIME),
        Kind::ConnectTimestamp => new(Type::Int64).semantic(semantic::CONNECT_TIMESTAMP),
        Kind::NanoTime => new(Type::Int64).semantic(semantic::NANO_TIME),
        Kind::NanoTimestamp => new(Type::Int64).semantic(semantic::NANO_TIMESTAMP),
        Kind::IsoDate => new(Type::Text).semantic(semantic::ISO_DATE),
        Kind::IsoTime => new(Type::Text).semantic(semantic::ISO_TIME),
        Kind::IsoTimestamp => new(Type::Text).semantic(semantic::ISO_TIMESTAMP),
        Kind::Point => new(Type::Struct(vec![
            Field::required("x", Type::Float64),
            Field::required("y", Type::Float64),
            Field::optional("wkb", Type::Bytes),
            Field::optional("srid", Type::Int32),
        ]))
        .semantic(semantic::POINT)
        .doc("Geometry (POINT)"),
        Kind::Geometry => {
            new(Type::Struct(vec![Field::required("wkb", Type::Bytes), Field::optional("srid", Type::Int32)]))
                .semantic(semantic::GEOMETRY)
                .doc("Geometry")
        }
        Kind::FloatVector => new(Type::Array(Box::new(new(Type::Float32)))).semantic(semantic::FLOAT_VECTOR),
    }
}
