//! New tables: columns, keys of every kind or none, partitions.

use super::{
    chance::{Rng, any, one, seldom},
    column::{any_column, charset, for_key},
    shape::Column,
};
use crate::mysql::Flavor;

/// Statements that create a table; `number` makes its columns' names, which no other column has had.
pub fn create(name: &str, number: &mut u32, flavor: Flavor, random: &mut Rng) -> String {
    let mut next = || {
        *number += 1;
        *number
    };
    let mut columns: Vec<Column> = Vec::new();
    let (mut parts, mut primary) = (Vec::new(), Vec::new());
    let mut partition = String::new();
    match random.u32(..8) {
        0 => {} // no key at all
        1..=3 => {
            let id = format!("c{}", next());
            let numbered = one(random, &["", "", " AUTO_INCREMENT"]);
            let ty = one(random, &["INT", "BIGINT UNSIGNED", "SMALLINT"]);
            parts.push(format!("`{id}` {ty} NOT NULL{numbered}"));
            if seldom(random, 3) && numbered.is_empty() {
                partition = partitions(&id, random);
            }
            primary.push(id);
        }
        _ => {
            for _ in 0..random.u32(1..3) {
                let (name, definition) = for_key(next(), flavor, random);
                parts.push(format!("`{name}` {definition}"));
                primary.push(name);
            }
        }
    }
    for _ in 0..random.u32(1..9) {
        let (name, definition) = any_column(next(), flavor, &columns, random);
        // For a generated column: what it may be made from.
        columns.push(plain(&name, &definition));
        parts.push(format!("`{name}` {definition}"));
    }
    if !primary.is_empty() {
        parts.push(format!(
            "PRIMARY KEY ({})",
            primary.iter().map(|name| format!("`{name}`")).collect::<Vec<_>>().join(", ")
        ));
    }
    if partition.is_empty() {
        for _ in 0..random.u32(..3) {
            parts.extend(key(next(), flavor, &columns, random));
        }
    }
    let charset = if random.bool() { format!(" {}", charset(flavor, random)) } else { String::new() };
    let format = one(random, &["", "", " ROW_FORMAT=COMPACT", " ROW_FORMAT=REDUNDANT", " COMMENT='it''s'"]);
    format!("CREATE TABLE `{name}` ({}){charset}{format}{partition}", parts.join(", "))
}

fn plain(name: &str, definition: &str) -> Column {
    let kind = definition.split([' ', '(']).next().unwrap_or_default().to_lowercase();
    Column {
        name: name.to_owned(),
        kind,
        full: definition.to_owned(),
        nullable: true,
        generated: definition.contains(" GENERATED ALWAYS "),
        numbered: false,
        parent: None,
    }
}

/// By a number that every unique key of the table has.
pub fn partitions(column: &str, random: &mut Rng) -> String {
    match random.u32(..4) {
        0 => format!(" PARTITION BY HASH (`{column}`) PARTITIONS 3"),
        1 => format!(" PARTITION BY KEY (`{column}`) PARTITIONS 2"),
        2 => format!(
            " PARTITION BY RANGE (`{column}`) (PARTITION p0 VALUES LESS THAN (5), PARTITION p1 VALUES LESS THAN (20), \
             PARTITION p2 VALUES LESS THAN MAXVALUE)"
        ),
        _ => format!(
            " PARTITION BY LIST (`{column}`) (PARTITION p0 VALUES IN (0,1,2,3,4,5), \
             PARTITION p1 VALUES IN (6,7,8,9,10,11,12,13,14,15), PARTITION p2 VALUES IN (16,17,18,19,20))"
        ),
    }
}

/// A secondary key over one or two columns, as a clause.
pub fn key(number: u32, flavor: Flavor, columns: &[Column], random: &mut Rng) -> Option<String> {
    let column = any(random, columns)?;
    let kind = one(random, &["UNIQUE KEY", "UNIQUE KEY", "KEY"]);
    let part = |column: &Column| match column.kind.as_str() {
        "tinytext" | "text" | "mediumtext" | "longtext" | "tinyblob" | "blob" | "mediumblob" | "longblob" => {
            format!("`{}`(10)", column.name)
        }
        _ => format!("`{}`", column.name),
    };
    // MariaDB's are for the products' tests: here its server would end itself (fts0fts.cc, after ALGORITHM=INSTANT).
    if flavor == Flavor::MySql && seldom(random, 8) && ["varchar", "text"].contains(&column.kind.as_str()) {
        return Some(format!("FULLTEXT KEY k{number} (`{}`)", column.name));
    }
    if seldom(random, 8) && column.kind == "varchar" {
        return Some(format!("{kind} k{number} ((LOWER(`{}`)))", column.name));
    }
    let mut over = vec![part(column)];
    if let Some(other) = any(random, columns).filter(|other| other.name != column.name && random.bool()) {
        over.push(part(other));
    }
    Some(format!("{kind} k{number} ({})", over.join(", ")))
}
