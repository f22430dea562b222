//! What a source held before it was streamed from arrives, whatever is written meanwhile and whoever is killed.

use std::{
    sync::{
        Arc,
        atomic::{AtomicBool, Ordering},
    },
    time::Duration,
};

use anyhow::{Context as _, Result, bail, ensure};
use e2e::{
    eventually,
    mysql::Flavor,
    scenario::seed,
    sites::{Sites, SitesOptions, accounts},
};
use mysql_async::{Conn, prelude::Queryable};

const DATABASE: &str = "old";
const PATIENCE: Duration = Duration::from_mins(5);
const READY: Duration = Duration::from_mins(2);

/// Tables with keys of many types, in the collations' own orders; parents and children; one with a unique key alone, one without any.
const TABLES: [&str; 16] = [
    "CREATE TABLE numbers (id BIGINT UNSIGNED PRIMARY KEY, v VARCHAR(40), n INT)",
    "CREATE TABLE pairs (a INT, b VARCHAR(20) COLLATE utf8mb4_0900_ai_ci, v INT, n INT, PRIMARY KEY (b, a))",
    "CREATE TABLE words (w VARCHAR(40) CHARACTER SET latin1 COLLATE latin1_german2_ci PRIMARY KEY, n INT)",
    "CREATE TABLE bytes (b VARBINARY(20) PRIMARY KEY, n INT)",
    "CREATE TABLE fixed (b BINARY(4) PRIMARY KEY, n INT)",
    "CREATE TABLE decimals (d DECIMAL(30,10) PRIMARY KEY, n INT)",
    "CREATE TABLE doubles (d DOUBLE PRIMARY KEY, f FLOAT, n INT)",
    "CREATE TABLE times (t DATETIME(3), d DATE, n INT, PRIMARY KEY (t, d))",
    "CREATE TABLE kinds (k ENUM('z','a','m'), s SET('x','y','q'), i INT, n INT, PRIMARY KEY (k, s, i))",
    "CREATE TABLE emails (id INT PRIMARY KEY, email VARCHAR(60) UNIQUE, n INT)",
    "CREATE TABLE child (id INT PRIMARY KEY, parent BIGINT UNSIGNED, n INT, \
     FOREIGN KEY (parent) REFERENCES numbers (id) ON DELETE CASCADE)",
    "CREATE TABLE plain (v VARCHAR(20), n INT)",
    "CREATE TABLE made (id INT PRIMARY KEY, n INT, twice INT AS (n * 2) STORED, thrice INT AS (n * 3) VIRTUAL, \
     hidden INT INVISIBLE DEFAULT 7, j JSON, ts TIMESTAMP(6) NULL, y YEAR, bits BIT(12), KEY (twice)) \
     COMMENT='it''s' PARTITION BY HASH (id) PARTITIONS 3",
    "CREATE TABLE places (id INT PRIMARY KEY, g POINT NOT NULL SRID 4326, SPATIAL KEY (g))",
    "CREATE TABLE bare (id INT PRIMARY KEY)",
    "CREATE TABLE single (i INT NOT NULL, v VARCHAR(20), n INT, twice INT AS (i * 2) STORED NOT NULL, UNIQUE KEY a (twice), \
     UNIQUE KEY b (i))",
];

const SERIES: &str = "WITH RECURSIVE s (i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM s WHERE i < 3000)";

/// A statement of these as the server has it.
fn as_of(flavor: Flavor, sql: &str) -> String {
    match flavor {
        Flavor::MySql => sql.to_owned(),
        Flavor::MariaDb => sql
            .replace("cte_max_recursion_depth", "max_recursive_iterations")
            .replace("utf8mb4_0900_ai_ci", "utf8mb4_uca1400_ai_ci")
            .replace(" SRID 4326", "")
            .replace(" STORED NOT NULL", " STORED")
            .replace("ST_SRID(POINT(i % 90, -i % 90), 4326)", "POINT(i % 90, -i % 90)"),
    }
}

/// Fills each table with up to 3,000 rows.
async fn fill(conn: &mut Conn, flavor: Flavor) -> Result<()> {
    let set = "SET SESSION cte_max_recursion_depth = 100000, sql_mode = 'NO_ENGINE_SUBSTITUTION'";
    conn.query_drop(as_of(flavor, set)).await?;
    let fills = [
        "numbers SELECT CAST(i AS UNSIGNED) * 5700000000000017, CONCAT('v', i), 0 FROM s",
        "pairs SELECT i % 7, CONCAT(CHAR(65 + i % 26 + 32 * (i % 2)), i), i, 0 FROM s",
        "words SELECT CONCAT(ELT(1 + i % 4, 'ä', 'Z', 'a', 'ß'), i), 0 FROM s",
        "bytes SELECT UNHEX(HEX(i * 977)), 0 FROM s",
        "fixed SELECT UNHEX(LPAD(HEX(i * 256), 8, '0')), 0 FROM s",
        "decimals SELECT (i - 1500) / 7, 0 FROM s",
        "doubles SELECT (i - 1500) / 7e0, i / 3, 0 FROM s",
        "times SELECT DATE_ADD('2024-01-01', INTERVAL i * 1234 SECOND), ELT(1 + i % 3, '0000-00-00', '2024-02-00', '2024-02-29'), 0 FROM s",
        "kinds SELECT 1 + i % 3, i % 8, i, 0 FROM s",
        "emails SELECT i, CONCAT('user', i, '@example.org'), 0 FROM s",
        "child SELECT i, CAST(i AS UNSIGNED) * 5700000000000017, 0 FROM s",
        "plain SELECT CONCAT('p', i % 100), i % 10 FROM s",
        "made (id, n, j, ts, y, bits) SELECT i, i, JSON_OBJECT('a', i, 'b', JSON_ARRAY('x', NULL, TRUE)), \
         FROM_UNIXTIME(i * 1000.123456), IF(i % 5, 1901 + i % 200, 0), i FROM s",
        "single (i, v, n) SELECT i, CONCAT('s', i), 0 FROM s",
        "places SELECT i, ST_SRID(POINT(i % 90, -i % 90), 4326) FROM s",
    ];
    for fill in fills {
        let (table, select) = fill.split_once(" SELECT ").context("a table and a SELECT")?;
        let sql = format!("INSERT IGNORE INTO {DATABASE}.{table} {SERIES} SELECT {select}");
        conn.query_drop(as_of(flavor, &sql)).await.with_context(|| fill.to_owned())?;
    }
    Ok(())
}

/// One random change.
fn change(random: &mut fastrand::Rng, number: u32) -> String {
    let i = random.u32(1..3200);
    match random.u32(0..18) {
        0 => format!("UPDATE numbers SET n = n + 1 WHERE id = CAST({i} AS UNSIGNED) * 5700000000000017"),
        1 => format!("DELETE FROM numbers WHERE id = CAST({i} AS UNSIGNED) * 5700000000000017"),
        2 => format!(
            "REPLACE INTO numbers VALUES (CAST({i} AS UNSIGNED) * 5700000000000017, 'again', {number})"
        ),
        3 => format!("UPDATE pairs SET b = UPPER(b), n = n + 1 WHERE a = {i} % 7 LIMIT 3"),
        4 => format!("REPLACE INTO words VALUES (CONCAT('Ä', {i}), {number})"),
        5 => format!("UPDATE bytes SET n = n + 1 WHERE b = UNHEX(HEX({i} * 977))"),
        6 => format!("UPDATE decimals SET d = d + 100000, n = n + 1 WHERE d = ({i} - 1500) / 7 LIMIT 1"),
        7 => format!("DELETE FROM doubles WHERE d BETWEEN ({i} - 1501) / 7e0 AND ({i} - 1500) / 7e0"),
        8 => format!("UPDATE times SET n = n + 1 ORDER BY t DESC LIMIT {}", 1 + i % 5),
        9 => format!("UPDATE kinds SET n = n + 1 WHERE i = {i}"),
        10 => format!(
            "UPDATE emails a JOIN emails b ON b.id = a.id + 1 SET a.email = CONCAT(a.email, 'x'), b.n = b.n + 1 WHERE a.id = {i}"
        ),
        11 => format!("INSERT INTO plain VALUES ('new', {number})"),
        14 | 15 => format!("UPDATE single SET n = n + 1 WHERE i = {i}"),
        16 => format!("DELETE FROM single WHERE i = {i}"),
        17 => format!("REPLACE INTO single (i, v, n) VALUES ({i}, 'again', {number})"),
        12 => format!("DELETE FROM plain WHERE n = {} LIMIT 1", i % 10),
        _ => format!("UPDATE made SET n = n + 1, j = JSON_SET(j, '$.a', {number}) WHERE id = {i}"),
    }
}

/// Writes to the source until it is told to stop.
struct Writer {
    stop: Arc<AtomicBool>,
    task: tokio::task::JoinHandle<Result<u32>>,
}

impl Writer {
    async fn start(sites: &Sites, seed: u64) -> Result<Self> {
        let mut conn = sites.sites[0].servers.mysql.conn_to(DATABASE).await?;
        let stop = Arc::new(AtomicBool::new(false));
        let told = Arc::clone(&stop);
        let task = tokio::spawn(async move {
            conn.query_drop("SET SESSION sql_mode = 'NO_ENGINE_SUBSTITUTION'").await?;
            let mut random = fastrand::Rng::with_seed(seed);
            let mut number = 0;
            while !told.load(Ordering::Relaxed) {
                number += 1;
                let sql = change(&mut random, number);
                conn.query_drop(&sql).await.with_context(|| sql.clone())?;
            }
            Ok(number)
        });
        Ok(Self { stop, task })
    }

    /// How many changes it made.
    async fn stop(self) -> Result<u32> {
        self.stop.store(true, Ordering::Relaxed);
        self.task.await?
    }
}

/// How a reader knows what it sees.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Kind {
    Gtids,
    MariaDb,
    /// MySQL without GTIDs: by watermarks.
    ByFile,
}

async fn boot(connector: &str, sink: &str) -> Result<Sites> {
    boot_of(Kind::Gtids, connector, sink).await
}

async fn boot_of(kind: Kind, connector: &str, sink: &str) -> Result<Sites> {
    let mut options = SitesOptions {
        connector: format!("snapshot.mode = 'initial'\nsnapshot.chunk_rows = 100\n{connector}"),
        sink: sink.to_owned(),
        ..SitesOptions::with_databases([DATABASE])
    };
    match kind {
        Kind::Gtids => {}
        Kind::MariaDb => options.flavors = [Flavor::MariaDb; 2],
        Kind::ByFile => {
            options.mysql_args =
                ["--gtid-mode=OFF", "--enforce-gtid-consistency=OFF"].map(str::to_owned).into();
            options.connector.push_str("\nsource.position = 'file'");
        }
    }
    let sites = Sites::boot(&options).await?;
    if kind == Kind::ByFile {
        sites.sites[0].servers.mysql.run(accounts::watermarks()).await?;
    }
    Ok(sites)
}

async fn fill_source(sites: &Sites) -> Result<()> {
    let flavor = sites.sites[0].servers.mysql.flavor();
    let mut conn = sites.sites[0].servers.mysql.conn().await?;
    conn.query_drop(format!("CREATE DATABASE {DATABASE} CHARACTER SET utf8mb4 COLLATE utf8mb4_bin")).await?;
    conn.query_drop(format!("USE {DATABASE}")).await?;
    for table in TABLES {
        conn.query_drop(as_of(flavor, table)).await.with_context(|| table.to_owned())?;
    }
    fill(&mut conn, flavor).await
}

/// Waits until the source's connector has published all of its tables.
async fn published(sites: &Sites) -> Result<()> {
    let connector = &sites.sites[0].connector;
    eventually(PATIENCE, || async {
        connector.running().map_err(|error| format!("{error:#}"))?;
        let words = connector.words().map_err(|error| format!("{error:#}"))?;
        if words.contains("the snapshot is complete") { Ok(()) } else { Err(connector.last_words()) }
    })
    .await
}

async fn equal(sites: &Sites) -> Result<String> {
    let comparison = sites.quiet(&[DATABASE], Duration::from_secs(20)).await?;
    ensure!(comparison.equal(), "{comparison}\n{}", sites.last_words());
    Ok(comparison.to_string())
}

async fn definitions(sites: &Sites, site: usize) -> Result<Vec<String>> {
    let mut conn = sites.sites[site].servers.mysql.conn_to(DATABASE).await?;
    let tables: Vec<String> = conn.query("SHOW TABLES").await?;
    let mut all = Vec::new();
    for table in tables {
        let row: Option<(String, String)> = conn.query_first(format!("SHOW CREATE TABLE `{table}`")).await?;
        all.push(row.context("a table")?.1);
    }
    Ok(all)
}

#[tokio::test(flavor = "multi_thread")]
async fn a_filled_source_arrives_while_it_is_written_to() -> Result<()> {
    filled(Kind::Gtids).await
}

#[tokio::test(flavor = "multi_thread")]
async fn so_does_one_of_mariadb() -> Result<()> {
    filled(Kind::MariaDb).await
}

async fn filled(kind: Kind) -> Result<()> {
    let seed = seed(7)?;
    let sites = boot_of(kind, "", "").await?;
    fill_source(&sites).await?;
    let writer = Writer::start(&sites, seed).await?;
    let [source, target] = &sites.sites;
    source.connector.start_ready(READY).await?;
    target.sink.start_ready(READY).await?;
    published(&sites).await?;
    let changes = writer.stop().await?;
    let equal = equal(&sites).await?;
    for (source, target) in definitions(&sites, 0).await?.iter().zip(&definitions(&sites, 1).await?) {
        // A table that is made from SHOW CREATE TABLE names the charset where its original inherits it.
        let plain = |text: &str| text.replace(" CHARACTER SET utf8mb4", "");
        assert_eq!(plain(source), plain(target));
    }
    println!("seed {seed}: {changes} changes meanwhile; {equal}");
    sites.sites[0].connector.stop().await?;
    sites.sites[1].sink.stop().await
}

/// A transaction is streamed, and published, long before any SELECT sees it: semi-synchronous replication holds its
/// commit back until somebody acknowledges it. A chunk that is read meanwhile would bring the row as it was before.
#[tokio::test(flavor = "multi_thread")]
async fn a_change_that_is_streamed_before_it_is_executed_is_not_overwritten() -> Result<()> {
    streamed_early(Kind::Gtids, "waiting until what was streamed is executed").await
}

#[tokio::test(flavor = "multi_thread")]
async fn nor_is_it_where_watermarks_are_written() -> Result<()> {
    streamed_early(Kind::ByFile, "writing a watermark table=old.second").await
}

/// `waits`: what the reader says that waits.
async fn streamed_early(kind: Kind, waits: &str) -> Result<()> {
    let sites = boot_of(
        kind,
        "publish.when = 'immediately'\nsnapshot.readers = 1\nlog.level = 'info,strait_connector=debug'",
        "snapshot.rows = 'replace'",
    )
    .await?;
    let source = &sites.sites[0].servers.mysql;
    source
        .run([
            "INSTALL PLUGIN rpl_semi_sync_source SONAME 'semisync_source.so'",
            "SET GLOBAL rpl_semi_sync_source_timeout = 3600000",
            "SET GLOBAL rpl_semi_sync_source_wait_no_replica = ON",
            "SET GLOBAL rpl_semi_sync_source_wait_point = 'AFTER_SYNC'",
            "CREATE DATABASE old",
            "CREATE TABLE old.first (id INT PRIMARY KEY)",
            "CREATE TABLE old.second (id INT PRIMARY KEY, v VARCHAR(20))",
            "INSERT INTO old.first VALUES (1)",
            "INSERT INTO old.second VALUES (1, 'before'), (2, 'before')",
        ])
        .await?;
    // The only reader comes to the second table once it is let into the first one.
    let mut gate = source.conn().await?;
    gate.query_drop("LOCK TABLES old.first WRITE").await?;
    let connector = &sites.sites[0].connector;
    connector.start_ready(READY).await?;
    sites.sites[1].sink.start_ready(READY).await?;
    source.run(["SET GLOBAL rpl_semi_sync_source_enabled = ON"]).await?;
    let mut writer = source.conn().await?;
    let held =
        tokio::spawn(
            async move { writer.query_drop("UPDATE old.second SET v = 'streamed' WHERE id = 1").await },
        );
    eventually(PATIENCE, || async {
        let metrics = connector.metrics().await.map_err(|error| error.to_string())?;
        match metrics.sum_where("strait_connector_rows_total", &[("op", "u")]) {
            Some(1.0) => Ok(()),
            seen => Err(format!("{seen:?}")),
        }
    })
    .await?;
    gate.query_drop("UNLOCK TABLES").await?;
    eventually(PATIENCE, || async {
        let words = connector.words().map_err(|error| error.to_string())?;
        if words.contains(waits) || words.contains("the snapshot is complete") {
            Ok(())
        } else {
            Err(connector.last_words())
        }
    })
    .await?;
    source.run(["SET GLOBAL rpl_semi_sync_source_enabled = OFF"]).await?;
    held.await??;
    published(&sites).await?;
    println!("{}", equal(&sites).await?);
    Ok(())
}

/// The range of a chunk is emptied but for its rows and those that were streamed meanwhile, whose keys are told in other ways:
/// a label here, a number there.
#[tokio::test(flavor = "multi_thread")]
async fn a_row_that_is_changed_while_its_chunk_is_read_is_not_cleared_away() -> Result<()> {
    for kind in [Kind::Gtids, Kind::MariaDb] {
        let sites = boot_of(kind, "publish.when = 'immediately'", "snapshot.rows = 'replace'").await?;
        let source = &sites.sites[0].servers.mysql;
        source
            .run([
                "CREATE DATABASE old",
                "CREATE TABLE old.kinds (a INT, e ENUM('x','y','z'), s SET('p','q'), v INT, PRIMARY KEY (a, e, s))",
                "INSERT INTO old.kinds VALUES (1,'x','p',1), (1,'y','p,q',1), (29,'z','q',1), (30,'x','',1)",
            ])
            .await?;
        let mut gate = source.conn_to(DATABASE).await?;
        gate.query_drop("LOCK TABLES kinds WRITE").await?;
        let connector = &sites.sites[0].connector;
        connector.start_ready(READY).await?;
        sites.sites[1].sink.start_ready(READY).await?;
        let reads = "SELECT COUNT(*) FROM information_schema.processlist \
                     WHERE state LIKE 'Waiting for table metadata lock' AND info LIKE '%FROM `old`.`kinds`%'";
        eventually(PATIENCE, || async {
            let found: Result<Option<u64>> =
                async { Ok(source.conn().await?.query_first(reads).await?) }.await;
            if matches!(found, Ok(Some(1..))) { Ok(()) } else { Err(format!("{found:?}")) }
        })
        .await?;
        gate.query_drop("UPDATE kinds SET v = 2 WHERE a = 29").await?;
        eventually(PATIENCE, || async {
            let metrics = connector.metrics().await.map_err(|error| error.to_string())?;
            match metrics.sum_where("strait_connector_rows_total", &[("op", "u")]) {
                Some(1.0) => Ok(()),
                seen => Err(format!("{seen:?}")),
            }
        })
        .await?;
        gate.query_drop("UNLOCK TABLES").await?;
        published(&sites).await?;
        println!("{}", equal(&sites).await?);
    }
    Ok(())
}

#[tokio::test(flavor = "multi_thread")]
async fn killing_both_processes_loses_nothing_of_a_snapshot() -> Result<()> {
    killed(Kind::Gtids).await
}

#[tokio::test(flavor = "multi_thread")]
async fn nor_of_one_of_mariadb() -> Result<()> {
    killed(Kind::MariaDb).await
}

#[tokio::test(flavor = "multi_thread")]
async fn nor_of_one_without_gtids() -> Result<()> {
    killed(Kind::ByFile).await
}

async fn killed(kind: Kind) -> Result<()> {
    let seed = seed(8)?;
    let mut random = fastrand::Rng::with_seed(seed);
    let sites = boot_of(kind, "", "").await?;
    fill_source(&sites).await?;
    let writer = Writer::start(&sites, seed).await?;
    let [source, target] = &sites.sites;
    source.connector.start_ready(READY).await?;
    target.sink.start_ready(READY).await?;
    for _ in 0..6 {
        let victim = if random.bool() { &source.connector } else { &target.sink };
        // The instant itself is what is varied; nothing is waited for.
        tokio::time::sleep(Duration::from_millis(random.u64(50..900))).await;
        victim.kill9().await?;
        victim.start_ready(READY).await?;
    }
    published(&sites).await?;
    let changes = writer.stop().await?;
    println!("seed {seed}: {changes} changes meanwhile; {}", equal(&sites).await?);
    Ok(())
}

#[tokio::test(flavor = "multi_thread")]
async fn replace_makes_a_target_equal_that_had_other_rows() -> Result<()> {
    let sites = boot("", "snapshot.rows = 'replace'").await?;
    fill_source(&sites).await?;
    let mut target = sites.sites[1].servers.mysql.conn().await?;
    target.query_drop(format!("CREATE DATABASE {DATABASE}")).await?;
    target.query_drop(format!("USE {DATABASE}")).await?;
    for table in TABLES {
        target.query_drop(table).await?;
    }
    for other in [
        "INSERT INTO numbers VALUES (1, 'gone at the source', 0), (18446744073709551615, 'too', 0), (5700000000000017, 'old', 9)",
        "INSERT INTO words VALUES ('', 1), ('zzz', 1), ('z1', 5)",
        "INSERT INTO emails VALUES (99999, 'user5@example.org', 1), (5, 'another', 1), (99998, 'moved@example.org', 1), \
         (99997, 'new@example.org', 1), (99996, 'changed@example.org', 1)",
        "INSERT INTO plain VALUES ('old', 1)",
        "INSERT INTO bare VALUES (1), (2)",
    ] {
        target.query_drop(other).await.with_context(|| other.to_owned())?;
    }
    // What is streamed meanwhile finds its unique values taken by rows that the source does not have.
    let source = &sites.sites[0].servers.mysql;
    let mut gate = source.conn_to(DATABASE).await?;
    gate.query_drop("LOCK TABLES child WRITE").await?;
    sites.sites[0].connector.start_ready(READY).await?;
    let mut conn = source.conn_to(DATABASE).await?;
    for change in [
        "INSERT INTO emails VALUES (3500, 'new@example.org', 0)",
        "UPDATE emails SET email = 'changed@example.org' WHERE id = 2999",
        "UPDATE emails SET id = 3600, email = 'moved@example.org' WHERE id = 2998",
    ] {
        conn.query_drop(change).await?;
    }
    sites.sites[1].sink.start_ready(READY).await?;
    gate.query_drop("UNLOCK TABLES").await?;
    published(&sites).await?;
    println!("{}", equal(&sites).await?);
    sites.nothing_repaired_at(1).await
}

#[tokio::test(flavor = "multi_thread")]
async fn keep_leaves_the_targets_own_rows_and_halts_where_it_cannot_tell() -> Result<()> {
    let sites = boot("", "").await?;
    let mut source = sites.sites[0].servers.mysql.conn().await?;
    let mut target = sites.sites[1].servers.mysql.conn().await?;
    for conn in [&mut source, &mut target] {
        conn.query_drop(format!("CREATE DATABASE {DATABASE}")).await?;
        conn.query_drop(format!("USE {DATABASE}")).await?;
        conn.query_drop("CREATE TABLE t (id INT PRIMARY KEY, u INT UNIQUE, v VARCHAR(20))").await?;
    }
    source.query_drop("INSERT INTO t VALUES (1, 1, 'source'), (2, 2, 'source'), (3, 3, 'source')").await?;
    target.query_drop("INSERT INTO t VALUES (2, 2, 'target'), (9, 9, 'target')").await?;
    sites.sites[0].connector.start_ready(READY).await?;
    sites.sites[1].sink.start_ready(READY).await?;
    published(&sites).await?;
    let expected = [(1, "source"), (2, "target"), (3, "source"), (9, "target")];
    eventually(PATIENCE, || async {
        let mut conn =
            sites.sites[1].servers.mysql.conn_to(DATABASE).await.map_err(|error| error.to_string())?;
        let rows: Vec<(i32, String)> =
            conn.query("SELECT id, v FROM t ORDER BY id").await.map_err(|error| error.to_string())?;
        let same = rows.iter().map(|(id, v)| (*id, v.as_str())).eq(expected);
        if same { Ok(()) } else { Err(format!("{rows:?}\n{}", sites.last_words())) }
    })
    .await
}

#[tokio::test(flavor = "multi_thread")]
async fn a_row_that_another_keeps_out_halts_with_its_place() -> Result<()> {
    let sites = boot("", "").await?;
    let mut source = sites.sites[0].servers.mysql.conn().await?;
    let mut target = sites.sites[1].servers.mysql.conn().await?;
    for conn in [&mut source, &mut target] {
        conn.query_drop(format!("CREATE DATABASE {DATABASE}")).await?;
        conn.query_drop(format!("USE {DATABASE}")).await?;
        conn.query_drop("CREATE TABLE t (id INT PRIMARY KEY, u INT UNIQUE)").await?;
    }
    source.query_drop("INSERT INTO t VALUES (1, 1), (2, 2)").await?;
    target.query_drop("INSERT INTO t VALUES (7, 2)").await?;
    sites.sites[0].connector.start_ready(READY).await?;
    let sink = &sites.sites[1].sink;
    sink.start()?;
    let status = sink.wait(PATIENCE).await?;
    let words = sink.last_words();
    if status.success() || !words.contains("another row") && !words.contains("unique") {
        bail!("{status}: {words}");
    }
    Ok(())
}

/// Each site brings what the other lacks; what a snapshot makes at one site does not come back from it.
#[tokio::test(flavor = "multi_thread")]
async fn two_sites_bring_each_other_their_tables() -> Result<()> {
    let sites = boot("", "").await?;
    for (site, table) in sites.sites.iter().zip(["ours", "theirs"]) {
        let mut conn = site.servers.mysql.conn().await?;
        conn.query_drop(format!("CREATE DATABASE {DATABASE}")).await?;
        conn.query_drop(format!("USE {DATABASE}")).await?;
        conn.query_drop("SET SESSION cte_max_recursion_depth = 10000").await?;
        conn.query_drop(format!("CREATE TABLE {table} (id INT PRIMARY KEY, v VARCHAR(20))")).await?;
        conn.query_drop("CREATE TABLE common (id INT PRIMARY KEY, v VARCHAR(20))").await?;
        conn.query_drop(format!("INSERT INTO {table} {SERIES} SELECT i, 'old' FROM s LIMIT 500")).await?;
        conn.query_drop(format!("INSERT INTO common VALUES (1, 'same'), ({}, '{table}')", table.len()))
            .await?;
    }
    sites.start().await?;
    published(&sites).await?;
    let mut conn = sites.sites[1].servers.mysql.conn_to(DATABASE).await?;
    eventually(PATIENCE, || async {
        let there: Result<Option<u32>, _> = sites.sites[1]
            .servers
            .mysql
            .conn_to(DATABASE)
            .await
            .map_err(|error| error.to_string())?
            .query_first("SELECT COUNT(*) FROM ours")
            .await;
        match there {
            Ok(Some(500)) => Ok(()),
            seen => Err(format!("{seen:?}\n{}", sites.last_words())),
        }
    })
    .await?;
    // A table that came by the snapshot is written to where it came to.
    conn.query_drop("UPDATE ours SET v = 'new' WHERE id = 7").await?;
    println!("{}", equal(&sites).await?);
    sites.stop().await
}
