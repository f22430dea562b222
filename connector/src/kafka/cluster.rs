//! How the cluster is reached: the client options that all our clients share, and those of each kind.

use std::{sync::Arc, time::Duration};

use rdkafka::{
    ClientConfig, ClientContext,
    admin::AdminClient,
    config::RDKafkaLogLevel,
    consumer::{BaseConsumer, ConsumerContext},
    error::KafkaError,
};

use super::{Error, Result, error::sort};
use crate::config::{Config, Kafka};

/// One Kafka cluster as this connector sees it.
#[derive(Debug, Clone)]
pub struct Cluster {
    kafka: Arc<Kafka>,
    transactional_id: Arc<str>,
}

/// librdkafka's log lines, in our log.
#[derive(Debug, Clone, Copy, Default)]
pub struct Logged;

impl ClientContext for Logged {
    fn log(&self, level: RDKafkaLogLevel, facility: &str, message: &str) {
        log(level, facility, message);
    }

    fn error(&self, error: KafkaError, reason: &str) {
        report(&error, reason);
    }
}

impl ConsumerContext for Logged {}

/// librdkafka calls much of what it heals by itself an error; what matters comes back as a result of a call.
pub fn log(level: RDKafkaLogLevel, facility: &str, message: &str) {
    match level {
        RDKafkaLogLevel::Emerg | RDKafkaLogLevel::Alert | RDKafkaLogLevel::Critical => {
            tracing::warn!(facility, "kafka client: {message}");
        }
        _ => tracing::debug!(facility, "kafka client: {message}"),
    }
}

pub fn report(error: &KafkaError, reason: &str) {
    tracing::debug!(%error, "kafka client: {reason}");
}

impl Cluster {
    pub fn new(config: &Config) -> Self {
        Self { kafka: Arc::new(config.kafka.clone()), transactional_id: config.transactional_id().into() }
    }

    pub fn brokers(&self) -> &str {
        &self.kafka.brokers
    }

    pub fn transactional_id(&self) -> &str {
        &self.transactional_id
    }

    pub fn delivery_timeout(&self) -> Duration {
        self.kafka.delivery_timeout.duration()
    }

    /// Sorts a client error; `attempted` follows "could not".
    pub fn error(&self, attempted: impl Into<String>, source: KafkaError) -> Error {
        sort(attempted, self.brokers(), self.transactional_id(), source)
    }

    fn common(&self) -> ClientConfig {
        let mut config = ClientConfig::new();
        let wants_detail = self.kafka.options.value("debug").is_some();
        config
            .set_log_level(if wants_detail { RDKafkaLogLevel::Debug } else { RDKafkaLogLevel::Warning })
            .set("bootstrap.servers", self.brokers())
            .set("client.id", self.transactional_id())
            // A link that was cut without a word is noticed within seconds, and used again soon after it is back.
            .set("socket.keepalive.enable", "true")
            .set("socket.timeout.ms", "10000")
            .set("socket.connection.setup.timeout.ms", "5000")
            .set("reconnect.backoff.ms", "50")
            .set("reconnect.backoff.max.ms", "1000")
            // Asking about a topic must not create it.
            .set("allow.auto.create.topics", "false")
            // Many topics are created while running; the producer must find them at once.
            .set("topic.metadata.refresh.fast.interval.ms", "50")
            .set("log.connection.close", "false");
        config
    }

    /// The user's own options are set last: they win.
    fn with_options(&self, mut config: ClientConfig, accepts: impl Fn(&str) -> bool) -> ClientConfig {
        for (name, value) in self.kafka.options.iter().filter(|(name, _)| accepts(name)) {
            config.set(name, value);
        }
        config
    }

    /// `batch_bytes`: no topic in use takes larger batches.
    pub fn producer_config(&self, batch_bytes: usize) -> ClientConfig {
        let kafka = &self.kafka;
        let mut config = self.common();
        config
            .set("transactional.id", self.transactional_id())
            .set("enable.idempotence", "true")
            .set("acks", "all")
            .set("compression.type", &kafka.compression)
            .set("linger.ms", kafka.linger.duration().as_millis().to_string())
            .set("batch.size", batch_bytes.to_string())
            // Records are held against the topic's own limit, with its name in the refusal.
            .set("message.max.bytes", "1000000000")
            .set("queue.buffering.max.kbytes", (kafka.buffer.bytes() / 1024).max(1024).to_string())
            .set("queue.buffering.max.messages", kafka.buffer_records.to_string())
            .set("message.timeout.ms", kafka.delivery_timeout.duration().as_millis().to_string())
            .set("transaction.timeout.ms", kafka.transaction_timeout.duration().as_millis().to_string())
            .set("retry.backoff.ms", "50")
            // A report for each delivered record would cost more than the record: only failures are told.
            .set("delivery.report.only.error", "true");
        self.with_options(config, |_| true)
    }

    fn is_connection_option(name: &str) -> bool {
        const PREFIXES: [&str; 8] =
            ["security.", "sasl.", "ssl.", "socket.", "broker.", "client.", "reconnect.", "enable.ssl"];
        PREFIXES.iter().any(|prefix| name.starts_with(prefix))
            || name == "debug"
            || name == "enable.sasl.oauthbearer.unsecure.jwt"
    }

    pub fn admin(&self) -> Result<AdminClient<Logged>> {
        self.with_options(self.common(), Self::is_connection_option)
            .create_with_context(Logged)
            .map_err(|source| self.error("make a Kafka admin client", source))
    }

    /// A reader of what is committed, without a group: partitions are assigned by hand.
    pub fn consumer(&self) -> Result<BaseConsumer<Logged>> {
        let mut config = self.common();
        config
            .set("group.id", self.transactional_id())
            .set("isolation.level", "read_committed")
            .set("enable.auto.commit", "false")
            .set("enable.partition.eof", "true")
            .set("auto.offset.reset", "earliest")
            .set("fetch.wait.max.ms", "50")
            .set("queued.max.messages.kbytes", "1024");
        self.with_options(config, Self::is_connection_option)
            .create_with_context(Logged)
            .map_err(|source| self.error("make a Kafka consumer", source))
    }
}
