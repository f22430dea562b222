//! The promises of the whole line, each as a scenario that can be run short (in `make test`) or long (in `make soak`).

pub mod audit;
pub mod big_transaction;
pub mod cuts;
pub mod ddl_kills;
pub mod judge;
pub mod key_order;
pub mod kills;
pub mod ledger;
pub mod prefix;
pub mod random;
pub mod readers;
pub mod snapshot_kills;
pub mod sysbench;
pub mod two_way;

use anyhow::{Context, Result};

/// `STRAIT_SEED`, to repeat a run's random choices, or the given one.
pub fn seed(default: u64) -> Result<u64> {
    match std::env::var("STRAIT_SEED") {
        Ok(seed) => seed.parse().with_context(|| format!("STRAIT_SEED={seed}: a whole number is expected")),
        Err(_) => Ok(default),
    }
}
