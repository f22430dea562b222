//! What a server's own SELECT says of a column: its stored bytes, to compare two servers by; and its value in plain words,
//! from which Debezium's documentation makes what it publishes.

use anyhow::{Context, Result};
use e2e::{
    MySql,
    types::{Family, Kind, Type},
};
use mysql_async::{Conn, Row, prelude::Queryable};
use serde_json::{Value, json};

/// Rows of one table: the id first.
pub type Rows = Vec<Vec<Option<String>>>;

pub fn quoted(name: &str) -> String {
    format!("`{}`", name.replace('`', "``"))
}

/// Tells any two values apart that differ by a bit.
fn stored(kind: &Kind, name: &str) -> String {
    match kind {
        Kind::Text { .. } | Kind::Binary | Kind::Point | Kind::Geometry | Kind::Vector => {
            format!("HEX({name})")
        }
        Kind::Enum { .. } => format!("CAST({name} + 0 AS CHAR)"),
        Kind::Json => format!("CONCAT(JSON_STORAGE_SIZE({name}), ' ', CAST({name} AS CHAR))"),
        _ => plain(kind, name),
    }
}

/// What the oracle reads.
fn plain(kind: &Kind, name: &str) -> String {
    match kind {
        // As numbers of the binary protocol: what the server prints may be another double.
        Kind::Float | Kind::Double => name.to_owned(),
        Kind::Bit { .. } => format!("CAST({name} + 0 AS CHAR)"),
        Kind::Text { charset } => {
            let converted = format!("CONVERT({name} USING utf8mb4)");
            let same =
                format!("CAST(CONVERT({converted} USING {charset}) AS BINARY) <=> CAST({name} AS BINARY)");
            format!("CONCAT({same}, ':', HEX({converted}))")
        }
        Kind::Enum { .. } => format!("HEX(CONVERT({name} USING utf8mb4))"),
        Kind::Set { .. } => format!("CAST(CAST({name} AS UNSIGNED) AS CHAR)"),
        Kind::Json => format!("HEX(CAST({name} AS CHAR CHARACTER SET utf8mb4))"),
        Kind::Binary | Kind::Point | Kind::Geometry | Kind::Vector => format!("HEX({name})"),
        _ => format!("CAST({name} AS CHAR)"),
    }
}

async fn conn(server: &MySql, database: &str) -> Result<Conn> {
    let mut conn = server.conn_to(database).await?;
    conn.query_drop("SET SESSION time_zone = '+00:00', sql_mode = ''").await?;
    Ok(conn)
}

async fn read(
    server: &MySql,
    database: &str,
    table: &str,
    family: &Family,
    show: fn(&Kind, &str) -> String,
) -> Result<Rows> {
    let columns: Vec<String> =
        family.columns().map(|(name, column)| show(&column.kind, &quoted(&name))).collect();
    let query = format!("SELECT CAST(id AS CHAR), {} FROM {table} ORDER BY id", columns.join(", "));
    let rows: Vec<Row> =
        conn(server, database).await?.exec(query, ()).await.with_context(|| table.to_owned())?;
    let text = |row: Row| row.unwrap().into_iter().map(plain_text).collect();
    rows.into_iter().map(text).collect()
}

fn plain_text(value: mysql_async::Value) -> Result<Option<String>> {
    Ok(match value {
        mysql_async::Value::Float(float) => Some(format!("{:?}", f64::from(float))),
        mysql_async::Value::Double(double) => Some(format!("{double:?}")),
        other => mysql_async::from_value_opt(other)?,
    })
}

pub async fn stored_rows(server: &MySql, database: &str, table: &str, family: &Family) -> Result<Rows> {
    read(server, database, table, family, stored).await
}

/// `{"id": [shown, ...]}`
pub async fn plain_rows(server: &MySql, database: &str, table: &str, family: &Family) -> Result<Value> {
    let rows = read(server, database, table, family, plain).await?;
    let keyed = rows.into_iter().map(|mut row| (row.remove(0).unwrap_or_default(), json!(row)));
    Ok(Value::Object(keyed.collect()))
}

/// Types of the scalars within documents, which their text does not tell.
pub async fn json_types(server: &MySql, database: &str, table: &str, family: &Family) -> Result<Vec<String>> {
    let mut conn = conn(server, database).await?;
    let mut all = Vec::new();
    for (name, _) in family.columns().filter(|(_, column)| column.kind == Kind::Json) {
        let name = quoted(&name);
        let documents: Vec<(u32, String)> = conn
            .query(format!(
                "SELECT id, CAST({name} AS CHAR) FROM {table} WHERE {name} IS NOT NULL ORDER BY id"
            ))
            .await?;
        for (id, document) in documents {
            let mut paths = Vec::new();
            leaves(&serde_json::from_str(&document)?, "$".to_owned(), &mut paths);
            for some in paths.chunks(100) {
                let asked: Vec<String> = some
                    .iter()
                    .map(|path| {
                        format!(
                            "JSON_TYPE(JSON_EXTRACT({name}, '{}'))",
                            path.replace('\\', "\\\\").replace('\'', "''")
                        )
                    })
                    .collect();
                let query =
                    format!("SELECT CONCAT_WS(' ', {}) FROM {table} WHERE id = {id}", asked.join(", "));
                let types: Option<String> = conn.query_first(query).await?;
                all.push(format!("{name} row {id}: {}", types.context("a row")?));
            }
        }
    }
    Ok(all)
}

fn leaves(value: &Value, path: String, out: &mut Vec<String>) {
    match value {
        Value::Array(items) if !items.is_empty() => {
            items.iter().enumerate().for_each(|(at, item)| leaves(item, format!("{path}[{at}]"), out));
        }
        Value::Object(members) if !members.is_empty() => {
            members.iter().for_each(|(key, item)| leaves(item, format!("{path}.{}", json!(key)), out));
        }
        _ => out.push(path),
    }
}

/// A column as the oracle is told of it.
pub fn described(name: &str, column: &Type, documented: &e2e::types::Documented) -> Value {
    let (kind, bits, fsp) = match column.kind {
        Kind::Tiny | Kind::Small { .. } | Kind::Medium | Kind::Int { .. } | Kind::Year => ("integer", 0, 0),
        Kind::Big { unsigned: false } => ("integer", 0, 0),
        Kind::Big { unsigned: true } => ("big", 0, 0),
        Kind::Float | Kind::Double => ("float", 0, 0),
        Kind::Decimal { .. } => ("decimal", 0, 0),
        Kind::Bit { bits } => ("bit", bits, 0),
        Kind::Date => ("date", 0, 0),
        Kind::Time => ("time", 0, 0),
        Kind::DateTime { fsp } => ("datetime", 0, fsp),
        Kind::Timestamp { fsp } => ("timestamp", 0, fsp),
        Kind::Text { .. } => ("text", 0, 0),
        Kind::Binary => ("binary", 0, 0),
        Kind::Address => ("address", 0, 0),
        Kind::Enum { .. } => ("enum", 0, 0),
        Kind::Set { .. } => ("set", 0, 0),
        Kind::Json => ("json", 0, 0),
        Kind::Point => ("point", 0, 0),
        Kind::Geometry => ("geometry", 0, 0),
        Kind::Vector => ("vector", 0, 0),
    };
    let parameters: serde_json::Map<_, _> =
        documented.parameters.iter().map(|(name, value)| ((*name).to_owned(), json!(value))).collect();
    json!({
        "name": name, "definition": shortened(&column.definition), "kind": kind, "bits": bits, "fsp": fsp, "nullable": column.nullable(),
        "connect": documented.connect, "semantic": documented.semantic, "parameters": parameters,
    })
}

pub fn shortened(definition: &str) -> String {
    definition.chars().take(60).collect()
}
