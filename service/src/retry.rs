//! Back-off with full jitter between attempts of a whole pipeline.

use std::time::Duration;

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};
use tokio_util::sync::CancellationToken;

use crate::config::Period;

/// How a process waits between attempts.
#[derive(Debug, Clone, Serialize, Deserialize, JsonSchema)]
#[serde(default, deny_unknown_fields)]
pub struct Config {
    /// Lower bound of every wait, so that a fault that shows at once cannot spin.
    pub minimum: Period,
    /// Upper bound of every wait: a link that comes back is used again after at most this.
    pub maximum: Period,
    /// An attempt that ran this long counts as healthy: the next wait starts from the minimum again.
    pub healthy_after: Period,
}

impl Default for Config {
    fn default() -> Self {
        Self { minimum: Period::millis(100), maximum: Period::seconds(5), healthy_after: Period::seconds(30) }
    }
}

/// The waits of one pipeline: `started` at each attempt, `wait` after each failure.
#[derive(Debug)]
pub struct Backoff {
    config: Config,
}

impl Backoff {
    pub fn new(config: &Config) -> Self {
        Self { config: config.clone() }
    }

    /// An attempt begins now.
    pub fn started(&mut self) {
        todo!()
    }

    /// The next wait; also counts the failed attempt.
    pub fn next_delay(&mut self) -> Duration {
        let _ = &self.config;
        todo!()
    }

    /// Waits `next_delay`; false if the shutdown came meanwhile.
    pub async fn wait(&mut self, stop: &CancellationToken) -> bool {
        let _ = stop;
        todo!()
    }

    /// Failures in a row.
    pub fn failures(&self) -> u32 {
        todo!()
    }
}
