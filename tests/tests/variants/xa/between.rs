//! What may come between PREPARE and COMMIT.

use std::time::Duration;

use anyhow::{Result, ensure};
use e2e::{Sites, SitesOptions, eventually, mysql::Flavor};
use mysql_async::{Row, prelude::Queryable};

use super::{TABLES, commit, prepare, rollback, start};
use crate::OneWay;

const READY: Duration = Duration::from_mins(1);
/// Rows of 300 kB.
const LARGE: u64 = 70;

#[tokio::test(flavor = "multi_thread")]
async fn kills_and_new_logs_between_the_phases() -> Result<()> {
    killed(Flavor::MySql).await
}

#[tokio::test(flavor = "multi_thread")]
async fn the_same_at_mariadb() -> Result<()> {
    killed(Flavor::MariaDb).await
}

async fn killed(flavor: Flavor) -> Result<()> {
    let one = start(flavor, "publish.bytes = '1MB'").await?;
    one.run(["INSERT INTO t VALUES (1, 'a'), (2, 'b')"]).await?;
    prepare(&one, "a", &["UPDATE t SET v = 'of a' WHERE id = 1", "INSERT INTO t VALUES (10, 'of a')"])
        .await?;
    prepare(&one, "b", &["DELETE FROM t WHERE id = 2"]).await?;
    // More than is kept in memory, and than goes into one transaction of Kafka.
    let large: Vec<String> = (0..LARGE)
        .map(|number| format!("INSERT INTO t VALUES ({}, REPEAT('x', 300000))", 100 + number))
        .collect();
    let large: Vec<&str> = large.iter().map(String::as_str).collect();
    prepare(&one, "large", &large).await?;
    one.run(["INSERT INTO t VALUES (3, 'c')"]).await?;
    one.arrives(3).await?;
    one.site().connector.kill9().await?;
    one.run(["FLUSH BINARY LOGS", "INSERT INTO t VALUES (4, 'd')", "FLUSH BINARY LOGS"]).await?;
    one.source().kill9().await?;
    one.source().boot().await?;
    one.site().connector.start_ready(READY).await?;
    one.run([commit("a"), rollback("b"), "UPDATE t SET v = 'after' WHERE id = 10".to_owned()]).await?;
    one.arrives(5).await?;
    // In the middle of what it publishes at the commit.
    one.run([commit("large"), "INSERT INTO t VALUES (5, 'e')".to_owned()]).await?;
    published(&one, 10).await?;
    one.site().connector.kill9().await?;
    one.site().connector.start_ready(READY).await?;
    one.arrives(6 + LARGE).await?;
    let words = one.site().connector.words()?;
    ensure!(words.contains("resuming the unfinished transaction"), "{words}");
    // One phase, and too large to be held.
    one.run([
        "XA START 'one'",
        "UPDATE t SET v = CONCAT(v, 'y') WHERE id >= 100",
        "XA END 'one'",
        "XA COMMIT 'one' ONE PHASE",
    ])
    .await?;
    one.arrives(6 + LARGE).await?;
    one.sites.stop().await
}

/// So many rows that were inserted, by this process.
async fn published(one: &OneWay, rows: u64) -> Result<()> {
    eventually(READY, || async {
        let metrics = one.site().connector.metrics().await.map_err(|error| error.to_string())?;
        match metrics.sum_where("strait_connector_rows_total", &[("op", "c")]) {
            Some(seen) if seen >= rows as f64 => Ok(()),
            seen => Err(format!("{seen:?}")),
        }
    })
    .await
}

async fn logs(one: &OneWay) -> Result<Vec<String>> {
    let rows: Vec<Row> = one.source().conn().await?.query("SHOW BINARY LOGS").await?;
    Ok(rows.iter().filter_map(|row| row.get(0)).collect())
}

/// Until the server has let go of the readers that have them open.
async fn purge(one: &OneWay) -> Result<()> {
    one.run(["FLUSH BINARY LOGS"]).await?;
    let last = logs(one).await?.pop().unwrap_or_default();
    eventually(Duration::from_secs(30), || async {
        let purged = one.run([format!("PURGE BINARY LOGS TO '{last}'")]).await;
        let left = logs(one).await.map_err(|error| error.to_string())?;
        if purged.is_ok() && left.len() == 1 { Ok(()) } else { Err(format!("{left:?}")) }
    })
    .await
}

#[tokio::test(flavor = "multi_thread")]
async fn a_purged_log_is_told_with_the_identifier() -> Result<()> {
    let one = start(Flavor::MySql, "").await?;
    prepare(&one, "kept", &["INSERT INTO t VALUES (1, 'kept')"]).await?;
    prepare(&one, "undone", &["INSERT INTO t VALUES (2, 'undone')"]).await?;
    one.run(["INSERT INTO t VALUES (3, 'c')"]).await?;
    one.arrives(1).await?;
    let file = logs(&one).await?.pop().unwrap_or_default();
    purge(&one).await?;
    // It is still in memory.
    one.run([commit("kept"), "INSERT INTO t VALUES (4, 'd')".to_owned()]).await?;
    one.arrives(3).await?;
    prepare(&one, "gone", &["INSERT INTO t VALUES (5, 'gone')"]).await?;
    one.run(["INSERT INTO t VALUES (6, 'f')"]).await?;
    one.arrives(4).await?;
    one.site().connector.stop().await?;
    let gone_with = logs(&one).await?.pop().unwrap_or_default();
    assert_ne!(file, gone_with);
    purge(&one).await?;
    one.site().connector.start_ready(READY).await?;
    one.run([rollback("undone"), "INSERT INTO t VALUES (7, 'g')".to_owned()]).await?;
    one.arrives(5).await?;
    one.run([commit("gone"), "INSERT INTO t VALUES (8, 'h')".to_owned()]).await?;
    let says = [
        "XA COMMIT X'676f6e65',X'6272616e6368',7",
        &format!("in {gone_with}, which is purged"),
        "binlog_expire_logs_seconds",
    ];
    one.halts(&says).await?;
    one.site().connector.start()?;
    one.halts(&says).await
}

#[tokio::test(flavor = "multi_thread")]
async fn what_was_prepared_before_the_first_start_is_found() -> Result<()> {
    before_the_start(Flavor::MySql, false).await
}

#[tokio::test(flavor = "multi_thread")]
async fn so_it_is_at_mariadb() -> Result<()> {
    before_the_start(Flavor::MariaDb, false).await
}

/// A snapshot does not see what is prepared.
#[tokio::test(flavor = "multi_thread")]
async fn a_snapshot_and_what_was_prepared_before_it() -> Result<()> {
    before_the_start(Flavor::MySql, true).await
}

#[tokio::test(flavor = "multi_thread")]
async fn a_snapshot_of_mariadb_and_what_was_prepared_before_it() -> Result<()> {
    before_the_start(Flavor::MariaDb, true).await
}

async fn before_the_start(flavor: Flavor, snapshot: bool) -> Result<()> {
    let mode = if snapshot { "initial" } else { "never" };
    let options =
        SitesOptions { flavors: [flavor; 2], ..OneWay::options(&[], &format!("snapshot.mode = '{mode}'")) };
    let one = OneWay { sites: Sites::boot(&options).await? };
    let before = ["CREATE DATABASE v", TABLES[0], TABLES[1], "INSERT INTO v.t VALUES (1, 'a'), (2, 'b')"];
    if snapshot {
        one.source().run(before).await?;
    } else {
        one.sites.run_at_both(&before).await?;
    }
    // Ended, and used again.
    prepare(&one, "a", &["DELETE FROM t WHERE id = 1"]).await?;
    one.run([rollback("a")]).await?;
    prepare(&one, "a", &["UPDATE t SET v = 'of a' WHERE id = 1"]).await?;
    prepare(&one, "b", &["INSERT INTO t VALUES (3, 'of b')"]).await?;
    prepare(&one, "undone", &["INSERT INTO t VALUES (4, 'undone')"]).await?;
    one.run(["FLUSH BINARY LOGS"]).await?;
    prepare(&one, "c", &["DELETE FROM t WHERE id = 2"]).await?;
    one.site().connector.start_ready(READY).await?;
    one.sites.sites[1].sink.start_ready(READY).await?;
    one.run(["INSERT INTO t VALUES (5, 'e')"]).await?;
    equal(&one, 3).await?;
    one.run([&commit("a"), &commit("c"), "UPDATE t SET v = CONCAT(v, ', after') WHERE id = 1"]).await?;
    one.run([rollback("undone"), commit("b")]).await?;
    equal(&one, 3).await
}

/// With nobody on the way back.
async fn equal(one: &OneWay, rows: u64) -> Result<()> {
    let compared = one.sites.quiet(&["v"], READY).await?;
    ensure!(compared.equal() && compared.rows == rows, "{compared}\n{}", one.sites.last_words());
    one.sites.nothing_repaired_at(1).await
}

#[tokio::test(flavor = "multi_thread")]
async fn a_snapshot_is_read_while_they_are_committed() -> Result<()> {
    while_read(Flavor::MySql).await
}

#[tokio::test(flavor = "multi_thread")]
async fn one_of_mariadb_is_too() -> Result<()> {
    while_read(Flavor::MariaDb).await
}

async fn while_read(flavor: Flavor) -> Result<()> {
    let options = SitesOptions {
        flavors: [flavor; 2],
        ..OneWay::options(&[], "snapshot.mode = 'initial'\nsnapshot.chunk_rows = 50")
    };
    let one = OneWay { sites: Sites::boot(&options).await? };
    let rows: Vec<String> = (0..5000).map(|id| format!("({id}, 'before')")).collect();
    let insert = format!("INSERT INTO v.t VALUES {}", rows.join(", "));
    one.source().run(["CREATE DATABASE v", TABLES[0], TABLES[1], &insert]).await?;
    one.site().connector.start_ready(READY).await?;
    one.sites.sites[1].sink.start_ready(READY).await?;
    let mut conn = one.source().conn_to("v").await?;
    let (mut number, mut random) = (0_u32, fastrand::Rng::with_seed(9));
    while !one.site().connector.words()?.contains("the snapshot is complete") {
        number += 1;
        let end = if random.u8(0..4) == 0 { "ROLLBACK" } else { "COMMIT" };
        for statement in [
            format!("XA START '{number}'"),
            format!("UPDATE t SET v = 'of {number}' WHERE id = {}", random.u32(0..5000)),
            format!("XA END '{number}'"),
            format!("XA PREPARE '{number}'"),
            format!("XA {end} '{number}'"),
        ] {
            conn.query_drop(statement).await?;
        }
        one.site().connector.running()?;
    }
    println!("{number} transactions meanwhile");
    equal(&one, 5000).await
}
