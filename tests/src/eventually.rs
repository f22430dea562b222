//! Waiting for a condition instead of sleeping: a test that waits too short fails at random, one that
//! waits for what it needs is as fast as the system under test.

use std::fmt::Debug;
use std::time::{Duration, Instant};

use anyhow::{Result, bail};

const PAUSE: Duration = Duration::from_millis(20);

/// Repeats `look` until it gives `Ok(value)`; after `timeout`, an error with what was last seen.
pub async fn eventually<T, E, F>(timeout: Duration, mut look: impl FnMut() -> F) -> Result<T>
where
    F: Future<Output = Result<T, E>>,
    E: Debug,
{
    let start = Instant::now();
    let mut looks = 0;
    loop {
        let last_seen = match tokio::time::timeout(timeout, look()).await {
            Ok(Ok(value)) => return Ok(value),
            Ok(Err(seen)) => format!("{seen:?}"),
            Err(_) => "the last look itself did not end".to_owned(),
        };
        looks += 1;
        if start.elapsed() >= timeout {
            bail!("not within {timeout:?} ({looks} looks); last seen: {last_seen}");
        }
        tokio::time::sleep(PAUSE).await;
    }
}
