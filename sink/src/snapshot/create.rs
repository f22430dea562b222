//! Tables that the target lacks are made as the source has them.

use strait_mysql::{
    client::{Conn, Queryable as _, quote_name, server_code},
    server::place_of,
};
use strait_schemas::TableBegin;

use crate::{
    error::{Error, Result},
    table_map::Target,
};

/// "Table already exists".
const EXISTS: u16 = 1050;

/// Creates the table, unless there is one of that name. Doing it twice is the same.
///
/// # Errors
/// The server does not take the definition, or the account may not.
pub async fn create_table(conn: &mut Conn, begin: &TableBegin) -> Result<()> {
    let TableBegin { database, table, create_database, create_table, .. } = begin;
    let exists = format!(
        "SELECT 1 FROM information_schema.TABLES WHERE TABLE_SCHEMA = '{}' AND TABLE_NAME = '{}'",
        database.replace('\'', "''"),
        table.replace('\'', "''")
    );
    let found: Option<u8> =
        conn.query_first(exists).await.map_err(Error::target(conn, "looking for a table of the snapshot"))?;
    if found.is_some() {
        return Ok(());
    }
    let place = place_of(conn);
    let refused = |source| Error::CreateTable {
        table: format!("{database}.{table}"),
        statement: create_table.clone(),
        place: place.clone(),
        source,
    };
    let create_database = create_database.replacen("CREATE DATABASE ", "CREATE DATABASE IF NOT EXISTS ", 1);
    for statement in [
        "SET @strait_sql_mode = @@SESSION.sql_mode, @strait_checks = @@SESSION.foreign_key_checks",
        // A parent may come later, and a default may be a zero date.
        "SET SESSION foreign_key_checks = 0, sql_mode = 'NO_ENGINE_SUBSTITUTION'",
        &create_database,
        &format!("USE {}", quote_name(database)),
    ] {
        conn.query_drop(statement).await.map_err(refused)?;
    }
    match conn.query_drop(create_table.as_str()).await {
        Ok(()) => {
            tracing::info!(table = %format_args!("{database}.{table}"), "created at the target as the source has it");
        }
        Err(error) if server_code(&error) == Some(EXISTS) => {}
        Err(error) => return Err(refused(error)),
    }
    conn.query_drop("SET SESSION sql_mode = @strait_sql_mode, foreign_key_checks = @strait_checks")
        .await
        .map_err(refused)
}

/// A table without a key whose rows nobody can tell apart must not get them twice.
pub async fn ensure_empty(conn: &mut Conn, target: &Target) -> Result<()> {
    let sql = format!("SELECT 1 FROM {} LIMIT 1", target.quoted);
    let found: Option<u8> =
        conn.query_first(sql).await.map_err(Error::target(conn, "looking whether a table is empty"))?;
    match found {
        Some(_) => Err(Error::NotEmpty { table: target.label.to_string(), place: place_of(conn) }),
        None => Ok(()),
    }
}
