//! The source dies under load, and its semi-synchronous replica takes over: what was acknowledged to an application is
//! published, nothing is published twice, and what is published is what the new source holds.

use std::{
    collections::BTreeSet,
    sync::{Arc, Mutex},
    time::Duration,
};

use anyhow::{Context, Result, ensure};
use e2e::{MySql, MySqlOptions, eventually, mysql::Flavor};
use mysql_async::{Row, prelude::Queryable};
use strait_mysql::gtid::GtidSet;

use crate::Pipe;

const SOON: Duration = Duration::from_secs(60);
const WRITERS: u64 = 4;
const ACKNOWLEDGED: usize = 300;

async fn server(flavor: Flavor, name: &str) -> Result<MySql> {
    MySql::start(MySqlOptions { flavor, ..MySqlOptions::named(name) }.args(["--log-slave-updates=ON"])).await
}

/// Makes `replica` follow `primary`, which waits for it before it commits: a replica that was there before would not be
/// asked to acknowledge.
async fn join(primary: &MySql, replica: &MySql) -> Result<()> {
    let port = primary.port();
    let (at_primary, at_replica): (&[&str], [String; 3]) = match primary.flavor() {
        Flavor::MySql => (
            &[
                "INSTALL PLUGIN rpl_semi_sync_source SONAME 'semisync_source.so'",
                "SET GLOBAL rpl_semi_sync_source_timeout = 3600000",
                "SET GLOBAL rpl_semi_sync_source_wait_point = 'AFTER_SYNC'",
                "SET GLOBAL rpl_semi_sync_source_enabled = ON",
            ],
            [
                "SET GLOBAL rpl_semi_sync_replica_enabled = ON".to_owned(),
                format!(
                    "CHANGE REPLICATION SOURCE TO SOURCE_HOST = '127.0.0.1', SOURCE_PORT = {port}, SOURCE_USER = 'root', \
                     SOURCE_AUTO_POSITION = 1, GET_SOURCE_PUBLIC_KEY = 1"
                ),
                "START REPLICA".to_owned(),
            ],
        ),
        Flavor::MariaDb => (
            &[
                "SET GLOBAL rpl_semi_sync_master_timeout = 3600000",
                "SET GLOBAL rpl_semi_sync_master_wait_point = 'AFTER_SYNC'",
                "SET GLOBAL rpl_semi_sync_master_enabled = ON",
            ],
            [
                "SET GLOBAL rpl_semi_sync_slave_enabled = ON".to_owned(),
                format!(
                    "CHANGE MASTER TO MASTER_HOST = '127.0.0.1', MASTER_PORT = {port}, MASTER_USER = 'root', \
                     MASTER_USE_GTID = slave_pos"
                ),
                "START SLAVE".to_owned(),
            ],
        ),
    };
    if replica.flavor() == Flavor::MySql {
        replica
            .run(["SET sql_log_bin = 0", "INSTALL PLUGIN rpl_semi_sync_replica SONAME 'semisync_replica.so'"])
            .await?;
    }
    primary.run(at_primary).await?;
    replica.run(at_replica).await
}

/// Waits until all that was received is applied, then makes it a server of its own.
async fn promote(replica: &MySql) -> Result<()> {
    let (stop, status, received, executed, reset) = match replica.flavor() {
        Flavor::MySql => (
            "STOP REPLICA IO_THREAD",
            "SHOW REPLICA STATUS",
            "Retrieved_Gtid_Set",
            "SELECT @@GLOBAL.gtid_executed",
            ["STOP REPLICA", "RESET REPLICA ALL"],
        ),
        Flavor::MariaDb => (
            "STOP SLAVE IO_THREAD",
            "SHOW SLAVE STATUS",
            "Gtid_IO_Pos",
            "SELECT @@GLOBAL.gtid_slave_pos",
            ["STOP SLAVE", "RESET SLAVE ALL"],
        ),
    };
    replica.run([stop]).await?;
    eventually(SOON, || async {
        let (received, executed) =
            gtids(replica, status, received, executed).await.map_err(|error| error.to_string())?;
        if executed.contains_set(&received) { Ok(()) } else { Err(format!("{executed} of {received}")) }
    })
    .await?;
    replica.run(reset).await
}

async fn gtids(replica: &MySql, status: &str, received: &str, executed: &str) -> Result<(GtidSet, GtidSet)> {
    let mut conn = replica.conn().await?;
    let row: Option<Row> = conn.query_first(status).await?;
    let received: Option<String> =
        row.context("it is no replica")?.get(received).context("no such column")?;
    let executed: Option<String> = conn.query_first(executed).await?;
    Ok((received.unwrap_or_default().parse()?, executed.unwrap_or_default().parse()?))
}

/// Inserts until the server is gone; the ids that it has acknowledged.
async fn write(
    pipe: &Pipe,
    writer: u64,
    acknowledged: Arc<Mutex<Vec<u64>>>,
) -> Result<tokio::task::JoinHandle<()>> {
    let mut conn = pipe.conn().await?;
    Ok(tokio::spawn(async move {
        for number in 0.. {
            let id = writer * 1_000_000 + number;
            if conn.query_drop(format!("INSERT INTO t VALUES ({id}, 'of writer {writer}')")).await.is_err() {
                return;
            }
            acknowledged.lock().expect("no one panics with it").push(id);
        }
    }))
}

async fn a_primary_dies_under_load(flavor: Flavor) -> Result<()> {
    let (primary, replica) = (server(flavor, "primary").await?, server(flavor, "replica").await?);
    join(&primary, &replica).await?;
    let pipe = Pipe::own(primary, &[]).await?;
    pipe.run(["CREATE TABLE t (id BIGINT PRIMARY KEY, v VARCHAR(50))"]).await?;
    pipe.start().await?;
    let acknowledged = Arc::new(Mutex::new(Vec::new()));
    let mut writers = Vec::new();
    for writer in 1..=WRITERS {
        writers.push(write(&pipe, writer, Arc::clone(&acknowledged)).await?);
    }
    let written = || acknowledged.lock().expect("no one panics with it").len();
    eventually(SOON, || async { if written() >= ACKNOWLEDGED { Ok(()) } else { Err(written()) } }).await?;
    // It has published some of it, and is in the midst of the rest.
    eventually(SOON, || async {
        let begun = pipe.table("t").await.map_err(|error| error.to_string())?.len();
        if begun > 0 { Ok(()) } else { Err("nothing published".to_owned()) }
    })
    .await?;
    pipe.mysql().kill9().await?;
    for writer in writers {
        writer.await?;
    }
    pipe.connector.kill9().await?;
    promote(&replica).await?;
    let moved = pipe.at(replica).await?;
    moved.start().await?;
    moved.run(["INSERT INTO t VALUES (7, 'after the failover')"]).await?;
    moved.published().await?;

    let records = moved.table("t").await?;
    let ids: Vec<u64> = records.iter().filter_map(|record| record.json()["after"]["id"].as_u64()).collect();
    let published: BTreeSet<u64> = ids.iter().copied().collect();
    ensure!(ids.len() == published.len(), "{} records of {} rows", ids.len(), published.len());
    let held: Vec<u64> = moved.conn().await?.query("SELECT id FROM t").await?;
    ensure!(published == held.into_iter().collect(), "published is not what the new source holds");
    let acknowledged = acknowledged.lock().expect("no one panics with it").clone();
    let lost: Vec<_> = acknowledged.iter().filter(|id| !published.contains(id)).collect();
    ensure!(lost.is_empty(), "acknowledged and lost: {lost:?}");
    moved.connector.stop().await
}

#[tokio::test(flavor = "multi_thread")]
async fn mysql_under_after_sync_loses_and_doubles_nothing() -> Result<()> {
    a_primary_dies_under_load(Flavor::MySql).await
}

#[tokio::test(flavor = "multi_thread")]
async fn mariadb_under_after_sync_loses_and_doubles_nothing() -> Result<()> {
    a_primary_dies_under_load(Flavor::MariaDb).await
}
