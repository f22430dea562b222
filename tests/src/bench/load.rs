//! The backlog: how the source gets its millions of rows quickly, the same ones each time.
//!
//! Rows are computed inside the server from seed and id (digests), so neither parsing nor the network limits the load. The
//! schema is made on each server by itself, outside the log: a backlog holds rows only.
//!
//! While a backlog is loaded the source runs with relaxed durability (`sync_binlog = 0`,
//! `innodb_flush_log_at_trx_commit = 0`); what is measured afterwards never does.

use anyhow::{Context, Result, ensure};
use mysql_async::{Conn, Opts, prelude::Queryable};

pub const DATABASE: &str = "bench";
/// Rows of each large transaction.
pub const LARGE_TRANSACTION: u64 = 1_000;

/// Their own, for nobody else reads them.
pub const MANY_DATABASE: &str = "many";
/// Tables of which one is chosen.
pub const MANY: u64 = 100;
/// Rows of each transaction on one of them.
const FEW: u64 = 10;

/// The columns of sysbench's table, about 200 bytes a row.
const COLUMNS: &str = "id INT UNSIGNED NOT NULL PRIMARY KEY, k INT UNSIGNED NOT NULL, c CHAR(120) NOT NULL, \
                       pad CHAR(60) NOT NULL";
const TABLES: [&str; 3] = ["bulk", "small", "ticks"];

#[derive(Debug, Clone, Copy)]
pub struct Load {
    pub seed: u64,
    pub connections: u32,
    /// Whether the binary log has it.
    pub logged: bool,
}

/// Tables of every server; on the source also the rows' generator.
pub async fn create_schema(server: &Opts) -> Result<()> {
    let mut conn = Conn::new(server.clone()).await.context("connecting to create the schema")?;
    conn.query_drop("SET SESSION sql_log_bin = 0").await?;
    conn.query_drop(format!("CREATE DATABASE {DATABASE}")).await?;
    for table in TABLES {
        conn.query_drop(format!("CREATE TABLE {DATABASE}.{table} ({COLUMNS}) ENGINE = InnoDB")).await?;
    }
    conn.disconnect().await?;
    Ok(())
}

/// The tables of which one is chosen; only the source has them.
pub async fn create_many(source: &Opts) -> Result<()> {
    let mut conn = Conn::new(source.clone()).await?;
    conn.query_drop("SET SESSION sql_log_bin = 0").await?;
    conn.query_drop(format!("CREATE DATABASE {MANY_DATABASE}")).await?;
    for table in 0..MANY {
        conn.query_drop(format!("CREATE TABLE {MANY_DATABASE}.t{table} ({COLUMNS}) ENGINE = InnoDB")).await?;
    }
    conn.disconnect().await?;
    Ok(())
}

/// What only the source has: the numbers 0 to 999 and the loop of one-row transactions. Kept in a database that is not replicated.
pub async fn create_generator(source: &Opts) -> Result<()> {
    let mut conn = Conn::new(source.clone()).await?;
    conn.query_drop("SET SESSION sql_log_bin = 0").await?;
    conn.query_drop("CREATE DATABASE generator").await?;
    conn.query_drop("CREATE TABLE generator.thousand (n INT UNSIGNED NOT NULL PRIMARY KEY)").await?;
    let numbers: Vec<String> = (0..LARGE_TRANSACTION).map(|n| format!("({n})")).collect();
    conn.query_drop(format!("INSERT INTO generator.thousand VALUES {}", numbers.join(","))).await?;
    let inserted = row_of("first + i");
    let changed = digest("CONCAT(i, 'u')", 119);
    // Inserts and updates by turns; an update meets any row inserted so far by this call.
    conn.query_drop(format!(
        "CREATE PROCEDURE generator.one_row_transactions(IN first INT UNSIGNED, IN total INT UNSIGNED, IN seed BIGINT UNSIGNED)
         BEGIN
           DECLARE i INT UNSIGNED DEFAULT 0;
           WHILE i < total DO
             IF i % 2 = 0 THEN
               INSERT INTO {DATABASE}.small SELECT {inserted};
             ELSE
               UPDATE {DATABASE}.small SET k = k + 1, c = {changed}
               WHERE id = first + 2 * (CRC32(CONCAT(seed, '/', i)) % ((i + 1) DIV 2));
             END IF;
             SET i = i + 1;
           END WHILE;
         END"
    ))
    .await?;
    conn.disconnect().await?;
    Ok(())
}

/// The columns of row `id`, an SQL expression; `seed` is in scope.
fn row_of(id: &str) -> String {
    let k = format!("CRC32(CONCAT(seed, 'k', {id}))");
    let c = digest(id, 119);
    let pad = digest(&format!("CONCAT({id}, 'p')"), 59);
    format!("{id}, {k}, {c}, {pad}")
}

fn digest(of: &str, length: u32) -> String {
    format!("LEFT(SHA2(CONCAT(seed, '-', {of}), 512), {length})")
}

impl Load {
    /// `rows` rows in transactions of 1,000.
    pub async fn large_transactions(&self, source: &Opts, rows: u64) -> Result<()> {
        ensure!(rows.is_multiple_of(LARGE_TRANSACTION), "rows must come in whole thousands, not {rows}");
        let blocks = rows / LARGE_TRANSACTION;
        let insert = format!(
            "INSERT INTO {DATABASE}.bulk SELECT {} FROM generator.thousand, (SELECT {} AS seed) AS s ORDER BY n",
            row_of("@base + n"),
            self.seed
        );
        self.in_parallel(source, async |mut conn, worker| {
            for block in (worker..blocks).step_by(self.connections as usize) {
                conn.query_drop(format!("SET @base = {}", block * LARGE_TRANSACTION + 1)).await?;
                conn.query_drop(&insert).await?;
            }
            Ok(conn)
        })
        .await
    }

    /// `rows` rows in transactions of 10, each on one of many tables by turns.
    pub async fn many_tables(&self, source: &Opts, rows: u64) -> Result<()> {
        let select = format!(
            "SELECT {} FROM generator.thousand, (SELECT {} AS seed) AS s WHERE n < {FEW}",
            row_of("@base + n"),
            self.seed
        );
        self.in_parallel(source, async |mut conn, worker| {
            for block in (worker..rows / FEW).step_by(self.connections as usize) {
                conn.query_drop(format!("SET @base = {}", block * FEW + 1)).await?;
                conn.query_drop(format!("INSERT INTO {MANY_DATABASE}.t{} {select}", block % MANY)).await?;
            }
            Ok(conn)
        })
        .await
    }

    /// `count` transactions of one row each.
    pub async fn one_row_transactions(&self, source: &Opts, count: u64) -> Result<()> {
        let share = count.div_ceil(u64::from(self.connections));
        self.in_parallel(source, async |mut conn, worker| {
            let first = worker * share + 1;
            let total = share.min((count + 1).saturating_sub(first));
            let call = format!("CALL generator.one_row_transactions({first}, {total}, {})", self.seed);
            conn.query_drop(call).await?;
            Ok(conn)
        })
        .await
    }

    /// Runs `work` on each connection at once, with the durability of the source relaxed meanwhile.
    async fn in_parallel(&self, source: &Opts, work: impl AsyncFn(Conn, u64) -> Result<Conn>) -> Result<()> {
        let mut admin = Conn::new(source.clone()).await?;
        set_durability(&mut admin, 0).await?;
        let workers = (0..u64::from(self.connections)).map(async |worker| {
            let mut conn = Conn::new(source.clone()).await?;
            conn.query_drop(format!("SET SESSION sql_log_bin = {}", u8::from(self.logged))).await?;
            work(conn, worker).await?.disconnect().await?;
            anyhow::Ok(())
        });
        let ended = futures_util::future::try_join_all(workers).await;
        set_durability(&mut admin, 1).await?;
        admin.disconnect().await?;
        ended.map(drop).context("loading the backlog")
    }
}

async fn set_durability(admin: &mut Conn, level: u8) -> Result<()> {
    admin.query_drop(format!("SET GLOBAL sync_binlog = {level}")).await?;
    admin.query_drop(format!("SET GLOBAL innodb_flush_log_at_trx_commit = {level}")).await?;
    Ok(())
}
