//! The thread that polls: it hands on what comes, in bundles bounded in bytes, and never waits for one partition.
//!
//! While the pump does not take bundles the thread waits, the client's own bounded queue fills, and fetching
//! stops: so memory is bounded from end to end. Partitions are started and stopped one by one, by assigning and
//! unassigning: one that is assigned again at an offset begins exactly there, whatever had been fetched before.

use std::{
    collections::HashSet,
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
    feed::{Arrival, Command},
    record,
};
use crate::error::{Error, Result};

/// A bundle is handed on once it has so many bytes, or when nothing more is at hand.
const BUNDLE_BYTES: usize = 256 << 10;
const POLL: Duration = Duration::from_millis(50);

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
        let mut names = HashSet::new();
        loop {
            while let Ok(command) = self.commands.try_recv() {
                self.obey(consumer, command)?;
            }
            let wait = if bundle.is_empty() { POLL } else { Duration::ZERO };
            let polled = consumer.poll(wait);
            let more = polled.is_some();
            match polled {
                Some(Ok(message)) => {
                    bytes += message.payload_len() + 100;
                    bundle.push(self.arrival(&message, &mut names)?);
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

    fn arrival(&self, message: &BorrowedMessage<'_>, names: &mut HashSet<Arc<str>>) -> Result<Arrival> {
        if message.topic() == &*self.spine_topic {
            let unreadable = |source| Error::SpineEntry {
                topic: self.spine_topic.to_string(),
                offset: message.offset(),
                source,
            };
            let record = SpineRecord::decode(message.payload().unwrap_or_default()).map_err(unreadable)?;
            return Ok(Arrival::Spine { offset: message.offset(), record: Box::new(record) });
        }
        Ok(Arrival::Data {
            topic: interned(names, message.topic()),
            partition: message.partition(),
            record: record::read(message)?,
        })
    }

    fn obey(&self, consumer: &BaseConsumer<Logged>, command: Command) -> Result<()> {
        let failed = |source| self.cluster.error("choosing what to read", source);
        let mut list = TopicPartitionList::new();
        match command {
            Command::Start { topic, partition, offset } => {
                let offset = offset.map_or(Offset::Beginning, Offset::Offset);
                list.add_partition_offset(&topic, partition, offset).map_err(failed)?;
                consumer.incremental_assign(&list).map_err(failed)
            }
            Command::Stop { topic, partition } => {
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

/// One allocation a topic, not a record.
fn interned(names: &mut HashSet<Arc<str>>, name: &str) -> Arc<str> {
    if let Some(known) = names.get(name) {
        return known.clone();
    }
    let new: Arc<str> = name.into();
    names.insert(new.clone());
    new
}
