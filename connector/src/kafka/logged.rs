//! What the client library says of its own accord, in our log; and the last of its complaints, for what comes back from a
//! call is often no more than that time ran out.

use std::{
    sync::{Arc, Mutex, PoisonError},
    time::{Duration, Instant},
};

use rdkafka::{
    ClientContext, config::RDKafkaLogLevel, consumer::ConsumerContext, error::KafkaError,
    types::RDKafkaErrorCode as Code,
};
use strait_service::Options;

/// The client does not repeat the same complaint for 30 s.
const FRESH: Duration = Duration::from_secs(35);

/// Shared by all clients of a cluster; cheap to clone.
#[derive(Debug, Clone, Default)]
pub struct Logged {
    options: Arc<Options>,
    complaint: Arc<Mutex<Option<(Instant, String)>>>,
}

impl Logged {
    /// `options`: their secrets are kept out of what is said.
    pub fn new(options: &Options) -> Self {
        Self { options: Arc::new(options.clone()), complaint: Arc::default() }
    }

    /// What the client complained of last, if that is not long ago.
    pub fn complaint(&self) -> Option<String> {
        let complaint = self.complaint.lock().unwrap_or_else(PoisonError::into_inner);
        complaint.as_ref().filter(|(at, _)| at.elapsed() <= FRESH).map(|(_, text)| text.clone())
    }

    /// The text without secrets.
    pub fn redact(&self, text: &str) -> String {
        self.options.redact(text)
    }

    fn complain(&self, text: String) {
        *self.complaint.lock().unwrap_or_else(PoisonError::into_inner) = Some((Instant::now(), text));
    }
}

impl ClientContext for Logged {
    /// The library calls much of what it heals by itself an error; what matters comes back as a result of a call.
    fn log(&self, level: RDKafkaLogLevel, facility: &str, message: &str) {
        let message = self.redact(message);
        match level {
            RDKafkaLogLevel::Emerg | RDKafkaLogLevel::Alert | RDKafkaLogLevel::Critical => {
                tracing::warn!(facility, "kafka client: {message}");
                self.complain(message);
            }
            RDKafkaLogLevel::Error => {
                tracing::debug!(facility, "kafka client: {message}");
                self.complain(message);
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
            _ => self.complain(reason),
        }
    }
}

impl ConsumerContext for Logged {}
