//! Changes of rows: single and many, of keys, of several tables, by every statement that makes some.

use super::{
    chance::{Rng, any, one, seldom},
    shape::{Column, Shape},
    values::{literal, value},
};

/// Statements to be run one after the other; those of a transaction begin and end it.
pub fn change(shapes: &[Shape], random: &mut Rng) -> Vec<String> {
    if !seldom(random, 4) {
        return any(random, shapes).and_then(|shape| statement(shape, shapes, random)).into_iter().collect();
    }
    let mut statements = vec!["BEGIN".to_owned()];
    for at in 0..random.u32(1..8) {
        statements.extend(any(random, shapes).and_then(|shape| statement(shape, shapes, random)));
        if seldom(random, 5) {
            statements.push(format!("SAVEPOINT s{at}"));
            statements.extend(any(random, shapes).and_then(|shape| statement(shape, shapes, random)));
            if random.bool() {
                statements.push(format!("ROLLBACK TO SAVEPOINT s{at}"));
            }
        }
    }
    statements.push(one(random, &["COMMIT", "COMMIT", "COMMIT", "ROLLBACK"]).to_owned());
    statements
}

fn statement(shape: &Shape, shapes: &[Shape], random: &mut Rng) -> Option<String> {
    let table = &shape.name;
    Some(match random.u32(..20) {
        0..=8 => insert("INSERT", shape, random),
        9 => insert("INSERT IGNORE", shape, random),
        10 => insert("REPLACE", shape, random),
        11 => format!(
            "{} ON DUPLICATE KEY UPDATE {}",
            insert("INSERT", shape, random),
            assignments(shape, "", random)?
        ),
        12..=14 => {
            format!("UPDATE `{table}` SET {}{}", assignments(shape, "", random)?, which(shape, random))
        }
        15 => {
            let number = shape.writable().find(|column| column.kind.ends_with("int"))?;
            let name = &number.name;
            format!(
                "UPDATE `{table}` SET `{name}` = `{name}` + 1 ORDER BY `{name}` DESC LIMIT {}",
                random.u32(1..9)
            )
        }
        16..=17 => format!("DELETE FROM `{table}`{}", which(shape, random)),
        18 => {
            let other = any(random, shapes).filter(|other| other.name != *table)?;
            let (column, theirs) = (any(random, &shape.columns)?, any(random, &other.columns)?);
            let on = format!("a.`{}` = b.`{}`", column.name, theirs.name);
            if random.bool() {
                format!("DELETE a, b FROM `{table}` a JOIN `{}` b ON {on}", other.name)
            } else {
                format!(
                    "UPDATE `{table}` a JOIN `{}` b ON {on} SET {}, {}",
                    other.name,
                    assignments(shape, "a.", random)?,
                    assignments(other, "b.", random)?
                )
            }
        }
        // The rows of a table once more, as far as its keys let them.
        _ => {
            let names =
                shape.writable().filter(|column| !column.numbered).map(quoted).collect::<Vec<_>>().join(", ");
            format!("INSERT IGNORE INTO `{table}` ({names}) SELECT {names} FROM `{table}` LIMIT 7")
        }
    })
}

fn quoted(column: &Column) -> String {
    format!("`{}`", column.name)
}

pub fn insert(verb: &str, shape: &Shape, random: &mut Rng) -> String {
    // Some columns are left to their defaults now and then.
    let columns = shape.writable().filter(|_| !seldom(random, 12)).cloned().collect::<Vec<_>>();
    let rows = if seldom(random, 15) { random.u32(20..60) } else { random.u32(1..4) };
    let values = (0..rows).map(|_| {
        format!("({})", columns.iter().map(|column| literal(column, random)).collect::<Vec<_>>().join(", "))
    });
    let values = values.collect::<Vec<_>>().join(", ");
    let names = columns.iter().map(quoted).collect::<Vec<_>>().join(", ");
    format!("{verb} INTO `{}` ({names}) VALUES {values}", shape.name)
}

fn assignments(shape: &Shape, alias: &str, random: &mut Rng) -> Option<String> {
    let columns = shape.writable().collect::<Vec<_>>();
    let mut chosen: Vec<&Column> = Vec::new();
    for _ in 0..random.u32(1..4) {
        let column = any(random, &columns)?;
        if chosen.iter().all(|other| other.name != column.name) {
            chosen.push(column);
        }
    }
    let sets = chosen.iter().map(|column| format!("{alias}`{}` = {}", column.name, literal(column, random)));
    Some(sets.collect::<Vec<_>>().join(", "))
}

/// Rows by a value, or a few at an end of some order; now and then all.
fn which(shape: &Shape, random: &mut Rng) -> String {
    let Some(column) = any(random, &shape.columns) else { return String::new() };
    match random.u32(..12) {
        0 => String::new(),
        1..=5 => {
            let relation = one(random, &["=", "<=>", "<", ">", "<>"]);
            format!(
                " WHERE `{}` {relation} {} LIMIT {}",
                column.name,
                value(column, random),
                random.u32(1..20)
            )
        }
        _ => {
            let order = one(random, &["", " DESC"]);
            format!(" ORDER BY `{}`{order} LIMIT {}", column.name, random.u32(1..6))
        }
    }
}
