//! Latency from commit to commit, by the servers' own stamps.
//!
//! A writer commits one-row transactions at a steady pace. Afterwards both binary logs are read with `mysqlbinlog`, the rows are matched by
//! id, and the target's commit time minus the source's is the latency of that row. No clock of the
//! benchmark takes part, and a row that did not arrive is an error, not a gap in the statistics.

use std::{
    collections::HashMap,
    time::{Duration, Instant},
};

use anyhow::{Context, Result, ensure};
use mysql_async::{Conn, Opts, prelude::Queryable};

use super::load::DATABASE;
use crate::oracle::BinlogReader;

const CONNECTIONS: u64 = 8;

/// Commits `count` one-row transactions into `ticks`, `per_second` of them, with ids from `first` on; the pace that was reached.
pub async fn write_ticks(source: &Opts, first: u64, count: u64, per_second: u64) -> Result<f64> {
    let started = Instant::now();
    let writers = (0..CONNECTIONS).map(async |worker| {
        let mut conn = Conn::new(source.clone()).await?;
        for n in (worker..count).step_by(CONNECTIONS as usize) {
            let due = started + Duration::from_micros(n * 1_000_000 / per_second);
            tokio::time::sleep_until(due.into()).await;
            let id = first + n;
            conn.query_drop(format!(
                "INSERT INTO {DATABASE}.ticks VALUES ({id}, {n}, REPEAT('x', 119), REPEAT('y', 59))"
            ))
            .await?;
        }
        conn.disconnect().await?;
        anyhow::Ok(())
    });
    futures_util::future::try_join_all(writers).await.context("writing at a steady pace")?;
    Ok(count as f64 / started.elapsed().as_secs_f64())
}

/// When each row of `ticks` was committed, by id.
pub fn commit_times(log: BinlogReader) -> Result<HashMap<u64, i64>> {
    let ticks = format!("{DATABASE}.ticks");
    let mut times = HashMap::new();
    let mut unreadable = None;
    log.read(|transaction| {
        for row in transaction.rows.iter().filter(|row| *row.table == *ticks) {
            match row.after.first().and_then(|id| id.parse().ok()) {
                Some(id) => drop(times.insert(id, transaction.commit_us)),
                None => unreadable = Some(row.clone()),
            }
        }
    })?;
    ensure!(unreadable.is_none(), "a tick without an id: {unreadable:?}");
    Ok(times)
}

/// The spread of a set of latencies.
#[derive(Debug, Clone, Copy, Default)]
pub struct Spread {
    pub p50: Duration,
    pub p99: Duration,
    pub max: Duration,
}

impl Spread {
    /// From commit times at both ends; every row of the source must be at the target.
    pub fn between(source: &HashMap<u64, i64>, target: &HashMap<u64, i64>) -> Result<Self> {
        ensure!(!source.is_empty(), "no row was committed at the source");
        let mut latencies = Vec::with_capacity(source.len());
        for (id, committed) in source {
            let arrived = target.get(id).with_context(|| format!("row {id} did not reach the target"))?;
            latencies
                .push(Duration::from_micros(u64::try_from(arrived - committed).with_context(|| {
                    format!("row {id} is {} us older at the target", committed - arrived)
                })?));
        }
        latencies.sort_unstable();
        let at = |share: f64| latencies[((latencies.len() - 1) as f64 * share).round() as usize];
        Ok(Self { p50: at(0.50), p99: at(0.99), max: at(1.0) })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn spread_is_taken_over_every_row_and_a_missing_one_is_an_error() {
        let source: HashMap<u64, i64> = (1..=100).map(|id| (id, 1_000)).collect();
        let mut target: HashMap<u64, i64> = (1..=100).map(|id| (id, 1_000 + id as i64)).collect();
        let spread = Spread::between(&source, &target).expect("all arrived");
        assert_eq!((spread.p50.as_micros(), spread.p99.as_micros(), spread.max.as_micros()), (51, 99, 100));
        target.remove(&7);
        assert!(Spread::between(&source, &target).expect_err("7 is missing").to_string().contains("row 7"));
    }
}
