//! A table map becomes a [`TableSchema`].

use strait_mysql::binlog::{ColumnDef, ColumnType, GeometryKind, TableMap, unsupported_type};
use strait_mysql::charset;
use strait_schemas::{Column, Kind, SourceType, TableSchema};

use super::modes::{BigintUnsignedMode, BinaryMode, DecimalMode, TimeMode, Types};

/// A table whose rows cannot be published.
#[derive(Debug, thiserror::Error)]
pub enum Unmappable {
    #[error(
        "the binary log does not tell the table's column names (it was written with binlog_row_metadata=MINIMAL)"
    )]
    NoMetadata,
    #[error("column {column} has a type that is not supported: {}", unsupported_type(*.code))]
    Type { column: String, code: u8 },
}

/// The schema of a table's rows. `key`: positions of the key's columns, in key order. `published`: positions of the columns that
/// are, in the table's order; the key's are among them.
pub fn map_table(
    prefix: &str,
    types: Types,
    map: &TableMap,
    key: &[usize],
    published: &[usize],
) -> Result<TableSchema, Unmappable> {
    if !map.full_metadata {
        return Err(Unmappable::NoMetadata);
    }
    Ok(TableSchema {
        prefix: prefix.to_owned(),
        database: map.database.clone(),
        table: map.table.clone(),
        columns: published.iter().map(|at| map_column(types, &map.columns[*at])).collect::<Result<_, _>>()?,
        key: key.iter().filter_map(|at| published.iter().position(|published| published == at)).collect(),
    })
}

fn map_column(types: Types, column: &ColumnDef) -> Result<Column, Unmappable> {
    Ok(Column {
        name: column.name.clone(),
        kind: kind(types, column)?,
        optional: column.nullable,
        source_type: source_type(column),
    })
}

fn kind(types: Types, column: &ColumnDef) -> Result<Kind, Unmappable> {
    Ok(match column.ty {
        ColumnType::Tiny => Kind::Int16,
        ColumnType::Short if column.unsigned => Kind::Int32,
        ColumnType::Short => Kind::Int16,
        ColumnType::Int24 => Kind::Int32,
        ColumnType::Long if column.unsigned => Kind::Int64,
        ColumnType::Long => Kind::Int32,
        ColumnType::LongLong
            if column.unsigned && types.bigint_unsigned_handling_mode == BigintUnsignedMode::Precise =>
        {
            Kind::Decimal { precision: 20, scale: 0 }
        }
        ColumnType::LongLong => Kind::Int64,
        ColumnType::Float => Kind::Float32,
        ColumnType::Double => Kind::Float64,
        ColumnType::Decimal { precision, scale } => match types.decimal_handling_mode {
            DecimalMode::Precise => Kind::Decimal { precision, scale },
            DecimalMode::Double => Kind::Float64,
            DecimalMode::String => Kind::Text,
        },
        ColumnType::Year => Kind::Year,
        ColumnType::Date => date(types.time_precision_mode),
        ColumnType::Time { .. } => time(types.time_precision_mode),
        ColumnType::DateTime { fsp } => datetime(types.time_precision_mode, fsp),
        ColumnType::Timestamp { .. } => Kind::ZonedTimestamp,
        ColumnType::Bit { bits: 1 } => Kind::Boolean,
        ColumnType::Bit { bits } => Kind::Bits { length: bits },
        ColumnType::Enum { .. } => Kind::Enum { allowed: allowed(column) },
        ColumnType::Set { .. } => Kind::EnumSet { allowed: allowed(column) },
        ColumnType::Char { .. } | ColumnType::VarChar { .. } | ColumnType::Blob { .. }
            if column.is_binary() =>
        {
            match types.binary_handling_mode {
                BinaryMode::Bytes => Kind::Bytes,
                BinaryMode::Base64 | BinaryMode::Base64UrlSafe | BinaryMode::Hex => Kind::Text,
            }
        }
        ColumnType::Char { .. } | ColumnType::VarChar { .. } | ColumnType::Blob { .. } => Kind::Text,
        ColumnType::Json { .. } => Kind::Json,
        ColumnType::Geometry { kind: GeometryKind::Point, .. } => Kind::Point,
        ColumnType::Geometry { .. } => Kind::Geometry,
        ColumnType::Vector { .. } => Kind::FloatVector,
        ColumnType::Unsupported { code } => {
            return Err(Unmappable::Type { column: column.name.clone(), code });
        }
    })
}

fn date(mode: TimeMode) -> Kind {
    match mode {
        TimeMode::AdaptiveTimeMicroseconds | TimeMode::Microseconds | TimeMode::Nanoseconds => Kind::Date,
        TimeMode::Connect => Kind::ConnectDate,
        TimeMode::IsoString => Kind::IsoDate,
    }
}

fn time(mode: TimeMode) -> Kind {
    match mode {
        TimeMode::AdaptiveTimeMicroseconds | TimeMode::Microseconds => Kind::MicroTime,
        TimeMode::Nanoseconds => Kind::NanoTime,
        TimeMode::Connect => Kind::ConnectTime,
        TimeMode::IsoString => Kind::IsoTime,
    }
}

fn datetime(mode: TimeMode, fsp: u8) -> Kind {
    match mode {
        TimeMode::AdaptiveTimeMicroseconds if fsp <= 3 => Kind::Timestamp,
        TimeMode::AdaptiveTimeMicroseconds | TimeMode::Microseconds => Kind::MicroTimestamp,
        TimeMode::Nanoseconds => Kind::NanoTimestamp,
        TimeMode::Connect => Kind::ConnectTimestamp,
        TimeMode::IsoString => Kind::IsoTimestamp,
    }
}

/// The labels as Debezium joins them.
fn allowed(column: &ColumnDef) -> String {
    column.labels.iter().map(|label| escape_label(label)).collect::<Vec<_>>().join(",")
}

/// A comma that is part of a label is told from one between labels by a backslash, as in Debezium.
pub fn escape_label(label: &str) -> String {
    label.replace(',', "\\,")
}

fn source_type(column: &ColumnDef) -> SourceType {
    let binary = column.is_binary();
    let characters = |max_bytes: u16| {
        let longest =
            column.collation.and_then(charset::of_collation).map_or(1, |charset| charset.max_bytes.max(1));
        Some(u32::from(max_bytes) / u32::from(longest))
    };
    let with_fsp = |name: &'static str, fsp: u8| (name, (fsp > 0).then_some(u32::from(fsp)), None);
    let (name, length, scale) = match column.ty {
        ColumnType::Tiny => ("TINYINT", None, None),
        ColumnType::Short => ("SMALLINT", None, None),
        ColumnType::Int24 => ("MEDIUMINT", None, None),
        ColumnType::Long => ("INT", None, None),
        ColumnType::LongLong => ("BIGINT", None, None),
        ColumnType::Float => ("FLOAT", None, None),
        ColumnType::Double => ("DOUBLE", None, None),
        ColumnType::Decimal { precision, scale } => {
            ("DECIMAL", Some(u32::from(precision)), Some(u32::from(scale)))
        }
        ColumnType::Year => ("YEAR", None, None),
        ColumnType::Date => ("DATE", None, None),
        ColumnType::Time { fsp } => with_fsp("TIME", fsp),
        ColumnType::DateTime { fsp } => with_fsp("DATETIME", fsp),
        ColumnType::Timestamp { fsp } => with_fsp("TIMESTAMP", fsp),
        ColumnType::Bit { bits } => ("BIT", Some(u32::from(bits)), None),
        ColumnType::Enum { .. } => ("ENUM", None, None),
        ColumnType::Set { .. } => ("SET", None, None),
        ColumnType::Char { max_bytes } if binary => ("BINARY", Some(u32::from(max_bytes)), None),
        ColumnType::Char { max_bytes } => ("CHAR", characters(max_bytes), None),
        ColumnType::VarChar { max_bytes } if binary => ("VARBINARY", Some(u32::from(max_bytes)), None),
        ColumnType::VarChar { max_bytes } => ("VARCHAR", characters(max_bytes), None),
        ColumnType::Blob { length_bytes } => (blob_name(length_bytes, binary), None, None),
        ColumnType::Json { .. } => ("JSON", None, None),
        ColumnType::Geometry { kind, .. } => (geometry_name(kind), None, None),
        ColumnType::Vector { dimensions, .. } => ("VECTOR", Some(dimensions), None),
        ColumnType::Unsupported { .. } => ("", None, None),
    };
    let numeric = matches!(
        column.ty,
        ColumnType::Tiny
            | ColumnType::Short
            | ColumnType::Int24
            | ColumnType::Long
            | ColumnType::LongLong
            | ColumnType::Float
            | ColumnType::Double
            | ColumnType::Decimal { .. }
    );
    let name = if numeric && column.unsigned { format!("{name} UNSIGNED") } else { name.to_owned() };
    SourceType { name, length, scale }
}

fn blob_name(length_bytes: u8, binary: bool) -> &'static str {
    match (length_bytes, binary) {
        (1, true) => "TINYBLOB",
        (2, true) => "BLOB",
        (3, true) => "MEDIUMBLOB",
        (_, true) => "LONGBLOB",
        (1, false) => "TINYTEXT",
        (2, false) => "TEXT",
        (3, false) => "MEDIUMTEXT",
        (_, false) => "LONGTEXT",
    }
}

fn geometry_name(kind: GeometryKind) -> &'static str {
    match kind {
        GeometryKind::Geometry | GeometryKind::Unknown(_) => "GEOMETRY",
        GeometryKind::Point => "POINT",
        GeometryKind::LineString => "LINESTRING",
        GeometryKind::Polygon => "POLYGON",
        GeometryKind::MultiPoint => "MULTIPOINT",
        GeometryKind::MultiLineString => "MULTILINESTRING",
        GeometryKind::MultiPolygon => "MULTIPOLYGON",
        GeometryKind::GeometryCollection => "GEOMETRYCOLLECTION",
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::mapping::value::tests::column;

    #[test]
    fn integers_widen_as_debezium_widens_them() {
        let cases = [
            (ColumnType::Tiny, false, Kind::Int16, "TINYINT"),
            (ColumnType::Tiny, true, Kind::Int16, "TINYINT UNSIGNED"),
            (ColumnType::Short, false, Kind::Int16, "SMALLINT"),
            (ColumnType::Short, true, Kind::Int32, "SMALLINT UNSIGNED"),
            (ColumnType::Int24, false, Kind::Int32, "MEDIUMINT"),
            (ColumnType::Int24, true, Kind::Int32, "MEDIUMINT UNSIGNED"),
            (ColumnType::Long, false, Kind::Int32, "INT"),
            (ColumnType::Long, true, Kind::Int64, "INT UNSIGNED"),
            (ColumnType::LongLong, false, Kind::Int64, "BIGINT"),
            (ColumnType::LongLong, true, Kind::Int64, "BIGINT UNSIGNED"),
        ];
        for (ty, unsigned, kind, name) in cases {
            let mapped =
                map_column(Types::default(), &ColumnDef { unsigned, ..column("c", ty) }).expect(name);
            assert_eq!((mapped.kind, mapped.source_type.name.as_str()), (kind, name));
        }
    }

    #[test]
    fn text_and_bytes_are_told_apart_by_the_collation() {
        let text = ColumnDef { collation: Some(255), ..column("c", ColumnType::VarChar { max_bytes: 400 }) };
        let mapped = map_column(Types::default(), &text).expect("maps");
        assert_eq!(mapped.kind, Kind::Text);
        assert_eq!(mapped.source_type, SourceType { name: "VARCHAR".into(), length: Some(100), scale: None });
        let bytes = ColumnDef { collation: Some(63), ..text };
        let mapped = map_column(Types::default(), &bytes).expect("maps");
        assert_eq!(mapped.kind, Kind::Bytes);
        assert_eq!(
            mapped.source_type,
            SourceType { name: "VARBINARY".into(), length: Some(400), scale: None }
        );
    }

    #[test]
    fn labels_with_commas_are_escaped() {
        let column = ColumnDef {
            labels: ["a", "b,c"].map(str::to_owned).into(),
            ..column("c", ColumnType::Enum { bytes: 1 })
        };
        assert_eq!(
            map_column(Types::default(), &column).expect("maps").kind,
            Kind::Enum { allowed: "a,b\\,c".into() }
        );
    }

    #[test]
    fn datetime_is_milliseconds_up_to_three_digits() {
        let kind_of = |fsp| {
            map_column(Types::default(), &column("c", ColumnType::DateTime { fsp })).expect("maps").kind
        };
        assert_eq!(
            [kind_of(0), kind_of(3), kind_of(4)],
            [Kind::Timestamp, Kind::Timestamp, Kind::MicroTimestamp]
        );
    }

    #[test]
    fn what_cannot_be_mapped_is_refused_by_name() {
        let error = map_column(Types::default(), &column("old", ColumnType::Unsupported { code: 12 }))
            .expect_err("refused");
        assert!(
            error.to_string().starts_with("column old has a type that is not supported: a DATETIME"),
            "{error}"
        );
        let map = TableMap::new("d".into(), "t".into(), vec![], vec![], false);
        assert!(matches!(map_table("p", Types::default(), &map, &[], &[]), Err(Unmappable::NoMetadata)));
    }
}
