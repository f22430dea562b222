//! Who stands in the head's way: InnoDB's lock waits, followed from the head's connection.
//!
//! A wait is joined to connections through each transaction's table locks, not through the lock waited for: an
//! implicit lock (of a row just inserted) is made explicit by whoever waits for it, and then carries the
//! waiter's thread; a table lock is always made by its owner. Not through information_schema.INNODB_TRX either:
//! that is a copy, renewed only when nobody has read it for 100 ms, so looking often would show the past for
//! ever. Needs SELECT on performance_schema. MariaDB has only the copy: looks are 150 ms apart.

use std::{
    collections::{BTreeSet, HashMap},
    time::Duration,
};

use strait_mysql::{
    client::{ClientError, Conn, Queryable},
    server::{Flavor, ServerOptions, connect_session, read_facts},
};
use tokio::sync::Mutex;

use super::session::session;
use crate::error::{Error, Result};

const MYSQL_WAITS: &str = "SELECT DISTINCT r.PROCESSLIST_ID, b.PROCESSLIST_ID \
     FROM performance_schema.data_lock_waits w \
     JOIN performance_schema.data_locks rl \
       ON rl.ENGINE_TRANSACTION_ID = w.REQUESTING_ENGINE_TRANSACTION_ID AND rl.LOCK_TYPE = 'TABLE' \
     JOIN performance_schema.data_locks bl \
       ON bl.ENGINE_TRANSACTION_ID = w.BLOCKING_ENGINE_TRANSACTION_ID AND bl.LOCK_TYPE = 'TABLE' \
     JOIN performance_schema.threads r ON r.THREAD_ID = rl.THREAD_ID \
     JOIN performance_schema.threads b ON b.THREAD_ID = bl.THREAD_ID \
     WHERE r.PROCESSLIST_ID IS NOT NULL AND b.PROCESSLIST_ID IS NOT NULL";
const MARIADB_WAITS: &str = "SELECT r.trx_mysql_thread_id, b.trx_mysql_thread_id \
     FROM information_schema.INNODB_LOCK_WAITS w \
     JOIN information_schema.INNODB_TRX r ON r.trx_id = w.requesting_trx_id \
     JOIN information_schema.INNODB_TRX b ON b.trx_id = w.blocking_trx_id";

/// A look that takes longer is given up: what it would show has passed.
const LOOK: Duration = Duration::from_secs(1);

/// A connection that looks at lock waits, where the account may.
#[derive(Debug)]
pub struct LockWatch {
    server: ServerOptions,
    /// `None`: opened anew by the next look.
    conn: Mutex<Option<Conn>>,
    query: &'static str,
}

impl LockWatch {
    /// `None`: the account has not the right to look.
    pub async fn open(options: &ServerOptions) -> Result<Option<Self>> {
        let mut conn = connect_session(options, &session(1)).await?;
        let flavor = read_facts(&mut conn).await?.flavor;
        match look_for_waits(&mut conn, flavor).await {
            Ok(()) => {
                Ok(Some(Self { server: options.clone(), conn: Mutex::new(Some(conn)), query: query(flavor) }))
            }
            Err(error) => {
                tracing::warn!(
                    %error,
                    "cannot see lock waits at the target, so a lane in the way of another is found only after \
                     innodb_lock_wait_timeout = 1 s; to mend it: GRANT SELECT ON performance_schema.* \
                     to the sink's account (MariaDB: GRANT PROCESS ON *.*)"
                );
                Ok(None)
            }
        }
    }

    /// The connections that `connection` waits for, also through others.
    pub async fn in_the_way_of(&self, connection: u64) -> Vec<u64> {
        match tokio::time::timeout(LOOK, self.look()).await {
            Ok(Ok(waits)) => return reachable(connection, &waits),
            Ok(Err(error)) => tracing::warn!(%error, "looking for lock waits failed"),
            Err(_) => tracing::warn!("looking for lock waits took longer than {} s", LOOK.as_secs()),
        }
        Vec::new()
    }

    /// Who waits for whom. The connection of a look that failed, or was dropped half-way, is not used again.
    async fn look(&self) -> Result<Vec<(u64, u64)>> {
        let mut kept = self.conn.lock().await;
        let mut conn = match kept.take() {
            Some(conn) => conn,
            None => connect_session(&self.server, &session(1)).await?,
        };
        let waits = conn.query(self.query).await;
        let waits = waits.map_err(Error::target(&conn, "looking for lock waits"))?;
        *kept = Some(conn);
        Ok(waits)
    }

    /// Keeps the session from being ended as idle.
    pub async fn ping(&self) {
        let mut kept = self.conn.lock().await;
        let Some(mut conn) = kept.take() else { return };
        match tokio::time::timeout(LOOK, conn.ping()).await {
            Ok(Ok(())) => *kept = Some(conn),
            Ok(Err(error)) => tracing::debug!(%error, "the connection that looks at lock waits is gone"),
            Err(_) => tracing::debug!("the connection that looks at lock waits does not answer"),
        }
    }
}

fn query(flavor: Flavor) -> &'static str {
    match flavor {
        Flavor::Mysql => MYSQL_WAITS,
        Flavor::MariaDb => MARIADB_WAITS,
    }
}

/// Looks once: an error means that the account may not.
pub async fn look_for_waits(conn: &mut Conn, flavor: Flavor) -> Result<(), ClientError> {
    conn.query_drop(query(flavor)).await
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
