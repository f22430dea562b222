//! Snapshots that are asked for while the connector runs: by the command, by the signal table, with conditions, paused,
//! resumed and stopped; and the one that begins by itself when the source has purged what was not read.

use std::time::Duration;

use anyhow::{Context as _, Result, ensure};
use e2e::{Strait, eventually, mysql::Flavor, sites::Sites, sites::SitesOptions};
use mysql_async::{Conn, prelude::Queryable};

const DATABASE: &str = "asked";
const PATIENCE: Duration = Duration::from_mins(5);
const READY: Duration = Duration::from_mins(1);
const TABLES: [&str; 3] = ["a", "b", "c"];
const SERIES: &str = "WITH RECURSIVE s (i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM s WHERE i < 900)";

async fn boot(flavor: Flavor, connector: &str, sink: &str) -> Result<Sites> {
    let options = SitesOptions {
        flavors: [flavor; 2],
        connector: format!(
            "snapshot.chunk_rows = 50\nsignal.data.collection = '{DATABASE}.debezium_signal'\n{connector}"
        ),
        sink: sink.to_owned(),
        ..SitesOptions::with_databases([DATABASE])
    };
    let sites = Sites::boot(&options).await?;
    sites.run_at_both(&[&format!("CREATE DATABASE {DATABASE}")]).await?;
    for table in TABLES {
        let create =
            format!("CREATE TABLE {DATABASE}.{table} (id INT PRIMARY KEY, v VARCHAR(20), u INT UNIQUE)");
        sites.run_at_both(&[&create]).await?;
    }
    sites
        .run_at_both(&[&format!(
            "CREATE TABLE {DATABASE}.debezium_signal (id VARCHAR(64) PRIMARY KEY, type VARCHAR(32), data VARCHAR(2048))"
        )])
        .await?;
    // What the source alone has: nobody has told the log of it.
    let source = &sites.sites[0].servers.mysql;
    for table in TABLES {
        let rows =
            format!("INSERT INTO {DATABASE}.{table} {SERIES} SELECT i, CONCAT('{table}', i), i FROM s");
        source.run(["SET SESSION sql_log_bin = 0".to_owned(), rows]).await?;
    }
    sites.sites[0].connector.start_ready(READY).await?;
    sites.sites[1].sink.start_ready(READY).await?;
    Ok(sites)
}

async fn signal(conn: &mut Conn, id: &str, kind: &str, data: &str) -> Result<()> {
    let sql = format!("INSERT INTO {DATABASE}.debezium_signal VALUES (?, ?, ?)");
    Ok(conn.exec_drop(sql, (id, kind, data)).await?)
}

async fn said(process: &Strait, words: &str) -> Result<()> {
    eventually(PATIENCE, || async {
        process.running().map_err(|error| format!("{error:#}"))?;
        let log = process.words().map_err(|error| format!("{error:#}"))?;
        if log.contains(words) { Ok(()) } else { Err(process.last_words()) }
    })
    .await
}

async fn count(sites: &Sites, table: &str) -> Result<u64> {
    let mut conn = sites.sites[1].servers.mysql.conn_to(DATABASE).await?;
    conn.query_first(format!("SELECT COUNT(*) FROM {table}")).await?.context("a number")
}

async fn becomes(sites: &Sites, table: &str, expected: u64) -> Result<()> {
    eventually(PATIENCE, || async {
        match count(sites, table).await {
            Ok(found) if found == expected => Ok(()),
            found => Err(format!("{found:?} rows in {table}; {}", sites.last_words())),
        }
    })
    .await
}

#[tokio::test(flavor = "multi_thread")]
async fn the_command_brings_tables_and_waits_until_they_have_come() -> Result<()> {
    let sites = boot(Flavor::MySql, "", "").await?;
    let connector = &sites.sites[0].connector;
    let (status, words) = connector.run_with("snapshot", &["asked.(a|b)"]).await?;
    ensure!(status.success(), "{status}: {words}");
    ensure!(words.contains("the snapshot is complete"), "{words}");
    becomes(&sites, "a", 900).await?;
    becomes(&sites, "b", 900).await?;
    ensure!(count(&sites, "c").await? == 0, "nobody has asked for it");

    for (wish, why) in [
        (vec!["asked.nothing_of_this_name"], "no table that is published is meant by it"),
        (vec!["asked.c", "--where", "nowhere = 3"], "nowhere"),
    ] {
        let (status, words) = connector.run_with("snapshot", &wish).await?;
        ensure!(status.code() == Some(1) && words.contains(why), "{status}: {words}");
        said(connector, why).await?;
    }

    let (status, words) = connector.run_with("snapshot", &["asked.c", "--where", "id > 800"]).await?;
    ensure!(status.success(), "{status}: {words}");
    becomes(&sites, "c", 100).await?;
    let compared = sites.compare(&[DATABASE]).await?;
    ensure!(compared.differences.len() == 1, "a and b are equal, c is not: {compared}");
    sites.sites[0].connector.stop().await?;
    sites.sites[1].sink.stop().await
}

/// Through kills at each step: what was asked for is done, and once.
async fn by_the_table(flavor: Flavor) -> Result<()> {
    let sites = boot(flavor, "snapshot.readers = 1", "").await?;
    let source = &sites.sites[0].servers.mysql;
    let connector = &sites.sites[0].connector;
    let mut conn = source.conn_to(DATABASE).await?;
    // The only reader is held at the first table, so that the snapshot can be paused before it is over.
    let mut gate = source.conn_to(DATABASE).await?;
    gate.query_drop("LOCK TABLES a WRITE").await?;
    signal(&mut conn, "1", "execute-snapshot", r#"{"data-collections": ["asked.a", "asked.b"]}"#).await?;
    said(connector, "a snapshot was asked for").await?;
    signal(&mut conn, "2", "pause-snapshot", "").await?;
    said(connector, "the snapshot paused=true").await?;
    connector.kill9().await?;
    gate.query_drop("UNLOCK TABLES").await?;
    connector.start_ready(READY).await?;
    said(connector, "the snapshot goes on").await?;
    signal(&mut conn, "3", "log", r#"{"message": "a word in between"}"#).await?;
    said(connector, "signal: a word in between").await?;
    ensure!(count(&sites, "a").await? == 0, "it is paused, after the restart, too");
    let (status, words) = connector.run_with("snapshot", &["--pause"]).await?;
    ensure!(status.success(), "{status}: {words}");

    // One more while that is under way; and one of the first is not wanted any more.
    signal(
        &mut conn,
        "4",
        "execute-snapshot",
        r#"{"data-collections": ["asked.c"], "additional-condition": "id <= 10"}"#,
    )
    .await?;
    signal(&mut conn, "5", "stop-snapshot", r#"{"data-collections": ["asked.b"]}"#).await?;
    signal(&mut conn, "6", "resume-snapshot", "{}").await?;
    connector.kill9().await?;
    connector.start_ready(READY).await?;
    becomes(&sites, "a", 900).await?;
    becomes(&sites, "c", 10).await?;
    said(connector, "the snapshot is complete").await?;
    ensure!(count(&sites, "b").await? == 0, "it was stopped");
    // The table that was left is an ordinary one again: what changes in it arrives.
    source.run([format!("INSERT INTO {DATABASE}.b VALUES (5000, 'streamed', 5000)")]).await?;
    becomes(&sites, "b", 1).await?;
    signal(&mut conn, "7", "dance", "{}").await?;
    said(connector, "a signal is passed over: type dance").await?;
    sites.sites[0].connector.stop().await?;
    sites.sites[1].sink.stop().await
}

#[tokio::test(flavor = "multi_thread")]
async fn rows_of_the_signal_table_ask_pause_resume_and_stop() -> Result<()> {
    by_the_table(Flavor::MySql).await
}

#[tokio::test(flavor = "multi_thread")]
async fn so_they_do_at_mariadb() -> Result<()> {
    by_the_table(Flavor::MariaDb).await
}

/// Whoever may write a signal cannot stop the replication by it.
#[tokio::test(flavor = "multi_thread")]
async fn a_condition_that_the_server_refuses_is_passed_over() -> Result<()> {
    let sites = boot(Flavor::MySql, "snapshot.mode = 'never'", "").await?;
    let mut conn = sites.sites[0].servers.mysql.conn_to(DATABASE).await?;
    for (id, condition) in [("1", "nowhere = 1"), ("2", "id = ")] {
        let filtered = format!(r#"{{"data-collection": "asked.a", "filter": "{condition}"}}"#);
        let data = format!(r#"{{"data-collections": ["asked.a"], "additional-conditions": [{filtered}]}}"#);
        signal(&mut conn, id, "execute-snapshot", &data).await?;
        said(&sites.sites[0].connector, &format!("does not take the condition \"{condition}\"")).await?;
    }
    conn.query_drop("INSERT INTO b VALUES (10000, 'afterwards', 10000)").await?;
    becomes(&sites, "b", 1).await?;
    sites.sites[0].connector.stop().await?;
    sites.sites[1].sink.stop().await
}

/// A table that is altered between the asking and the announcing is announced as it is afterwards.
#[tokio::test(flavor = "multi_thread")]
async fn a_table_that_the_target_lacks_is_made() -> Result<()> {
    let sites = boot(Flavor::MySql, "", "").await?;
    sites.sites[1].servers.mysql.run([format!("DROP TABLE {DATABASE}.a")]).await?;
    let mut conn = sites.sites[0].servers.mysql.conn_to(DATABASE).await?;
    signal(&mut conn, "1", "execute-snapshot", r#"{"data-collections": ["asked.a"]}"#).await?;
    conn.query_drop("CREATE TABLE d (id INT PRIMARY KEY)").await?;
    becomes(&sites, "a", 900).await?;
    sites.sites[0].connector.stop().await?;
    sites.sites[1].sink.stop().await
}

#[tokio::test(flavor = "multi_thread")]
async fn a_gap_in_the_log_is_met_by_a_snapshot_of_everything() -> Result<()> {
    let sites = boot(Flavor::MySql, "snapshot.mode = 'when-needed'", "snapshot.rows = 'replace'").await?;
    said(&sites.sites[0].connector, "the snapshot is complete").await?;
    becomes(&sites, "c", 900).await?;
    let [here, there] = &sites.sites;
    let source = &here.servers.mysql;
    here.connector.stop().await?;
    source
        .run([
            "DELETE FROM asked.a WHERE id <= 100",
            "UPDATE asked.b SET v = 'in the gap', u = u + 10000 WHERE id % 2 = 0",
            "INSERT INTO asked.c VALUES (10001, 'in the gap', 10001)",
            "CREATE TABLE asked.born (id INT PRIMARY KEY)",
            "INSERT INTO asked.born VALUES (1)",
            "FLUSH BINARY LOGS",
        ])
        .await?;
    let mut conn = source.conn().await?;
    let last: Option<(String, u64)> = conn
        .query_map("SHOW BINARY LOGS", |row: mysql_async::Row| {
            (row.get(0).unwrap_or_default(), row.get(1).unwrap_or_default())
        })
        .await?
        .pop();
    conn.query_drop(format!("PURGE BINARY LOGS TO '{}'", last.context("a log")?.0)).await?;
    here.connector.start_ready(READY).await?;
    said(&here.connector, "a new generation begins with a snapshot of everything").await?;
    let compared = sites.quiet(&[DATABASE], PATIENCE).await?;
    ensure!(compared.equal(), "{compared}\n{}", sites.last_words());

    // Kept rows would be rows as they were before the gap.
    there.sink.stop().await?;
    here.connector.stop().await?;
    source.run(["DELETE FROM asked.a WHERE id <= 200", "FLUSH BINARY LOGS"]).await?;
    let logs: Vec<String> =
        conn.query_map("SHOW BINARY LOGS", |row: mysql_async::Row| row.get(0).unwrap_or_default()).await?;
    conn.query_drop(format!("PURGE BINARY LOGS TO '{}'", logs.last().context("a log")?)).await?;
    there.sink.amend("snapshot.rows = 'keep'")?;
    there.sink.start()?;
    here.connector.start_ready(READY).await?;
    let status = there.sink.wait(PATIENCE).await?;
    let words = there.sink.last_words();
    ensure!(
        !status.success()
            && words.contains("after a gap in the log")
            && words.contains("snapshot.rows = \"replace\""),
        "{status}: {words}"
    );
    there.sink.amend("snapshot.rows = 'replace'")?;
    there.sink.start_ready(READY).await?;
    let compared = sites.quiet(&[DATABASE], PATIENCE).await?;
    ensure!(compared.equal(), "{compared}\n{}", sites.last_words());
    here.connector.stop().await?;
    there.sink.stop().await
}
