//! What the account may do at the source.

use mysql_async::Conn;

use super::{Finding, Verdict};
use crate::{Result, server::ServerFacts};

/// REPLICATION SLAVE and REPLICATION CLIENT, by trying what needs them.
pub async fn ensure_replication_rights(conn: &mut Conn, facts: &ServerFacts) -> Result<Vec<Finding>> {
    todo!()
}

/// No other replica may use our `server_id`: the server would end one stream for the other, for ever.
pub async fn ensure_server_id_free(conn: &mut Conn, facts: &ServerFacts, server_id: u32) -> Result<Verdict> {
    todo!()
}
