//! How much is measured: `BENCH_ROWS` and `BENCH_ROUNDS`, the one knob of size and the one of patience.

use anyhow::{Context, Result, ensure};

use super::load::LARGE_TRANSACTION;

/// Of `BENCH_ROWS`.
pub const FULL: u64 = 2_500_000;
const ROUNDS: usize = 5;

#[derive(Debug, Clone, Copy)]
pub struct Scale {
    /// Rows that the connector reads in transactions of 1,000; all other sizes follow from it.
    pub rows: u64,
    pub rounds: usize,
}

impl Scale {
    pub fn from_environment() -> Result<Self> {
        let number = |name: &str, default: u64| match std::env::var(name) {
            Ok(text) => text.parse().with_context(|| format!("{name}={text}: a whole number is expected")),
            Err(_) => Ok(default),
        };
        let rows = number("BENCH_ROWS", FULL)?;
        let rounds = number("BENCH_ROUNDS", ROUNDS as u64)? as usize;
        ensure!(rounds > 0, "BENCH_ROUNDS=0: at least one round is needed");
        Ok(Self { rows: whole_thousands(rows), rounds })
    }

    /// Transactions of one row: 300,000 at the full size.
    pub fn one_row(self) -> u64 {
        (self.rows * 3 / 25).max(4_000)
    }

    /// Rows that sinks and replicas apply in transactions of 1,000: 1,000,000 at the full size.
    pub fn applied(self) -> u64 {
        whole_thousands(self.rows * 2 / 5)
    }

    /// Of each measurement of latency.
    pub fn seconds(self) -> u64 {
        if self.rows < FULL / 2 { 3 } else { 20 }
    }

    /// Rows of a table that a snapshot brings: 10,000,000 at the full size.
    pub fn snapshot(self) -> u64 {
        self.rows * 4
    }
}

fn whole_thousands(rows: u64) -> u64 {
    rows.max(LARGE_TRANSACTION).next_multiple_of(LARGE_TRANSACTION)
}
