//! The topics: found or created before the first record of them is sent, their limits known, and refused
//! where their settings would lose what the log needs.

use std::{
    collections::HashMap,
    sync::Arc,
    time::{Duration, Instant},
};

use rdkafka::{
    admin::{AdminClient, AdminOptions, NewTopic, ResourceSpecifier, TopicReplication},
    error::KafkaError,
    types::RDKafkaErrorCode as Code,
};
use strait_schemas::topics;
use strait_service::CancellationToken;
use tokio::runtime::Handle;

use super::{
    Cluster, Error, Result,
    error::{alter_command, code, is_forbidden},
    first_record::Written,
    logged::Logged,
};
use crate::config;

const PATIENCE: Duration = Duration::from_secs(20);
/// Where the broker does not tell the limit, it is left to judge.
const NOT_TOLD: usize = usize::MAX;
/// Room that a batch's header and a record's framing take beside key, value and headers.
const FRAMING: usize = 128;

/// What a topic is for: this decides what is right for it.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Purpose {
    /// Changes of a table; the spine is like it, but for its one partition.
    Data,
    Spine,
    Position,
    /// Debezium's own extra topics.
    Side,
}

/// A topic that is ready to be written.
#[derive(Debug, Clone)]
pub struct Topic {
    pub name: Arc<str>,
    pub partitions: i32,
    /// Largest batch of records it takes.
    pub limit: usize,
    /// What this session has written to its partitions.
    pub written: Written,
}

impl Topic {
    /// Largest record, all its bytes counted, that fits alone.
    pub fn record_limit(&self) -> usize {
        self.limit.saturating_sub(FRAMING)
    }
}

#[derive(Debug, PartialEq, Eq)]
enum Presence {
    Absent,
    /// A partition has no leader yet.
    Starting,
    Ready {
        partitions: i32,
    },
}

pub struct Topics {
    cluster: Cluster,
    settings: config::Topics,
    admin: AdminClient<Logged>,
    runtime: Handle,
    stop: CancellationToken,
    known: HashMap<String, Topic>,
}

/// `cleanup.policy` and `max.message.bytes`, as far as the broker tells.
struct Described {
    policy: Option<String>,
    limit: usize,
}

impl Topics {
    /// `runtime` carries the admin requests; the calls here block, on a thread that is not one of its own.
    pub fn new(
        cluster: &Cluster,
        settings: &config::Topics,
        runtime: Handle,
        stop: CancellationToken,
    ) -> Result<Self> {
        Ok(Self {
            admin: cluster.admin()?,
            cluster: cluster.clone(),
            settings: settings.clone(),
            runtime,
            stop,
            known: HashMap::new(),
        })
    }

    /// Makes sure that the topic is there and right. Asked once a topic; after that it is known.
    pub fn ensure(&mut self, name: &str, purpose: Purpose) -> Result<Topic> {
        if let Some(topic) = self.known.get(name) {
            return Ok(topic.clone());
        }
        let described = match self.describe(name)? {
            Some(described) => described,
            None => {
                self.create(name, purpose)?;
                // Only then is it known to the broker that is asked.
                self.wait_for_leaders(name)?;
                self.describe(name)?.unwrap_or(Described { policy: None, limit: NOT_TOLD })
            }
        };
        self.judge(name, purpose, &described)?;
        let partitions = self.wait_for_leaders(name)?;
        if partitions != 1 && matches!(purpose, Purpose::Spine | Purpose::Position) {
            return Err(Error::TopicPartitions {
                topic: name.into(),
                brokers: self.cluster.brokers().into(),
                partitions,
            });
        }
        let written = Written::new(partitions);
        let topic = Topic { name: name.into(), partitions, limit: described.limit, written };
        self.known.insert(name.into(), topic.clone());
        Ok(topic)
    }

    /// What `ensure` would refuse or create, without creating anything. `None`: it would be created.
    pub fn inspect(&self, name: &str, purpose: Purpose) -> Result<Option<()>> {
        let Some(described) = self.describe(name)? else {
            self.validate_creation(name, purpose)?;
            return Ok(None);
        };
        self.judge(name, purpose, &described).map(Some)
    }

    /// What the broker says of a topic; `None`: it does not exist.
    fn describe(&self, name: &str) -> Result<Option<Described>> {
        if self.presence(name)? == Presence::Absent {
            return Ok(None);
        }
        let resource = ResourceSpecifier::Topic(name);
        let options = AdminOptions::new().request_timeout(Some(PATIENCE));
        let answer = self.runtime.block_on(self.admin.describe_configs([&resource], &options));
        let told = match answer {
            // The client library drops the error of a single topic, and then there are no settings.
            Ok(entries) => {
                entries.into_iter().next().and_then(Result::ok).filter(|told| !told.entries.is_empty())
            }
            Err(source) if code(&source).is_some_and(is_forbidden) => None,
            Err(source) => {
                return Err(self.cluster.error(format!("ask for the settings of topic {name}"), source));
            }
        };
        let Some(told) = told else {
            tracing::warn!(
                topic = name,
                "the broker does not tell the topic's settings (no right DESCRIBE_CONFIGS?): its defaults are assumed"
            );
            return Ok(Some(Described { policy: None, limit: NOT_TOLD }));
        };
        let value = |setting: &str| told.get(setting).and_then(|entry| entry.value.clone());
        let limit = value("max.message.bytes").and_then(|text| text.parse().ok()).unwrap_or(NOT_TOLD);
        Ok(Some(Described { policy: value("cleanup.policy"), limit }))
    }

    fn judge(&self, name: &str, purpose: Purpose, described: &Described) -> Result<()> {
        let Some(policy) = &described.policy else { return Ok(()) };
        let compacted = policy.contains("compact");
        let (topic, brokers, policy) = (name.to_owned(), self.cluster.brokers().to_owned(), policy.clone());
        match purpose {
            Purpose::Data | Purpose::Spine if compacted => {
                let command = alter_command(&brokers, name, "cleanup.policy=delete");
                Err(Error::TopicCompacted { topic, brokers, policy, command })
            }
            Purpose::Position if !compacted || policy.contains("delete") => {
                let command = alter_command(&brokers, name, "cleanup.policy=compact");
                Err(Error::TopicNotCompacted { topic, brokers, policy, command })
            }
            Purpose::Data | Purpose::Spine | Purpose::Position | Purpose::Side => Ok(()),
        }
    }

    fn shape(&self, purpose: Purpose) -> (i32, i32, Vec<(&'static str, String)>) {
        let partitions = match purpose {
            Purpose::Data => self.settings.partitions as i32,
            Purpose::Spine | Purpose::Position | Purpose::Side => 1,
        };
        let replication = self.settings.replication.map_or(-1, i32::from);
        let mut settings = Vec::new();
        if purpose == Purpose::Position {
            settings.push(("cleanup.policy", "compact".to_owned()));
            // One record for each commit: without small segments the newest one would grow for a week.
            settings.push(("segment.bytes", (16 << 20).to_string()));
            settings.push(("segment.ms", 3_600_000.to_string()));
            settings.push(("min.cleanable.dirty.ratio", "0.1".to_owned()));
        } else {
            settings.push(("cleanup.policy", "delete".to_owned()));
            if let Some(retention) = self.settings.retention {
                settings.push(("retention.ms", retention.duration().as_millis().to_string()));
            }
        }
        (partitions, replication, settings)
    }

    fn create_command(&self, name: &str, purpose: Purpose) -> String {
        use std::fmt::Write as _;
        let (partitions, replication, settings) = self.shape(purpose);
        let mut command = format!(
            "kafka-topics.sh --bootstrap-server {} --create --topic {name} --partitions {partitions}",
            self.cluster.brokers()
        );
        if replication > 0 {
            let _ = write!(command, " --replication-factor {replication}");
        }
        for (setting, value) in settings {
            let _ = write!(command, " --config {setting}={value}");
        }
        command
    }

    fn missing(&self, name: &str, purpose: Purpose, cause: impl Into<String>) -> Error {
        Error::TopicMissing {
            topic: name.into(),
            brokers: self.cluster.brokers().into(),
            cause: cause.into(),
            command: self.create_command(name, purpose),
        }
    }

    fn create(&self, name: &str, purpose: Purpose) -> Result<()> {
        if !self.settings.create {
            return Err(self.missing(name, purpose, "topics.create is false"));
        }
        match self.request_creation(name, purpose, false)? {
            Ok(()) => {
                tracing::info!(topic = name, "topic created");
                Ok(())
            }
            Err(Code::TopicAlreadyExists) => Ok(()),
            Err(code) if may_pass(code) => {
                Err(self.cluster.error(format!("create topic {name}"), KafkaError::AdminOp(code)))
            }
            Err(code) => Err(self.missing(name, purpose, code.to_string())),
        }
    }

    fn validate_creation(&self, name: &str, purpose: Purpose) -> Result<()> {
        if !self.settings.create {
            return Err(self.missing(name, purpose, "topics.create is false"));
        }
        match self.request_creation(name, purpose, true)? {
            Ok(()) | Err(Code::TopicAlreadyExists) => Ok(()),
            Err(code) => Err(self.missing(name, purpose, code.to_string())),
        }
    }

    fn request_creation(
        &self,
        name: &str,
        purpose: Purpose,
        only_validate: bool,
    ) -> Result<Result<(), Code>> {
        let (partitions, replication, settings) = self.shape(purpose);
        let mut topic = NewTopic::new(name, partitions, TopicReplication::Fixed(replication));
        for (setting, value) in &settings {
            topic = topic.set(setting, value);
        }
        let options = AdminOptions::new()
            .request_timeout(Some(PATIENCE))
            .operation_timeout(Some(PATIENCE))
            .validate_only(only_validate);
        match self.runtime.block_on(self.admin.create_topics([&topic], &options)) {
            Ok(results) => Ok(results
                .into_iter()
                .next()
                .map_or(Ok(()), |result| result.map(drop).map_err(|(_, code)| code))),
            Err(source) => match code(&source) {
                Some(code) if is_forbidden(code) => Ok(Err(code)),
                _ => Err(self.cluster.error(format!("create topic {name}"), source)),
            },
        }
    }

    /// A new topic can be written once every partition has a leader.
    fn wait_for_leaders(&self, name: &str) -> Result<i32> {
        let began = Instant::now();
        loop {
            if let Presence::Ready { partitions } = self.presence(name)? {
                return Ok(partitions);
            }
            if self.stop.is_cancelled() {
                return Err(Error::Stopped);
            }
            if began.elapsed() > PATIENCE {
                return Err(self.cluster.timed_out(format!("give topic {name} its leaders"), PATIENCE));
            }
            std::thread::sleep(Duration::from_millis(20));
        }
    }

    fn presence(&self, name: &str) -> Result<Presence> {
        let attempted = || format!("ask for the partitions of topic {name}");
        let metadata = self
            .admin
            .inner()
            .fetch_metadata(Some(name), PATIENCE)
            .map_err(|source| self.cluster.error(attempted(), source))?;
        let Some(topic) = metadata.topics().iter().find(|topic| topic.name() == name) else {
            return Ok(Presence::Absent);
        };
        match topic.error().map(Code::from) {
            None => {}
            Some(Code::UnknownTopicOrPartition | Code::UnknownTopic) => return Ok(Presence::Absent),
            Some(Code::LeaderNotAvailable) => return Ok(Presence::Starting),
            Some(code) => return Err(self.cluster.error(attempted(), KafkaError::MetadataFetch(code))),
        }
        let partitions = topic.partitions();
        let led = !partitions.is_empty() && partitions.iter().all(|partition| partition.leader() >= 0);
        Ok(if led { Presence::Ready { partitions: partitions.len() as i32 } } else { Presence::Starting })
    }

    /// Topics of this prefix that exist, with their partitions; not those of a longer prefix that begins
    /// with this one.
    pub fn of_prefix(&self, prefix: &str) -> Result<Vec<(String, i32)>> {
        let metadata = self
            .admin
            .inner()
            .fetch_metadata(None, PATIENCE)
            .map_err(|source| self.cluster.error("list the topics", source))?;
        let names = metadata.topics().iter().map(|topic| (topic.name(), topic.partitions().len() as i32));
        Ok(select_prefix(prefix, names))
    }
}

/// The refusal may pass with time: the brokers are not all there yet, or the controller moves.
fn may_pass(code: Code) -> bool {
    matches!(
        code,
        Code::NotController
            | Code::RequestTimedOut
            | Code::OperationTimedOut
            | Code::BrokerNotAvailable
            | Code::BrokerTransportFailure
            | Code::AllBrokersDown
    )
}

fn select_prefix<'n>(
    prefix: &str,
    names: impl Iterator<Item = (&'n str, i32)> + Clone,
) -> Vec<(String, i32)> {
    let own = format!("{prefix}.");
    let spine_suffix = topics::spine_topic("");
    let longer: Vec<String> = names
        .clone()
        .filter_map(|(name, _)| name.strip_suffix(&spine_suffix))
        .filter(|other| other.starts_with(&own))
        .map(|other| format!("{other}."))
        .collect();
    names
        .filter(|(name, _)| name.starts_with(&own) && !longer.iter().any(|other| name.starts_with(other)))
        .map(|(name, partitions)| (name.to_owned(), partitions))
        .collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_longer_prefix_is_somebody_elses() {
        let names = [
            "a.shop.t",
            "a.strait.spine",
            "a.b.shop.t",
            "a.b.strait.spine",
            "ab.shop.t",
            "a",
            "__consumer_offsets",
        ];
        let selected = select_prefix("a", names.iter().map(|name| (*name, 1)));
        let selected: Vec<_> = selected.iter().map(|(name, _)| name.as_str()).collect();
        assert_eq!(selected, ["a.shop.t", "a.strait.spine"]);
    }
}
