//! What a snapshot is to bring: the tables that are published, parents before their children, with how to create each.
//!
//! The tables are listed twice, and the place in the binary log where the stream begins is asked for in between. If both
//! lists are the same, down to each table's definition, no DDL lies between them, so the stream begins with exactly these
//! tables: nothing is created twice, and nothing is missed.

use std::collections::{BTreeMap, BTreeSet};

use strait_mysql::{
    catalog::{ForeignKey, Table, TableName, list_special_tables, list_tables, read_tables},
    client::{Conn, Queryable as _, code, quote_name, server_code, text},
};
use strait_schemas::PlannedTable;

use super::failed;
use crate::{Error, Result, filter::Filter, special_tables};

/// Tables with how to create them.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Listing {
    /// SHOW CREATE DATABASE of each database.
    pub databases: BTreeMap<String, String>,
    pub tables: Vec<Definition>,
}

#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Definition {
    pub database: String,
    pub table: String,
    /// SHOW CREATE TABLE.
    pub create: String,
    /// Tables whose rows take rows of this one with them when they go, or change them.
    pub cascading: Vec<TableName>,
}

/// Lists what is published and meant, parents first.
pub async fn list(
    conn: &mut Conn,
    filter: &Filter,
    place: &str,
    meant: impl Fn(&TableName) -> bool,
) -> Result<Listing> {
    let unread = |attempted| {
        let place = place.to_owned();
        move |source| Error::Source { attempted, place, source }
    };
    let special = list_special_tables(conn).await.map_err(unread("list the tables"))?;
    let mut special =
        special.iter().filter(|(name, _)| filter.publishes(&name.database, &name.table) && meant(name));
    if let Some((name, kind)) = special.next() {
        return Err(special_tables::refused(name, kind, place));
    }
    let names: Vec<TableName> = list_tables(conn, &[])
        .await
        .map_err(unread("list the tables"))?
        .into_iter()
        .filter(|name| filter.publishes(&name.database, &name.table) && meant(name))
        .collect();
    let tables = read_tables(conn, &names).await.map_err(unread("read the catalog"))?;
    let mut listing = Listing::default();
    for read in parents_first(&tables) {
        let TableName { database, table } = &read.name;
        if !listing.databases.contains_key(database) {
            let sql = format!("SHOW CREATE DATABASE {}", quote_name(database));
            listing.databases.insert(database.clone(), show(conn, &sql, place).await?.unwrap_or_default());
        }
        let sql = format!("SHOW CREATE TABLE {}.{}", quote_name(database), quote_name(table));
        // Dropped since it was listed: the second listing will not have it.
        let Some(create) = show(conn, &sql, place).await? else { continue };
        if read.foreign_keys.is_empty() && has_foreign_key(&create) {
            return Err(Error::refused(
                format!(
                    "the account does not see the foreign keys of {}, whose effects a snapshot must know",
                    read.name
                ),
                place,
                format!("GRANT REFERENCES ON {}.* to the account", quote_name(database)),
            ));
        }
        let cascading = read.foreign_keys.iter().filter(|key| cascades(key));
        let cascading = cascading.map(|key| key.parent.clone()).collect();
        listing.tables.push(Definition {
            database: database.clone(),
            table: table.clone(),
            create,
            cascading,
        });
    }
    Ok(listing)
}

/// The second column of the answer; `None`: there is no such object.
async fn show(conn: &mut Conn, sql: &str, place: &str) -> Result<Option<String>> {
    match conn.query_first::<strait_mysql::client::Row, _>(sql).await {
        Ok(row) => Ok(row.and_then(|row| text(&row, 1))),
        Err(error) if matches!(server_code(&error), Some(code::NO_SUCH_TABLE | code::UNKNOWN_DATABASE)) => {
            Ok(None)
        }
        Err(source) => Err(failed("read how a table is created", place, source)),
    }
}

fn cascades(key: &ForeignKey) -> bool {
    key.on_delete.writes_child() || key.on_update.writes_child()
}

/// MariaDB shows foreign keys in `information_schema` to nobody who may merely read the table.
fn has_foreign_key(create: &str) -> bool {
    let is_one =
        |line: &str| line.trim_start().starts_with("CONSTRAINT `") && line.contains(" FOREIGN KEY (");
    create.lines().any(is_one)
}

/// Each table after those that it refers to, as far as they do not refer to each other.
fn parents_first(tables: &[Table]) -> Vec<&Table> {
    fn place<'a>(
        table: &'a Table,
        by_name: &BTreeMap<&'a TableName, &'a Table>,
        placed: &mut BTreeSet<&'a TableName>,
        order: &mut Vec<&'a Table>,
    ) {
        if !placed.insert(&table.name) {
            return;
        }
        for parent in table.foreign_keys.iter().filter_map(|key: &ForeignKey| by_name.get(&key.parent)) {
            place(parent, by_name, placed, order);
        }
        order.push(table);
    }
    let by_name: BTreeMap<&TableName, &Table> = tables.iter().map(|table| (&table.name, table)).collect();
    let (mut placed, mut order) = (BTreeSet::new(), Vec::with_capacity(tables.len()));
    for table in tables {
        place(table, &by_name, &mut placed, &mut order);
    }
    order
}

/// The plan's tables, with the server's guess of their rows.
pub async fn estimate(conn: &mut Conn, listing: &Listing, place: &str) -> Result<Vec<PlannedTable>> {
    let sql = "SELECT TABLE_SCHEMA, TABLE_NAME, TABLE_ROWS FROM information_schema.TABLES \
               WHERE TABLE_TYPE = 'BASE TABLE'";
    let rows: Vec<(String, String, Option<u64>)> =
        conn.query(sql).await.map_err(|source| failed("read how many rows there are", place, source))?;
    let guesses: BTreeMap<(String, String), u64> =
        rows.into_iter().map(|(database, table, rows)| ((database, table), rows.unwrap_or(0))).collect();
    let names = listing.tables.iter().zip(0..);
    let places: BTreeMap<(&str, &str), u32> =
        names.map(|(table, place)| ((table.database.as_str(), table.table.as_str()), place)).collect();
    // Where keys go in a circle some tables come before what they refer to.
    let after = |table: &Definition, place: u32| {
        let known = table.cascading.iter().filter_map(|it| places.get(&(&*it.database, &*it.table)));
        known.copied().filter(|before| *before < place).collect()
    };
    let planned = |(table, place): (&Definition, u32)| PlannedTable {
        estimate: guesses.get(&(table.database.clone(), table.table.clone())).copied().unwrap_or(0),
        database: table.database.clone(),
        table: table.table.clone(),
        condition: None,
        after: after(table, place),
    };
    Ok(listing.tables.iter().zip(0..).map(planned).collect())
}
