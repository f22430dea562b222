//! Looks at the ends of topics, beside the reading of the log: which server the connector reads, and the newest
//! record of each table. Nothing here decides how far the log is read, so a look that does not end in time is an
//! error like any silence of Kafka's.

use std::{
    collections::BTreeSet,
    time::{Duration, Instant},
};

use rdkafka::{
    Message as _, Offset, TopicPartitionList,
    consumer::{BaseConsumer, Consumer as _},
    error::KafkaError,
    message::BorrowedMessage,
    types::RDKafkaErrorCode as Code,
};
use strait_mysql::ddl::Kind;
use strait_schemas::{DdlObject, Position, Seq, SpinePart, SpineRecord, topics};

use super::{
    client::{Cluster, Logged},
    record::{self, KeyedRecord},
};
use crate::{
    config::Config,
    error::{Error, Result},
    merge::Record,
};

const PATIENCE: Duration = Duration::from_secs(10);
const POLL: Duration = Duration::from_millis(50);
/// How far from its end a partition is looked at: tombstones, markers of commits and what was aborted take
/// offsets, too. The second number is for topics where the first shows nothing.
const TAILS: [i64; 2] = [8, 1000];

/// A consumer of its own, which is told where partitions end.
pub struct Ends {
    cluster: Cluster,
    consumer: BaseConsumer<Logged>,
}

/// How far the spine is read back for schema changes that are to come: at a commit each 100 ms, half an hour.
const SPINE_TAIL: i64 = 20_000;

/// A schema change in the log, and a table that it names.
#[derive(Debug, Clone)]
pub struct TableChange {
    pub seq: Seq,
    pub gtid: String,
    pub kind: Kind,
    /// At the source.
    pub database: String,
    pub table: String,
}

/// A kind of a later version is not known to be made.
fn changes_of(part: SpinePart) -> Vec<TableChange> {
    let (Some(ddl), seq, gtid) = (part.ddl, part.seq, part.gtid) else { return Vec::new() };
    let Some(kind) = Kind::from_name(&ddl.kind) else { return Vec::new() };
    let tables = ddl.objects.into_iter().filter(|object| object.class == "table");
    let change = |object: DdlObject| TableChange {
        seq,
        gtid: gtid.clone(),
        kind,
        database: object.database.unwrap_or_else(|| ddl.database.clone()),
        table: object.name,
    };
    tables.map(change).collect()
}

/// The newest record of a topic, by the log's order.
#[derive(Debug)]
pub struct Newest {
    pub partition: i32,
    pub record: Record,
}

impl Ends {
    pub fn new(config: &Config) -> Result<Self> {
        let mut config = config.clone();
        let told = [("enable.partition.eof", "true"), ("allow.auto.create.topics", "false")];
        config.kafka.options = config.kafka.options.iter().chain(told).collect();
        let cluster = Cluster::new(&config);
        Ok(Self { consumer: cluster.consumer()?, cluster })
    }

    /// How many partitions a topic has; 0: there is none of that name, or none that this account may see.
    fn partitions(&self, topic: &str) -> Result<i32> {
        let metadata = self
            .consumer
            .fetch_metadata(Some(topic), PATIENCE)
            .map_err(|source| self.cluster.error("asking Kafka for a topic", source))?;
        let found = metadata.topics().iter().find(|found| found.name() == topic);
        Ok(found.map_or(0, |found| found.partitions().len() as i32))
    }

    /// The connector's position; `None`: there is none, or none that this account may read.
    pub fn position(&self, prefix: &str) -> Result<Option<Position>> {
        let topic = topics::position_topic(prefix);
        if self.partitions(&topic)? == 0 {
            return Ok(None);
        }
        let key = Position::key(prefix);
        for tail in TAILS {
            let mut found = None;
            let read = self.read(&topic, 1, Offset::OffsetTail(tail), |message| {
                if message.key() == Some(&key) {
                    found = message.payload().map(Position::decode).or(found.take());
                }
                Ok(())
            });
            match read {
                Ok(()) => {}
                Err(Error::Kafka { source, .. })
                    if source.rdkafka_error_code() == Some(Code::TopicAuthorizationFailed) =>
                {
                    tracing::debug!(topic, "the account may not read the connector's position");
                    return Ok(None);
                }
                Err(error) => return Err(error),
            }
            if let Some(found) = found {
                // One that a later version wrote tells nothing here; the connector judges it.
                return Ok(found.ok());
            }
        }
        Ok(None)
    }

    /// The newest record with a value; `None`: the topic shows none.
    ///
    /// # Errors
    /// `Header`: a record that no connector of ours has written.
    pub fn newest(&self, topic: &str) -> Result<Option<Newest>> {
        let partitions = self.partitions(topic)?;
        let mut newest: Option<Newest> = None;
        for tail in TAILS {
            self.read(topic, partitions, Offset::OffsetTail(tail), |message| {
                if message.payload().is_none() {
                    return Ok(());
                }
                let record = record::read(message)?;
                let at = |record: &Record| (record.place.seq, record.place.index);
                if newest.as_ref().is_none_or(|known| at(&known.record) < at(&record)) {
                    newest = Some(Newest { partition: message.partition(), record });
                }
                Ok(())
            })?;
            if newest.is_some() {
                break;
            }
        }
        Ok(newest)
    }

    /// The newest record with a value, whoever wrote it, and its partition, by Kafka's times.
    pub fn newest_of_any(&self, topic: &str) -> Result<Option<(i32, KeyedRecord)>> {
        let partitions = self.partitions(topic)?;
        let mut newest: Option<(i32, KeyedRecord)> = None;
        for tail in TAILS {
            self.read(topic, partitions, Offset::OffsetTail(tail), |message| {
                let record = record::read_keyed(message)?;
                let is_newer = newest.as_ref().is_none_or(|(_, known)| known.written_ms <= record.written_ms);
                if record.value.is_some() && is_newer {
                    newest = Some((message.partition(), record));
                }
                Ok(())
            })?;
            if newest.is_some() {
                break;
            }
        }
        Ok(newest)
    }

    /// Schema changes of tables among the newest records of the spine; of a long one that is read slowly, not all.
    pub fn table_changes(&self, prefix: &str) -> Result<Vec<TableChange>> {
        let mut found = Vec::new();
        let read = self.read(&topics::spine_topic(prefix), 1, Offset::OffsetTail(SPINE_TAIL), |message| {
            // Of a later version: the connector's and the sink's start judge that.
            let Ok(record) = SpineRecord::decode(message.payload().unwrap_or_default()) else {
                return Ok(());
            };
            found.extend(record.parts.into_iter().flat_map(changes_of));
            Ok(())
        });
        match read {
            Ok(()) | Err(Error::KafkaSilent { .. }) => Ok(found),
            Err(error) => Err(error),
        }
    }

    /// Shows the records of a topic's partitions from `from` until each has been seen to end.
    fn read(
        &self,
        topic: &str,
        partitions: i32,
        from: Offset,
        mut show: impl FnMut(&BorrowedMessage<'_>) -> Result<()>,
    ) -> Result<()> {
        const DOING: &str = "looking at the end of a topic";
        let mut list = TopicPartitionList::new();
        for partition in 0..partitions {
            list.add_partition_offset(topic, partition, from)
                .map_err(|source| self.cluster.error(DOING, source))?;
        }
        self.consumer.assign(&list).map_err(|source| self.cluster.error(DOING, source))?;
        let mut open: BTreeSet<i32> = (0..partitions).collect();
        let began = Instant::now();
        while !open.is_empty() {
            if began.elapsed() > PATIENCE {
                return Err(Error::KafkaSilent {
                    doing: DOING,
                    place: format!("{}, topic {topic}", self.cluster.place()),
                    seconds: PATIENCE.as_secs(),
                });
            }
            match self.consumer.poll(POLL) {
                // What was fetched for the topic before is still on its way.
                Some(Ok(message)) if message.topic() == topic => show(&message)?,
                Some(Err(KafkaError::PartitionEOF(partition))) => drop(open.remove(&partition)),
                Some(Err(error)) if is_final(&error) => return Err(self.cluster.error(DOING, error)),
                Some(_) | None => {}
            }
        }
        Ok(())
    }
}

/// Whether trying on is of no use. The client asks for the coordinator of a group that is not used: that the
/// account may not use it is no matter.
fn is_final(error: &KafkaError) -> bool {
    matches!(
        error.rdkafka_error_code(),
        Some(
            Code::TopicAuthorizationFailed
                | Code::ClusterAuthorizationFailed
                | Code::Authentication
                | Code::SaslAuthenticationFailed
                | Code::Fatal
        )
    )
}
