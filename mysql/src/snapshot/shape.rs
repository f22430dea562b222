//! What a table looks like, for reading it and for publishing what is read.

use std::collections::HashMap;

use mysql_async::Conn;

use super::columns;
use crate::{
    Result,
    binlog::{ColumnType, KeyPart, TableMap},
    catalog::{Column, Index, Table, TableName, ask, field, number, read_table},
    client::quote_name,
};

#[derive(Debug)]
pub struct Shape {
    /// As the server would log it.
    pub map: TableMap,
    /// Columns of the key that rows are read by (`Table::identity`). Empty: there is none, and the table can only be read as a
    /// whole.
    pub key: Vec<usize>,
    /// Collations of the key's columns; empty for one without.
    pub key_collations: Vec<String>,
    /// The key's columns with all that their order goes by. A place in the order of one is none in that of another.
    pub key_order: Vec<String>,
    /// The table, for SQL.
    pub quoted: String,
    /// Its columns, for SQL, such that `SelectedRow` understands them.
    pub(super) select: String,
}

impl Shape {
    /// A table without columns.
    pub fn empty(name: &TableName) -> Self {
        let map = TableMap::new(name.database.clone(), name.table.clone(), Vec::new(), Vec::new(), true);
        Self {
            map,
            key: Vec::new(),
            key_collations: Vec::new(),
            key_order: Vec::new(),
            quoted: name.quoted(),
            select: String::new(),
        }
    }

    /// `None`: a column has a type that rows cannot carry.
    fn new(table: &Table, key: Vec<KeyPart>, collations: &HashMap<String, u16>) -> Option<Self> {
        let columns: Option<Vec<_>> =
            table.columns.iter().map(|column| columns::column(column, collations)).collect();
        let columns = columns?;
        let documents = columns.iter().filter(|column| matches!(column.ty, ColumnType::Json { .. }));
        let types = documents.map(|column| json_types(&quote_name(&column.name)));
        let values = table.columns.iter().zip(&columns).map(|(column, mapped)| selected(column, mapped.ty));
        let select: Vec<String> = values.chain(types).collect();
        let name = &table.name;
        let place = |name| table.columns.iter().position(|column| column.name == name);
        let places: Vec<usize> =
            table.identity().into_iter().flat_map(Index::columns).filter_map(place).collect();
        let collation = |at: &usize| table.columns[*at].collation.clone().unwrap_or_default();
        let order = |at: &usize| {
            let column = &table.columns[*at];
            [&column.name, &column.column_type, &collation(at)]
                .map(String::as_str)
                .join(" ")
                .trim_end()
                .to_owned()
        };
        Some(Self {
            key_collations: places.iter().map(collation).collect(),
            key_order: places.iter().map(order).collect(),
            key: places,
            quoted: name.quoted(),
            select: select.join(","),
            map: TableMap::new(name.database.clone(), name.table.clone(), columns, key, true),
        })
    }
}

/// The number behind an ENUM or SET is what rows carry, and what their order goes by; of MariaDB's UUID and addresses
/// the bytes.
fn selected(column: &Column, ty: ColumnType) -> String {
    let name = quote_name(&column.name);
    match (ty, column.data_type.as_str()) {
        (ColumnType::Enum { .. } | ColumnType::Set { .. }, _) => format!("CAST({name} AS UNSIGNED)"),
        (ColumnType::Char { max_bytes }, "uuid" | "inet4" | "inet6") => {
            format!("CAST({name} AS BINARY({max_bytes}))")
        }
        _ => name,
    }
}

/// Types of a document's scalars in their order, if its text alone does not tell them; else NULL. `[0]` of what is no array is
/// that itself, so `$**[0]` leads to all scalars, each once. The list is one level deeper than the document, which must have
/// room for it.
fn json_types(name: &str) -> String {
    format!(
        "IF(JSON_DEPTH({name})<99,(SELECT IF(MAX(JSON_TYPE(strait_scalar) NOT IN \
         ('OBJECT','ARRAY','STRING','INTEGER','DOUBLE','BOOLEAN','NULL')),JSON_ARRAYAGG(JSON_TYPE(strait_scalar)),NULL) \
         FROM JSON_TABLE(JSON_EXTRACT({name},'$**[0]'),'$[*]' COLUMNS(strait_scalar JSON PATH '$')) AS strait_json),NULL)"
    )
}

/// The table's shape now; `None`: there is no such table, or it has a column of an unknown type.
pub async fn read_shape(conn: &mut Conn, name: &TableName) -> Result<Option<Shape>> {
    let Some(table) = read_table(conn, name).await? else { return Ok(None) };
    let key = read_key(conn, &table).await?;
    let collations = read_collations(conn).await?;
    Ok(Shape::new(&table, key, &collations))
}

/// The key that the server names in a TABLE_MAP: the first that SHOW KEYS lists of those without NULLs, for the server
/// keeps the primary key first, and unique keys without NULLs before the others.
async fn read_key(conn: &mut Conn, table: &Table) -> Result<Vec<KeyPart>> {
    let sql = format!("SHOW KEYS FROM {} WHERE Non_unique = 0", table.name.quoted());
    let rows = ask(conn, "reading keys", sql).await?;
    let mut keys: Vec<(String, Option<Vec<KeyPart>>)> = Vec::new();
    for row in &rows {
        let name = field(row, 2);
        let column = table.columns.iter().position(|column| column.name == field(row, 4));
        let part = column
            .filter(|column| !table.columns[*column].nullable)
            .map(|column| KeyPart { column, prefix: number(row, 7).unwrap_or(0) });
        match keys.last_mut() {
            Some((last, parts)) if *last == name => {
                *parts = parts.take().zip(part).map(|(mut parts, part)| {
                    parts.push(part);
                    parts
                });
            }
            _ => keys.push((name, part.map(|part| vec![part]))),
        }
    }
    Ok(keys.into_iter().find_map(|(_, parts)| parts).unwrap_or_default())
}

async fn read_collations(conn: &mut Conn) -> Result<HashMap<String, u16>> {
    // MariaDB has collations of several charsets, which have a full name with each.
    let sql = "SELECT COLUMN_NAME FROM information_schema.COLUMNS WHERE TABLE_SCHEMA = 'information_schema' \
               AND TABLE_NAME = 'COLLATION_CHARACTER_SET_APPLICABILITY' AND COLUMN_NAME = 'FULL_COLLATION_NAME'";
    let sql = match ask(conn, "reading collations", sql.to_owned()).await?.is_empty() {
        true => "SELECT COLLATION_NAME, ID FROM information_schema.COLLATIONS WHERE ID IS NOT NULL",
        false => {
            "SELECT FULL_COLLATION_NAME, ID FROM information_schema.COLLATION_CHARACTER_SET_APPLICABILITY"
        }
    };
    let rows = ask(conn, "reading collations", sql.to_owned()).await?;
    Ok(rows.iter().filter_map(|row| Some((field(row, 0), number(row, 1)?))).collect())
}
