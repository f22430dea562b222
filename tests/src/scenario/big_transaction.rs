//! One transaction larger than memory should ever hold: it passes within the bounds, and the target shows all of it or none.

use std::time::{Duration, Instant};

use anyhow::{Context, Result, ensure};
use mysql_async::prelude::Queryable;

use super::judge::Judge;
use crate::{
    MySql, Strait,
    sites::{Sites, SitesOptions},
};

const MEGABYTE: u64 = 1 << 20;
const CONNECTOR_BOUND: u64 = 64 * MEGABYTE;
const SINK_BOUND: u64 = 128 * MEGABYTE;
const DATABASE: &str = "big";

#[derive(Debug, Clone, Copy)]
pub struct BigTransaction {
    /// 100,000 or 1,000,000: a power of ten.
    pub rows: u64,
    pub patience: Duration,
}

impl BigTransaction {
    pub async fn run(self) -> Result<String> {
        let sites = Sites::boot(&SitesOptions::with_databases([DATABASE])).await?;
        sites
            .run_at_both(&[
                "CREATE DATABASE big",
                "CREATE TABLE big.thing (id INT UNSIGNED NOT NULL PRIMARY KEY, k INT NOT NULL, c VARCHAR(120) NOT NULL)",
            ])
            .await?;
        let judge = Judge::before_start(&sites).await?;
        sites.start().await?;
        let passed = self.pass(&sites).await;
        let took = passed.with_context(|| format!("the processes' last words:\n{}", sites.last_words()))?;
        let memory =
            [within(&sites.sites[0].connector, CONNECTOR_BOUND)?, within(&sites.sites[1].sink, SINK_BOUND)?];
        let counts = judge.verdict(&sites, &[DATABASE]).await?;
        ensure!(counts[0].events == 3 * self.rows, "{:?}", counts[0]);
        sites.stop().await?;
        Ok(format!(
            "{} rows inserted, changed, deleted in a transaction each: {took:.1?} to pass; peak memory connector {} MB, sink {} MB",
            self.rows,
            memory[0] / MEGABYTE,
            memory[1] / MEGABYTE
        ))
    }

    /// An insert, an update and a delete of all rows; the time each took to reach the other site.
    async fn pass(self, sites: &Sites) -> Result<Vec<Duration>> {
        let [source, target] = sites.sites.each_ref().map(|site| &site.servers.mysql);
        let digits = "(SELECT 0 AS d UNION ALL SELECT 1 UNION ALL SELECT 2 UNION ALL SELECT 3 UNION ALL SELECT 4 \
                      UNION ALL SELECT 5 UNION ALL SELECT 6 UNION ALL SELECT 7 UNION ALL SELECT 8 UNION ALL SELECT 9)";
        let places = self.rows.ilog10();
        ensure!(10u64.pow(places) == self.rows, "{} is no power of ten", self.rows);
        let tables: Vec<String> = (0..places).map(|place| format!("{digits} AS t{place}")).collect();
        let number: Vec<String> =
            (0..places).map(|place| format!("t{place}.d * {}", 10u64.pow(place))).collect();
        let insert = format!(
            "INSERT INTO big.thing SELECT 1 + {}, 0, REPEAT('x', 100) FROM {}",
            number.join(" + "),
            tables.join(", ")
        );
        let steps = [
            (insert.as_str(), "COUNT(*)"),
            ("UPDATE big.thing SET k = 1, c = REPEAT('y', 100)", "SUM(k)"),
            ("DELETE FROM big.thing", "COUNT(*)"),
        ];
        let mut took = Vec::new();
        for (number, (statement, measure)) in steps.into_iter().enumerate() {
            source.run([statement]).await?;
            let (before, after) = if number == 2 { (self.rows, 0) } else { (0, self.rows) };
            let look = format!("SELECT COALESCE({measure}, 0) FROM big.thing");
            took.push(self.all_or_none(target, &look, before, after).await.context(look)?);
        }
        Ok(took)
    }

    /// Looks until the value is the new one; anything but old or new is half a transaction.
    async fn all_or_none(self, target: &MySql, look: &str, before: u64, after: u64) -> Result<Duration> {
        let started = Instant::now();
        let mut conn = target.conn().await?;
        loop {
            let seen: u64 = conn.query_first(look).await?.context("an aggregate has a row")?;
            if seen == after {
                return Ok(started.elapsed());
            }
            ensure!(seen == before, "{seen} is neither {before} nor {after}: half a transaction shows");
            ensure!(started.elapsed() < self.patience, "still {seen} after {:?}", self.patience);
        }
    }
}

fn within(process: &Strait, bound: u64) -> Result<u64> {
    let peak = process.usage()?.peak_rss;
    ensure!(
        peak <= bound,
        "{} used {} MB at its peak, more than {} MB",
        process.name(),
        peak / MEGABYTE,
        bound / MEGABYTE
    );
    Ok(peak)
}
