//! What the client library says of its own accord, in our log.

use std::time::Duration;

use rdkafka::{
    ClientContext, config::RDKafkaLogLevel, consumer::ConsumerContext, error::KafkaError,
    types::RDKafkaErrorCode as Code,
};
use strait_service::{Complaint, Options};

/// The client does not repeat the same complaint for 30 s.
const FRESH: Duration = Duration::from_secs(35);

/// Shared by all clients of a cluster; cheap to clone.
#[derive(Debug, Clone, Default)]
pub struct Logged(Complaint);

impl Logged {
    /// `options`: their secrets are kept out of what is said.
    pub fn new(options: &Options) -> Self {
        Self(Complaint::new(options))
    }

    /// What the client complained of last, if that is not long ago.
    pub fn complaint(&self) -> Option<String> {
        self.0.within(FRESH)
    }

    /// The text without secrets.
    pub fn redact(&self, text: &str) -> String {
        self.0.redact(text)
    }
}

impl ClientContext for Logged {
    /// The library calls much of what it heals by itself an error; what matters comes back as a result of a call.
    fn log(&self, level: RDKafkaLogLevel, facility: &str, message: &str) {
        let message = self.redact(message);
        match level {
            RDKafkaLogLevel::Emerg | RDKafkaLogLevel::Alert | RDKafkaLogLevel::Critical => {
                tracing::warn!(facility, "kafka client: {message}");
                self.0.note(&message);
            }
            RDKafkaLogLevel::Error => {
                tracing::debug!(facility, "kafka client: {message}");
                self.0.note(&message);
            }
            _ => tracing::debug!(facility, "kafka client: {message}"),
        }
    }

    fn error(&self, error: KafkaError, reason: &str) {
        let reason = self.redact(reason);
        tracing::debug!(%error, "kafka client: {reason}");
        match error.rdkafka_error_code() {
            // That all brokers are down says less than why one of them is; the end of a partition is no fault.
            Some(Code::AllBrokersDown | Code::PartitionEOF) => {}
            _ => self.0.note(&reason),
        }
    }
}

impl ConsumerContext for Logged {}
