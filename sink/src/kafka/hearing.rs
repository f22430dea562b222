//! Whether a client has lost Kafka for good.
//!
//! A client of librdkafka that was told of no broker at all for a moment (a cluster of one that was fenced by a pause, say) may forget
//! them all, and never ask again. It says nothing then, as it does where nothing is published. But a connector writes to the spine
//! every second: after a while of silence a second client asks where the spine ends, and if that end moves while nothing comes,
//! the first one is given up, and the run begins again with a new one.

use std::{
    sync::Arc,
    time::{Duration, Instant},
};

use rdkafka::{consumer::Consumer as _, error::KafkaError, types::RDKafkaErrorCode};
use tokio::task::JoinHandle;

use super::Cluster;
use crate::error::Result;

/// Silence that may be the client's own.
const SILENCE: Duration = Duration::from_secs(30);
/// Between two questions; a connector that lives has written in between.
const BETWEEN: Duration = Duration::from_secs(10);
const PATIENCE: Duration = Duration::from_secs(10);

#[derive(Debug)]
pub struct Hearing {
    cluster: Cluster,
    spine: Arc<str>,
    asking: Option<JoinHandle<Result<i64>>>,
    asked: Instant,
    /// Where the spine ended at the last question of this silence.
    end: Option<i64>,
}

impl Hearing {
    pub fn new(cluster: Cluster, spine: Arc<str>) -> Self {
        Self { cluster, spine, asking: None, asked: Instant::now(), end: None }
    }

    /// To be called again and again. `silent`: for how long nothing has come, though it was listened for.
    ///
    /// # Errors
    /// Something was published, and has not come.
    pub async fn look(&mut self, silent: Duration) -> Result<()> {
        if silent < SILENCE {
            self.end = None;
            self.asking = None;
            return Ok(());
        }
        if let Some(asking) = self.asking.take_if(|asking| asking.is_finished()) {
            // Kafka that does not answer the second client either is heard of from the first one.
            if let Ok(Ok(end)) = asking.await
                && self.end.replace(end).is_some_and(|before| before < end)
            {
                let source = KafkaError::Global(RDKafkaErrorCode::AllBrokersDown);
                return Err(self
                    .cluster
                    .error("reading the log: the spine grows, and nothing of it comes", source));
            }
        }
        if self.asking.is_none() && self.asked.elapsed() >= BETWEEN {
            self.asked = Instant::now();
            let (cluster, spine) = (self.cluster.clone(), Arc::clone(&self.spine));
            self.asking = Some(tokio::task::spawn_blocking(move || {
                let ends = cluster.consumer()?.fetch_watermarks(&spine, 0, PATIENCE);
                ends.map(|(_, end)| end)
                    .map_err(|source| cluster.error("asking where the spine ends", source))
            }));
        }
        Ok(())
    }
}
