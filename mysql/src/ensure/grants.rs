//! The rights of the account that is logged in, from `SHOW GRANTS` (active roles included).

use mysql_async::Conn;

use crate::Result;

/// Parsed grants.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Grants {
    /// `user`@`host` as the server matched it.
    pub account: String,
}

impl Grants {
    /// Whether a right (`SELECT`, `REPLICATION SLAVE`, `REPLICATION_APPLIER`) holds for the whole server.
    pub fn globally(&self, privilege: &str) -> bool {
        todo!("{privilege}")
    }

    /// Whether a right holds for every table of a database.
    pub fn in_database(&self, privilege: &str, database: &str) -> bool {
        todo!("{privilege} {database}")
    }

    /// Whether a right holds for a table.
    pub fn on_table(&self, privilege: &str, database: &str, table: &str) -> bool {
        todo!("{privilege} {database} {table}")
    }
}

pub async fn read_grants(conn: &mut Conn) -> Result<Grants> {
    todo!()
}
