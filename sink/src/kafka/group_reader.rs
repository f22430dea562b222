//! The thread of a [`super::Group`]: it polls, always, so that the group knows that this process lives; partitions of which too much
//! is queued are paused.
//!
//! **Where a partition begins** only the target says. The client is told to make an error of an offset that the log does not
//! have: to begin elsewhere would leave records out. One case is none: an idle partition whose records have all passed their
//! retention. Strait's connector ends each Kafka transaction with a marker, which takes an offset and is shown to no reader; so if nothing
//! is left and just one offset is missing, it was the marker's: of a record in its place the marker would come after it.

use std::{
    collections::HashMap,
    sync::{
        Arc, Mutex, MutexGuard, PoisonError,
        mpsc::{self as commands, Receiver},
    },
    time::{Duration, Instant},
};

use rdkafka::{
    ClientContext, Message as _, Offset, TopicPartitionList,
    config::RDKafkaLogLevel,
    consumer::{BaseConsumer, CommitMode, Consumer as _, ConsumerContext},
    error::KafkaError,
    message::BorrowedMessage,
    types::{RDKafkaErrorCode as Code, RDKafkaRespErr as Response},
};
use tokio::sync::mpsc::Sender;

use super::{
    client::{self, Cluster, Logged},
    group::{Assigned, Begin, Command, Event, Owned, Revoked},
    record,
    topics::Topics,
};
use crate::{
    error::{Error, Result},
    keyed::Part,
};

/// A bundle is handed on once it has so many bytes, or when nothing more is at hand.
const BUNDLE_BYTES: usize = 256 << 10;
const POLL: Duration = Duration::from_millis(10);
/// Topics appear while running.
const BETWEEN_LOOKS: Duration = Duration::from_secs(10);
const FIRST_LOOKS: Duration = Duration::from_secs(1);
const ASKING: Duration = Duration::from_secs(10);

/// Beside those of a reader without a group, which the operator's own may follow.
const OPTIONS: [(&str, &str); 6] = [
    ("auto.offset.reset", "error"),
    // Those who stay in the group go on with what they have.
    ("partition.assignment.strategy", "cooperative-sticky"),
    ("session.timeout.ms", "15000"),
    ("heartbeat.interval.ms", "2000"),
    // The thread polls always, but for the time that the target needs to give a partition.
    ("max.poll.interval.ms", "300000"),
    ("allow.auto.create.topics", "false"),
];

type Events = Sender<Result<Event>>;

/// Answers the client when the group gives partitions and takes them.
pub struct Member {
    logged: Logged,
    events: Events,
    /// Of each partition that is read.
    held: Mutex<HashMap<Part, Begin>>,
    /// Why partitions could not be taken or given back: the client's callback has nobody to tell.
    failed: Mutex<Option<KafkaError>>,
}

impl ClientContext for Member {
    fn log(&self, level: RDKafkaLogLevel, facility: &str, message: &str) {
        self.logged.log(level, facility, message);
    }

    fn error(&self, error: KafkaError, reason: &str) {
        self.logged.error(error, reason);
    }
}

impl ConsumerContext for Member {
    fn rebalance(&self, consumer: &BaseConsumer<Self>, response: Response, list: &mut TopicPartitionList) {
        let parts = parts(list);
        let changed = if response == Response::RD_KAFKA_RESP_ERR__ASSIGN_PARTITIONS {
            self.assigned(parts, list);
            // Paused or not is left from an earlier time that it was ours.
            consumer.incremental_assign(list).and_then(|()| consumer.resume(list))
        } else {
            self.revoked(parts);
            consumer.incremental_unassign(list)
        };
        if let Err(error) = changed {
            *self.failed.lock().unwrap_or_else(PoisonError::into_inner) = Some(error);
        }
    }
}

fn parts(list: &TopicPartitionList) -> Vec<Part> {
    list.elements()
        .iter()
        .map(|element| Part { topic: element.topic().into(), number: element.partition() })
        .collect()
}

impl Member {
    /// Whether all partitions were taken and given back as the group has said.
    fn ensure_sound(&self, cluster: &Cluster) -> Result<()> {
        match self.failed.lock().unwrap_or_else(PoisonError::into_inner).take() {
            Some(source) => Err(cluster.error("taking or giving back partitions of the group", source)),
            None => Ok(()),
        }
    }

    fn held(&self) -> MutexGuard<'_, HashMap<Part, Begin>> {
        self.held.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Asks where to begin. Nobody answers where the session has ended: then nothing that is read is taken, either.
    fn assigned(&self, parts: Vec<Part>, list: &mut TopicPartitionList) {
        let (answer, answered) = commands::channel();
        for part in &parts {
            drop(list.set_partition_offset(&part.topic, part.number, Offset::End));
        }
        if self.events.blocking_send(Ok(Event::Assigned(Assigned { parts, answer }))).is_err() {
            return;
        }
        for begin in answered.recv().unwrap_or_default() {
            let offset = if begin.offset < 0 { Offset::Beginning } else { Offset::Offset(begin.offset) };
            drop(list.set_partition_offset(&begin.part.topic, begin.part.number, offset));
            self.held().insert(begin.part.clone(), begin);
        }
    }

    fn revoked(&self, parts: Vec<Part>) {
        for part in &parts {
            self.held().remove(part);
        }
        let (answer, answered) = commands::channel();
        if self.events.blocking_send(Ok(Event::Revoked(Revoked { parts, answer }))).is_ok() {
            // It is dropped where the session ends meanwhile.
            let _ = answered.recv();
        }
    }
}

pub struct Reader {
    cluster: Cluster,
    topics: Topics,
    commands: Receiver<Command>,
    events: Events,
}

impl Reader {
    pub fn new(cluster: Cluster, topics: Topics, commands: Receiver<Command>, events: Events) -> Self {
        Self { cluster, topics, commands, events }
    }

    pub fn run(self) {
        if let Err(error) = self.read() {
            // Nobody listens any more: the session has ended for another cause.
            drop(self.events.blocking_send(Err(error)));
        }
    }

    fn read(&self) -> Result<()> {
        let member = Member {
            logged: self.cluster.logged.clone(),
            events: self.events.clone(),
            held: Mutex::default(),
            failed: Mutex::default(),
        };
        let consumer = self.cluster.create(&OPTIONS, member)?;
        let (mut bundle, mut bytes) = (Vec::new(), 0);
        let mut subscribed = Vec::new();
        let mut look = Instant::now();
        loop {
            if look <= Instant::now() {
                self.subscribe(&consumer, &mut subscribed)?;
                look = Instant::now() + if subscribed.is_empty() { FIRST_LOOKS } else { BETWEEN_LOOKS };
            }
            while let Ok(command) = self.commands.try_recv() {
                Self::obey(&consumer, command);
            }
            let wait = if bundle.is_empty() { POLL } else { Duration::ZERO };
            let polled = consumer.poll(wait);
            consumer.context().ensure_sound(&self.cluster)?;
            let more = polled.is_some();
            match polled {
                Some(Ok(message)) => {
                    if let Some(owned) = owned(&consumer, &message)? {
                        bytes += owned.record.cost();
                        bundle.push(owned);
                    }
                }
                Some(Err(error)) => self.judge(&consumer, error)?,
                None => {}
            }
            if !bundle.is_empty() && (!more || bytes >= BUNDLE_BYTES) {
                bytes = 0;
                let records = Event::Records(std::mem::take(&mut bundle));
                if self.events.blocking_send(Ok(records)).is_err() {
                    return Ok(());
                }
            }
            if self.events.is_closed() {
                return Ok(());
            }
        }
    }

    /// Looks which topics there are to read.
    fn subscribe(&self, consumer: &BaseConsumer<Member>, subscribed: &mut Vec<String>) -> Result<()> {
        let found = match client::topics(&self.cluster, consumer) {
            Ok(found) => found,
            Err(error) => {
                tracing::debug!(%error, "looking for topics: trying on");
                return Ok(());
            }
        };
        let mut chosen = self.topics.choose(&found.iter().map(|(name, _)| name.clone()).collect::<Vec<_>>());
        chosen.sort_unstable();
        let mut looked = found;
        looked.retain(|(name, partitions)| *partitions > 0 && chosen.binary_search(name).is_ok());
        looked.sort_unstable();
        // Before anything of them comes.
        drop(self.events.blocking_send(Ok(Event::Looked(looked))));
        if chosen == *subscribed {
            return Ok(());
        }
        tracing::info!(topics = chosen.len(), "reading as a member of the group");
        let names: Vec<&str> = chosen.iter().map(String::as_str).collect();
        let failed = |source| self.cluster.error("choosing what to read", source);
        if names.is_empty() {
            consumer.unsubscribe();
        } else {
            consumer.subscribe(&names).map_err(failed)?;
        }
        *subscribed = chosen;
        Ok(())
    }

    /// A partition that has gone since is not there to be told of: that is no error.
    fn obey(consumer: &BaseConsumer<Member>, command: Command) {
        let mut list = TopicPartitionList::new();
        let done = match command {
            Command::Pause(part) => {
                list.add_partition(&part.topic, part.number);
                consumer.pause(&list)
            }
            Command::Resume(part) => {
                list.add_partition(&part.topic, part.number);
                consumer.resume(&list)
            }
            Command::Hint(offsets) => {
                for (part, offset) in offsets {
                    drop(list.add_partition_offset(&part.topic, part.number, Offset::Offset(offset)));
                }
                consumer.commit(&list, CommitMode::Async)
            }
        };
        if let Err(error) = done {
            tracing::debug!(%error, "a partition is not steered, or its offset not told to the group");
        }
    }

    /// What the client heals by itself is no error; what it cannot heal ends the session.
    fn judge(&self, consumer: &BaseConsumer<Member>, error: KafkaError) -> Result<()> {
        match error.rdkafka_error_code() {
            Some(Code::AutoOffsetReset | Code::OffsetOutOfRange) => self.out_of_range(consumer, error),
            Some(Code::Fatal) => Err(Error::KafkaFatal { place: self.cluster.place(), source: error }),
            Some(
                Code::TopicAuthorizationFailed
                | Code::GroupAuthorizationFailed
                | Code::ClusterAuthorizationFailed
                | Code::Authentication
                | Code::SaslAuthenticationFailed
                | Code::BadMessage,
            ) => Err(self.cluster.error("reading from Kafka", error)),
            _ => {
                tracing::debug!(%error, "reading from Kafka: trying on");
                Ok(())
            }
        }
    }

    /// A partition that begins outside of its log is read no more by the client, which does not say which one it is. So all are begun again
    /// where they are, or, if only a marker is missing there, where the log begins: what comes twice of it the lanes drop. A
    /// cause that is not found ends the session, as nobody would read on.
    fn out_of_range(&self, consumer: &BaseConsumer<Member>, stopped: KafkaError) -> Result<()> {
        let failed = |source| self.cluster.error("asking where a partition begins", source);
        let held: Vec<Begin> = consumer.context().held().values().cloned().collect();
        let read = consumer.position().map_err(failed)?;
        let (mut again, mut explained) = (TopicPartitionList::new(), false);
        for Begin { part, offset, ours, .. } in held {
            let position = read.find_partition(&part.topic, part.number).and_then(|it| it.offset().to_raw());
            let mut next = position.filter(|position| *position >= 0).unwrap_or(offset);
            let (first, end) = consumer.fetch_watermarks(&part.topic, part.number, ASKING).map_err(failed)?;
            if next < 0 {
                // Its beginning went while it was being asked for.
                (next, explained) = (first, true);
            } else if !(first..=end).contains(&next) {
                if !ours || !is_marker(next, first, end) {
                    let topic = part.topic.to_string();
                    return Err(Error::OffsetGone {
                        topic,
                        partition: part.number,
                        offset: next,
                        first,
                        end,
                    });
                }
                (next, explained) = (first, true);
            }
            if let Some(begin) = consumer.context().held().get_mut(&part) {
                begin.offset = next;
            }
            again.add_partition_offset(&part.topic, part.number, Offset::Offset(next)).map_err(failed)?;
        }
        if !explained {
            let doing =
                "reading from Kafka: the client stopped reading a partition, and none is out of range";
            return Err(self.cluster.error(doing, stopped));
        }
        tracing::info!(
            "nothing but a transaction's marker is gone where a partition begins: reading on behind it"
        );
        let failed = |source| self.cluster.error("beginning partitions again", source);
        consumer
            .incremental_unassign(&again)
            .and_then(|()| consumer.incremental_assign(&again))
            .map_err(failed)
    }
}

/// Whether nothing but a transaction's marker is missing.
fn is_marker(next: i64, first: i64, end: i64) -> bool {
    first == end && next + 1 == first
}

/// `None`: the partition was given back.
fn owned(consumer: &BaseConsumer<Member>, message: &BorrowedMessage<'_>) -> Result<Option<Owned>> {
    let topic = Arc::<str>::from(message.topic());
    let part = Part { topic, number: message.partition() };
    let Some((part, epoch)) =
        consumer.context().held().get_key_value(&part).map(|(part, begin)| (part.clone(), begin.epoch))
    else {
        return Ok(None);
    };
    Ok(Some(Owned { part, epoch, record: record::read_keyed(message)? }))
}

#[cfg(test)]
mod tests {
    use super::is_marker;

    #[test]
    fn only_a_marker_at_the_end_of_an_empty_log_may_be_missing() {
        assert!(is_marker(10, 11, 11));
        assert!(!is_marker(10, 11, 12), "the marker may be there, and its record gone");
        assert!(!is_marker(10, 12, 12), "a record and its marker");
        assert!(!is_marker(11, 10, 10), "another log than was read");
    }
}
