//! The reference for applying: MySQL's own replica of the same source, with four workers and every commit on disk.

use std::time::{Duration, Instant};

use anyhow::{Result, bail};
use mysql_async::{Conn, Opts, Row, prelude::Queryable};

use super::{
    base,
    load::{Table, set_durability},
    rig,
};
use crate::MySql;

pub const WORKERS: u32 = 4;
const PATIENCE: Duration = Duration::from_mins(30);

/// A replica that can be made to drain the same backlog again.
#[derive(Debug)]
pub struct NativeReplica {
    pub server: MySql,
    source: Opts,
    tables: Vec<Table>,
}

/// A backlog that it has drained.
#[derive(Debug, Clone, Copy)]
pub struct NativeDrain {
    pub elapsed: Duration,
    /// CPU time of its server.
    pub server: Duration,
}

impl NativeReplica {
    /// A new server, with these tables.
    pub async fn start(source: &MySql, tables: &[Table]) -> Result<Self> {
        let server = rig::server("replica", tables).await?;
        server.run([format!("SET GLOBAL replica_parallel_workers = {WORKERS}")]).await?;
        Ok(Self { server, source: rig::opts(source), tables: tables.to_vec() })
    }

    /// Its tables as they were, and only `executed` of the source taken as done; then from START REPLICA until it has executed
    /// `measured`. The rest, up to `whole`, follows without waiting for the disk: its rows are compared, its time is not.
    pub async fn drain(&self, executed: &str, measured: &str, whole: &str) -> Result<NativeDrain> {
        let mut conn = self.server.conn().await?;
        conn.query_drop("RESET REPLICA ALL").await?;
        base::restore(&self.server, &self.tables).await?;
        if !executed.is_empty() {
            conn.query_drop(format!("SET GLOBAL gtid_purged = '{executed}'")).await?;
        }
        conn.query_drop(format!(
            "CHANGE REPLICATION SOURCE TO SOURCE_HOST = '{}', SOURCE_PORT = {}, SOURCE_USER = '{}', \
             SOURCE_PASSWORD = '{}', SOURCE_AUTO_POSITION = 1, GET_SOURCE_PUBLIC_KEY = 1",
            self.source.ip_or_hostname(),
            self.source.tcp_port(),
            self.source.user().unwrap_or("root"),
            self.source.pass().unwrap_or_default(),
        ))
        .await?;
        let (before, started) = (self.server.usage()?.cpu, Instant::now());
        conn.query_drop("START REPLICA").await?;
        reach(&mut conn, measured).await?;
        let elapsed = started.elapsed();
        let server = self.server.usage()?.cpu.saturating_sub(before);
        if measured != whole {
            set_durability(&mut conn, 0).await?;
            reach(&mut conn, whole).await?;
            set_durability(&mut conn, 1).await?;
        }
        conn.query_drop("STOP REPLICA").await?;
        conn.disconnect().await?;
        Ok(NativeDrain { elapsed, server })
    }
}

async fn reach(conn: &mut Conn, goal: &str) -> Result<()> {
    let began = Instant::now();
    loop {
        let wait = format!("SELECT WAIT_FOR_EXECUTED_GTID_SET('{goal}', 2)");
        if conn.query_first::<u8, _>(wait).await? == Some(0) {
            return Ok(());
        }
        if let Some(fault) = fault(conn).await? {
            bail!("the native replica stopped: {fault}");
        }
        if began.elapsed() > PATIENCE {
            let done: Option<String> = conn.query_first("SELECT @@GLOBAL.gtid_executed").await?;
            bail!("the native replica has not reached {goal} after {PATIENCE:?}; it has {done:?}");
        }
    }
}

async fn fault(conn: &mut Conn) -> Result<Option<String>> {
    let Some(status) = conn.query_first::<Row, _>("SHOW REPLICA STATUS").await? else {
        bail!("the server is not a replica any more");
    };
    let text = |column: &str| status.get::<Option<String>, _>(column).flatten().unwrap_or_default();
    let faults = [text("Last_IO_Error"), text("Last_SQL_Error")];
    Ok(faults.into_iter().find(|fault| !fault.is_empty()))
}
