//! Reading the dictionary. `information_schema` may be slow on a server with many tables, so tables are
//! always asked for by name, some hundred at once, and each view is read once a batch, without joins (some
//! servers would open every table anew for each joined row). Statistics columns, whose refresh costs a dive
//! into each table, are never asked for.

use std::collections::{BTreeMap, HashMap, HashSet};

use mysql_async::{Conn, Row, prelude::Queryable};

use super::{Column, Index, Table, TableName, columns, foreign_keys, indexes, triggers};
use crate::{
    Result,
    client::{quote_text, text},
    server::{Error, Flavor, place_of},
};

/// Names in one query: bounds its text, and what one answer holds.
const BATCH: usize = 300;

/// The server's own databases.
const OWN: &str = "'mysql', 'sys', 'information_schema', 'performance_schema'";

/// Base tables of the given databases (of all but the server's own where none is given), by name.
pub async fn list_tables(conn: &mut Conn, databases: &[String]) -> Result<Vec<TableName>> {
    let sql = format!(
        "SELECT TABLE_SCHEMA, TABLE_NAME FROM information_schema.TABLES \
         WHERE TABLE_TYPE = 'BASE TABLE' AND TABLE_SCHEMA {}",
        in_databases(databases)
    );
    let mut names: Vec<TableName> = ask(conn, "listing tables", sql)
        .await?
        .iter()
        .map(|row| TableName::new(field(row, 0), field(row, 1)))
        .collect();
    names.sort();
    Ok(names)
}

/// MariaDB's sequences, and tables with system versioning, with the words that `TABLE_TYPE` has for them: they log rows as tables do,
/// which mean something else.
pub async fn list_special_tables(conn: &mut Conn) -> Result<Vec<(TableName, String)>> {
    let sql = "SELECT TABLE_SCHEMA, TABLE_NAME, TABLE_TYPE FROM information_schema.TABLES \
               WHERE TABLE_TYPE IN ('SEQUENCE', 'SYSTEM VERSIONED') ORDER BY 1, 2";
    let rows = ask(conn, "listing tables of other kinds", sql.to_owned()).await?;
    Ok(rows.iter().map(|row| (TableName::new(field(row, 0), field(row, 1)), field(row, 2))).collect())
}

/// One table; `None`: there is none of that name (or none that the account may see).
pub async fn read_table(conn: &mut Conn, name: &TableName) -> Result<Option<Table>> {
    Ok(read_tables(conn, std::slice::from_ref(name)).await?.into_iter().next())
}

/// The tables of these names that exist, by name. A server that does not tell upper from lower case in names
/// finds them in any case, and the result is spelled as the server does.
pub async fn read_tables(conn: &mut Conn, names: &[TableName]) -> Result<Vec<Table>> {
    let server = Server::read(conn).await?;
    let mut by_database: BTreeMap<&str, Vec<&str>> = BTreeMap::new();
    for name in names {
        by_database.entry(&name.database).or_default().push(&name.table);
    }
    let mut tables = Vec::with_capacity(names.len());
    for (database, mut wanted) in by_database {
        wanted.sort_unstable();
        wanted.dedup();
        for batch in wanted.chunks(BATCH) {
            let scope = Scope::new(database, batch);
            tables.extend(spelled_as_wanted(read_batch(conn, &server, &scope).await?, batch));
        }
    }
    tables.sort_by(|a, b| a.name.cmp(&b.name));
    Ok(tables)
}

async fn read_batch(conn: &mut Conn, server: &Server, scope: &Scope) -> Result<Vec<Table>> {
    let sql = format!(
        "SELECT TABLE_SCHEMA, TABLE_NAME, ENGINE FROM information_schema.TABLES \
         WHERE TABLE_TYPE = 'BASE TABLE' AND {}",
        scope.matches("TABLE_SCHEMA", "TABLE_NAME")
    );
    let rows = ask(conn, "reading tables", sql).await?;
    if rows.is_empty() {
        return Ok(Vec::new());
    }
    let mut columns = columns::read(conn, server.flavor, scope).await?;
    let mut unique = indexes::read(conn, server.flavor, scope).await?;
    let mut foreign_keys = foreign_keys::read_of_children(conn, scope).await?;
    let mut referenced_by = foreign_keys::read_of_parents(conn, scope).await?;
    let mut triggers = triggers::read(conn, scope).await?;
    let tables = rows.iter().map(|row| {
        let name = TableName::new(field(row, 0), field(row, 1));
        let engine = field(row, 2);
        let mut unique: Vec<Index> = unique.remove(&name.table).unwrap_or_default();
        let primary = unique.iter().position(|index| index.name == "PRIMARY");
        let mut columns: Vec<Column> = columns.remove(&name.table).unwrap_or_default();
        columns.sort_by_key(|column| column.ordinal);
        Table {
            transactional: server.transactional.contains(&engine.to_ascii_lowercase()),
            engine,
            columns,
            primary_key: primary.map(|at| unique.remove(at)),
            unique,
            foreign_keys: foreign_keys.remove(&name).unwrap_or_default(),
            referenced_by: referenced_by.remove(&name).unwrap_or_default(),
            triggers: triggers.remove(&name.table).unwrap_or_default(),
            name,
        }
    });
    Ok(tables.collect())
}

/// Some servers compare names in `information_schema` without case even where tables `t` and `T` are two.
fn spelled_as_wanted(tables: Vec<Table>, wanted: &[&str]) -> Vec<Table> {
    let exact: HashSet<String> = tables
        .iter()
        .map(|table| &table.name.table)
        .filter(|name| wanted.contains(&name.as_str()))
        .cloned()
        .collect();
    let missing: Vec<String> =
        wanted.iter().filter(|name| !exact.contains(**name)).map(|name| name.to_lowercase()).collect();
    tables
        .into_iter()
        .filter(|table| {
            exact.contains(&table.name.table) || missing.contains(&table.name.table.to_lowercase())
        })
        .collect()
}

/// What is the same for every table of a server.
struct Server {
    flavor: Flavor,
    /// Engines that take part in transactions, in lower case.
    transactional: HashSet<String>,
}

impl Server {
    async fn read(conn: &mut Conn) -> Result<Self> {
        let sql = "SELECT ENGINE, TRANSACTIONS, VERSION() FROM information_schema.ENGINES".to_owned();
        let rows = ask(conn, "reading engines", sql).await?;
        let maria = rows.first().is_some_and(|row| field(row, 2).to_ascii_lowercase().contains("mariadb"));
        let transactional = rows
            .iter()
            .filter(|row| field(row, 1).eq_ignore_ascii_case("YES"))
            .map(|row| field(row, 0).to_ascii_lowercase())
            .collect();
        Ok(Self { flavor: if maria { Flavor::MariaDb } else { Flavor::Mysql }, transactional })
    }
}

/// Some tables of one database.
pub(super) struct Scope {
    database: String,
    tables: String,
}

impl Scope {
    fn new(database: &str, tables: &[&str]) -> Self {
        let tables: Vec<String> = tables.iter().map(|table| quote_text(table)).collect();
        Self { database: quote_text(database), tables: tables.join(", ") }
    }

    /// A condition on the columns that hold the database's and the table's name.
    pub(super) fn matches(&self, schema: &str, table: &str) -> String {
        format!("{schema} = {} AND {table} IN ({})", self.database, self.tables)
    }
}

pub(super) fn in_databases(databases: &[String]) -> String {
    if databases.is_empty() {
        return format!("NOT IN ({OWN})");
    }
    let names: Vec<String> = databases.iter().map(|name| quote_text(name)).collect();
    format!("IN ({})", names.join(", "))
}

pub(crate) async fn ask(conn: &mut Conn, doing: &'static str, sql: String) -> Result<Vec<Row>> {
    match conn.query(sql).await {
        Ok(rows) => Ok(rows),
        Err(error) => Err(Error::query(&place_of(conn), doing)(error).into()),
    }
}

/// A column that is never NULL.
pub(crate) fn field(row: &Row, index: usize) -> String {
    text(row, index).unwrap_or_default()
}

/// A column that is a number or NULL.
pub(crate) fn number<N: std::str::FromStr>(row: &Row, index: usize) -> Option<N> {
    text(row, index)?.parse().ok()
}

/// Gathers rows under the name in their first column, in the order in which they came.
pub(super) fn by_table<T>(rows: &[Row], make: impl Fn(&Row) -> T) -> HashMap<String, Vec<T>> {
    let mut gathered: HashMap<String, Vec<T>> = HashMap::new();
    for row in rows {
        gathered.entry(field(row, 0)).or_default().push(make(row));
    }
    gathered
}
