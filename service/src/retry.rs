//! Back-off with full jitter between attempts of a whole pipeline.
//!
//! Each wait is drawn evenly from the minimum to a cap that doubles with every failure in a row, so that many
//! processes that lost the same peer do not come back at the same instant. An attempt that was healthy for long
//! enough ends the row.

use std::time::Duration;

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};
use tokio::time::Instant;
use tokio_util::sync::CancellationToken;

use crate::config::Period;

/// How a process waits between attempts.
#[derive(Debug, Clone, Serialize, Deserialize, JsonSchema)]
#[serde(default, deny_unknown_fields)]
pub struct Config {
    /// Lower bound of every wait, so that a fault that shows at once cannot spin.
    pub minimum: Period,
    /// Upper bound of every wait: a peer that comes back is used again after at most this.
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
    minimum: Duration,
    maximum: Duration,
    healthy_after: Duration,
    started: Option<Instant>,
    failures: u32,
}

impl Backoff {
    pub fn new(config: &Config) -> Self {
        // Doubling nothing would stay nothing, and the pipeline would spin.
        let minimum = config.minimum.duration().max(Duration::from_millis(1));
        Self {
            minimum,
            maximum: config.maximum.duration().max(minimum),
            healthy_after: config.healthy_after.duration(),
            started: None,
            failures: 0,
        }
    }

    /// An attempt begins now.
    pub fn started(&mut self) {
        self.started = Some(Instant::now());
    }

    /// Counts the failed attempt and draws the next wait.
    pub fn next_delay(&mut self) -> Duration {
        if self.started.take().is_some_and(|started| started.elapsed() >= self.healthy_after) {
            self.failures = 0;
        }
        self.failures = self.failures.saturating_add(1);
        let span = self.cap().saturating_sub(self.minimum);
        self.minimum + span.mul_f64(fastrand::f64())
    }

    /// Upper bound of the wait that follows so many failures.
    fn cap(&self) -> Duration {
        let factor = 1_u32.checked_shl(self.failures.min(31)).unwrap_or(u32::MAX);
        self.minimum.saturating_mul(factor).min(self.maximum)
    }

    /// Waits `next_delay`; false if the shutdown came meanwhile.
    pub async fn wait(&mut self, stop: &CancellationToken) -> bool {
        let delay = self.next_delay();
        stop.run_until_cancelled(tokio::time::sleep(delay)).await.is_some()
    }

    /// Failures in a row.
    pub fn failures(&self) -> u32 {
        self.failures
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn waits_stay_in_their_bounds_and_spread() {
        let config = Config::default();
        for _ in 0..50 {
            let mut backoff = Backoff::new(&config);
            for failure in 1..40_u32 {
                let cap = Duration::from_millis(100 << failure.min(10)).min(Duration::from_secs(5));
                let delay = backoff.next_delay();
                assert!((Duration::from_millis(100)..=cap).contains(&delay), "{failure}: {delay:?}");
            }
        }
        let mut backoff = Backoff::new(&config);
        let drawn: std::collections::HashSet<Duration> = (0..100).map(|_| backoff.next_delay()).collect();
        assert!(drawn.len() > 90, "no jitter: {drawn:?}");
    }

    #[test]
    fn a_maximum_below_the_minimum_means_the_minimum() {
        let config = Config { minimum: Period::seconds(2), maximum: Period::seconds(1), ..Config::default() };
        assert_eq!(Backoff::new(&config).next_delay(), Duration::from_secs(2));
        let config = Config { minimum: Period::seconds(0), ..Config::default() };
        assert!(Backoff::new(&config).next_delay() > Duration::ZERO);
    }

    #[test]
    fn a_healthy_attempt_ends_the_row_of_failures() {
        let mut backoff = Backoff::new(&Config::default());
        let ago = |seconds| Instant::now().checked_sub(Duration::from_secs(seconds));
        for failures in 1..=5 {
            backoff.started = ago(29);
            backoff.next_delay();
            assert_eq!(backoff.failures(), failures);
        }
        backoff.started = ago(30);
        assert!(backoff.next_delay() <= Duration::from_millis(200));
        assert_eq!(backoff.failures(), 1);
    }

    #[tokio::test]
    async fn a_shutdown_ends_the_wait() {
        let wait = |minimum| Backoff::new(&Config { minimum, ..Config::default() });
        let stop = CancellationToken::new();
        assert!(wait(Period::millis(1)).wait(&stop).await);
        stop.cancel();
        let begun = Instant::now();
        assert!(!wait(Period::seconds(600)).wait(&stop).await);
        assert!(begun.elapsed() < Duration::from_secs(60));
    }
}
