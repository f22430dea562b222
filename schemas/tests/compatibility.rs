//! BACKWARD compatibility as a registry judges it: readers with the new schema read what was written with
//! the old one.

use apache_avro::{
    Schema,
    schema_compatibility::{Compatibility, SchemaCompatibility},
};
use strait_schemas::{Column, Kind, SourceType, TableSchema};

fn column(name: &str, kind: Kind, optional: bool) -> Column {
    let source_type = SourceType { name: "ANY".into(), length: Some(9), scale: None };
    Column { name: name.into(), kind, optional, source_type }
}

fn table(columns: Vec<Column>) -> TableSchema {
    TableSchema { prefix: "p".into(), database: "d".into(), table: "t".into(), columns, key: vec![0] }
}

fn base() -> Vec<Column> {
    vec![column("id", Kind::Int64, false), column("name", Kind::Text, true)]
}

/// Partial is not enough for a registry: a null image would still be read, a row would not.
fn backward(old: Vec<Column>, new: Vec<Column>) -> Result<(), String> {
    let parse = |columns| Schema::parse_str(&table(columns).avro_value()).expect("a schema we made");
    match SchemaCompatibility::can_read(&parse(old), &parse(new)) {
        Ok(Compatibility::Full) => Ok(()),
        Ok(Compatibility::Partial) => Err("partial".to_owned()),
        Err(refusal) => Err(refusal.to_string()),
    }
}

fn with(extra: Column) -> Vec<Column> {
    let mut columns = base();
    columns.push(extra);
    columns
}

#[test]
fn the_same_schema_is_compatible() {
    assert_eq!(backward(base(), base()), Ok(()));
}

#[test]
fn a_new_nullable_column_is_compatible() {
    for kind in [Kind::Text, Kind::Decimal { precision: 9, scale: 2 }, Kind::Geometry, Kind::FloatVector] {
        assert_eq!(backward(base(), with(column("new", kind, true))), Ok(()));
    }
}

#[test]
fn a_new_not_null_column_is_not_compatible() {
    assert!(backward(base(), with(column("new", Kind::Text, false))).is_err());
}

#[test]
fn a_dropped_column_is_compatible() {
    assert_eq!(backward(with(column("old", Kind::Text, false)), base()), Ok(()));
}

#[test]
fn a_wider_integer_is_compatible_a_narrower_is_not() {
    let with = |kind| with(column("n", kind, false));
    assert_eq!(backward(with(Kind::Int32), with(Kind::Int64)), Ok(()));
    assert!(backward(with(Kind::Int64), with(Kind::Int32)).is_err());
}

#[test]
fn a_column_that_becomes_nullable_is_compatible_the_reverse_is_not() {
    let with = |optional| with(column("n", Kind::Int32, optional));
    assert_eq!(backward(with(false), with(true)), Ok(()));
    assert!(backward(with(true), with(false)).is_err());
}

/// The key's schema must not change with what does not change the key: its id is part of the key's bytes,
/// and with them of its partition.
#[test]
fn an_alter_that_leaves_the_key_leaves_its_schema() {
    let before = table(base());
    let mut after = table(with(column("new", Kind::Text, true)));
    after.columns[0].source_type = SourceType { name: "BIGINT UNSIGNED".into(), length: None, scale: None };
    assert_eq!(before.avro_key(), after.avro_key());
    assert_ne!(before.avro_value(), after.avro_value());
}
