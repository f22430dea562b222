//! What the target has of what a snapshot is to bring.

use strait_mysql::{
    client::{Conn, Queryable as _, quote_text},
    server::place_of,
};

use strait_schemas::Chunk;

use crate::{
    error::{Error, Place, Result},
    table_map::Target,
};

pub async fn has_database(conn: &mut Conn, database: &str) -> Result<bool> {
    let name = quote_text(database);
    exists(conn, format!("SELECT 1 FROM information_schema.SCHEMATA WHERE SCHEMA_NAME = {name}")).await
}

pub async fn has_table(conn: &mut Conn, database: &str, table: &str) -> Result<bool> {
    let (database, table) = (quote_text(database), quote_text(table));
    let sql = format!(
        "SELECT 1 FROM information_schema.TABLES WHERE TABLE_SCHEMA = {database} AND TABLE_NAME = {table}"
    );
    exists(conn, sql).await
}

/// A table without a key whose rows nobody can tell apart must not get them twice.
pub async fn ensure_empty(conn: &mut Conn, target: &Target) -> Result<()> {
    match exists(conn, format!("SELECT 1 FROM {} LIMIT 1", target.quoted)).await? {
        true => Err(Error::NotEmpty { table: target.label.to_string(), place: place_of(conn) }),
        false => Ok(()),
    }
}

/// Changes of a table that has no key here were passed over, for one chunk was to bring all of it: one of several would not.
pub fn ensure_whole(chunk: &Chunk, target: &Target, place: impl FnOnce() -> Place) -> Result<()> {
    match chunk.key.is_empty() {
        true => Ok(()),
        false => Err(Error::NoKey {
            table: target.label.to_string(),
            key: format!("({})", chunk.key.join(", ")),
            place: place(),
        }),
    }
}

async fn exists(conn: &mut Conn, sql: String) -> Result<bool> {
    let found: Option<u8> =
        conn.query_first(sql).await.map_err(Error::target(conn, "looking at a table of the snapshot"))?;
    Ok(found.is_some())
}
