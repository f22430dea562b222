//! What Kafka answers, sorted into the two things that can be done about it. librdkafka retries by itself
//! whatever is worth retrying inside a transaction; what reaches us ends the producer in any case, so its
//! three classes (retriable, abortable, fatal) come down to: run the start procedure again, or halt.

use rdkafka::{error::KafkaError, types::RDKafkaErrorCode as Code};
use strait_service::{Disposition, Refusal};

pub type Result<T, E = Error> = std::result::Result<T, E>;

#[derive(Debug, thiserror::Error)]
pub enum Error {
    #[error("could not {attempted}")]
    Client {
        attempted: String,
        brokers: String,
        #[source]
        source: KafkaError,
    },

    /// The transactional id has moved on: a later instance has taken it over, or Kafka gave our transaction up
    /// while this process stood still.
    #[error("Kafka has fenced this producer off")]
    Fenced { brokers: String, transactional_id: String },

    /// A later instance has committed its own attempt: this one must not fence it off in turn.
    #[error("another connector publishes under the same prefix (attempt {attempt})")]
    Superseded { brokers: String, transactional_id: String, attempt: u32 },

    #[error("the broker refuses what this connector needs: {what}")]
    Forbidden { what: String, brokers: String, remedy: String },

    #[error("topic {topic} does not exist and cannot be created: {cause}")]
    TopicMissing { topic: String, brokers: String, cause: String, command: String },

    #[error(
        "topic {topic} is compacted (cleanup.policy={policy}): the broker would remove records that readers need"
    )]
    TopicCompacted { topic: String, brokers: String, policy: String, command: String },

    #[error(
        "topic {topic} is not compacted (cleanup.policy={policy}): the broker would remove the position by age"
    )]
    TopicNotCompacted { topic: String, brokers: String, policy: String, command: String },

    #[error(
        "topic {topic} has {partitions} partitions and needs exactly 1: its order is the order of the log"
    )]
    TopicPartitions { topic: String, brokers: String, partitions: i32 },

    /// `limit`: as far as the broker tells it.
    #[error("a record of {size} bytes is larger than topic {topic} takes (max.message.bytes={})", told(*.limit))]
    RecordTooLarge { topic: String, key: String, size: usize, limit: Option<usize>, brokers: String },

    /// The producer gathers larger batches than a topic takes; a new one with smaller batches is needed.
    #[error("topic {topic} takes batches of {limit} bytes only: a producer with smaller batches is made")]
    BatchTooLarge { topic: String, limit: usize },

    /// Something was not done in time. What became of it is unknown, so everything starts again.
    #[error("Kafka did not {attempted} within {seconds} s")]
    TimedOut { attempted: String, brokers: String, seconds: u64 },

    #[error("the position record in topic {topic} cannot be read")]
    Position {
        topic: String,
        offset: i64,
        #[source]
        source: strait_schemas::Error,
    },

    #[error("stopped while waiting for Kafka")]
    Stopped,
}

impl Error {
    pub fn disposition(&self) -> Disposition {
        match self {
            Self::Client { .. }
            | Self::Fenced { .. }
            | Self::BatchTooLarge { .. }
            | Self::TimedOut { .. }
            | Self::Stopped => Disposition::Retry,
            Self::Superseded { .. }
            | Self::Forbidden { .. }
            | Self::TopicMissing { .. }
            | Self::TopicCompacted { .. }
            | Self::TopicNotCompacted { .. }
            | Self::TopicPartitions { .. }
            | Self::RecordTooLarge { .. }
            | Self::Position { .. } => Disposition::Halt,
        }
    }
}

impl Refusal for Error {
    fn place(&self) -> Option<String> {
        match self {
            Self::Client { brokers, .. }
            | Self::Forbidden { brokers, .. }
            | Self::TopicMissing { brokers, .. }
            | Self::TopicCompacted { brokers, .. }
            | Self::TopicNotCompacted { brokers, .. }
            | Self::TimedOut { brokers, .. } => Some(format!("Kafka at {brokers}")),
            Self::Fenced { brokers, transactional_id }
            | Self::Superseded { brokers, transactional_id, .. } => {
                Some(format!("transactional.id {transactional_id}, Kafka at {brokers}"))
            }
            Self::TopicPartitions { topic, brokers, .. } => {
                Some(format!("topic {topic}, Kafka at {brokers}"))
            }
            Self::RecordTooLarge { topic, key, brokers, .. } => {
                Some(format!("topic {topic}, key {key}, Kafka at {brokers}"))
            }
            Self::BatchTooLarge { topic, .. } => Some(format!("topic {topic}")),
            Self::Position { topic, offset, .. } => {
                Some(format!("topic {topic}, partition 0, offset {offset}"))
            }
            Self::Stopped => None,
        }
    }

    fn remedy(&self) -> Option<String> {
        match self {
            Self::Superseded { .. } => Some(
                "keep one connector a prefix: stop the other instance, or give this one another `prefix`".into(),
            ),
            Self::Forbidden { remedy, .. } => Some(remedy.clone()),
            Self::TopicMissing { command, .. } => {
                Some(format!("create it, or grant the connector's Kafka user CREATE on it:\n{command}"))
            }
            Self::TopicCompacted { command, .. } | Self::TopicNotCompacted { command, .. } => Some(command.clone()),
            Self::TopicPartitions { topic, .. } => Some(format!(
                "delete topic {topic} if it is empty and let the connector create it, or choose another `prefix`"
            )),
            Self::RecordTooLarge { topic, size, brokers, .. } => Some(format!(
                "raise the topic's limit, then start again (nothing is lost; readers may need a larger max.partition.fetch.bytes):\n{}",
                alter_command(brokers, topic, &format!("max.message.bytes={}", size.next_multiple_of(1 << 20) + (1 << 20)))
            )),
            Self::Position { .. } => Some(
                "it was not written by this version of the connector: start the version that wrote it, or choose another `prefix`".into(),
            ),
            Self::Client { .. }
            | Self::Fenced { .. }
            | Self::BatchTooLarge { .. }
            | Self::TimedOut { .. }
            | Self::Stopped => None,
        }
    }
}

fn told(limit: Option<usize>) -> String {
    limit.map_or_else(|| "not told".to_owned(), |limit| limit.to_string())
}

/// The command that changes a topic's configuration.
pub fn alter_command(brokers: &str, topic: &str, setting: &str) -> String {
    format!(
        "kafka-configs.sh --bootstrap-server {brokers} --entity-type topics --entity-name {topic} --alter --add-config {setting}"
    )
}

/// librdkafka's code of an error, where it has one.
pub fn code(error: &KafkaError) -> Option<Code> {
    match error {
        KafkaError::AdminOp(code) => Some(*code),
        other => other.rdkafka_error_code(),
    }
}

/// What a user may not do is known by these codes.
pub fn is_forbidden(code: Code) -> bool {
    matches!(
        code,
        Code::TopicAuthorizationFailed
            | Code::ClusterAuthorizationFailed
            | Code::TransactionalIdAuthorizationFailed
            | Code::GroupAuthorizationFailed
            | Code::PolicyViolation
    )
}

/// Sorts an error of the client: fenced, forbidden, or something that a new start may cure.
pub fn sort(
    attempted: impl Into<String>,
    brokers: &str,
    transactional_id: &str,
    source: KafkaError,
) -> Error {
    match code(&source) {
        Some(Code::Fenced | Code::ProducerFenced | Code::InvalidProducerEpoch) => {
            Error::Fenced { brokers: brokers.into(), transactional_id: transactional_id.into() }
        }
        Some(code) if is_forbidden(code) => Error::Forbidden {
            what: format!("{}: {code}", attempted.into()),
            brokers: brokers.into(),
            remedy: format!(
                "grant the connector's Kafka user WRITE, READ, DESCRIBE and CREATE on its topics and WRITE and DESCRIBE on its transactional id:\n\
                 kafka-acls.sh --bootstrap-server {brokers} --add --allow-principal User:NAME --operation All --transactional-id {transactional_id} --topic PREFIX --resource-pattern-type prefixed"
            ),
        },
        _ => Error::Client { attempted: attempted.into(), brokers: brokers.into(), source },
    }
}
