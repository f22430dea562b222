//! Load whose every change can be told apart: a table in which each change of a row carries a version never used before.
//!
//! A worker owns its keys and counts the versions it *tries*. Whether a commit that was cut off took place does not matter: the next try
//! uses a greater version anyway, so committed versions of a key strictly increase and none occurs twice. What was
//! really committed is read from the server's own binary log afterwards.

use std::{
    collections::HashMap,
    sync::{
        Arc,
        atomic::{AtomicBool, AtomicU64, Ordering},
    },
    time::Duration,
};

use anyhow::{Context, Result};
use mysql_async::{Conn, Opts, prelude::Queryable};
use tokio::{task::JoinSet, time::MissedTickBehavior};

pub const DATABASE: &str = "ledger";
pub const TABLE: &str = "ledger.account";
const KEYS_OF_A_WORKER: u64 = 300;
/// Rows of a large transaction; one in fifty is one.
const LARGE: u64 = 100;

/// Creates the table outside the binary log: the same on each server.
pub async fn create(server: &Opts) -> Result<()> {
    let mut conn = Conn::new(server.clone()).await.context("connecting to create the ledger")?;
    conn.query_drop("SET SESSION sql_log_bin = 0").await?;
    conn.query_drop(format!("CREATE DATABASE {DATABASE}")).await?;
    conn.query_drop(format!(
        "CREATE TABLE {TABLE} (id INT UNSIGNED NOT NULL PRIMARY KEY, version BIGINT UNSIGNED NOT NULL, \
         note VARCHAR(100) NOT NULL)"
    ))
    .await?;
    conn.disconnect().await?;
    Ok(())
}

/// Workers that write until they are told to stop, through any fault of the server.
#[derive(Debug)]
pub struct Writers {
    tasks: JoinSet<()>,
    stop: Arc<AtomicBool>,
    committed: Arc<AtomicU64>,
}

impl Writers {
    /// `pace`: how often each worker begins a transaction, at most. Versions begin after `versions_from`: writers that
    /// follow others on the same rows must not give theirs again.
    pub fn start(server: &Opts, workers: u64, seed: u64, versions_from: u64, pace: Duration) -> Self {
        let stop = Arc::new(AtomicBool::new(false));
        let committed = Arc::new(AtomicU64::new(0));
        let mut tasks = JoinSet::new();
        for worker in 0..workers {
            let state = Worker {
                server: server.clone(),
                first_key: worker * KEYS_OF_A_WORKER + 1,
                random: fastrand::Rng::with_seed(seed ^ (worker << 32)),
                tried: HashMap::new(),
                versions_from,
                stop: Arc::clone(&stop),
                committed: Arc::clone(&committed),
            };
            tasks.spawn(state.run(pace));
        }
        Self { tasks, stop, committed }
    }

    /// Transactions committed so far, as far as the workers were told.
    pub fn committed(&self) -> u64 {
        self.committed.load(Ordering::Relaxed)
    }

    /// Lets each worker end what it is doing; the number of transactions.
    pub async fn stop(self) -> u64 {
        self.stop.store(true, Ordering::Relaxed);
        self.tasks.join_all().await;
        self.committed.load(Ordering::Relaxed)
    }
}

struct Worker {
    server: Opts,
    first_key: u64,
    random: fastrand::Rng,
    /// The last version tried, by key.
    tried: HashMap<u64, u64>,
    versions_from: u64,
    stop: Arc<AtomicBool>,
    committed: Arc<AtomicU64>,
}

impl Worker {
    async fn run(mut self, pace: Duration) {
        let mut ticks = tokio::time::interval(pace);
        ticks.set_missed_tick_behavior(MissedTickBehavior::Delay);
        let mut connection = None;
        while !self.stop.load(Ordering::Relaxed) {
            ticks.tick().await;
            let mut conn = match connection.take() {
                Some(conn) => conn,
                None => match Conn::new(self.server.clone()).await {
                    Ok(conn) => conn,
                    Err(_) => continue, // the server is down: try again at the next tick
                },
            };
            if self.transaction(&mut conn).await.is_ok() {
                self.committed.fetch_add(1, Ordering::Relaxed);
                connection = Some(conn);
            }
        }
    }

    /// A few keys, each inserted, changed or deleted; in one of fifty transactions many.
    async fn transaction(&mut self, conn: &mut Conn) -> mysql_async::Result<()> {
        let keys = if self.random.u8(..50) == 0 { LARGE } else { self.random.u64(1..4) };
        let first = self.random.u64(..KEYS_OF_A_WORKER);
        conn.query_drop("BEGIN").await?;
        for n in 0..keys {
            let key = self.first_key + (first + n) % KEYS_OF_A_WORKER;
            let version = self.next_version(key);
            if self.random.u8(..10) == 0 {
                conn.query_drop(format!("DELETE FROM {TABLE} WHERE id = {key}")).await?;
            } else {
                conn.query_drop(format!(
                    "INSERT INTO {TABLE} VALUES ({key}, {version}, 'written as {version}') \
                     ON DUPLICATE KEY UPDATE version = {version}, note = 'changed to {version}'"
                ))
                .await?;
            }
        }
        conn.query_drop(if self.random.u8(..20) == 0 { "ROLLBACK" } else { "COMMIT" }).await
    }

    fn next_version(&mut self, key: u64) -> u64 {
        let version = self.tried.entry(key).or_insert(self.versions_from);
        *version += 1;
        *version
    }
}
