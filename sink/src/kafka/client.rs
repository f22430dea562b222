//! How the cluster is reached.

use std::time::Duration;

use crate::{
    config::{Config, Kafka},
    error::{Error, Result},
};
use rdkafka::{
    ClientConfig, ClientContext,
    admin::AdminClient,
    config::RDKafkaLogLevel,
    consumer::{BaseConsumer, Consumer as _, ConsumerContext},
    error::KafkaError,
    metadata::MetadataTopic,
    types::{RDKafkaConfRes, RDKafkaErrorCode},
};
use strait_service::Complaint;

const METADATA: Duration = Duration::from_secs(10);

/// librdkafka's log lines in our log, and the last thing that it complained of, to say why nothing comes.
#[derive(Debug, Clone, Default)]
pub struct Logged(Complaint);

impl Logged {
    /// What was complained of within the last `age`.
    pub fn complaint(&self, age: Duration) -> Option<String> {
        self.0.within(age)
    }
}

impl ClientContext for Logged {
    fn log(&self, level: RDKafkaLogLevel, facility: &str, message: &str) {
        let message = self.0.redact(message);
        match level {
            RDKafkaLogLevel::Emerg | RDKafkaLogLevel::Alert | RDKafkaLogLevel::Critical => {
                tracing::warn!(facility, "kafka client: {message}");
            }
            _ => tracing::debug!(facility, "kafka client: {message}"),
        }
    }

    /// librdkafka heals by itself what comes here; what it cannot heal comes back from `poll`.
    fn error(&self, error: KafkaError, reason: &str) {
        let reason = self.0.redact(reason);
        tracing::debug!(%error, "kafka client: {reason}");
        self.0.note(&reason);
    }
}

impl ConsumerContext for Logged {}

/// One Kafka cluster as this sink sees it.
#[derive(Debug, Clone)]
pub struct Cluster {
    kafka: Kafka,
    client_id: String,
    fetched_kbytes: u64,
    pub logged: Logged,
}

impl Cluster {
    pub fn new(config: &Config) -> Self {
        Self {
            kafka: config.kafka.clone(),
            client_id: format!("strait-sink-{}-{}", config.origin(), config.name()),
            fetched_kbytes: (config.memory.fetched.bytes() / 1024).max(512),
            logged: Logged(Complaint::new(&config.kafka.options)),
        }
    }

    pub fn place(&self) -> String {
        format!("Kafka at {}", self.kafka.brokers)
    }

    pub fn error(&self, doing: &'static str, source: KafkaError) -> Error {
        match source {
            KafkaError::ClientConfig(RDKafkaConfRes::RD_KAFKA_CONF_UNKNOWN, _, name, _) => {
                Error::KafkaSetting { cause: format!("it has no option \"{name}\""), setting: option(&name) }
            }
            KafkaError::ClientConfig(_, _, name, _) => Error::KafkaSetting {
                cause: format!("it does not take the value of \"{name}\""),
                setting: option(&name),
            },
            KafkaError::ClientCreation(text) => Error::KafkaSetting {
                cause: self.kafka.options.redact(&text),
                setting: "kafka.options".into(),
            },
            source => Error::Kafka { doing, place: self.place(), source },
        }
    }

    /// Nothing has answered for long. A client may have forgotten every broker, and ask none any more: another one is to be tried.
    pub fn silent(&self) -> Error {
        let source = KafkaError::Global(RDKafkaErrorCode::AllBrokersDown);
        self.error("reading from Kafka", source)
    }

    /// A reader of what is committed, without a group: partitions are assigned by hand, and offsets live in
    /// the target.
    pub fn consumer(&self) -> Result<BaseConsumer<Logged>> {
        self.create(&[], self.logged.clone())
    }

    /// As [`Cluster::consumer`], with these options, which win over ours and give way to the operator's.
    pub fn create<C: ConsumerContext>(&self, more: &[(&str, &str)], context: C) -> Result<BaseConsumer<C>> {
        let mut config = ClientConfig::new();
        config
            .set("bootstrap.servers", &self.kafka.brokers)
            .set("client.id", &self.client_id)
            .set("group.id", &self.client_id)
            .set("isolation.level", "read_committed")
            .set("enable.auto.commit", "false")
            .set("enable.auto.offset.store", "false")
            .set("enable.partition.eof", "false")
            .set("auto.offset.reset", "earliest")
            // Manual assignment joins no group: nobody waits for our polls.
            .set("max.poll.interval.ms", "86400000")
            .set("check.crcs", "true")
            // A fetch answers at once when there is anything, and is begun again soon after a full queue.
            .set("fetch.min.bytes", "1")
            .set("fetch.wait.max.ms", "50")
            .set("fetch.queue.backoff.ms", "5")
            .set("fetch.error.backoff.ms", "100")
            .set("queued.max.messages.kbytes", self.fetched_kbytes.to_string())
            .set("queued.min.messages", "10000")
            // The bounds are of compressed bytes, and an answer is unpacked whole: rows alike shrink to a twentieth.
            .set("fetch.message.max.bytes", "262144")
            .set("fetch.max.bytes", "1048576")
            .set("receive.message.max.bytes", "1100000000")
            .set("socket.keepalive.enable", "true")
            .set("socket.timeout.ms", "10000")
            .set("socket.connection.setup.timeout.ms", "5000")
            .set("reconnect.backoff.ms", "50")
            .set("reconnect.backoff.max.ms", "1000")
            // Topics appear while running.
            .set("topic.metadata.refresh.fast.interval.ms", "100")
            .set("topic.metadata.propagation.max.ms", "5000")
            .set("log.connection.close", "false");
        for (name, value) in more.iter().copied().chain(self.kafka.options.iter()) {
            config.set(name, value);
        }
        config.create_with_context(context).map_err(|source| self.error("making a Kafka consumer", source))
    }

    /// A client that asks for what no reader is told.
    pub fn admin(&self) -> Result<AdminClient<Logged>> {
        let mut config = ClientConfig::new();
        config.set("bootstrap.servers", &self.kafka.brokers).set("client.id", &self.client_id);
        for (name, value) in self.kafka.options.iter() {
            config.set(name, value);
        }
        config
            .create_with_context(self.logged.clone())
            .map_err(|source| self.error("making a Kafka client", source))
    }

    /// The cluster's id: offsets mean something only within it.
    pub fn id<C: ConsumerContext>(&self, consumer: &BaseConsumer<C>) -> Result<String> {
        consumer.client().fetch_cluster_id(METADATA).ok_or_else(|| Error::KafkaSilent {
            doing: "asking for the cluster's id",
            place: self.place(),
            seconds: METADATA.as_secs(),
        })
    }
}

fn option(name: &str) -> String {
    format!("kafka.options.{name}")
}

/// The names of all topics. Blocking.
pub fn inspect(cluster: &Cluster) -> Result<Vec<String>> {
    Ok(topics(cluster, &cluster.consumer()?)?.into_iter().map(|(name, _)| name).collect())
}

/// As [`inspect`], by a consumer that is there: with the number of each one's partitions.
pub fn topics<C: ConsumerContext>(
    cluster: &Cluster,
    consumer: &BaseConsumer<C>,
) -> Result<Vec<(String, i32)>> {
    let metadata = consumer
        .fetch_metadata(None, METADATA)
        .map_err(|source| cluster.error("asking Kafka for its topics", source))?;
    let count = |topic: &MetadataTopic| (topic.name().to_owned(), topic.partitions().len() as i32);
    Ok(metadata.topics().iter().map(count).collect())
}
