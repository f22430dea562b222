//! The thread that polls: it hands on what comes, in bundles bounded in bytes, and never waits for one partition.
//!
//! While the pump does not take bundles the thread waits, the client's own bounded queue fills, and fetching
//! stops: so memory is bounded from end to end. Partitions are started and stopped one by one, by assigning and
//! unassigning: one that is assigned again at an offset begins exactly there, whatever had been fetched before.

use std::{
    collections::HashMap,
    sync::{Arc, mpsc::Receiver},
    time::Duration,
};

use rdkafka::{
    Message as _, Offset, TopicPartitionList,
    consumer::{BaseConsumer, Consumer as _},
    error::KafkaError,
    message::BorrowedMessage,
    types::RDKafkaErrorCode as Code,
};
use strait_schemas::SpineRecord;
use tokio::sync::mpsc::Sender;

use super::{
    client::{Cluster, Logged},
    feed::{Arrival, Command, StartNumber},
    record,
};
use crate::error::{Error, Result};

/// A bundle is handed on once it has so many bytes, or when nothing more is at hand.
const BUNDLE_BYTES: usize = 256 << 10;
/// So long a command may have to wait.
const POLL: Duration = Duration::from_millis(10);

/// By topic, so that a name is allocated once: each partition's present start.
type Starts = HashMap<Arc<str>, HashMap<i32, StartNumber>>;

/// Reads until nobody takes the bundles any more.
#[derive(Debug)]
pub struct Reader {
    pub cluster: Cluster,
    pub spine_topic: Arc<str>,
    pub commands: Receiver<Command>,
    pub bundles: Sender<Result<Vec<Arrival>>>,
}

impl Reader {
    pub fn run(self, consumer: &BaseConsumer<Logged>) {
        if let Err(error) = self.read(consumer) {
            // Nobody listens any more: the session has ended for another cause.
            drop(self.bundles.blocking_send(Err(error)));
        }
    }

    fn read(&self, consumer: &BaseConsumer<Logged>) -> Result<()> {
        let (mut bundle, mut bytes) = (Vec::new(), 0);
        let mut starts = Starts::new();
        loop {
            while let Ok(command) = self.commands.try_recv() {
                self.obey(consumer, command, &mut starts)?;
            }
            let wait = if bundle.is_empty() { POLL } else { Duration::ZERO };
            let polled = consumer.poll(wait);
            let more = polled.is_some();
            match polled {
                Some(Ok(message)) => {
                    bytes += message.payload_len() + 100;
                    bundle.extend(self.arrival(&message, &starts)?);
                }
                Some(Err(error)) => self.judge(error)?,
                None => {}
            }
            if !bundle.is_empty() && (!more || bytes >= BUNDLE_BYTES) {
                bytes = 0;
                if self.bundles.blocking_send(Ok(std::mem::take(&mut bundle))).is_err() {
                    return Ok(());
                }
            }
            if self.bundles.is_closed() {
                return Ok(());
            }
        }
    }

    /// `None`: the partition was stopped.
    fn arrival(&self, message: &BorrowedMessage<'_>, starts: &Starts) -> Result<Option<Arrival>> {
        let Some((topic, numbers)) = starts.get_key_value(message.topic()) else { return Ok(None) };
        let Some(start) = numbers.get(&message.partition()).copied() else { return Ok(None) };
        if message.topic() == &*self.spine_topic {
            let unreadable = |source| Error::SpineEntry {
                topic: self.spine_topic.to_string(),
                offset: message.offset(),
                source,
            };
            let record = SpineRecord::decode(message.payload().unwrap_or_default()).map_err(unreadable)?;
            return Ok(Some(Arrival::Spine { start, offset: message.offset(), record: Box::new(record) }));
        }
        Ok(Some(Arrival::Data {
            start,
            topic: topic.clone(),
            partition: message.partition(),
            record: record::read(message)?,
        }))
    }

    fn obey(&self, consumer: &BaseConsumer<Logged>, command: Command, starts: &mut Starts) -> Result<()> {
        let failed = |source| self.cluster.error("choosing what to read", source);
        let mut list = TopicPartitionList::new();
        match command {
            Command::Start { topic, partition, offset, number } => {
                starts.entry(topic.clone()).or_default().insert(partition, number);
                let offset = offset.map_or(Offset::Beginning, Offset::Offset);
                list.add_partition_offset(&topic, partition, offset).map_err(failed)?;
                consumer.incremental_assign(&list).map_err(failed)
            }
            Command::Stop { topic, partition } => {
                starts.entry(topic.clone()).or_default().remove(&partition);
                list.add_partition(&topic, partition);
                consumer.incremental_unassign(&list).map_err(failed)
            }
        }
    }

    /// What the client heals by itself is no error; what it cannot heal ends the session.
    fn judge(&self, error: KafkaError) -> Result<()> {
        match error.rdkafka_error_code() {
            Some(Code::Fatal) => Err(Error::KafkaFatal { place: self.cluster.place(), source: error }),
            Some(
                Code::TopicAuthorizationFailed
                | Code::GroupAuthorizationFailed
                | Code::ClusterAuthorizationFailed
                | Code::Authentication
                | Code::SaslAuthenticationFailed
                | Code::BadMessage,
            ) => Err(self.cluster.error("reading from Kafka", error)),
            _ => {
                tracing::debug!(%error, "reading from Kafka: trying on");
                Ok(())
            }
        }
    }
}
