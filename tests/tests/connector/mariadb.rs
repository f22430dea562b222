//! MariaDB as the source: what is its own in log, GTIDs and values.

use std::time::Duration;

use anyhow::{Context, Result};
use e2e::{MySql, MySqlOptions, eventually};
use mysql_async::prelude::Queryable;
use strait_schemas::{Flavor, PartEnd};

use crate::{Pipe, Published};

const SOON: Duration = Duration::from_secs(30);

async fn mariadb(name: &str, args: &[&str]) -> Result<MySql> {
    MySql::start(MySqlOptions::mariadb(name).args(args.iter().copied())).await
}

/// The rows as they are after all changes: `id:v` of what is there.
fn rows(records: &[Published]) -> Vec<String> {
    let mut rows = std::collections::BTreeMap::new();
    for record in records {
        let json = record.json();
        match record.op().as_str() {
            "c" | "u" => {
                let after = &json["after"];
                rows.insert(after["id"].as_i64(), format!("{}:{}", after["id"], after["v"]));
            }
            "d" => drop(rows.remove(&json["before"]["id"].as_i64())),
            _ => {}
        }
    }
    rows.into_values().collect()
}

#[tokio::test]
async fn what_is_compressed_in_the_log_is_published_like_the_rest() -> Result<()> {
    let compress = ["--log-bin-compress=ON", "--log-bin-compress-min-len=10"];
    let pipe = Pipe::own(mariadb("compressed", &compress).await?, &[]).await?;
    pipe.run(["CREATE TABLE t (id INT PRIMARY KEY, v VARCHAR(100))"]).await?;
    pipe.start().await?;
    pipe.run([
        "INSERT INTO t VALUES (1, REPEAT('a', 50)), (2, REPEAT('b', 50)), (3, REPEAT('c', 50))",
        "UPDATE t SET v = REPEAT('d', 60) WHERE id < 3",
        "DELETE FROM t WHERE id = 2",
        "INSERT INTO t VALUES (4, 'x')",
    ])
    .await?;
    let mut conn = pipe.conn().await?;
    let kinds: Vec<mysql_async::Row> = conn.query("SHOW BINLOG EVENTS").await?;
    for kind in [
        "Query_compressed",
        "Write_rows_compressed_v1",
        "Update_rows_compressed_v1",
        "Delete_rows_compressed_v1",
    ] {
        let there = kinds.iter().any(|row| row.get::<String, _>(2).is_some_and(|found| found == kind));
        assert!(there, "the server wrote no {kind}");
    }
    pipe.published().await?;
    let records = pipe.table("t").await?;
    let ops: Vec<_> = records.iter().map(Published::op).collect();
    assert_eq!(ops, ["c", "c", "c", "u", "u", "d", "tombstone", "c"]);
    let (a, c) = ("d".repeat(60), "c".repeat(50));
    assert_eq!(rows(&records), [format!("1:\"{a}\""), format!("3:\"{c}\""), "4:\"x\"".to_owned()]);
    pipe.connector.stop().await
}

#[tokio::test]
async fn values_of_its_own_types_come_as_what_they_are() -> Result<()> {
    let pipe = Pipe::own(mariadb("types", &[]).await?, &[]).await?;
    pipe.run([
        "CREATE TABLE t (id INT PRIMARY KEY, u UUID, i4 INET4, i6 INET6, j JSON, \
         n VARCHAR(10) CHARACTER SET utf8mb4 COLLATE utf8mb4_uca1400_ai_ci, \
         p VARCHAR(10) CHARACTER SET latin1 COLLATE latin1_swedish_nopad_ci, d DATETIME(3), ts TIMESTAMP NULL)",
    ])
    .await?;
    pipe.start().await?;
    pipe.run([
        "SET NAMES utf8mb4",
        "SET time_zone = '+00:00'",
        "INSERT INTO t VALUES (1, '123e4567-e89b-12d3-a456-426614174000', '1.2.3.4', '::1', '{\"a\": 1.0}', 'Zoë', 'é', \
         '2024-02-29 12:00:00.125', '2024-02-29 12:00:00')",
    ])
    .await?;
    pipe.published().await?;
    let records = pipe.table("t").await?;
    let after = &records[0].json()["after"];
    assert_eq!(after["u"], "Ej5FZ+ibEtOkVkJmFBdAAA==", "sixteen bytes, the last of which is zero");
    assert_eq!((after["i4"].as_str(), after["j"].as_str()), (Some("AQIDBA=="), Some("{\"a\": 1.0}")));
    assert_eq!(after["i6"], "AAAAAAAAAAAAAAAAAAAAAQ==");
    assert_eq!((after["n"].as_str(), after["p"].as_str()), (Some("Zoë"), Some("é")));
    assert_eq!(after["d"], 1_709_208_000_125_i64);
    assert_eq!(after["ts"], "2024-02-29T12:00:00Z");
    assert!(records[0].json()["source"]["gtid"].as_str().is_some_and(|gtid| gtid.starts_with("0-")));
    pipe.connector.stop().await
}

#[tokio::test]
async fn columns_that_cannot_be_read_are_refused_by_name() -> Result<()> {
    let old = ["--mysql56-temporal-format=OFF"];
    let refused = [
        (
            &[][..],
            "c VARCHAR(100) COMPRESSED",
            "'x'",
            "column c has a type that is not supported: a COMPRESSED",
        ),
        (&old[..], "c DATETIME", "'2024-01-01'", "column c has a type that is not supported: a DATETIME"),
    ];
    for (args, column, value, says) in refused {
        let pipe = Pipe::own(mariadb("refused", args).await?, &[]).await?;
        pipe.run([format!("CREATE TABLE t (id INT PRIMARY KEY, {column}, after_it INT)")]).await?;
        pipe.start().await?;
        pipe.run([format!("INSERT INTO t VALUES (1, {value}, 7)")]).await?;
        let (status, words) = pipe.halted().await?;
        assert_eq!(status.code(), Some(1), "{words}");
        assert!(words.contains(says), "{words}");
    }
    Ok(())
}

#[tokio::test]
async fn statements_take_numbers_and_half_done_alters_do_not() -> Result<()> {
    let pipe = Pipe::own(mariadb("ddl", &[]).await?, &[]).await?;
    pipe.start().await?;
    pipe.run([
        "CREATE TABLE t (id INT PRIMARY KEY, v INT)",
        "INSERT INTO t VALUES (1, 1)",
        "CREATE TABLE made AS SELECT * FROM t",
        "SET SESSION binlog_alter_two_phase = 1",
        "ALTER TABLE t ADD w INT",
        "INSERT INTO t VALUES (2, 2, 2)",
    ])
    .await?;
    pipe.published().await?;
    let parts = pipe.beginnings().await?;
    let told: Vec<_> = parts
        .iter()
        .map(|part| match &part.ddl {
            Some(ddl) => {
                format!("{} +{}", ddl.statement.split(' ').take(3).collect::<Vec<_>>().join(" "), part.count)
            }
            None => format!("+{}", part.count),
        })
        .collect();
    let statements =
        ["CREATE TABLE t +0", "+1", "CREATE TABLE `made` +1", "ALTER TABLE t +0", "+1"].map(str::to_owned);
    assert_eq!(told, statements, "{parts:?}");
    assert!(parts.iter().all(|part| part.end != PartEnd::Void));
    assert_eq!(pipe.table("made").await?.len(), 1);
    let last = pipe.table("t").await?.pop().context("two rows")?;
    assert_eq!(last.json()["after"]["w"], 2);
    pipe.connector.stop().await
}

#[tokio::test]
async fn a_kill_at_any_time_goes_on_after_the_last_transaction_and_compares_it() -> Result<()> {
    let pipe = Pipe::own(mariadb("killed", &[]).await?, &[]).await?;
    pipe.run(["CREATE TABLE t (id INT PRIMARY KEY, v INT)"]).await?;
    pipe.start().await?;
    for round in 0..5 {
        for number in 0..20 {
            pipe.run([format!("INSERT INTO t VALUES ({}, {round})", round * 20 + number)]).await?;
        }
        if round == 4 {
            // Else all of them may have come before anything was published.
            pipe.published().await?;
        }
        pipe.connector.kill9().await?;
        pipe.start().await?;
    }
    pipe.published().await?;
    let position = pipe.position().await?.context("a position")?;
    assert_eq!(position.flavor, Flavor::MariaDb);
    assert!(position.before_last.is_some() && !position.server_uuid.is_empty());
    assert_eq!(pipe.table("t").await?.len(), 100, "each once");
    let words = pipe.connector.words()?;
    assert!(words.contains("the last transaction that was read is unchanged at the source"), "{words}");
    pipe.connector.stop().await
}

/// As after a crash or a restore: the log begins anew after `state`.
async fn forget_after(pipe: &Pipe, state: &str) -> Result<()> {
    pipe.mysql().run(["RESET MASTER".to_owned(), format!("SET GLOBAL gtid_binlog_state = '{state}'")]).await
}

#[tokio::test]
async fn a_server_that_lost_its_tail_halts_with_it() -> Result<()> {
    let pipe = Pipe::own(mariadb("lost", &[]).await?, &[]).await?;
    pipe.run(["CREATE TABLE t (id INT PRIMARY KEY, v INT)"]).await?;
    pipe.start().await?;
    let before = pipe.executed().await?.to_string();
    pipe.run(["INSERT INTO t VALUES (1, 1)"]).await?;
    pipe.published().await?;
    let lost = pipe.executed().await?.to_string();
    pipe.connector.stop().await?;
    forget_after(&pipe, &before).await?;
    let (status, words) = pipe.start_and_halt().await?;
    assert_eq!(status.code(), Some(1), "{words}");
    assert!(words.contains(&format!("missing here: {lost}")), "{words}");

    // Its number is given again, to something else.
    pipe.run(["INSERT INTO t VALUES (2, 22222)"]).await?;
    let (status, words) = pipe.start_and_halt().await?;
    assert_eq!(status.code(), Some(1), "{words}");
    // Nothing lies before it in this log, which is as if it had been purged.
    let said =
        ["is not the one that was published under this name", "purged binary logs that were not read yet"];
    assert!(said.iter().any(|what| words.contains(what)), "{words}");
    assert_eq!(rows(&pipe.table("t").await?), ["1:1"], "nothing more was published");
    Ok(())
}

#[tokio::test]
async fn a_purged_position_halts_with_what_is_gone() -> Result<()> {
    let pipe = Pipe::own(mariadb("purged", &[]).await?, &[]).await?;
    pipe.run(["CREATE TABLE t (id INT PRIMARY KEY)"]).await?;
    pipe.start().await?;
    pipe.published().await?;
    pipe.connector.stop().await?;
    pipe.run(["INSERT INTO t VALUES (1)", "FLUSH BINARY LOGS"]).await?;
    let logs: Vec<mysql_async::Row> = pipe.conn().await?.query("SHOW BINARY LOGS").await?;
    let last: String = logs.last().and_then(|row| row.get(0)).context("a log")?;
    eventually(SOON, || async {
        let purged = pipe.run([format!("PURGE BINARY LOGS TO '{last}'")]).await;
        let logs: Vec<mysql_async::Row> = match pipe.conn().await {
            Ok(mut conn) => conn.query("SHOW BINARY LOGS").await.map_err(|error| error.to_string())?,
            Err(error) => return Err(error.to_string()),
        };
        if purged.is_ok() && logs.len() == 1 { Ok(()) } else { Err(format!("{} logs", logs.len())) }
    })
    .await?;
    let (status, words) = pipe.start_and_halt().await?;
    assert_eq!(status.code(), Some(1), "{words}");
    assert!(words.contains("purged binary logs that were not read yet; gone: 0-"), "{words}");
    Ok(())
}

#[tokio::test]
async fn a_number_that_comes_late_halts() -> Result<()> {
    let pipe = Pipe::own(mariadb("late", &["--gtid-strict-mode=OFF"]).await?, &[]).await?;
    pipe.run(["CREATE TABLE t (id INT PRIMARY KEY, v INT)"]).await?;
    pipe.start().await?;
    pipe.run(["INSERT INTO t VALUES (1, 1)"]).await?;
    pipe.published().await?;
    pipe.run(["SET SESSION gtid_seq_no = 1, server_id = 77", "INSERT INTO t VALUES (2, 2)"]).await?;
    let (status, words) = pipe.halted().await?;
    assert_eq!(status.code(), Some(1), "{words}");
    assert!(words.contains("0-77-1 comes when its domain has passed that number"), "{words}");
    assert!(words.contains("gtid_strict_mode"), "{words}");
    Ok(())
}

#[tokio::test]
async fn domains_are_followed_each_by_itself() -> Result<()> {
    let pipe = Pipe::own(mariadb("domains", &[]).await?, &[]).await?;
    pipe.run(["CREATE TABLE t (id INT PRIMARY KEY, v INT)"]).await?;
    pipe.start().await?;
    for id in 0..30 {
        let domain = id % 3;
        pipe.run([
            format!("SET SESSION gtid_domain_id = {domain}"),
            format!("INSERT INTO t VALUES ({id}, {domain})"),
        ])
        .await?;
        if id % 10 == 9 {
            pipe.connector.kill9().await?;
            pipe.start().await?;
        }
    }
    pipe.published().await?;
    assert_eq!(pipe.table("t").await?.len(), 30, "each once");
    let position = pipe.position().await?.context("a position")?.gtid_set.context("GTIDs")?;
    assert_eq!(position.split(',').count(), 3, "{position}");
    pipe.connector.stop().await
}

#[tokio::test]
async fn under_after_sync_a_transaction_is_published_once_it_is_committed() -> Result<()> {
    let semi_sync = ["--rpl-semi-sync-master-enabled=ON", "--rpl-semi-sync-master-wait-point=AFTER_SYNC"];
    let pipe = Pipe::own(mariadb("after-sync", &semi_sync).await?, &[]).await?;
    pipe.run(["SET GLOBAL rpl_semi_sync_master_enabled = OFF", "CREATE TABLE t (id INT PRIMARY KEY, v INT)"])
        .await?;
    pipe.run([
        "SET GLOBAL rpl_semi_sync_master_timeout = 3600000",
        "SET GLOBAL rpl_semi_sync_master_wait_no_slave = ON",
        "SET GLOBAL rpl_semi_sync_master_enabled = ON",
    ])
    .await?;
    pipe.start().await?;
    let mut conn = pipe.conn().await?;
    let held = tokio::spawn(async move {
        let _ = conn.query_drop("INSERT INTO t VALUES (1, 1)").await;
    });
    eventually(SOON, || async {
        let status = pipe.connector.status().await.map_err(|error| error.to_string())?.to_string();
        if status.contains("waiting for the source to execute 0-") { Ok(()) } else { Err(status) }
    })
    .await?;
    assert!(pipe.table("t").await?.is_empty());
    pipe.mysql().run(["SET GLOBAL rpl_semi_sync_master_enabled = OFF"]).await?;
    held.await?;
    pipe.published().await?;
    assert_eq!(pipe.table("t").await?.len(), 1);
    pipe.connector.stop().await
}

#[tokio::test]
async fn a_position_of_the_other_kind_of_server_is_refused() -> Result<()> {
    let pipe = Pipe::own(mariadb("kind", &[]).await?, &[]).await?;
    pipe.start().await?;
    pipe.run(["CREATE TABLE t (id INT PRIMARY KEY)"]).await?;
    pipe.published().await?;
    pipe.connector.stop().await?;
    let moved = pipe.at(MySql::start(MySqlOptions::named("other-kind")).await?).await?;
    let (status, words) = moved.start_and_halt().await?;
    assert_eq!(status.code(), Some(1), "{words}");
    assert!(words.contains("the stored position is one of MariaDB, and the source is MySQL"), "{words}");
    Ok(())
}

#[tokio::test]
async fn its_settings_are_told_with_their_commands() -> Result<()> {
    let careless = ["--binlog-row-metadata=NO_LOG", "--binlog-format=MIXED", "--gtid-strict-mode=OFF"];
    let pipe = Pipe::own(mariadb("careless", &careless).await?, &[]).await?;
    let (status, words) = pipe.connector.run("check").await?;
    assert_eq!(status.code(), Some(2), "{words}");
    for says in [
        "SET GLOBAL binlog_row_metadata = FULL; (and binlog_row_metadata = FULL in [mysqld])",
        "SET GLOBAL binlog_format = ROW",
        "SET GLOBAL gtid_strict_mode = ON",
    ] {
        assert!(words.contains(says), "it does not say {says:?}:\n{words}");
    }
    Ok(())
}
