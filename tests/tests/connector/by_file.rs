//! A source without GTIDs: file and position.

use anyhow::{Context, Result};
use e2e::{MySql, MySqlOptions, eventually};
use mysql_async::{Row, prelude::Queryable};

use crate::{Pipe, Published};

const BY_FILE: [(&str, &str); 2] = [("source.position", "file"), ("snapshot.mode", "never")];

async fn without_gtids() -> Result<MySql> {
    MySql::start(MySqlOptions::named("file").args(["--gtid-mode=OFF", "--enforce-gtid-consistency=OFF"]))
        .await
}

async fn place(pipe: &Pipe) -> Result<(String, u64)> {
    let row: Option<Row> = pipe.mysql().conn().await?.query_first("SHOW BINARY LOG STATUS").await?;
    let row = row.context("a position")?;
    Ok((row.get(0).context("a file")?, row.get(1).context("a position")?))
}

/// Waits until everything in the binary log is published.
async fn published(pipe: &Pipe) -> Result<()> {
    let wanted = place(pipe).await?;
    eventually(std::time::Duration::from_secs(30), || async {
        let position = pipe.position().await.map_err(|error| error.to_string())?.ok_or("none yet")?;
        if (position.file.clone(), position.pos) >= wanted { Ok(()) } else { Err(format!("{position:?}")) }
    })
    .await
}

#[tokio::test]
async fn gtids_off_is_refused_unless_told_and_then_followed_by_file_and_position() -> Result<()> {
    let pipe = Pipe::own(without_gtids().await?, &[]).await?;
    let (status, words) = pipe.start_and_halt().await?;
    assert_eq!(status.code(), Some(2), "{words}");
    assert!(words.contains("source.position = \"file\""), "{words}");

    let pipe = pipe.with_settings(&[("source.position", "file"), ("snapshot.mode", "initial")]).await?;
    pipe.run(["CREATE TABLE t (id INT PRIMARY KEY)"]).await?;
    let (status, words) = pipe.start_and_halt().await?;
    assert_eq!(status.code(), Some(1), "{words}");
    assert!(words.contains("CREATE TABLE IF NOT EXISTS strait.watermark (server"), "{words}");
    let pipe = pipe.with_settings(&BY_FILE).await?;
    pipe.start().await?;
    pipe.run(["INSERT INTO t VALUES (1)", "FLUSH BINARY LOGS", "INSERT INTO t VALUES (2)"]).await?;
    published(&pipe).await?;
    pipe.connector.kill9().await?;
    pipe.run(["INSERT INTO t VALUES (3)"]).await?;
    pipe.start().await?;
    published(&pipe).await?;

    let records = pipe.table("t").await?;
    assert_eq!(records.iter().map(Published::op).collect::<Vec<_>>(), ["c", "c", "c"]);
    assert!(records.iter().all(|record| record.json()["source"]["gtid"].is_null()));
    let position = pipe.position().await?.context("a position")?;
    assert_eq!(position.gtid_set, None);
    let parts = pipe.parts().await?;
    assert!(parts.iter().all(|part| part.gtid.starts_with("file=binlog.")), "{parts:?}");
    pipe.connector.stop().await
}

#[tokio::test]
async fn another_server_cannot_be_followed() -> Result<()> {
    let pipe = Pipe::own(without_gtids().await?, &BY_FILE).await?;
    pipe.run(["CREATE TABLE t (id INT PRIMARY KEY)"]).await?;
    pipe.start().await?;
    pipe.run(["INSERT INTO t VALUES (1)"]).await?;
    published(&pipe).await?;
    pipe.connector.stop().await?;
    let moved = pipe.at(without_gtids().await?).await?;
    let (status, words) = moved.start_and_halt().await?;
    assert_eq!(status.code(), Some(1), "{words}");
    assert!(words.contains("this is another server") && words.contains("gtid_mode=ON"), "{words}");
    Ok(())
}

#[tokio::test]
async fn a_file_that_was_read_to_its_end_may_be_purged() -> Result<()> {
    let pipe = Pipe::own(without_gtids().await?, &BY_FILE).await?;
    pipe.run(["CREATE TABLE t (id INT PRIMARY KEY)"]).await?;
    pipe.start().await?;
    pipe.run(["INSERT INTO t VALUES (1)", "FLUSH BINARY LOGS"]).await?;
    let (newest, _) = place(&pipe).await?;
    eventually(std::time::Duration::from_secs(30), || async {
        let position = pipe.position().await.map_err(|error| error.to_string())?.ok_or("none yet")?;
        if position.file == newest { Ok(()) } else { Err(format!("{position:?}")) }
    })
    .await?;
    pipe.connector.stop().await?;
    pipe.run([format!("PURGE BINARY LOGS TO '{newest}'"), "INSERT INTO t VALUES (2)".to_owned()]).await?;
    pipe.start().await?;
    published(&pipe).await?;
    assert_eq!(pipe.table("t").await?.len(), 2);
    assert!(pipe.connector.words()?.contains("is purged at the source: it is not compared"));
    pipe.connector.stop().await
}
