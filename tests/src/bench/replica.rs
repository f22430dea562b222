//! The reference for applying: MySQL's own replica of the same source, with four workers and every commit on disk.

use std::time::{Duration, Instant};

use anyhow::{Context, Result, bail};
use mysql_async::{Conn, Opts, Row, prelude::Queryable};

pub const WORKERS: u32 = 4;

/// A replica that has been told its source, and stands still.
#[derive(Debug)]
pub struct NativeReplica {
    server: Opts,
}

impl NativeReplica {
    /// `executed`: the transactions of the source which the replica takes as done.
    pub async fn attach(server: &Opts, source: &Opts, executed: &str) -> Result<Self> {
        let mut conn = Conn::new(server.clone()).await.context("connecting to the replica")?;
        for setting in ["sync_binlog = 1", "innodb_flush_log_at_trx_commit = 1"] {
            conn.query_drop(format!("SET GLOBAL {setting}")).await?;
        }
        conn.query_drop(format!("SET GLOBAL replica_parallel_workers = {WORKERS}")).await?;
        if !executed.is_empty() {
            conn.query_drop(format!("SET GLOBAL gtid_purged = '+{executed}'")).await?;
        }
        conn.query_drop(format!(
            "CHANGE REPLICATION SOURCE TO SOURCE_HOST = '{}', SOURCE_PORT = {}, SOURCE_USER = '{}', \
             SOURCE_PASSWORD = '{}', SOURCE_AUTO_POSITION = 1, GET_SOURCE_PUBLIC_KEY = 1",
            source.ip_or_hostname(),
            source.tcp_port(),
            source.user().unwrap_or("root"),
            source.pass().unwrap_or_default(),
        ))
        .await?;
        conn.disconnect().await?;
        Ok(Self { server: server.clone() })
    }

    /// From START REPLICA until it has executed `goal`, then stops it.
    pub async fn drain(&self, goal: &str, limit: Duration) -> Result<Duration> {
        let mut conn = Conn::new(self.server.clone()).await?;
        let started = Instant::now();
        conn.query_drop("START REPLICA").await?;
        loop {
            let wait = format!("SELECT WAIT_FOR_EXECUTED_GTID_SET('{goal}', 2)");
            if conn.query_first::<u8, _>(wait).await? == Some(0) {
                break;
            }
            if let Some(fault) = self.fault(&mut conn).await? {
                bail!("the native replica stopped: {fault}");
            }
            if started.elapsed() > limit {
                let done: Option<String> = conn.query_first("SELECT @@GLOBAL.gtid_executed").await?;
                bail!("the native replica has not reached {goal} after {limit:?}; it has {done:?}");
            }
        }
        let elapsed = started.elapsed();
        conn.query_drop("STOP REPLICA").await?;
        conn.disconnect().await?;
        Ok(elapsed)
    }

    async fn fault(&self, conn: &mut Conn) -> Result<Option<String>> {
        let Some(status) = conn.query_first::<Row, _>("SHOW REPLICA STATUS").await? else {
            bail!("the server is not a replica any more");
        };
        let text = |column: &str| status.get::<Option<String>, _>(column).flatten().unwrap_or_default();
        let faults = [text("Last_IO_Error"), text("Last_SQL_Error")];
        Ok(faults.into_iter().find(|fault| !fault.is_empty()))
    }
}
