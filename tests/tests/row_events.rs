//! Rows that the sink writes as events (`apply.path`): the same rows; what events cannot say is said in SQL, and what stands in the way is
//! mended by it. Triggers fire as they do in SQL.

use std::time::Duration;

use anyhow::{Context, Result, ensure};
use e2e::{
    mysql::Flavor,
    sites::{Sites, SitesOptions},
};
use mysql_async::prelude::Queryable;

const DATABASE: &str = "shop";
const PATIENCE: Duration = Duration::from_mins(3);
const ROWS: u32 = 300;

#[tokio::test(flavor = "multi_thread")]
async fn rows_arrive_as_events() -> Result<()> {
    judge(Flavor::MySql).await
}

#[tokio::test(flavor = "multi_thread")]
async fn at_mariadb_too() -> Result<()> {
    judge(Flavor::MariaDb).await
}

async fn judge(flavor: Flavor) -> Result<()> {
    let options = SitesOptions {
        flavors: [flavor; 2],
        sink: "apply.path = 'binlog'".into(),
        ..SitesOptions::with_databases([DATABASE])
    };
    let sites = Sites::boot(&options).await?;
    let [source, target] = sites.sites.each_ref().map(|site| &site.servers.mysql);
    sites
        .run_at_both(&[
            &format!("CREATE DATABASE {DATABASE}"),
            "CREATE TABLE shop.items (id INT PRIMARY KEY, v VARCHAR(40) CHARACTER SET utf8mb4, price DECIMAL(9,2), at DATETIME(3), \
             code CHAR(4) CHARACTER SET latin1, UNIQUE KEY (v))",
            "CREATE TABLE shop.computed (id INT PRIMARY KEY, v INT, twice INT AS (v * 2) STORED)",
            "CREATE TABLE shop.audited (id INT PRIMARY KEY)",
            "CREATE TABLE shop.fired (id INT AUTO_INCREMENT PRIMARY KEY, item INT)",
            "CREATE TRIGGER shop.audit AFTER INSERT ON shop.audited FOR EACH ROW \
             IF @strait_apply IS NULL THEN INSERT INTO shop.fired (item) VALUES (NEW.id); END IF",
        ])
        .await?;
    sites.start().await?;
    let mut conn = source.conn_to(DATABASE).await?;
    let series = "WITH RECURSIVE s (i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM s WHERE i < 300)";
    for change in [
        format!(
            "INSERT INTO items {series} SELECT i, CONCAT('v', i), i / 7, '2024-02-29 01:02:03.456', 'ab' FROM s"
        ),
        format!("INSERT INTO audited {series} SELECT i FROM s"),
        format!("INSERT INTO computed (id, v) {series} SELECT i, i FROM s"),
        "UPDATE items SET v = CONCAT(v, 'ä'), price = -price WHERE id % 3 = 0".into(),
        "UPDATE items SET id = id + 1000 WHERE id % 50 = 0".into(),
        "DELETE FROM items WHERE id % 7 = 0".into(),
        // Not as they are in UTF-8.
        "UPDATE items SET code = 'ä' WHERE id = 1".into(),
    ] {
        conn.query_drop(change).await?;
    }
    let compared = sites.quiet(&[DATABASE], PATIENCE).await?;
    ensure!(compared.equal(), "{compared}\n{}", sites.last_words());
    sites.nothing_repaired().await?;
    let sink = &sites.sites[1].sink;
    let events = sink.metrics().await?.sum("strait_sink_event_rows_total").context("a metric")?;
    ensure!(events >= f64::from(ROWS), "only {events} rows as events");
    let mut there = target.conn_to(DATABASE).await?;
    let fired: Option<u32> = there.query_first("SELECT COUNT(*) FROM fired").await?;
    ensure!(fired == Some(ROWS), "the trigger fired at the source alone, and {fired:?} of its rows came");

    // Somebody else's doing at the target: one row is gone, one is there already.
    there.query_drop("SET SESSION sql_log_bin = 0").await?;
    there.query_drop("DELETE FROM items WHERE id = 2").await?;
    there.query_drop("INSERT INTO items VALUES (5000, 'there', 1, NULL, NULL)").await?;
    conn.query_drop("UPDATE items SET v = 'changed' WHERE id = 2").await?;
    conn.query_drop("INSERT INTO items VALUES (5000, 'here', 2, NULL, NULL)").await?;
    let compared = sites.quiet(&[DATABASE], PATIENCE).await?;
    ensure!(compared.equal(), "{compared}\n{}", sites.last_words());
    ensure!(sites.nothing_repaired_at(1).await.is_err(), "both were looked at");
    sites.stop().await
}

#[tokio::test(flavor = "multi_thread")]
async fn without_the_right_it_is_sql_or_refused() -> Result<()> {
    let options =
        SitesOptions { sink: "apply.path = 'auto'".into(), ..SitesOptions::with_databases([DATABASE]) };
    let sites = Sites::boot(&options).await?;
    sites
        .run_at_both(&[&format!("CREATE DATABASE {DATABASE}"), "CREATE TABLE shop.t (id INT PRIMARY KEY)"])
        .await?;
    let [source, target] = sites.sites.each_ref();
    target.servers.mysql.run(["REVOKE REPLICATION_APPLIER ON *.* FROM strait"]).await?;
    source.connector.start_ready(PATIENCE).await?;
    target.sink.start_ready(PATIENCE).await?;
    source.servers.mysql.run(["INSERT INTO shop.t VALUES (1)"]).await?;
    let compared = sites.quiet(&[DATABASE], PATIENCE).await?;
    ensure!(compared.equal(), "{compared}\n{}", sites.last_words());
    let events = target.sink.metrics().await?.sum("strait_sink_event_rows_total");
    ensure!(events == Some(0.0), "{events:?}");
    target.sink.stop().await?;
    target.sink.amend("apply.path = 'binlog'")?;
    target.sink.start()?;
    ensure!(target.sink.wait(PATIENCE).await?.code() == Some(2));
    let words = target.sink.words()?;
    ensure!(words.contains("GRANT REPLICATION_APPLIER ON *.*"), "{words}");
    target.servers.mysql.run(["GRANT REPLICATION_APPLIER ON *.* TO strait"]).await?;
    target.sink.start_ready(PATIENCE).await?;
    source.servers.mysql.run(["INSERT INTO shop.t VALUES (2)"]).await?;
    let compared = sites.quiet(&[DATABASE], PATIENCE).await?;
    ensure!(compared.equal(), "{compared}\n{}", sites.last_words());
    let events = target.sink.metrics().await?.sum("strait_sink_event_rows_total");
    ensure!(events == Some(1.0), "{events:?}");
    source.connector.stop().await?;
    target.sink.stop().await
}
