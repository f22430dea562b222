//! What both sites have done so far: the writers' own counts, the sinks' metrics, the proxies' bytes.

use std::collections::VecDeque;
use std::time::{Duration, Instant};

use anyhow::Result;
use e2e::metrics::{Histogram, Metrics};
use e2e::workload::Counts;
use e2e::{Site, Sites};

/// Rates and lag are those of the last so many seconds.
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
    pub lag_p50: Option<f64>,
    pub lag_p99: Option<f64>,
    pub received: u64,
}

#[derive(Debug, Clone, Copy)]
pub struct Amount {
    pub transactions: u64,
    pub rows: u64,
    pub rows_a_second: u64,
}

pub type Readings = [Reading; 2];

/// Remembers the last seconds, for rates and quantiles.
pub struct Meter {
    history: [VecDeque<Sample>; 2],
}

#[derive(Debug, Clone)]
struct Sample {
    at: Instant,
    written: u64,
    applied: u64,
    lag: Histogram,
}

impl Meter {
    pub fn new() -> Self {
        Self { history: [VecDeque::new(), VecDeque::new()] }
    }

    pub async fn read(&mut self, sites: &Sites, counts: [Counts; 2]) -> Result<Readings> {
        let [one, other] = &sites.sites;
        let (metrics, others) = tokio::join!(one.sink.metrics(), other.sink.metrics());
        Ok([self.site(0, one, other, counts[0], &metrics?), self.site(1, other, one, counts[1], &others?)])
    }

    fn site(
        &mut self,
        number: usize,
        site: &Site,
        origin: &Site,
        counts: Counts,
        metrics: &Metrics,
    ) -> Reading {
        let count = |name: &str| metrics.sum(name).unwrap_or_default() as u64;
        let now = Sample {
            at: Instant::now(),
            written: counts.rows,
            applied: count(ROWS),
            lag: metrics.histogram(DELAY),
        };
        let history = &mut self.history[number];
        history.push_back(now.clone());
        while history.len() > 2 && history[1].at.elapsed() > WINDOW {
            history.pop_front();
        }
        let then = &history[0];
        let seconds = (now.at - then.at).as_secs_f64();
        let rate = |now: u64, then: u64| {
            if seconds > 0.0 { (now.saturating_sub(then) as f64 / seconds).round() as u64 } else { 0 }
        };
        // When nothing arrives any more, the figures of the whole show remain.
        let recent = now.lag.since(&then.lag);
        let lag = if recent.total() > 0.0 { &recent } else { &now.lag };
        Reading {
            name: site.servers.name.clone(),
            written: Amount {
                transactions: counts.transactions,
                rows: now.written,
                rows_a_second: rate(now.written, then.written),
            },
            applied: Amount {
                transactions: count(TRANSACTIONS),
                rows: now.applied,
                rows_a_second: rate(now.applied, then.applied),
            },
            lag_p50: lag.quantile(0.50),
            lag_p99: lag.quantile(0.99),
            received: origin.servers.traffic().from_target,
        }
    }
}
