//! Debezium's two extra topics, for its consumers: heartbeats, and BEGIN / END of each transaction. Their
//! records are in the same Kafka transactions as the rest, but not in the log: they have no number.

use std::sync::Arc;

use strait_schemas::{HeartbeatEncoder, TransactionEncoder, heartbeat, topics, transaction};

use crate::{
    Result,
    config::{Config, Format},
    kafka::{Producer, Purpose, Record, Topic, Topics},
    schema_registry::SchemaRegistry,
};

pub struct HeartbeatTopic {
    topic: Topic,
    encoder: HeartbeatEncoder,
}

impl HeartbeatTopic {
    pub fn prepare(config: &Config, topics: &mut Topics, registry: &SchemaRegistry) -> Result<Self> {
        let name = topics::heartbeat_topic(&config.prefix);
        let topic = topics.ensure(&name, Purpose::Side)?;
        let encoder = match config.schema.format {
            Format::Avro => {
                let key = registry.register(&format!("{name}-key"), &heartbeat::avro_key())?;
                let value = registry.register(&format!("{name}-value"), &heartbeat::avro_value())?;
                HeartbeatEncoder::avro(&config.prefix, key, value)
            }
            Format::Json => HeartbeatEncoder::json(&config.prefix, true),
            Format::JsonSchemaless | Format::Maxwell | Format::Canal => {
                HeartbeatEncoder::json(&config.prefix, false)
            }
        };
        Ok(Self { topic, encoder })
    }

    pub fn send(&self, ts_ms: i64, producer: &mut Producer) -> Result<()> {
        let (mut key, mut value) = (Vec::new(), Vec::new());
        self.encoder.encode_key(&mut key);
        self.encoder.encode_value(ts_ms, &mut value);
        send(producer, &self.topic, &key, &value)
    }
}

/// Counts the events of the transaction under way and writes its BEGIN and END.
pub struct TransactionTopic {
    topic: Topic,
    encoder: TransactionEncoder,
    total: i64,
    /// By data collection, in the order in which they first appeared.
    collections: Vec<(Arc<str>, i64)>,
}

impl TransactionTopic {
    pub fn prepare(config: &Config, topics: &mut Topics, registry: &SchemaRegistry) -> Result<Self> {
        let name = topics::transaction_topic(&config.prefix);
        let topic = topics.ensure(&name, Purpose::Side)?;
        let encoder = match config.schema.format {
            Format::Avro => {
                let key = registry.register(&format!("{name}-key"), &transaction::avro_key())?;
                let value = registry.register(&format!("{name}-value"), &transaction::avro_value())?;
                TransactionEncoder::avro(key, value)
            }
            Format::Json => TransactionEncoder::json(true),
            Format::JsonSchemaless | Format::Maxwell | Format::Canal => TransactionEncoder::json(false),
        };
        Ok(Self { topic, encoder, total: 0, collections: Vec::new() })
    }

    /// Counts one event; writes BEGIN before the first. Gives its place in the transaction and in its table.
    pub fn event(
        &mut self,
        id: &str,
        ts_ms: i64,
        collection: &Arc<str>,
        producer: &mut Producer,
    ) -> Result<(i64, i64)> {
        if self.total == 0 {
            let (mut key, mut value) = (Vec::new(), Vec::new());
            self.encoder.encode_key(id, &mut key);
            self.encoder.encode_begin(id, ts_ms, &mut value);
            send(producer, &self.topic, &key, &value)?;
        }
        self.total += 1;
        Ok((self.total, count(&mut self.collections, collection)))
    }

    /// The transaction has ended; writes END if there was a BEGIN.
    pub fn end(&mut self, id: &str, ts_ms: i64, producer: &mut Producer) -> Result<()> {
        if std::mem::take(&mut self.total) == 0 {
            return Ok(());
        }
        let (mut key, mut value) = (Vec::new(), Vec::new());
        self.encoder.encode_key(id, &mut key);
        let collections = self.collections.iter().map(|(name, count)| (&**name, *count));
        self.encoder.encode_end(id, ts_ms, collections, &mut value);
        self.collections.clear();
        send(producer, &self.topic, &key, &value)
    }
}

fn count(collections: &mut Vec<(Arc<str>, i64)>, collection: &Arc<str>) -> i64 {
    if let Some((_, count)) = collections.iter_mut().find(|(name, _)| name == collection) {
        *count += 1;
        return *count;
    }
    collections.push((Arc::clone(collection), 1));
    1
}

fn send(producer: &mut Producer, topic: &Topic, key: &[u8], value: &[u8]) -> Result<()> {
    producer.send(&Record { topic, partition: 0, key: Some(key), value: Some(value), headers: &[] })?;
    Ok(())
}
