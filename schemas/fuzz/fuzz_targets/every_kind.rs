//! A table with a column of every kind, nullable and not.

use strait_schemas::{Column, Kind, SourceType, TableSchema};

pub fn table() -> TableSchema {
    let kinds = [
        Kind::Boolean,
        Kind::Int16,
        Kind::Int32,
        Kind::Int64,
        Kind::Float32,
        Kind::Float64,
        Kind::Text,
        Kind::Bytes,
        Kind::Decimal { precision: 65, scale: 30 },
        Kind::Bits { length: 64 },
        Kind::Enum { allowed: "a,b".into() },
        Kind::Point,
        Kind::Geometry,
        Kind::FloatVector,
    ];
    let columns = kinds.into_iter().enumerate().flat_map(|(n, kind)| {
        [false, true].map(|optional| Column {
            name: format!("c{n}{optional}"),
            kind: kind.clone(),
            optional,
            source_type: SourceType::default(),
        })
    });
    TableSchema {
        prefix: "p".into(),
        database: "d".into(),
        table: "t".into(),
        columns: columns.collect(),
        key: vec![0],
    }
}
