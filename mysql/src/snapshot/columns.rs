//! A column of the catalog as the TABLE_MAP describes it.

use std::{collections::HashMap, hash::BuildHasher};

use super::labels;
use crate::{
    binlog::{BINARY_COLLATION, ColumnDef, ColumnType, GeometryKind},
    catalog::Column,
};

/// `None`: a type that rows of the log cannot carry either.
pub fn column<S: BuildHasher>(column: &Column, collations: &HashMap<String, u16, S>) -> Option<ColumnDef> {
    let labels = match column.data_type.as_str() {
        "enum" | "set" => labels::parse(&column.column_type),
        _ => Vec::new(),
    };
    let ty = column_type(column, labels.len())?;
    let collation = match ty {
        ColumnType::Char { .. }
        | ColumnType::VarChar { .. }
        | ColumnType::Blob { .. }
        | ColumnType::Enum { .. }
        | ColumnType::Set { .. } => {
            let named = column.collation.as_ref().and_then(|name| collations.get(name));
            Some(named.copied().unwrap_or(BINARY_COLLATION))
        }
        ColumnType::Vector { .. } => Some(BINARY_COLLATION),
        _ => None,
    };
    Some(ColumnDef {
        name: column.name.clone(),
        ty,
        unsigned: column.unsigned || ty == ColumnType::Year,
        nullable: column.nullable,
        collation,
        labels: labels.into(),
        visible: !column.invisible,
    })
}

fn column_type(column: &Column, labels: usize) -> Option<ColumnType> {
    let fsp = column.fsp.unwrap_or(0) as u8;
    let octets = column.max_octets.and_then(|octets| u16::try_from(octets).ok()).unwrap_or(u16::MAX);
    let geometry = |kind| ColumnType::Geometry { length_bytes: 4, kind };
    Some(match column.data_type.as_str() {
        "tinyint" => ColumnType::Tiny,
        "smallint" => ColumnType::Short,
        "mediumint" => ColumnType::Int24,
        "int" => ColumnType::Long,
        "bigint" => ColumnType::LongLong,
        "float" => ColumnType::Float,
        "double" => ColumnType::Double,
        "decimal" => ColumnType::Decimal {
            precision: column.numeric_precision? as u8,
            scale: column.numeric_scale.unwrap_or(0) as u8,
        },
        "year" => ColumnType::Year,
        "date" => ColumnType::Date,
        "time" => ColumnType::Time { fsp },
        "datetime" => ColumnType::DateTime { fsp },
        "timestamp" => ColumnType::Timestamp { fsp },
        "bit" => ColumnType::Bit { bits: column.numeric_precision? as u16 },
        "enum" => ColumnType::Enum { bytes: if labels < 256 { 1 } else { 2 } },
        "set" => ColumnType::Set {
            bytes: match labels.div_ceil(8) {
                bytes @ 0..=4 => bytes.max(1) as u8,
                _ => 8,
            },
        },
        "char" | "binary" => ColumnType::Char { max_bytes: octets },
        // MariaDB's.
        "uuid" | "inet6" => ColumnType::Char { max_bytes: 16 },
        "inet4" => ColumnType::Char { max_bytes: 4 },
        "varchar" | "varbinary" => ColumnType::VarChar { max_bytes: octets },
        "tinytext" | "tinyblob" => ColumnType::Blob { length_bytes: 1 },
        "text" | "blob" => ColumnType::Blob { length_bytes: 2 },
        "mediumtext" | "mediumblob" => ColumnType::Blob { length_bytes: 3 },
        "longtext" | "longblob" => ColumnType::Blob { length_bytes: 4 },
        "json" => ColumnType::Json { length_bytes: 4 },
        "vector" => ColumnType::Vector { length_bytes: 4, dimensions: dimensions(&column.column_type) },
        "geometry" => geometry(GeometryKind::Geometry),
        "point" => geometry(GeometryKind::Point),
        "linestring" => geometry(GeometryKind::LineString),
        "polygon" => geometry(GeometryKind::Polygon),
        "multipoint" => geometry(GeometryKind::MultiPoint),
        "multilinestring" => geometry(GeometryKind::MultiLineString),
        "multipolygon" => geometry(GeometryKind::MultiPolygon),
        "geomcollection" | "geometrycollection" => geometry(GeometryKind::GeometryCollection),
        _ => return None,
    })
}

/// `vector(3)`
fn dimensions(column_type: &str) -> u32 {
    column_type
        .split_once('(')
        .and_then(|(_, rest)| rest.split_once(')'))
        .and_then(|(number, _)| number.parse().ok())
        .unwrap_or(0)
}
