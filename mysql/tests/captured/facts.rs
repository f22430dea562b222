//! What table maps tell beside the values.

use std::{collections::BTreeMap, sync::Arc};

use strait_mysql::binlog::{ColumnType, GeometryKind, KeyPart, Step, TableMap};

use super::file;

fn tables() -> BTreeMap<String, Arc<TableMap>> {
    let mut tables = BTreeMap::new();
    file::each_step("types", |step, _| {
        if let Step::Rows { table, .. } = step {
            tables.insert(table.table.clone(), table);
        }
    });
    tables
}

#[test]
fn primary_keys_are_in_key_order_with_their_prefixes() {
    let tables = tables();
    let key = |table: &str| tables[table].primary_key.clone();
    let part = |column, prefix| KeyPart { column, prefix };
    assert_eq!(key("key_order"), [part(2, 0), part(0, 0)]);
    assert_eq!(key("key_prefix"), [part(2, 7), part(0, 5), part(1, 0)]);
    assert_eq!(key("no_key"), []);
    assert_eq!(key("unique_not_null"), [part(0, 0)], "the server takes it for the primary key");
    assert_eq!(key("invisible_key"), [part(0, 0)]);
}

#[test]
fn invisible_and_generated_columns_are_there_and_hidden_ones_are_not() {
    let tables = tables();
    let columns: Vec<(&str, bool)> =
        tables["computed"].columns.iter().map(|column| (column.name.as_str(), column.visible)).collect();
    assert_eq!(
        columns,
        [
            ("id", true),
            ("a", true),
            ("virt", true),
            ("kept", true),
            ("hidden", false),
            ("expr", true),
            ("j", true),
        ]
    );
    let key = &tables["invisible_key"].columns[0];
    assert_eq!((key.name.as_str(), key.visible), ("my_row_id", false));
    assert_eq!(tables["näme |table"].columns[0].name, "cölumn \"x\"");
}

#[test]
fn signedness_is_counted_over_numeric_columns_and_years() {
    let tables = tables();
    let unsigned = |table: &str| {
        let columns = tables[table].columns.iter().filter(|column| column.unsigned);
        columns.map(|column| column.name.clone()).collect::<Vec<_>>()
    };
    // The server calls YEAR and ZEROFILL unsigned.
    assert_eq!(unsigned("integers"), ["y", "tu", "su", "mu", "y2", "iu", "bu", "z"]);
    assert_eq!(unsigned("decimals"), ["d5u"]);
    assert_eq!(unsigned("floats"), ["fu"]);
    assert_eq!(unsigned("wide"), ["c16", "c20"]);
}

#[test]
fn charsets_labels_dimensions_and_kinds_are_those_of_their_columns() {
    let tables = tables();
    let collations: Vec<Option<u16>> =
        tables["mixed_charsets"].columns.iter().map(|column| column.collation).collect();
    assert_eq!(
        collations[..],
        [
            None,
            Some(63),
            Some(8),
            None,
            Some(255),
            None,
            Some(63),
            Some(28),
            Some(8),
            Some(63),
            Some(13),
            Some(51),
            Some(63),
            Some(11),
        ]
    );
    let labels = |table: &str, column: &str| {
        let table = &tables[table];
        table.columns[table.column(column).expect("a column of that name")].labels.to_vec()
    };
    assert_eq!(labels("mixed_charsets", "e"), ["ä", "ö"]);
    assert_eq!(labels("mixed_charsets", "s"), ["а", "б", "в"]);
    assert_eq!(labels("labels", "e16"), ["é", "中"]);
    assert_eq!(labels("labels", "ek"), ["中", "文"]);
    assert_eq!(labels("labels", "e"), ["a", "b,c", "ü", ""]);
    let vector = |column: &str| {
        let table = &tables["mixed_charsets"];
        table.columns[table.column(column).expect("a column of that name")].ty
    };
    assert_eq!(vector("v"), ColumnType::Vector { length_bytes: 4, dimensions: 3 });
    assert_eq!(vector("v2"), ColumnType::Vector { length_bytes: 4, dimensions: 2048 });
    let kinds: Vec<GeometryKind> = tables["geometries"]
        .columns
        .iter()
        .filter_map(|column| match column.ty {
            ColumnType::Geometry { kind, .. } => Some(kind),
            _ => None,
        })
        .collect();
    assert_eq!(
        kinds,
        [
            GeometryKind::Geometry,
            GeometryKind::Point,
            GeometryKind::LineString,
            GeometryKind::Polygon,
            GeometryKind::MultiPoint,
            GeometryKind::MultiLineString,
            GeometryKind::MultiPolygon,
            GeometryKind::GeometryCollection,
            GeometryKind::Point,
        ]
    );
}

#[test]
fn sizes_and_nullability() {
    let tables = tables();
    let lengths: Vec<ColumnType> = tables["lengths"].columns.iter().map(|column| column.ty).collect();
    assert_eq!(
        lengths[1..7],
        [
            ColumnType::Char { max_bytes: 4 },
            ColumnType::Char { max_bytes: 252 },
            ColumnType::Char { max_bytes: 256 },
            ColumnType::Char { max_bytes: 1020 },
            ColumnType::Char { max_bytes: 0 },
            ColumnType::Char { max_bytes: 255 },
        ]
    );
    assert_eq!(lengths[11], ColumnType::VarChar { max_bytes: 20_000 });
    let nullable: Vec<bool> = tables["integers"].columns.iter().map(|column| column.nullable).collect();
    assert!(!nullable[0] && nullable[1..].iter().all(|nullable| *nullable));
}
