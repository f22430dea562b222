//! Who stands in the head's way: InnoDB's lock waits, followed from the head's connection.
//!
//! The waits are joined to connections through `innodb_trx`, by transaction, not through the lock's thread: an
//! implicit lock (of a row just inserted) is made explicit by whoever waits for it, and then carries the
//! waiter's thread. Needs PROCESS, and SELECT on performance_schema.data_lock_waits (MariaDB:
//! information_schema.INNODB_LOCK_WAITS).

use std::collections::{BTreeSet, HashMap};

use strait_mysql::{
    client::{Conn, Queryable},
    server::{Flavor, ServerOptions, connect_session, read_facts},
};
use tokio::sync::Mutex;

use super::session::session;
use crate::error::Result;

const MYSQL_WAITS: &str = "SELECT r.trx_mysql_thread_id, b.trx_mysql_thread_id \
     FROM performance_schema.data_lock_waits w \
     JOIN information_schema.innodb_trx r ON r.trx_id = w.REQUESTING_ENGINE_TRANSACTION_ID \
     JOIN information_schema.innodb_trx b ON b.trx_id = w.BLOCKING_ENGINE_TRANSACTION_ID";
const MARIADB_WAITS: &str = "SELECT r.trx_mysql_thread_id, b.trx_mysql_thread_id \
     FROM information_schema.INNODB_LOCK_WAITS w \
     JOIN information_schema.INNODB_TRX r ON r.trx_id = w.requesting_trx_id \
     JOIN information_schema.INNODB_TRX b ON b.trx_id = w.blocking_trx_id";

/// A connection that looks at lock waits, where the account may.
#[derive(Debug)]
pub struct LockWatch {
    conn: Mutex<Conn>,
    query: &'static str,
}

impl LockWatch {
    /// `None`: the account has not the right to look.
    pub async fn open(options: &ServerOptions) -> Result<Option<Self>> {
        let mut conn = connect_session(options, &session(1)).await?;
        let query = match read_facts(&mut conn).await?.flavor {
            Flavor::Mysql => MYSQL_WAITS,
            Flavor::MariaDb => MARIADB_WAITS,
        };
        match conn.query_drop(query).await {
            Ok(()) => Ok(Some(Self { conn: Mutex::new(conn), query })),
            Err(error) => {
                tracing::warn!(
                    %error,
                    "cannot see lock waits at the target, so a lane in the way of another is found only after \
                     innodb_lock_wait_timeout = 1 s; to mend it: GRANT PROCESS ON *.* and \
                     GRANT SELECT ON performance_schema.* to the sink's account"
                );
                Ok(None)
            }
        }
    }

    /// The connections that `connection` waits for, also through others.
    pub async fn in_the_way_of(&self, connection: u64) -> Vec<u64> {
        let waits: Vec<(u64, u64)> = match self.conn.lock().await.query(self.query).await {
            Ok(waits) => waits,
            Err(error) => {
                tracing::warn!(%error, "looking for lock waits failed");
                return Vec::new();
            }
        };
        reachable(connection, &waits)
    }

    /// Keeps the session from being ended as idle.
    pub async fn ping(&self) {
        if let Err(error) = self.conn.lock().await.ping().await {
            tracing::warn!(%error, "the connection that looks at lock waits is gone");
        }
    }
}

fn reachable(from: u64, waits: &[(u64, u64)]) -> Vec<u64> {
    let mut blockers: HashMap<u64, Vec<u64>> = HashMap::new();
    for &(waiting, blocking) in waits {
        blockers.entry(waiting).or_default().push(blocking);
    }
    let (mut found, mut open) = (BTreeSet::new(), vec![from]);
    while let Some(at) = open.pop() {
        for &next in blockers.get(&at).into_iter().flatten() {
            if next != from && found.insert(next) {
                open.push(next);
            }
        }
    }
    found.into_iter().collect()
}

#[cfg(test)]
mod tests {
    use super::reachable;

    #[test]
    fn waits_are_followed_through_others_and_cycles_end() {
        let waits = [(1, 2), (2, 3), (3, 1), (7, 8)];
        assert_eq!(reachable(1, &waits), [2, 3]);
        assert_eq!(reachable(7, &waits), [8]);
        assert!(reachable(9, &waits).is_empty());
    }
}
