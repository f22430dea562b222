//! Reading the dictionary. `information_schema` may be slow on a server with many tables, so tables are
//! always asked for by name, some hundred at once, and each view is read once a batch; statistics columns,
//! whose refresh costs a dive into each table, are never asked for.

use mysql_async::Conn;

use super::{Table, TableName};
use crate::Result;

/// Base tables of the given databases (of all but the server's own where none is given), by name.
pub async fn list_tables(conn: &mut Conn, databases: &[String]) -> Result<Vec<TableName>> {
    todo!()
}

/// One table; `None`: there is none of that name (or none that the account may see).
pub async fn read_table(conn: &mut Conn, name: &TableName) -> Result<Option<Table>> {
    Ok(read_tables(conn, std::slice::from_ref(name)).await?.into_iter().next())
}

/// The tables of these names that exist, by name.
pub async fn read_tables(conn: &mut Conn, names: &[TableName]) -> Result<Vec<Table>> {
    todo!()
}
