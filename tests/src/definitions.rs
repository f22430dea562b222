//! How everything in some databases is defined, as the server itself writes it.

use std::collections::BTreeMap;

use anyhow::{Context, Result, ensure};
use mysql_async::{Conn, Row, prelude::Queryable};

use crate::mysql::MySql;

/// "table database.name" and the like -> its statement.
pub type Definitions = BTreeMap<String, String>;

/// Of tables, views and routines, and of the databases themselves.
pub async fn definitions(server: &MySql, databases: &[&str]) -> Result<Definitions> {
    let mut conn = server.conn().await?;
    let mut found = Definitions::new();
    for database in databases {
        let quoted = format!("`{}`", database.replace('`', "``"));
        let exists: Option<String> = conn
            .exec_first(
                "SELECT schema_name FROM information_schema.schemata WHERE schema_name = ?",
                (database,),
            )
            .await?;
        if exists.is_none() {
            continue;
        }
        found
            .insert(format!("database {database}"), show(&mut conn, &format!("DATABASE {quoted}"), 1).await?);
        for (kind, query, column) in [
            (
                "TABLE",
                "SELECT table_name FROM information_schema.tables WHERE table_schema = ? AND table_type = 'BASE TABLE'",
                1,
            ),
            (
                "VIEW",
                "SELECT table_name FROM information_schema.tables WHERE table_schema = ? AND table_type = 'VIEW'",
                1,
            ),
            (
                "PROCEDURE",
                "SELECT routine_name FROM information_schema.routines WHERE routine_schema = ? AND routine_type = 'PROCEDURE'",
                2,
            ),
            (
                "FUNCTION",
                "SELECT routine_name FROM information_schema.routines WHERE routine_schema = ? AND routine_type = 'FUNCTION'",
                2,
            ),
        ] {
            let names: Vec<String> = conn.exec(query, (database,)).await?;
            for name in names {
                let object = format!("{kind} {quoted}.`{}`", name.replace('`', "``"));
                let text = show(&mut conn, &object, column).await?;
                found.insert(
                    format!("{} {database}.{name}", kind.to_lowercase()),
                    with_keys_in_order(&without_counter(&text)),
                );
            }
        }
    }
    conn.disconnect().await?;
    Ok(found)
}

/// Both have the same, or what differs is shown.
pub async fn ensure_same_definitions(left: &MySql, right: &MySql, databases: &[&str]) -> Result<usize> {
    let (one, other) = tokio::try_join!(definitions(left, databases), definitions(right, databases))?;
    ensure_same(&one, &other)
}

/// As [`ensure_same_definitions`], where tables were made from a text of the server's own: it says COLLATE or CHARACTER SET
/// where the first statement did not, or the other way round. So what each column has is compared, not how that is said. Nor
/// does it say that a column has lost its default (ALTER COLUMN ... DROP DEFAULT): whoever runs the text gives it NULL.
pub async fn ensure_alike_definitions(left: &MySql, right: &MySql, databases: &[&str]) -> Result<usize> {
    let (one, other) = tokio::try_join!(alike(left, databases), alike(right, databases))?;
    ensure_same(&one, &other)
}

async fn alike(server: &MySql, databases: &[&str]) -> Result<Definitions> {
    let mut found = definitions(server, databases).await?;
    for text in found.values_mut() {
        *text = [" CHARACTER SET ", " COLLATE ", " DEFAULT NULL"]
            .iter()
            .fold(text.clone(), |text, clause| without(&text, clause));
    }
    let mut conn = server.conn().await?;
    for database in databases {
        let columns: Vec<(String, String, Option<String>)> = conn
            .exec(
                "SELECT table_name, column_name, collation_name FROM information_schema.columns WHERE table_schema = ?",
                (database,),
            )
            .await?;
        for (table, column, collation) in columns {
            found.insert(format!("collation {database}.{table}.{column}"), collation.unwrap_or_default());
        }
    }
    Ok(found)
}

fn ensure_same(one: &Definitions, other: &Definitions) -> Result<usize> {
    let mut differing = Vec::new();
    for name in one.keys().chain(other.keys()).collect::<std::collections::BTreeSet<_>>() {
        if one.get(name) != other.get(name) {
            differing.push(format!("{name}\n  {:?}\n  {:?}", one.get(name), other.get(name)));
        }
    }
    ensure!(differing.is_empty(), "{} definitions differ:\n{}", differing.len(), differing.join("\n"));
    Ok(one.len())
}

/// Each clause taken out, with the word that follows it.
fn without(text: &str, clause: &str) -> String {
    let mut pieces = text.split(clause);
    let mut plain = pieces.next().unwrap_or_default().to_owned();
    for piece in pieces {
        plain.push_str(piece.trim_start_matches(|c: char| c.is_ascii_alphanumeric() || c == '_'));
    }
    plain
}

async fn show(conn: &mut Conn, object: &str, column: usize) -> Result<String> {
    let row: Option<Row> = conn.query_first(format!("SHOW CREATE {object}")).await?;
    row.and_then(|row| row.get::<Option<String>, _>(column))
        .flatten()
        .with_context(|| format!("SHOW CREATE {object}"))
}

/// The next value of AUTO_INCREMENT is each site's own: rows that come as rows move it on only so far.
fn without_counter(text: &str) -> String {
    let Some((before, after)) = text.split_once(" AUTO_INCREMENT=") else { return text.to_owned() };
    let rest = after.trim_start_matches(|c: char| c.is_ascii_digit());
    format!("{before}{rest}")
}

/// MariaDB puts a unique key over a long column (USING HASH) behind others when it makes a table, and leaves it in its place when
/// it alters one.
fn with_keys_in_order(text: &str) -> String {
    if !text.contains(" USING HASH") {
        return text.to_owned();
    }
    let is_key = |line: &&str| line.starts_with("  UNIQUE KEY ");
    let mut keys: Vec<&str> = text.lines().filter(is_key).map(|line| line.trim_end_matches(',')).collect();
    keys.sort_unstable();
    let mut keys = keys.into_iter();
    let lines = text.lines().map(|line| match is_key(&line) {
        true => keys.next().unwrap_or_default(),
        false => line.trim_end_matches(','),
    });
    lines.collect::<Vec<_>>().join("\n")
}
