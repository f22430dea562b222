//! Waiting for a cluster that does not answer at all, so that whoever waits can say for what, and why.
//!
//! A consumer asks, for it alone hands out the client's complaints while nothing comes: the admin client keeps them to itself.

use std::time::{Duration, Instant};

use rdkafka::consumer::Consumer as _;
use strait_service::CancellationToken;

use super::{Cluster, Error, Result};

const STEP: Duration = Duration::from_millis(500);

/// Waits until the cluster answers a question about a topic, whatever the answer. `waiting` hears at each step how long
/// it has been, and what is waited for.
pub fn wait_for_answer(
    cluster: &Cluster,
    topic: &str,
    patience: Duration,
    stop: &CancellationToken,
    mut waiting: impl FnMut(Duration, String),
) -> Result<()> {
    let consumer = cluster.consumer()?;
    let began = Instant::now();
    loop {
        if stop.is_cancelled() {
            return Err(Error::Stopped);
        }
        let step = Instant::now();
        let Err(source) = consumer.fetch_metadata(Some(topic), STEP) else { return Ok(()) };
        // Its complaints come as events.
        while consumer.poll(Duration::ZERO).is_some() {}
        if began.elapsed() >= patience {
            return Err(cluster.error("reach Kafka", source));
        }
        let complaint = cluster.logged().complaint().unwrap_or_default();
        waiting(began.elapsed(), format!("waiting for Kafka at {} {complaint}", cluster.brokers()));
        // Some failures are told at once.
        std::thread::sleep(STEP.saturating_sub(step.elapsed()));
    }
}
