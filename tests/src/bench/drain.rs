//! How fast each process takes a backlog off: from the start of the process to its last commit.

use std::time::{Duration, Instant};

use anyhow::{Context, Result, ensure};
use mysql_async::prelude::Queryable;
use strait_mysql::gtid::GtidSet;
use strait_schemas::Seq;

use super::rig::Rig;
use crate::{MySql, Strait, child::Usage, eventually, oracle::PositionReader};

const PATIENCE: Duration = Duration::from_mins(30);

/// A drained backlog.
#[derive(Debug, Clone, Copy)]
pub struct Drain {
    pub elapsed: Duration,
    /// Of the process, since it was started.
    pub usage: Usage,
    /// CPU time of the target's server meanwhile.
    pub server: Duration,
}

impl Drain {
    pub fn per_second(&self, count: u64) -> f64 {
        count as f64 / self.elapsed.as_secs_f64()
    }

    /// Microseconds of the process's CPU time for each of `count`.
    pub fn cpu_us(&self, count: u64) -> f64 {
        each_us(self.usage.cpu, count)
    }

    pub fn peak_mb(&self) -> f64 {
        megabytes(self.usage.peak_rss)
    }
}

/// Microseconds for each of `count`.
pub fn each_us(time: Duration, count: u64) -> f64 {
    time.as_secs_f64() * 1e6 / count as f64
}

pub fn megabytes(bytes: u64) -> f64 {
    bytes as f64 / f64::from(1 << 20)
}

/// Starts the connector of `prefix` and waits until it has published all of `goal`; it stays running.
pub fn publish(rig: &Rig, connector: &Strait, prefix: &str, goal: &str) -> Result<Drain> {
    let started = Instant::now();
    connector.start()?;
    published(rig, connector, prefix, goal)?;
    Ok(Drain { elapsed: started.elapsed(), usage: connector.usage()?, server: Duration::ZERO })
}

/// Waits until a connector that runs has published all of `goal`.
pub fn published(rig: &Rig, connector: &Strait, prefix: &str, goal: &str) -> Result<()> {
    let goal: GtidSet = goal.parse().context("the goal's GTID set")?;
    let began = Instant::now();
    tokio::task::block_in_place(|| {
        let mut reader = PositionReader::new(rig.kafka.bootstrap(), prefix)?;
        loop {
            if let Some(position) = reader.latest(Duration::from_millis(20))? {
                let published: GtidSet = position.gtid_set.as_deref().unwrap_or_default().parse()?;
                if position.inside.is_none() && published.contains_set(&goal) {
                    return Ok(());
                }
            }
            connector.running()?;
            ensure!(began.elapsed() < PATIENCE, "not published in time:\n{}", connector.last_words());
        }
    })
}

/// The last number that the connector of `prefix` has published.
pub fn last_seq(rig: &Rig, prefix: &str) -> Result<Seq> {
    tokio::task::block_in_place(|| {
        let mut reader = PositionReader::new(rig.kafka.bootstrap(), prefix)?;
        let position = reader.latest(Duration::from_secs(20))?.context("the position topic is empty")?;
        let next = position.next_seq;
        Ok(Seq::new(next.generation(), next.number() - 1))
    })
}

/// Starts the sink named `name` and waits until it has applied everything up to `goal` of `prefix`; it stays running.
pub async fn apply(target: &MySql, sink: &Strait, prefix: &str, name: &str, goal: Seq) -> Result<Drain> {
    let before = target.usage()?.cpu;
    let started = Instant::now();
    sink.start()?;
    applied(target, sink, prefix, name, goal).await?;
    let elapsed = started.elapsed();
    Ok(Drain { elapsed, usage: sink.usage()?, server: target.usage()?.cpu.saturating_sub(before) })
}

/// Waits until a sink that runs has applied everything up to `goal`.
pub async fn applied(target: &MySql, sink: &Strait, prefix: &str, name: &str, goal: Seq) -> Result<()> {
    let mut conn = target.conn().await?;
    let began = Instant::now();
    loop {
        // The table is not there before the first start of a sink.
        let sql = "SELECT MAX(seq) FROM strait.lane WHERE origin = ? AND sink = ?";
        let applied: Option<Option<u64>> = conn.exec_first(sql, (prefix, name)).await.ok().flatten();
        if applied.flatten().is_some_and(|seq| seq >= goal.raw()) {
            return Ok(());
        }
        sink.running()?;
        ensure!(began.elapsed() < PATIENCE, "{goal} not applied in time:\n{}", sink.last_words());
        tokio::time::sleep(Duration::from_millis(10)).await;
    }
}

/// Waits until the target has `count` rows in `table`.
pub async fn arrived(target: &MySql, sink: &Strait, table: &str, count: u64) -> Result<()> {
    let conn = tokio::sync::Mutex::new(target.conn().await?);
    let all = async || {
        sink.running().map_err(|error| error.to_string())?;
        let sql = format!("SELECT COUNT(*) FROM {}.{table}", super::load::DATABASE);
        let there: Option<u64> =
            conn.lock().await.query_first(sql).await.map_err(|error| error.to_string())?;
        if there == Some(count) { Ok(()) } else { Err(format!("{there:?} of {count} rows in {table}")) }
    };
    eventually(Duration::from_mins(2), all).await
}
