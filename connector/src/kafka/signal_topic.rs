//! The signal topic: what operators ask of a running connector, one record a signal, under the prefix as key.

use std::time::{Duration, Instant};

use rdkafka::{
    Message, Offset, TopicPartitionList,
    consumer::{BaseConsumer, Consumer},
    message::BorrowedMessage,
    producer::{BaseRecord, Producer as _},
};
use strait_schemas::Signal;

use super::{Cluster, Result, logged::Logged};

/// Between two looks.
const LOOK: Duration = Duration::from_millis(500);
const PATIENCE: Duration = Duration::from_secs(20);

/// Reads signals as they come. There need not be such a topic.
pub struct SignalTopic {
    consumer: BaseConsumer<Logged>,
    topic: String,
    prefix: String,
    looked: Instant,
}

impl SignalTopic {
    /// `next`: the first offset that is not known yet.
    pub fn new(cluster: &Cluster, topic: String, prefix: &str, next: i64) -> Result<Self> {
        let consumer = cluster.consumer()?;
        let mut list = TopicPartitionList::new();
        list.add_partition_offset(&topic, 0, Offset::Offset(next))
            .and_then(|()| consumer.assign(&list))
            .map_err(|source| cluster.error(format!("read topic {topic}"), source))?;
        Ok(Self { consumer, topic, prefix: prefix.into(), looked: Instant::now() })
    }

    /// What has come since the last look, with the offset after it; a look is not taken each time.
    pub fn take(&mut self) -> Vec<(i64, Option<Signal>)> {
        let mut found = Vec::new();
        if self.looked.elapsed() < LOOK {
            return found;
        }
        self.looked = Instant::now();
        while let Some(polled) = self.consumer.poll(Duration::ZERO) {
            match polled {
                Ok(message) => found.push((message.offset() + 1, signal_in(&message, &self.prefix))),
                // It does not exist, is out of reach, or may not be read: there is nothing to be read then.
                Err(error) => {
                    tracing::debug!(topic = self.topic, %error, "no signals");
                    break;
                }
            }
        }
        found
    }
}

/// `None`: it is not for the connector of this prefix, or is none.
fn signal_in(message: &BorrowedMessage<'_>, prefix: &str) -> Option<Signal> {
    if message.key() != Some(prefix.as_bytes()) {
        return None;
    }
    match serde_json::from_slice(message.payload().unwrap_or_default()) {
        Ok(signal) => Some(signal),
        Err(error) => {
            let place = format!("topic {} offset {}", message.topic(), message.offset());
            tracing::warn!(place, %error, "a record is no signal, which is {{\"type\": ..., \"data\": {{...}}}}");
            None
        }
    }
}

/// Writes a signal for the connector of `prefix`, and waits until it is there; an offset that is not before it. The topic
/// must exist.
pub fn send_signal(cluster: &Cluster, topic: &str, prefix: &str, signal: &Signal) -> Result<i64> {
    let failed = |source| cluster.error(format!("write to topic {topic}"), source);
    let consumer = cluster.consumer()?;
    let end = || consumer.fetch_watermarks(topic, 0, PATIENCE).map(|(_, end)| end).map_err(failed);
    let before = end()?;
    let producer = cluster.plain_producer()?;
    let value = serde_json::to_vec(signal).expect("plain fields always serialise");
    let record = BaseRecord::to(topic).key(prefix.as_bytes()).payload(&value).partition(0);
    producer.send(record).map_err(|(source, _)| failed(source))?;
    producer.flush(PATIENCE).map_err(failed)?;
    match end()? {
        after if after > before => Ok(after),
        _ => Err(cluster.timed_out(format!("take a record for topic {topic}"), PATIENCE)),
    }
}
