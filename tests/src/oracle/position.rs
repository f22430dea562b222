//! How far a connector has published, followed by reading its position topic as it grows.

use std::time::Duration;

use anyhow::{Context, Result, bail};
use rdkafka::{
    ClientConfig, Message, Offset, TopicPartitionList,
    consumer::{BaseConsumer, Consumer},
    error::KafkaError,
    types::RDKafkaErrorCode,
};
use strait_schemas::{Position, topics};

pub struct PositionReader {
    consumer: BaseConsumer,
    topic: String,
    key: Vec<u8>,
    latest: Option<Position>,
}

impl PositionReader {
    /// The topic may not exist yet.
    pub fn new(bootstrap: &str, prefix: &str) -> Result<Self> {
        let consumer: BaseConsumer = ClientConfig::new()
            .set("bootstrap.servers", bootstrap)
            .set("group.id", "oracle")
            .set("enable.auto.commit", "false")
            .set("isolation.level", "read_committed")
            .set("allow.auto.create.topics", "false")
            .set("topic.metadata.refresh.interval.ms", "50")
            .set("fetch.wait.max.ms", "10")
            .create()?;
        let topic = topics::position_topic(prefix);
        let mut assignment = TopicPartitionList::new();
        assignment.add_partition_offset(&topic, 0, Offset::Beginning)?;
        consumer.assign(&assignment)?;
        Ok(Self { consumer, topic, key: Position::key(prefix), latest: None })
    }

    /// The newest position there is, after waiting at most so long for a newer one.
    pub fn latest(&mut self, wait: Duration) -> Result<Option<&Position>> {
        let mut patience = wait;
        while let Some(polled) = self.consumer.poll(patience) {
            match polled {
                // The plan of a snapshot is kept there, too.
                Ok(message) if message.key() != Some(&self.key) => {}
                Ok(message) => {
                    let value = message.payload().context("a position record without value")?;
                    self.latest = Some(Position::decode(value)?);
                    patience = Duration::ZERO;
                }
                Err(error) if is_not_there_yet(&error) => {}
                Err(error) => bail!("reading {}: {error}", self.topic),
            }
        }
        Ok(self.latest.as_ref())
    }
}

fn is_not_there_yet(error: &KafkaError) -> bool {
    matches!(
        error.rdkafka_error_code(),
        Some(
            RDKafkaErrorCode::UnknownTopicOrPartition
                | RDKafkaErrorCode::UnknownTopic
                | RDKafkaErrorCode::UnknownPartition
        )
    )
}
