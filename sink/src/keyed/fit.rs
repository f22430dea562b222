//! Which tables may be applied to by key: those in which rows of different keys have nothing to do with each other.
//!
//! - **A primary key**, and records keyed by exactly its columns: else the records of one row lie in several partitions.
//! - **Foreign keys**: a child may come before its parent, or go after it.
//! - **Secondary unique keys**: a value that one row gives up and another takes arrives in either order.
//! - **Several tables in one**: a row that moves between them is the delete of one topic and the insert of another.
//! - **Texts that are equal and not the same**: an update 'bob' -> 'Bob' is the delete of one Kafka key and the insert of another, and
//!   both are one row here. Only a comparison of bytes without padding keeps them apart; CHAR has no trailing spaces to pad.

use std::collections::BTreeSet;

use strait_mysql::catalog::{Column, Index};
use strait_service::{Finding, Severity};

use crate::{
    config::Unordered,
    table_map::{ColumnClass, Mapping, Target},
};

/// Why the table cannot be applied to, each with the setting that allows it.
pub fn refusals(mapping: &Mapping, allow: &[Unordered]) -> Vec<Finding> {
    let mut findings = Vec::new();
    let target = &*mapping.target;
    let table = &target.table;
    let Some(primary) = &table.primary_key else {
        let remedy = format!("ALTER TABLE {} ADD PRIMARY KEY (...) at both ends", target.label);
        return vec![finding(target, "it has no primary key, so nothing tells its rows apart", remedy)];
    };
    let mut unless_allowed = |unordered: Unordered, cause: String| {
        if !allow.contains(&unordered) {
            let remedy = format!(
                "order = \"transaction\" applies it as it is; or keyed.allow = [\"{}\"], if what docs/operations.md says of it may be",
                unordered.name()
            );
            findings.push(finding(target, &cause, remedy));
        }
    };
    if mapping.shared {
        let cause = "several tables may lead to it by [route]: nothing orders the delete in one and the insert in another of a row \
                     that moves between them"
            .into();
        unless_allowed(Unordered::SharedTables, cause);
    }
    for key in table.foreign_keys.iter().chain(&table.referenced_by) {
        let cause = format!(
            "the foreign key {} leads from {} to {}: nothing orders both",
            key.name, key.child, key.parent
        );
        unless_allowed(Unordered::ForeignKeys, cause);
    }
    for index in &table.unique {
        let cause = format!(
            "it has a secondary unique key, {}: nothing orders the rows that a value passes between",
            index.name
        );
        unless_allowed(Unordered::UniqueKeys, cause);
    }
    if !primary.plain() {
        let cause = "its primary key compares the beginnings of values only".into();
        unless_allowed(Unordered::TextKeys, cause);
    }
    for column in primary.columns().filter_map(|name| table.column(name)) {
        if let Some(equal) = equal_values(column) {
            unless_allowed(
                Unordered::TextKeys,
                format!("column `{}` of its primary key {equal}", column.name),
            );
        }
    }
    findings
}

/// Why different Kafka keys may be one key here.
fn equal_values(column: &Column) -> Option<String> {
    let collation = column.collation.as_deref().unwrap_or_default();
    match ColumnClass::of(column) {
        ColumnClass::Character if collation == "binary" => None,
        ColumnClass::Character if !collation.ends_with("_bin") => Some(format!(
            "compares texts by {collation}: an update 'bob' -> 'Bob' is two keys in Kafka, and may be one here"
        )),
        ColumnClass::Character if column.data_type != "char" && pads(collation) => Some(format!(
            "compares texts by {collation}, which pads: 'a' and 'a ' are two keys in Kafka, and one here"
        )),
        ColumnClass::Float | ColumnClass::Double => {
            Some("is a float: 0 and -0 are two keys in Kafka, and one here".into())
        }
        _ => None,
    }
}

fn pads(collation: &str) -> bool {
    !collation.contains("_0900_") && !collation.contains("nopad")
}

fn finding(target: &Target, cause: &str, remedy: String) -> Finding {
    Finding {
        check: "order".into(),
        severity: Severity::Refusal,
        cause: format!("{} cannot be applied to by key: {cause}", target.label),
        place: format!("table {} at the target", target.label),
        remedy,
    }
}

/// Why records with a key of these columns, by the target's names, are not ordered by the table's rows.
pub fn refused_key(target: &Target, key: Option<&[String]>) -> Option<Finding> {
    let primary: BTreeSet<String> =
        target.table.primary_key.iter().flat_map(Index::columns).map(str::to_lowercase).collect();
    let told: BTreeSet<String> = key.unwrap_or_default().iter().map(|name| name.to_lowercase()).collect();
    if key.is_some() && told == primary {
        return None;
    }
    let names = |set: &BTreeSet<String>| set.iter().cloned().collect::<Vec<_>>().join(", ");
    let told = if key.is_none() { "no key".to_owned() } else { format!("the key ({})", names(&told)) };
    Some(finding(
        target,
        &format!(
            "its records have {told}, its primary key at the target is ({}): records of one row may lie in several partitions",
            names(&primary)
        ),
        "let both be the same columns (Debezium: message.key.columns); or order = \"transaction\"".into(),
    ))
}

#[cfg(test)]
mod tests {
    use std::sync::Arc;

    use super::*;
    use crate::plan::tests::mapping;

    fn causes(unique: bool, allow: &[Unordered]) -> Vec<String> {
        refusals(&mapping(unique), allow).into_iter().map(|found| found.cause).collect()
    }

    #[test]
    fn each_refusal_has_its_setting() {
        let found = causes(true, &[]);
        assert_eq!(found.len(), 2, "{found:?}");
        assert!(found[0].contains("secondary unique key, email"), "{found:?}");
        assert!(found[1].contains("`name` of its primary key compares texts"), "{found:?}");
        assert_eq!(causes(true, &[Unordered::UniqueKeys]).len(), 1);
        assert_eq!(causes(false, &[Unordered::TextKeys]), [""; 0]);
    }

    #[test]
    fn several_tables_in_one_are_refused() {
        let shared = Arc::into_inner(mapping(false)).expect("nobody else has it").shared(true);
        let found = refusals(&shared, &[Unordered::TextKeys]);
        assert!(matches!(&found[..], [found] if found.cause.contains("several tables")), "{found:?}");
        assert_eq!(refusals(&shared, &[Unordered::TextKeys, Unordered::SharedTables]), []);
    }

    #[test]
    fn padding_makes_texts_equal() {
        assert!(pads("utf8mb4_bin") && pads("latin1_bin"));
        assert!(!pads("utf8mb4_0900_bin") && !pads("utf8mb4_nopad_bin"));
    }

    #[test]
    fn records_are_keyed_by_the_primary_key() {
        let target = &mapping(false).target;
        let key = |names: &[&str]| names.iter().map(|name| (*name).to_owned()).collect::<Vec<_>>();
        assert!(refused_key(target, Some(&key(&["NAME"]))).is_none());
        assert!(refused_key(target, Some(&key(&["name", "note"]))).is_some());
        assert!(refused_key(target, None).is_some_and(|found| found.cause.contains("have no key")));
    }
}
