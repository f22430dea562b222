//! Tables that a snapshot has announced and not brought whole yet.

use std::collections::HashSet;

use strait_mysql::client::{Conn, Queryable as _, quote_text};

use crate::{
    checkpoint::Identity,
    error::{Error, Result},
};

#[derive(Debug, Default)]
pub struct Pending {
    origin: String,
    sink: String,
    tables: HashSet<(String, String)>,
}

impl Pending {
    pub async fn read(conn: &mut Conn, identity: &Identity) -> Result<Self> {
        let (origin, sink) = (identity.origin.clone(), identity.sink.clone());
        let sql = format!(
            "SELECT database_name, table_name FROM strait.snapshot WHERE origin = {} AND sink = {}",
            quote_text(&origin),
            quote_text(&sink)
        );
        let tables: Vec<(String, String)> =
            conn.query(sql).await.map_err(Error::target(conn, "reading strait.snapshot"))?;
        Ok(Self { origin, sink, tables: tables.into_iter().collect() })
    }

    pub fn is_empty(&self) -> bool {
        self.tables.is_empty()
    }

    pub fn holds(&self, database: &str, table: &str) -> bool {
        !self.tables.is_empty() && self.tables.contains(&(database.to_owned(), table.to_owned()))
    }

    /// A table is to come. Saying so twice is the same.
    pub async fn add(&mut self, conn: &mut Conn, database: &str, table: &str) -> Result<()> {
        let sql = format!(
            "INSERT IGNORE INTO strait.snapshot (origin, sink, database_name, table_name) VALUES ({}, {}, {}, {})",
            quote_text(&self.origin),
            quote_text(&self.sink),
            quote_text(database),
            quote_text(table)
        );
        conn.query_drop(sql).await.map_err(Error::target(conn, "writing strait.snapshot"))?;
        self.tables.insert((database.to_owned(), table.to_owned()));
        Ok(())
    }

    /// No more is to come of a table.
    pub async fn leave(&mut self, conn: &mut Conn, database: &str, table: &str) -> Result<()> {
        let sql = self.remove(database, table);
        conn.query_drop(sql).await.map_err(Error::target(conn, "writing strait.snapshot"))
    }

    /// Nothing is to come any more.
    pub async fn clear(&mut self, conn: &mut Conn) -> Result<()> {
        for (database, table) in std::mem::take(&mut self.tables) {
            let sql = self.remove(&database, &table);
            conn.query_drop(sql).await.map_err(Error::target(conn, "writing strait.snapshot"))?;
        }
        Ok(())
    }

    /// All of it has come; what notes that in the transaction of its last chunk.
    pub fn remove(&mut self, database: &str, table: &str) -> String {
        self.tables.remove(&(database.to_owned(), table.to_owned()));
        format!(
            "DELETE FROM strait.snapshot WHERE origin = {} AND sink = {} AND database_name = {} AND table_name = {}",
            quote_text(&self.origin),
            quote_text(&self.sink),
            quote_text(database),
            quote_text(table)
        )
    }
}
