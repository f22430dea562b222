//! Shoppers: a seeded random mix of inserts, updates, deletes and key changes on the [shop](crate::shop),
//! from some connections at a given pace, through any fault of the server.
//!
//! A shopper changes only rows that he made and that he knows to be committed. When a connection breaks,
//! nobody knows whether the transaction under way was committed: he forgets the rows that it touched,
//! counts it as unknown, connects again and goes on. So whatever happened, no later statement depends on it.

mod shopper;

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::time::Duration;

use tokio::task::JoinSet;

use crate::mysql::MySql;
use shopper::Shopper;

/// How to shop.
#[derive(Debug, Clone, Copy)]
pub struct Workload {
    pub seed: u64,
    pub connections: u64,
    /// Transactions a second, of all connections together.
    pub rate: f64,
    /// 0 or 1: which half of the products this site changes.
    pub site: u64,
}

impl Workload {
    pub fn at_site(site: u64) -> Self {
        Self { seed: 1, connections: 4, rate: 200.0, site }
    }

    /// Shops at the server until it is told to stop.
    pub fn start(self, server: &MySql) -> Shoppers {
        let counters = Arc::new(Counters::default());
        let stop = Arc::new(AtomicBool::new(false));
        let pace = Duration::from_secs_f64(self.connections as f64 / self.rate);
        let mut tasks = JoinSet::new();
        for number in 0..self.connections {
            let shopper = Shopper::new(server.opts().into(), self, number, Arc::clone(&counters));
            // Spread over the period, so that they do not all come at once.
            let delay = pace.mul_f64(number as f64 / self.connections as f64);
            tasks.spawn(shopper.shop(delay, pace, Arc::clone(&stop)));
        }
        Shoppers { tasks, stop, counters }
    }
}

/// Running shoppers.
#[derive(Debug)]
pub struct Shoppers {
    tasks: JoinSet<()>,
    stop: Arc<AtomicBool>,
    counters: Arc<Counters>,
}

impl Shoppers {
    pub fn counts(&self) -> Counts {
        self.counters.read()
    }

    /// Lets each end what he is doing.
    pub async fn stop(self) -> Counts {
        self.stop.store(true, Ordering::Relaxed);
        self.tasks.join_all().await;
        self.counters.read()
    }
}

#[derive(Debug, Default)]
struct Counters {
    transactions: AtomicU64,
    rows: AtomicU64,
    unknown: AtomicU64,
    refused: AtomicU64,
}

impl Counters {
    fn read(&self) -> Counts {
        let read = |counter: &AtomicU64| counter.load(Ordering::Relaxed);
        Counts {
            transactions: read(&self.transactions),
            rows: read(&self.rows),
            unknown: read(&self.unknown),
            refused: read(&self.refused),
        }
    }
}

/// What was done, as far as the shoppers were told.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct Counts {
    /// Committed, and not empty.
    pub transactions: u64,
    /// Changed by them.
    pub rows: u64,
    /// The connection broke between the first statement and the answer to COMMIT.
    pub unknown: u64,
    /// The server said no, such as to one of two in a deadlock; nothing of them remains.
    pub refused: u64,
}
