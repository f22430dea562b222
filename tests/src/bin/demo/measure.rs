//! What both sites have done so far: the writers' own counts, the sinks' metrics, the proxies' bytes.

use std::collections::VecDeque;
use std::time::{Duration, Instant};

use anyhow::Result;
use e2e::metrics::{Histogram, Metrics};
use e2e::workload::Counts;
use e2e::{Site, Sites};

/// Rates and delays are those of the last so many seconds.
const WINDOW: Duration = Duration::from_secs(5);

const TRANSACTIONS: &str = "strait_sink_transactions_total";
const ROWS: &str = "strait_sink_rows_total";
const DELAY: &str = "strait_sink_delay_seconds";

/// One site's figures.
#[derive(Debug, Clone)]
pub struct Reading {
    pub name: String,
    pub written: Amount,
    pub applied: Amount,
    pub delay_p50: Option<f64>,
    pub delay_p99: Option<f64>,
    pub received: u64,
}

#[derive(Debug, Clone, Copy)]
pub struct Amount {
    pub transactions: u64,
    pub rows: u64,
    pub rows_a_second: u64,
}

pub type Readings = [Reading; 2];

/// Remembers where the show began and its last seconds, for rates and quantiles.
pub struct Meter {
    start: [Sample; 2],
    recent: [VecDeque<Sample>; 2],
}

/// What has been counted at one site since its processes started.
#[derive(Debug, Clone)]
struct Sample {
    at: Instant,
    written: Counts,
    applied_transactions: u64,
    applied_rows: u64,
    delay: Histogram,
    received: u64,
}

impl Meter {
    /// What was done before does not count.
    pub async fn start(sites: &Sites) -> Result<Self> {
        let start = sample(sites, [Counts::default(); 2]).await?;
        Ok(Self { recent: start.each_ref().map(|sample| VecDeque::from([sample.clone()])), start })
    }

    /// Sums since the start; rates and delay of the last seconds.
    pub async fn read(&mut self, sites: &Sites, written: [Counts; 2]) -> Result<Readings> {
        let now = sample(sites, written).await?;
        for (recent, now) in self.recent.iter_mut().zip(&now) {
            recent.push_back(now.clone());
            while recent.len() > 2 && recent[1].at.elapsed() > WINDOW {
                recent.pop_front();
            }
        }
        Ok([0, 1].map(|site| {
            let then = &self.recent[site][0];
            let seconds = (now[site].at - then.at).as_secs_f64();
            reading(&sites.sites[site], &self.start[site], then, &now[site], seconds)
        }))
    }

    /// Sums, rates and delay of the whole show, in which was written for `length`.
    pub async fn summary(&self, sites: &Sites, written: [Counts; 2], length: Duration) -> Result<Readings> {
        let now = sample(sites, written).await?;
        Ok([0, 1].map(|site| {
            let start = &self.start[site];
            reading(&sites.sites[site], start, start, &now[site], length.as_secs_f64())
        }))
    }
}

async fn sample(sites: &Sites, written: [Counts; 2]) -> Result<[Sample; 2]> {
    let [one, other] = &sites.sites;
    let (metrics, others) = tokio::try_join!(one.sink.metrics(), other.sink.metrics())?;
    let at_site = |origin: &Site, written, metrics: &Metrics| {
        let count = |name: &str| metrics.sum(name).unwrap_or_default() as u64;
        Sample {
            at: Instant::now(),
            written,
            applied_transactions: count(TRANSACTIONS),
            applied_rows: count(ROWS),
            delay: metrics.histogram(DELAY),
            received: origin.servers.traffic().from_target,
        }
    };
    Ok([at_site(other, written[0], &metrics), at_site(one, written[1], &others)])
}

fn reading(site: &Site, start: &Sample, then: &Sample, now: &Sample, seconds: f64) -> Reading {
    let rate = |now: u64, then: u64| {
        if seconds > 0.0 { (now.saturating_sub(then) as f64 / seconds).round() as u64 } else { 0 }
    };
    let delay = now.delay.since(&then.delay);
    Reading {
        name: site.servers.name.clone(),
        written: Amount {
            transactions: now.written.transactions,
            rows: now.written.rows,
            rows_a_second: rate(now.written.rows, then.written.rows),
        },
        applied: Amount {
            transactions: now.applied_transactions.saturating_sub(start.applied_transactions),
            rows: now.applied_rows.saturating_sub(start.applied_rows),
            rows_a_second: rate(now.applied_rows, then.applied_rows),
        },
        delay_p50: delay.quantile(0.50),
        delay_p99: delay.quantile(0.99),
        received: now.received.saturating_sub(start.received),
    }
}
