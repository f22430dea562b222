//! Whether the log still has what comes after a position.

use mysql_async::Conn;

use super::Verdict;
use crate::{Result, server::ServerFacts, stream::StartAt};

/// What comes after `start` must still be in the binary log.
pub async fn ensure_not_purged(conn: &mut Conn, facts: &ServerFacts, start: &StartAt) -> Result<Verdict> {
    todo!()
}

/// What was published must have happened on this server: otherwise it is another server, or it has lost
/// its newest transactions in a failover or a crash.
pub fn ensure_executed(facts: &ServerFacts, start: &StartAt) -> Result<Verdict> {
    todo!()
}
