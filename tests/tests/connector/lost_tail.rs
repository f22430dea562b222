//! A source that no longer has what was published, and one that does not have it yet.

use std::time::Duration;

use anyhow::{Context, Result};
use e2e::{MySql, MySqlOptions, eventually};
use mysql_async::prelude::Queryable;

use crate::{Pipe, Published};

const SOON: Duration = Duration::from_secs(30);

async fn server(name: &str) -> Result<MySql> {
    MySql::start(MySqlOptions::named(name)).await
}

#[tokio::test]
async fn another_server_that_lacks_what_was_published_halts_with_the_difference() -> Result<()> {
    let pipe = Pipe::own(server("old").await?, &[]).await?;
    pipe.run(["CREATE TABLE t (id INT PRIMARY KEY)", "INSERT INTO t VALUES (1)"]).await?;
    pipe.start().await?;
    pipe.run(["INSERT INTO t VALUES (2)"]).await?;
    pipe.published().await?;
    pipe.connector.stop().await?;
    let executed = pipe.executed().await?.to_string();
    let uuid = executed.split(':').next().context("a set")?.to_owned();

    // The failover: all but the last transaction arrived.
    let (uuid_of, last) = executed.rsplit_once('-').context("an interval")?;
    let without_last = format!("{uuid_of}-{}", last.parse::<u64>()? - 1);
    let survivor = server("new").await?;
    survivor
        .run(["RESET BINARY LOGS AND GTIDS".to_owned(), format!("SET GLOBAL gtid_purged = '{without_last}'")])
        .await?;
    let moved = pipe.at(survivor).await?;
    let (status, words) = moved.start_and_halt().await?;
    assert_eq!(status.code(), Some(1), "{words}");
    assert!(words.contains(&format!("missing here: {uuid}:{last}")), "{words}");
    assert!(
        words.contains("another server") && words.contains("start anew with another `prefix`"),
        "{words}"
    );
    Ok(())
}

#[tokio::test]
async fn a_server_that_lost_its_tail_and_gave_the_numbers_again_halts() -> Result<()> {
    let pipe = Pipe::own(server("reused").await?, &[]).await?;
    pipe.run(["CREATE TABLE t (id INT PRIMARY KEY)"]).await?;
    pipe.start().await?;
    let before = pipe.executed().await?.to_string();
    pipe.run(["INSERT INTO t VALUES (1)"]).await?;
    pipe.published().await?;
    pipe.connector.stop().await?;
    // As after a crash that lost the newest transaction: its number is given to another one.
    let database = pipe.database.clone();
    pipe.mysql()
        .run([
            "RESET BINARY LOGS AND GTIDS".to_owned(),
            format!("SET GLOBAL gtid_purged = '{before}'"),
            format!("INSERT INTO {database}.t VALUES (2)"),
        ])
        .await?;
    let (status, words) = pipe.start_and_halt().await?;
    assert_eq!(status.code(), Some(1), "{words}");
    assert!(words.contains("is not the one that was published under this name"), "{words}");
    assert!(words.contains("sync_binlog"), "{words}");
    assert_eq!(pipe.table("t").await?.len(), 1, "nothing more was published");
    Ok(())
}

#[tokio::test]
async fn a_purged_position_halts_with_what_is_gone() -> Result<()> {
    let pipe = Pipe::own(server("purged").await?, &[]).await?;
    pipe.run(["CREATE TABLE t (id INT PRIMARY KEY)"]).await?;
    pipe.start().await?;
    pipe.published().await?;
    pipe.connector.stop().await?;
    pipe.run([
        "INSERT INTO t VALUES (1)",
        "FLUSH BINARY LOGS",
        "PURGE BINARY LOGS BEFORE NOW() + INTERVAL 1 DAY",
    ])
    .await?;
    let (status, words) = pipe.start_and_halt().await?;
    assert_eq!(status.code(), Some(1), "{words}");
    assert!(words.contains("purged binary logs that were not read yet; gone: "), "{words}");
    assert!(words.contains("binlog_expire_logs_seconds"), "{words}");
    Ok(())
}

/// Semi-synchronous AFTER_SYNC without a replica that acknowledges: a transaction is in the binary log, and streamed,
/// but not executed.
async fn hold_commits(mysql: &MySql) -> Result<()> {
    mysql
        .run([
            "INSTALL PLUGIN rpl_semi_sync_source SONAME 'semisync_source.so'",
            "SET GLOBAL rpl_semi_sync_source_timeout = 3600000",
            "SET GLOBAL rpl_semi_sync_source_wait_no_replica = ON",
            "SET GLOBAL rpl_semi_sync_source_wait_point = 'AFTER_SYNC'",
            "SET GLOBAL rpl_semi_sync_source_enabled = ON",
        ])
        .await
}

async fn release_commits(mysql: &MySql) -> Result<()> {
    mysql.run(["SET GLOBAL rpl_semi_sync_source_enabled = OFF"]).await
}

/// Inserts without waiting for the end of it.
async fn insert_held(pipe: &Pipe, id: u32) -> Result<tokio::task::JoinHandle<()>> {
    let mut conn = pipe.conn().await?;
    Ok(tokio::spawn(async move {
        let _ = conn.query_drop(format!("INSERT INTO t VALUES ({id})")).await;
    }))
}

async fn says(pipe: &Pipe, what: &str) -> Result<()> {
    eventually(SOON, || async {
        let status = pipe.connector.status().await.map_err(|error| error.to_string())?.to_string();
        if status.contains(what) { Ok(()) } else { Err(status) }
    })
    .await
}

#[tokio::test]
async fn under_after_sync_a_transaction_is_published_once_it_is_executed() -> Result<()> {
    let pipe = Pipe::own(server("after-sync").await?, &[]).await?;
    pipe.run(["CREATE TABLE t (id INT PRIMARY KEY)"]).await?;
    hold_commits(pipe.mysql()).await?;
    pipe.start().await?;
    let held = insert_held(&pipe, 1).await?;
    says(&pipe, "waiting for the source to execute").await?;
    assert!(pipe.table("t").await?.is_empty());
    release_commits(pipe.mysql()).await?;
    held.await?;
    pipe.published().await?;
    assert_eq!(pipe.table("t").await?.len(), 1);
    pipe.connector.stop().await
}

#[tokio::test]
async fn what_was_published_before_it_was_executed_is_waited_for_after_a_restart() -> Result<()> {
    let pipe = Pipe::own(server("not-yet").await?, &[("publish.when", "immediately")]).await?;
    pipe.run(["CREATE TABLE t (id INT PRIMARY KEY)"]).await?;
    pipe.start().await?;
    hold_commits(pipe.mysql()).await?;
    let held = insert_held(&pipe, 1).await?;
    eventually(SOON, || async {
        let records = pipe.table("t").await.map_err(|error| error.to_string())?;
        if records.len() == 1 { Ok(()) } else { Err("not published yet".to_owned()) }
    })
    .await?;
    pipe.connector.kill9().await?;
    pipe.connector.start()?;
    says(&pipe, "it was streamed and published, but is not in gtid_executed (yet)").await?;
    release_commits(pipe.mysql()).await?;
    held.await?;
    pipe.run(["INSERT INTO t VALUES (2)"]).await?;
    pipe.published().await?;
    let records = pipe.table("t").await?;
    assert_eq!(records.iter().map(Published::op).collect::<Vec<_>>(), ["c", "c"], "each once");
    pipe.connector.stop().await
}

#[tokio::test]
async fn a_server_that_never_executes_it_has_lost_it() -> Result<()> {
    let pipe = Pipe::own(
        server("never").await?,
        &[("publish.when", "immediately"), ("source.executed_timeout", "2s")],
    )
    .await?;
    pipe.run(["CREATE TABLE t (id INT PRIMARY KEY)"]).await?;
    pipe.start().await?;
    pipe.run(["INSERT INTO t VALUES (1)"]).await?;
    pipe.published().await?;
    pipe.connector.stop().await?;
    pipe.mysql().run(["RESET BINARY LOGS AND GTIDS"]).await?;
    let (status, words) = pipe.start_and_halt().await?;
    assert_eq!(status.code(), Some(1), "{words}");
    assert!(words.contains("the server has lost transactions that were published"), "{words}");
    assert!(words.contains("missing here: "), "{words}");
    Ok(())
}
