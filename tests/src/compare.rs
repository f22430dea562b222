//! Are two servers equal? Every base table of the named databases, byte for byte.
//!
//! CHECKSUM TABLE first, which the servers compute themselves. Where the sums differ, all rows are read and
//! compared by their bytes (text as hexadecimal of its stored form, so that no collation and no character
//! set can make different values look alike), and the differing ones are shown.

use std::collections::{BTreeMap, BTreeSet};
use std::fmt::{self, Write as _};
use std::time::{Duration, Instant};

use anyhow::{Context, Result, bail};
use mysql_async::prelude::Queryable;
use mysql_async::{Conn, Row, Value};

use crate::mysql::{Flavor, MySql};

/// So many differing rows of a table are shown.
const SHOWN: usize = 10;

/// Of one's patience, for the whole of the settling.
const STILL: u32 = 10;

/// "database.table"
type Name = String;

/// What was compared and where it differs.
#[derive(Debug, Clone, Default)]
pub struct Comparison {
    pub tables: usize,
    pub rows: u64,
    pub differences: Vec<Difference>,
}

#[derive(Debug, Clone)]
pub struct Difference {
    pub table: Name,
    pub what: String,
}

impl Comparison {
    pub fn equal(&self) -> bool {
        self.differences.is_empty()
    }

    /// The differences as an error.
    pub fn ensure_equal(&self) -> Result<()> {
        anyhow::ensure!(self.equal(), "{self}");
        Ok(())
    }
}

impl fmt::Display for Comparison {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        if self.equal() {
            return write!(f, "equal: {} tables, {} rows", self.tables, self.rows);
        }
        write!(f, "{} of {} tables differ", self.differences.len(), self.tables)?;
        self.differences
            .iter()
            .try_for_each(|difference| write!(f, "\n{}: {}", difference.table, difference.what))
    }
}

/// Compares now, whatever is under way.
pub async fn compare(left: &MySql, right: &MySql, databases: &[&str]) -> Result<Comparison> {
    let (sums, other_sums) = tokio::try_join!(checksums(left, databases), checksums(right, databases))?;
    let mut comparison = Comparison::default();
    let mut conns = (left.conn().await?, right.conn().await?);
    for table in sums.keys().chain(other_sums.keys()).collect::<BTreeSet<_>>() {
        comparison.tables += 1;
        let what = match (sums.get(table), other_sums.get(table)) {
            (Some(one), Some(other)) if one == other => {
                comparison.rows += one.rows;
                continue;
            }
            (Some(one), Some(_)) => {
                match differing_rows(&mut conns.0, &mut conns.1, left, right, table).await? {
                    Some(what) => what,
                    None => {
                        comparison.rows += one.rows;
                        continue;
                    }
                }
            }
            (Some(_), None) => format!("is missing at {}", right.address()),
            (None, _) => format!("is missing at {}", left.address()),
        };
        comparison.differences.push(Difference { table: table.clone(), what });
    }
    conns.0.disconnect().await?;
    conns.1.disconnect().await?;
    Ok(comparison)
}

/// Waits until both are equal, or until neither has changed for `patience`; the last comparison. Only when
/// the writers have stopped does that say anything. What still changes after [`STILL`] times `patience` will not end: an error.
pub async fn quiet(
    left: &MySql,
    right: &MySql,
    databases: &[&str],
    patience: Duration,
) -> Result<Comparison> {
    let mut last_seen: Option<(Sums, Sums)> = None;
    let begun = Instant::now();
    let mut since = begun;
    loop {
        let sums = tokio::try_join!(checksums(left, databases), checksums(right, databases))?;
        if last_seen.as_ref() == Some(&sums) {
            // Equal twice in a row: what was still under way in both directions would have shown.
            if sums.0 == sums.1 || since.elapsed() >= patience {
                return compare(left, right, databases).await;
            }
        } else {
            if let Some(before) = last_seen.as_ref().filter(|_| begun.elapsed() >= STILL * patience) {
                bail!(
                    "{:?} after the writers stopped rows still change, as if transactions went round: {} at {}; {} at {}",
                    begun.elapsed(),
                    changed(&before.0, &sums.0),
                    left.address(),
                    changed(&before.1, &sums.1),
                    right.address(),
                );
            }
            since = Instant::now();
            last_seen = Some(sums);
        }
        tokio::time::sleep(Duration::from_millis(250)).await;
    }
}

#[derive(Debug, Clone, PartialEq, Eq)]
struct Sum {
    rows: u64,
    checksum: Option<u64>,
}

type Sums = BTreeMap<Name, Sum>;

const NO_SUCH_TABLE: u16 = 1146;

/// The tables that differ between two looks at one server.
fn changed(before: &Sums, after: &Sums) -> String {
    let names =
        after.iter().filter(|(name, sum)| before.get(*name) != Some(*sum)).map(|(name, _)| name.as_str());
    let names = names.collect::<Vec<_>>();
    if names.is_empty() { "nothing".to_owned() } else { names.join(", ") }
}

/// Rows and sum of each table; one server's tables in one snapshot each.
async fn checksums(server: &MySql, databases: &[&str]) -> Result<Sums> {
    let mut conn = server.conn().await?;
    let mut sums = BTreeMap::new();
    for database in databases {
        let tables: Vec<String> = conn
            .exec(
                "SELECT table_name FROM information_schema.tables \
                 WHERE table_schema = ? AND table_type = 'BASE TABLE' ORDER BY table_name",
                (database,),
            )
            .await?;
        for table in tables {
            let quoted = quote(database, &table);
            let sum: Option<(String, Option<u64>)> =
                conn.query_first(format!("CHECKSUM TABLE {quoted}")).await?;
            let rows: Option<u64> = match conn.query_first(format!("SELECT COUNT(*) FROM {quoted}")).await {
                // It was renamed or dropped meanwhile: the next look tells.
                Err(mysql_async::Error::Server(error)) if error.code == NO_SUCH_TABLE => continue,
                rows => rows?,
            };
            let checksum = sum.and_then(|(_, sum)| sum);
            sums.insert(format!("{database}.{table}"), Sum { rows: rows.unwrap_or_default(), checksum });
        }
    }
    conn.disconnect().await?;
    Ok(sums)
}

fn quote(database: &str, table: &str) -> String {
    format!("`{}`.`{}`", database.replace('`', "``"), table.replace('`', "``"))
}

/// The rows which only one side has, or which differ, as text. None: MariaDB's sums are not of the values alone, they
/// count what a record holds in place of a NULL.
async fn differing_rows(
    left_conn: &mut Conn,
    right_conn: &mut Conn,
    left: &MySql,
    right: &MySql,
    table: &str,
) -> Result<Option<String>> {
    let (database, name) = table.split_once('.').context("database.table")?;
    let (columns, other_columns) =
        (columns(left_conn, database, name).await?, columns(right_conn, database, name).await?);
    if columns != other_columns {
        return Ok(Some(format!("the columns differ:\n  {columns:?}\n  {other_columns:?}")));
    }
    let (rows, mut others) =
        (read(left_conn, database, name, &columns).await?, read(right_conn, database, name, &columns).await?);
    let mut shown = Vec::new();
    let mut count = 0;
    let mut show = |line: String| {
        count += 1;
        if shown.len() < SHOWN {
            shown.push(line);
        }
    };
    for (key, row) in rows {
        match others.remove(&key) {
            Some(other) if other == row => {}
            Some(other) => show(format!("  {key}: {}", changes(&columns, &row, &other))),
            None => show(format!("  {key}: only at {}", left.address())),
        }
    }
    for key in others.into_keys() {
        show(format!("  {key}: only at {}", right.address()));
    }
    if count == 0 && left.flavor() == Flavor::MariaDb && right.flavor() == Flavor::MariaDb {
        return Ok(None);
    }
    if count == 0 {
        // Such as the number 1 and the decimal 1 within JSON: alike as text, stored differently.
        let what = "the sums differ, but no row does as text: compare the stored form of its values";
        return Ok(Some(what.to_owned()));
    }
    Ok(Some(format!("{count} rows differ\n{}", shown.join("\n"))))
}

#[derive(Debug, Clone, PartialEq, Eq)]
struct Column {
    name: String,
    ty: String,
    charset: Option<String>,
    key: bool,
}

async fn columns(conn: &mut Conn, database: &str, table: &str) -> Result<Vec<Column>> {
    let rows: Vec<(String, String, Option<String>, String)> = conn
        .exec(
            "SELECT column_name, column_type, character_set_name, column_key FROM information_schema.columns \
             WHERE table_schema = ? AND table_name = ? ORDER BY ordinal_position",
            (database, table),
        )
        .await?;
    Ok(rows
        .into_iter()
        .map(|(name, ty, charset, key)| Column { name, ty, charset, key: key == "PRI" })
        .collect())
}

/// All rows by their key as text; without a primary key the whole row is the key, with a count.
async fn read(
    conn: &mut Conn,
    database: &str,
    table: &str,
    columns: &[Column],
) -> Result<BTreeMap<String, Vec<String>>> {
    let expressions = columns
        .iter()
        .map(|column| {
            let name = format!("`{}`", column.name.replace('`', "``"));
            let binary = ["binary", "blob", "geom", "point", "linestring", "polygon", "vector", "bit"]
                .iter()
                .any(|ty| column.ty.contains(ty));
            if column.charset.is_some() || binary {
                format!("HEX({name})")
            } else if column.ty.starts_with("float") {
                // By itself it is told with six digits.
                format!("CAST(CAST({name} AS DOUBLE) AS CHAR)")
            } else {
                format!("CAST({name} AS CHAR)")
            }
        })
        .collect::<Vec<_>>()
        .join(", ");
    let query = format!("SELECT {expressions} FROM {}", quote(database, table));
    let (mut rows, mut copies) = (BTreeMap::new(), BTreeMap::new());
    for row in conn.query::<Row, _>(query).await? {
        let values = row.unwrap().iter().map(text).collect::<Vec<_>>();
        let key = columns.iter().zip(&values).filter(|(column, _)| column.key);
        let mut key = key
            .map(|(column, value)| format!("{}={}", column.name, shown(column, value)))
            .collect::<Vec<_>>()
            .join(" ");
        if key.is_empty() {
            let row = columns.iter().zip(&values).map(|(column, value)| shown(column, value));
            key = row.collect::<Vec<_>>().join(" | ");
            let copy = copies.entry(key.clone()).and_modify(|copy| *copy += 1).or_insert(1_u64);
            write!(key, " (copy {copy})")?;
        }
        rows.insert(key, values);
    }
    Ok(rows)
}

fn text(value: &Value) -> String {
    match value {
        Value::NULL => "NULL".to_owned(),
        Value::Bytes(bytes) => String::from_utf8_lossy(bytes).into_owned(),
        other => other.as_sql(true),
    }
}

/// For the eye: printable text in place of its hexadecimal form.
fn shown(column: &Column, value: &str) -> String {
    let bytes = (0..value.len() / 2).map(|at| u8::from_str_radix(value.get(2 * at..2 * at + 2)?, 16).ok());
    match (&column.charset, bytes.collect::<Option<Vec<_>>>().map(String::from_utf8)) {
        (Some(_), Some(Ok(text))) if !text.chars().any(char::is_control) => format!("{text:?}"),
        _ => value.to_owned(),
    }
}

fn changes(columns: &[Column], row: &[String], other: &[String]) -> String {
    let pairs = columns.iter().zip(row.iter().zip(other)).filter(|(_, (value, other))| value != other);
    pairs
        .map(|(column, (value, other))| {
            format!("{} {} / {}", column.name, shown(column, value), shown(column, other))
        })
        .collect::<Vec<_>>()
        .join(", ")
}
