//! How the cluster is reached: the client options that all our clients share, and those of each kind.

use std::{sync::Arc, time::Duration};

use rdkafka::{
    ClientConfig, admin::AdminClient, config::RDKafkaLogLevel, consumer::BaseConsumer, error::KafkaError,
    producer::BaseProducer,
};

use super::{
    Error, Result,
    error::{Asked, sort},
    logged::Logged,
};
use crate::config::{Config, Kafka};

/// One Kafka cluster as this connector sees it.
#[derive(Debug, Clone)]
pub struct Cluster {
    kafka: Arc<Kafka>,
    prefix: Arc<str>,
    transactional_id: Arc<str>,
    logged: Logged,
}

impl Cluster {
    pub fn new(config: &Config) -> Self {
        Self {
            kafka: Arc::new(config.kafka.clone()),
            prefix: config.prefix.as_str().into(),
            transactional_id: config.transactional_id().into(),
            logged: Logged::new(&config.kafka.options),
        }
    }

    /// What the clients of this cluster say.
    pub fn logged(&self) -> &Logged {
        &self.logged
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
        let asked = Asked {
            brokers: self.brokers(),
            prefix: &self.prefix,
            transactional_id: self.transactional_id(),
            logged: &self.logged,
        };
        sort(attempted, &asked, source)
    }

    /// Something was not done in time; `attempted` follows "Kafka did not".
    pub fn timed_out(&self, attempted: impl Into<String>, patience: Duration) -> Error {
        Error::TimedOut {
            attempted: attempted.into(),
            brokers: self.brokers().into(),
            seconds: patience.as_secs(),
            complaint: self.logged.complaint(),
        }
    }

    /// Largest value that the client's buffer has room for.
    pub fn buffer_bytes(&self) -> usize {
        let own = self.kafka.options.value("queue.buffering.max.kbytes").and_then(|text| text.parse().ok());
        let kbytes: u64 = own.unwrap_or_else(|| self.buffer_kbytes());
        usize::try_from(kbytes.saturating_mul(1024)).unwrap_or(usize::MAX)
    }

    fn buffer_kbytes(&self) -> u64 {
        (self.kafka.buffer.bytes() / 1024).max(1024)
    }

    /// Proves that the client takes all options.
    pub fn ensure_options(&self) -> Result<()> {
        match self.producer_config(1).create_native_config() {
            Ok(_) => Ok(()),
            Err(source) => Err(self.error("make a Kafka producer", source)),
        }
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
            .set("queue.buffering.max.kbytes", self.buffer_kbytes().to_string())
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
            .create_with_context(self.logged.clone())
            .map_err(|source| self.error("make a Kafka admin client", source))
    }

    /// A producer without transactions.
    pub fn plain_producer(&self) -> Result<BaseProducer> {
        self.with_options(self.common(), Self::is_connection_option)
            .create()
            .map_err(|source| self.error("make a Kafka producer", source))
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
            .create_with_context(self.logged.clone())
            .map_err(|source| self.error("make a Kafka consumer", source))
    }
}
