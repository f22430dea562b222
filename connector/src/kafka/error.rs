//! What Kafka answers, sorted into the two things that can be done about it. librdkafka retries by itself
//! whatever is worth retrying inside a transaction; what reaches us ends the producer in any case, so its
//! three classes (retriable, abortable, fatal) come down to: run the start procedure again, or halt.

use rdkafka::{
    error::KafkaError,
    types::{RDKafkaConfRes, RDKafkaErrorCode as Code},
};
use strait_service::{Disposition, Refusal};

use super::{acl, logged::Logged};

pub type Result<T, E = Error> = std::result::Result<T, E>;

#[derive(Debug, thiserror::Error)]
pub enum Error {
    #[error("could not {attempted}{}", told_by_client(.complaint.as_deref()))]
    Client {
        attempted: String,
        brokers: String,
        complaint: Option<String>,
        #[source]
        source: KafkaError,
    },

    /// The client's own error is not kept: it quotes the value, which may be a password.
    #[error("the Kafka client refuses a setting: {cause}")]
    Setting { setting: String, cause: String },

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

    #[error("a record of {size} bytes is larger than topic {topic} takes (max.message.bytes={limit})")]
    RecordTooLarge { topic: String, key: String, size: usize, limit: usize, brokers: String },

    /// Only the broker knows which record of the batch it was.
    #[error(
        "topic {topic} refuses a batch of records as larger than it takes (max.message.bytes); the first record of it has {size} bytes"
    )]
    BatchRefused { topic: String, size: usize, brokers: String },

    /// It could wait for room in the client's buffer for ever.
    #[error(
        "a record of {size} bytes for topic {topic} is larger than the producer's buffer (kafka.buffer, {buffer} bytes)"
    )]
    RecordOverBuffer { topic: String, key: String, size: usize, buffer: usize },

    /// The producer gathers larger batches than a topic takes; a new one with smaller batches is needed.
    #[error("topic {topic} takes batches of {limit} bytes only: a producer with smaller batches is made")]
    BatchTooLarge { topic: String, limit: usize },

    /// Something was not done in time. What became of it is unknown, so everything starts again.
    #[error("Kafka did not {attempted} within {seconds} s{}", told_by_client(.complaint.as_deref()))]
    TimedOut { attempted: String, brokers: String, seconds: u64, complaint: Option<String> },

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
            | Self::Setting { .. }
            | Self::Forbidden { .. }
            | Self::TopicMissing { .. }
            | Self::TopicCompacted { .. }
            | Self::TopicNotCompacted { .. }
            | Self::TopicPartitions { .. }
            | Self::RecordTooLarge { .. }
            | Self::RecordOverBuffer { .. }
            | Self::BatchRefused { .. }
            | Self::Position { .. } => Disposition::Halt,
        }
    }
}

impl Refusal for Error {
    fn place(&self) -> Option<String> {
        match self {
            Self::Setting { setting, .. } => Some(format!("setting {setting}")),
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
            Self::TopicPartitions { topic, brokers, .. } | Self::BatchRefused { topic, brokers, .. } => {
                Some(format!("topic {topic}, Kafka at {brokers}"))
            }
            Self::RecordOverBuffer { topic, key, .. } => Some(format!("topic {topic}, key {key}")),
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
            Self::BatchRefused { topic, size, brokers } => Some(format!(
                "raise the topic's limit, or let the connector's Kafka user ask for it (DESCRIBE_CONFIGS on the topic: then batches are made to fit), \
                 and start again; nothing is lost:\n{}",
                alter_command(brokers, topic, &format!("max.message.bytes={}", size.next_multiple_of(1 << 20) + (1 << 20)))
            )),
            Self::RecordOverBuffer { size, .. } => Some(format!(
                "kafka.buffer = \"{} MiB\", or more, and start again; nothing is lost",
                size.div_ceil(1 << 20) + 1
            )),
            Self::Setting { setting, .. } => Some(format!(
                "correct {setting}; the names under kafka.options and what they take are librdkafka's (CONFIGURATION.md there)"
            )),
            Self::Position { .. } => Some(
                "it was not written by this version of the connector: start the version that wrote it, or choose another `prefix`".into(),
            ),
            Self::Client { source, complaint, .. } => {
                Some(reach_remedy(&format!("{source} {}", complaint.as_deref().unwrap_or_default())).into())
            }
            Self::TimedOut { complaint, .. } => Some(reach_remedy(complaint.as_deref().unwrap_or_default()).into()),
            Self::Fenced { .. } | Self::BatchTooLarge { .. } | Self::Stopped => None,
        }
    }
}

/// What to look at, by what the client complains of.
fn reach_remedy(said: &str) -> &'static str {
    let said = said.to_ascii_lowercase();
    if said.contains("sasl") || said.contains("authentication") {
        "compare security.protocol, sasl.mechanism, sasl.username and sasl.password in kafka.options with the brokers' listener; \
         it is tried again by itself"
    } else if said.contains("ssl") || said.contains("certificate") {
        "compare security.protocol and ssl.ca.location in kafka.options with the brokers' listener and its certificate; it is tried again by itself"
    } else {
        "see whether kafka.brokers and security.protocol (kafka.options) are right and the brokers run; it is tried again by itself"
    }
}

fn told_by_client(complaint: Option<&str>) -> String {
    complaint.map(|text| format!(" (the Kafka client says: {text})")).unwrap_or_default()
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

/// Who was asked, and by whom.
pub struct Asked<'a> {
    pub brokers: &'a str,
    pub prefix: &'a str,
    pub transactional_id: &'a str,
    pub logged: &'a Logged,
}

/// Sorts an error of the client: a wrong setting, fenced, forbidden, or something that a new start may cure.
pub fn sort(attempted: impl Into<String>, asked: &Asked<'_>, source: KafkaError) -> Error {
    let Asked { brokers, prefix, transactional_id, logged } = *asked;
    match &source {
        KafkaError::ClientConfig(result, _, name, _) => {
            let cause = match result {
                RDKafkaConfRes::RD_KAFKA_CONF_UNKNOWN => format!("it has no option \"{name}\""),
                _ => format!("it does not take the value of \"{name}\""),
            };
            return Error::Setting { setting: setting_of(name), cause };
        }
        KafkaError::ClientCreation(text) => {
            return Error::Setting { setting: "kafka.options".into(), cause: logged.redact(text) };
        }
        _ => {}
    }
    match code(&source) {
        Some(Code::Fenced | Code::ProducerFenced | Code::InvalidProducerEpoch) => {
            Error::Fenced { brokers: brokers.into(), transactional_id: transactional_id.into() }
        }
        Some(code) if is_forbidden(code) => Error::Forbidden {
            what: format!("{}: {code}", attempted.into()),
            brokers: brokers.into(),
            remedy: format!(
                "grant the connector's Kafka user what it needs:\n{}",
                acl::commands(brokers, prefix, transactional_id)
            ),
        },
        _ => Error::Client {
            attempted: attempted.into(),
            brokers: brokers.into(),
            complaint: logged.complaint(),
            source,
        },
    }
}

/// Our setting behind an option of the client.
fn setting_of(option: &str) -> String {
    match option {
        "bootstrap.servers" => "kafka.brokers".into(),
        "compression.type" => "kafka.compression".into(),
        "linger.ms" => "kafka.linger".into(),
        "queue.buffering.max.kbytes" => "kafka.buffer".into(),
        "queue.buffering.max.messages" => "kafka.buffer_records".into(),
        "message.timeout.ms" => "kafka.delivery_timeout".into(),
        "transaction.timeout.ms" => "kafka.transaction_timeout".into(),
        other => format!("kafka.options.{other}"),
    }
}

#[cfg(test)]
mod tests {
    use strait_service::Options;

    use super::*;

    fn sorted(source: KafkaError) -> Error {
        let options: Options = [("sasl.password", "hush-1")].into_iter().collect();
        let logged = Logged::new(&options);
        let asked =
            Asked { brokers: "k:9092", prefix: "p", transactional_id: "strait-connector-p", logged: &logged };
        sort("make a Kafka producer", &asked, source)
    }

    fn words(error: &Error) -> String {
        format!("{error} {error:?} {:?} {:?}", error.place(), error.remedy())
    }

    #[test]
    fn a_refused_option_is_named_without_its_value() {
        let unknown = RDKafkaConfRes::RD_KAFKA_CONF_UNKNOWN;
        let error =
            sorted(KafkaError::ClientConfig(unknown, "no".into(), "sasl.pasword".into(), "hush-1".into()));
        assert_eq!(error.disposition(), Disposition::Halt);
        assert_eq!(error.place().as_deref(), Some("setting kafka.options.sasl.pasword"));
        assert!(!words(&error).contains("hush-1"), "{}", words(&error));

        let error = sorted(KafkaError::ClientCreation("`hush-1` is no password".into()));
        assert_eq!(error.disposition(), Disposition::Halt);
        assert!(!words(&error).contains("hush-1"), "{}", words(&error));
    }

    #[test]
    fn a_refusal_names_every_right() {
        let error = sorted(KafkaError::Global(Code::TopicAuthorizationFailed));
        assert_eq!(error.disposition(), Disposition::Halt);
        let remedy = error.remedy().expect("the commands");
        for right in
            ["--topic p. ", "--topic __debezium-heartbeat.p\n", "--transactional-id strait-connector-p"]
        {
            assert!(remedy.contains(right), "{right} is missing:\n{remedy}");
        }
    }
}
