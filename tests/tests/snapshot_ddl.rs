//! Schema changes of tables that a snapshot is still to bring: whatever they are called then, and whatever they look like, all of
//! their rows arrive.

use std::time::Duration;

use anyhow::{Result, ensure};
use e2e::{
    definitions::ensure_alike_definitions, eventually, mysql::Flavor, sites::Sites, sites::SitesOptions,
};
use mysql_async::prelude::Queryable;

const DATABASE: &str = "old";
const PATIENCE: Duration = Duration::from_mins(5);
const READY: Duration = Duration::from_mins(1);
const COMES_WHOLE: &str = "a table that the snapshot was to bring has another name or other numbers now";
const SERIES: &str = "SELECT seq FROM old.numbers";

/// `aaa` comes first, and the only reader is held there.
const TABLES: [&str; 9] = [
    "CREATE TABLE aaa (id INT PRIMARY KEY)",
    "CREATE TABLE moved (id INT PRIMARY KEY, v VARCHAR(20))",
    "CREATE TABLE keyless (id INT, v VARCHAR(20))",
    "CREATE TABLE one (id INT PRIMARY KEY, v VARCHAR(20))",
    "CREATE TABLE other (id INT, v VARCHAR(20))",
    "CREATE TABLE parts (id INT PRIMARY KEY, v VARCHAR(20)) PARTITION BY RANGE (id) (PARTITION a VALUES LESS THAN (100), \
     PARTITION b VALUES LESS THAN MAXVALUE)",
    "CREATE TABLE part (id INT PRIMARY KEY, v VARCHAR(20))",
    "CREATE TABLE loses (id INT PRIMARY KEY, v VARCHAR(20))",
    "CREATE TABLE gets (id INT NOT NULL, v VARCHAR(20))",
];

/// While nothing of them has come.
const CHANGES: [&str; 16] = [
    "RENAME TABLE moved TO moved_on",
    "UPDATE moved_on SET v = 'new' WHERE id = 7",
    "ALTER TABLE keyless RENAME TO keyless_too, ADD w INT DEFAULT 5",
    "UPDATE keyless_too SET v = 'new', w = 6 WHERE id = 7",
    "DELETE FROM keyless_too WHERE id = 8",
    "RENAME TABLE one TO passing, other TO one, passing TO other",
    "UPDATE one SET v = 'was other' WHERE id = 9",
    "UPDATE other SET v = 'was one' WHERE id = 9",
    "ALTER TABLE parts EXCHANGE PARTITION a WITH TABLE part",
    "UPDATE part SET v = 'was in parts' WHERE id = 10",
    "UPDATE parts SET v = 'was alone' WHERE id = 11",
    "ALTER TABLE loses DROP PRIMARY KEY",
    "UPDATE loses SET v = 'new' WHERE id = 12",
    "ALTER TABLE gets ADD PRIMARY KEY (id)",
    "UPDATE gets SET v = 'new' WHERE id = 13",
    "DELETE FROM gets WHERE id = 14",
];

async fn changed_before_it_comes(flavor: Flavor) -> Result<()> {
    let options = SitesOptions {
        flavors: [flavor; 2],
        connector: "snapshot.mode = 'initial'\nsnapshot.readers = 1\nsnapshot.chunk_rows = 20".to_owned(),
        ..SitesOptions::with_databases([DATABASE])
    };
    let sites = Sites::boot(&options).await?;
    let [source, target] = sites.sites.each_ref();
    let mut conn = source.servers.mysql.conn().await?;
    conn.query_drop(format!("CREATE DATABASE {DATABASE}")).await?;
    conn.query_drop(format!("USE {DATABASE}")).await?;
    conn.query_drop("CREATE TABLE numbers (seq INT PRIMARY KEY)").await?;
    let numbers: Vec<String> = (0..90).map(|number| format!("({number})")).collect();
    conn.query_drop(format!("INSERT INTO numbers VALUES {}", numbers.join(","))).await?;
    for table in TABLES {
        conn.query_drop(table).await?;
    }
    for table in ["moved", "keyless", "one", "other", "parts", "part", "loses", "gets"] {
        conn.query_drop(format!("INSERT INTO {table} SELECT seq, '{table}' FROM ({SERIES}) AS s")).await?;
    }
    let mut gate = source.servers.mysql.conn_to(DATABASE).await?;
    gate.query_drop("LOCK TABLES aaa WRITE").await?;
    source.connector.start_ready(READY).await?;
    target.sink.start_ready(READY).await?;
    for change in CHANGES {
        conn.query_drop(change).await?;
    }
    // What is streamed has been seen before anything is read.
    said(&source.connector, COMES_WHOLE).await?;
    source.connector.kill9().await?;
    source.connector.start_ready(READY).await?;
    conn.query_drop("RENAME TABLE moved_on TO moved_away").await?;
    gate.query_drop("UNLOCK TABLES").await?;
    said(&source.connector, "the snapshot is complete").await?;
    let comparison = sites.quiet(&[DATABASE], Duration::from_secs(30)).await?;
    ensure!(comparison.equal(), "{comparison}\n{}", sites.last_words());
    ensure_alike_definitions(&source.servers.mysql, &target.servers.mysql, &[DATABASE]).await?;
    sites.nothing_repaired_at(1).await?;
    source.connector.stop().await?;
    target.sink.stop().await
}

async fn said(process: &e2e::Strait, words: &str) -> Result<()> {
    eventually(PATIENCE, || async {
        process.running().map_err(|error| format!("{error:#}"))?;
        let log = process.words().map_err(|error| format!("{error:#}"))?;
        if log.contains(words) { Ok(()) } else { Err(process.last_words()) }
    })
    .await
}

#[tokio::test(flavor = "multi_thread")]
async fn tables_that_change_before_they_come_arrive_as_they_are_then() -> Result<()> {
    changed_before_it_comes(Flavor::MySql).await
}

#[tokio::test(flavor = "multi_thread")]
async fn so_do_those_of_mariadb() -> Result<()> {
    changed_before_it_comes(Flavor::MariaDb).await
}

/// While a table comes in chunks of one row, its rows get numbers at the source.
async fn numbered_while_it_comes(rows: &str) -> Result<Sites> {
    let options = SitesOptions {
        connector: "snapshot.mode = 'initial'\nsnapshot.chunk_rows = 1".to_owned(),
        sink: format!("snapshot.rows = '{rows}'"),
        ..SitesOptions::with_databases([DATABASE])
    };
    let sites = Sites::boot(&options).await?;
    let [source, target] = sites.sites.each_ref();
    let mut conn = source.servers.mysql.conn().await?;
    conn.query_drop(format!("CREATE DATABASE {DATABASE}")).await?;
    conn.query_drop(format!("USE {DATABASE}")).await?;
    conn.query_drop("CREATE TABLE t (id INT PRIMARY KEY, v INT)").await?;
    let many = "WITH RECURSIVE s (i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM s WHERE i < 3000)";
    conn.query_drop("SET SESSION cte_max_recursion_depth = 3000").await?;
    // Those that come first are numbered last.
    conn.query_drop(format!("INSERT INTO t {many} SELECT i, i FROM s")).await?;
    source.connector.start_ready(READY).await?;
    target.sink.start_ready(READY).await?;
    eventually(PATIENCE, || async {
        let mut conn = target.servers.mysql.conn().await.map_err(|error| format!("{error:#}"))?;
        let some: Result<Option<u32>, _> =
            conn.query_first("SELECT id FROM old.t WHERE id > 5 LIMIT 1").await;
        some.ok().flatten().map(drop).ok_or_else(|| "nothing has come".to_owned())
    })
    .await?;
    conn.query_drop("DELETE FROM t WHERE id < 4").await?;
    conn.query_drop("INSERT INTO t VALUES (-1, 0)").await?;
    conn.query_drop("ALTER TABLE t ADD n INT AUTO_INCREMENT UNIQUE").await?;
    conn.query_drop("INSERT INTO t (id) VALUES (4000)").await?;
    said(&source.connector, COMES_WHOLE).await?;
    Ok(sites)
}

#[tokio::test(flavor = "multi_thread")]
async fn a_table_that_is_numbered_while_it_comes_comes_again() -> Result<()> {
    let sites = numbered_while_it_comes("replace").await?;
    said(&sites.sites[0].connector, "the snapshot is complete").await?;
    let comparison = sites.quiet(&[DATABASE], Duration::from_secs(30)).await?;
    ensure!(comparison.equal(), "{comparison}\n{}", sites.last_words());
    Ok(())
}

#[tokio::test(flavor = "multi_thread")]
async fn where_rows_are_kept_it_halts() -> Result<()> {
    let sites = numbered_while_it_comes("keep").await?;
    let sink = &sites.sites[1].sink;
    ensure!(sink.wait(PATIENCE).await?.code() == Some(1));
    let words = sink.words()?;
    ensure!(
        words.contains("its rows were numbered before all had come") && words.contains("snapshot.rows"),
        "{words}"
    );
    Ok(())
}
