//! MariaDB: from a source to its replica, by GTID.

use std::time::Duration;

use anyhow::{Context, Result};
use e2e::{MySql, MySqlOptions, eventually};
use mysql_async::{Row, prelude::Queryable};

use crate::Pipe;

const SOON: Duration = Duration::from_secs(60);

async fn server(name: &str) -> Result<MySql> {
    MySql::start(MySqlOptions::mariadb(name).args(["--log-slave-updates=ON"])).await
}

/// Makes `replica` follow `primary` from the beginning of its log.
async fn follow(replica: &MySql, primary: &MySql) -> Result<()> {
    replica
        .run([
            format!(
                "CHANGE MASTER TO MASTER_HOST = '127.0.0.1', MASTER_PORT = {}, MASTER_USER = 'root', \
                 MASTER_CONNECT_RETRY = 1, MASTER_USE_GTID = slave_pos",
                primary.port()
            ),
            "START SLAVE".to_owned(),
        ])
        .await
}

async fn promote(replica: &MySql) -> Result<()> {
    replica.run(["STOP SLAVE", "RESET SLAVE ALL"]).await
}

/// Waits until the replica has executed what the primary has.
async fn caught_up(primary: &MySql, replica: &MySql) -> Result<()> {
    let position = "SELECT @@GLOBAL.gtid_binlog_pos";
    let goal: Option<String> = primary.conn().await?.query_first(position).await?;
    eventually(SOON, || async {
        let mut conn = replica.conn().await.map_err(|error| error.to_string())?;
        let found: Option<String> = conn.query_first(position).await.map_err(|error| error.to_string())?;
        if found == goal {
            return Ok(());
        }
        let status: Option<Row> =
            conn.query_first("SHOW SLAVE STATUS").await.map_err(|error| error.to_string())?;
        Err(format!("{found:?} of {goal:?}: {status:?}"))
    })
    .await
}

#[tokio::test]
async fn a_replica_that_has_everything_is_followed() -> Result<()> {
    let (primary, replica) = (server("primary").await?, server("replica").await?);
    follow(&replica, &primary).await?;
    let pipe = Pipe::own(primary, &[]).await?;
    pipe.run(["CREATE TABLE t (id INT PRIMARY KEY, v INT)"]).await?;
    pipe.start().await?;
    for id in 0..20 {
        pipe.run([format!("INSERT INTO t VALUES ({id}, 0)")]).await?;
    }
    pipe.published().await?;
    caught_up(pipe.mysql(), &replica).await?;
    pipe.connector.kill9().await?;
    pipe.mysql().kill9().await?;
    promote(&replica).await?;
    let moved = pipe.at(replica).await?;
    moved.start().await?;
    for id in 20..40 {
        moved.run([format!("INSERT INTO t VALUES ({id}, 1)")]).await?;
    }
    moved.published().await?;
    assert_eq!(moved.table("t").await?.len(), 40, "nothing lost, nothing twice");
    let words = moved.connector.words()?;
    assert!(words.contains("another server: it holds everything that was published"), "{words}");
    assert!(words.contains("the last transaction that was read is unchanged at the source"), "{words}");
    // And once more, now that two servers have written in the domain.
    moved.connector.stop().await?;
    moved.run(["INSERT INTO t VALUES (40, 2)"]).await?;
    moved.start().await?;
    moved.published().await?;
    assert_eq!(moved.table("t").await?.len(), 41);
    moved.connector.stop().await
}

#[tokio::test]
async fn a_replica_that_lacks_the_tail_halts_with_it_though_its_own_numbers_are_greater() -> Result<()> {
    let (primary, replica) = (server("primary").await?, server("replica").await?);
    follow(&replica, &primary).await?;
    let pipe = Pipe::own(primary, &[]).await?;
    pipe.run(["CREATE TABLE t (id INT PRIMARY KEY, v INT)", "INSERT INTO t VALUES (0, 0)"]).await?;
    pipe.start().await?;
    caught_up(pipe.mysql(), &replica).await?;
    promote(&replica).await?;
    pipe.run(["INSERT INTO t VALUES (1, 0)"]).await?;
    pipe.published().await?;
    let tail: Option<String> = pipe.conn().await?.query_first("SELECT @@GLOBAL.gtid_binlog_pos").await?;
    let tail = tail.context("a position")?;
    pipe.connector.stop().await?;
    // More than what was lost: by number alone nothing would be missing.
    let database = pipe.database.clone();
    for id in 10..20 {
        replica.run([format!("INSERT INTO {database}.t VALUES ({id}, 1)")]).await?;
    }
    let moved = pipe.at(replica).await?;
    let (status, words) = moved.start_and_halt().await?;
    assert_eq!(status.code(), Some(1), "{words}");
    assert!(words.contains(&format!("missing here: {tail}")), "{words}");
    assert!(words.contains("another server"), "{words}");
    assert_eq!(moved.table("t").await?.len(), 1, "nothing of the new history was published");
    Ok(())
}
