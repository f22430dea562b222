//! The backlog: how the source gets its millions of rows quickly, the same ones each time.
//!
//! Rows are computed inside the server from seed and id (digests), so neither parsing nor the network limits the load. The
//! schema is made on each server by itself, outside the log: a backlog holds rows only.
//!
//! While a backlog is loaded the source runs with relaxed durability (`sync_binlog = 0`,
//! `innodb_flush_log_at_trx_commit = 0`); what is measured afterwards never does.

mod procedures;

use anyhow::{Context, Result, ensure};
use mysql_async::{Conn, Opts, prelude::Queryable};

pub use procedures::{Procedure, create_counters, create_generator};

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

/// A table of the benchmark.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Table {
    /// Rows in transactions of 1,000.
    Bulk,
    /// One of four, for transactions of one row.
    Small(u32),
    /// Rows whose latency is measured.
    Ticks,
    /// 1,000 rows that change all the time.
    Counters,
    Parent,
    /// Goes with its parent.
    Child,
    /// Two secondary unique keys.
    Unique,
}

impl Table {
    pub const SMALL: [Self; 4] = [Self::Small(0), Self::Small(1), Self::Small(2), Self::Small(3)];

    pub fn name(self) -> String {
        match self {
            Self::Bulk => "bulk".to_owned(),
            Self::Small(number) => format!("small{number}"),
            Self::Ticks => "ticks".to_owned(),
            Self::Counters => "counters".to_owned(),
            Self::Parent => "parent".to_owned(),
            Self::Child => "child".to_owned(),
            Self::Unique => "uniq".to_owned(),
        }
    }

    fn columns(self) -> String {
        match self {
            Self::Bulk | Self::Small(_) | Self::Ticks => COLUMNS.to_owned(),
            Self::Counters => "id INT UNSIGNED NOT NULL PRIMARY KEY, n BIGINT UNSIGNED NOT NULL".to_owned(),
            Self::Parent => "id INT UNSIGNED NOT NULL PRIMARY KEY, name CHAR(40) NOT NULL".to_owned(),
            Self::Child => format!(
                "id INT UNSIGNED NOT NULL PRIMARY KEY, parent INT UNSIGNED NOT NULL, name CHAR(40) NOT NULL, \
                 FOREIGN KEY (parent) REFERENCES {DATABASE}.parent (id) ON DELETE CASCADE"
            ),
            Self::Unique => "id INT UNSIGNED NOT NULL PRIMARY KEY, one BIGINT UNSIGNED NOT NULL UNIQUE, \
                             other CHAR(40) NOT NULL UNIQUE, c CHAR(120) NOT NULL"
                .to_owned(),
        }
    }
}

#[derive(Debug, Clone, Copy)]
pub struct Load {
    pub seed: u64,
    pub connections: u32,
    /// Whether the binary log has it.
    pub logged: bool,
}

/// What a transaction of 1,000 rows does to `bulk`.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Bulk {
    Insert,
    Update,
    Delete,
    /// A third of each.
    Mixed,
}

/// Tables of every server that takes part, in an order in which a child comes after its parent.
pub async fn create_schema(server: &Opts, tables: &[Table]) -> Result<()> {
    let mut conn = Conn::new(server.clone()).await.context("connecting to create the schema")?;
    conn.query_drop("SET SESSION sql_log_bin = 0").await?;
    conn.query_drop(format!("CREATE DATABASE {DATABASE}")).await?;
    for table in tables {
        let (name, columns) = (table.name(), table.columns());
        conn.query_drop(format!("CREATE TABLE {DATABASE}.{name} ({columns}) ENGINE = InnoDB")).await?;
    }
    conn.disconnect().await?;
    Ok(())
}

/// The tables of which one is chosen; only the source has them.
pub async fn create_many(source: &Opts, tables: u64) -> Result<()> {
    let mut conn = Conn::new(source.clone()).await?;
    conn.query_drop("SET SESSION sql_log_bin = 0").await?;
    conn.query_drop(format!("CREATE DATABASE {MANY_DATABASE}")).await?;
    for table in 0..tables {
        conn.query_drop(format!("CREATE TABLE {MANY_DATABASE}.t{table} ({COLUMNS}) ENGINE = InnoDB")).await?;
    }
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
    /// As the log has it: four sessions at once.
    pub const fn logged(seed: u64) -> Self {
        Self { seed, connections: 4, logged: true }
    }

    /// As what was there before.
    pub const fn unlogged(seed: u64) -> Self {
        Self { logged: false, ..Self::logged(seed) }
    }

    /// `rows` new rows in transactions of 1,000.
    pub async fn large_transactions(&self, source: &Opts, rows: u64) -> Result<()> {
        self.bulk(source, rows, 0, Bulk::Insert).await
    }

    /// Transactions of 1,000 rows, each on the block of ids that follows the last one's; the first id is `after + 1`. All but
    /// inserts need rows with these ids.
    pub async fn bulk(&self, source: &Opts, rows: u64, after: u64, what: Bulk) -> Result<()> {
        ensure!(rows.is_multiple_of(LARGE_TRANSACTION), "rows must come in whole thousands, not {rows}");
        let blocks = rows / LARGE_TRANSACTION;
        let table = format!("{DATABASE}.bulk");
        let seed = self.seed;
        let insert = |from: u64, ids: &str| {
            format!(
                "INSERT INTO {table} SELECT {} FROM generator.thousand, (SELECT {seed} AS seed) AS s \
                 WHERE n >= {from} ORDER BY n",
                row_of(ids)
            )
        };
        let changed = digest("CONCAT(id, 'u')", 119);
        let update = |below: u64| {
            format!(
                "UPDATE {table}, (SELECT {seed} AS seed) AS s SET k = k + 1, c = {changed} \
                 WHERE id BETWEEN @base AND @base + {below} - 1"
            )
        };
        let delete = |from: u64, below: u64| {
            format!("DELETE FROM {table} WHERE id BETWEEN @base + {from} AND @base + {below} - 1")
        };
        let statements = match what {
            Bulk::Insert => vec![insert(0, "@base + n")],
            Bulk::Update => vec![update(LARGE_TRANSACTION)],
            Bulk::Delete => vec![delete(0, LARGE_TRANSACTION)],
            Bulk::Mixed => {
                let new = format!("@base + n + {}", after + rows);
                vec![
                    "BEGIN".to_owned(),
                    update(333),
                    delete(333, 666),
                    insert(666, &new),
                    "COMMIT".to_owned(),
                ]
            }
        };
        self.in_parallel(source, async |mut conn, worker| {
            for block in (worker..blocks).step_by(self.connections as usize) {
                conn.query_drop(format!("SET @base = {}", after + block * LARGE_TRANSACTION + 1)).await?;
                for statement in &statements {
                    conn.query_drop(statement).await?;
                }
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

    /// `count` transactions after the first `after` ones, by turns of the connections; each has numbers of its own.
    pub async fn small_transactions(
        &self,
        source: &Opts,
        procedure: Procedure,
        after: u64,
        count: u64,
    ) -> Result<()> {
        let share = count.div_ceil(u64::from(self.connections));
        self.in_parallel(source, async |mut conn, worker| {
            let first = worker * share;
            let total = share.min(count.saturating_sub(first));
            let name = procedure.name(worker);
            conn.query_drop(format!("CALL generator.{name}({}, {total}, {})", after + first + 1, self.seed))
                .await?;
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
            // Without locks on gaps the sessions do not meet.
            conn.query_drop("SET SESSION transaction_isolation = 'READ-COMMITTED'").await?;
            work(conn, worker).await?.disconnect().await?;
            anyhow::Ok(())
        });
        let ended = futures_util::future::try_join_all(workers).await;
        set_durability(&mut admin, 1).await?;
        admin.disconnect().await?;
        ended.map(drop).context("loading the backlog")
    }
}

/// 1: every commit is on disk. 0: only for what is not measured.
pub async fn set_durability(admin: &mut Conn, level: u8) -> Result<()> {
    admin.query_drop(format!("SET GLOBAL sync_binlog = {level}")).await?;
    admin.query_drop(format!("SET GLOBAL innodb_flush_log_at_trx_commit = {level}")).await?;
    Ok(())
}
