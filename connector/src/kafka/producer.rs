//! The exactly-once producer: Kafka transactions around batches of records.
//!
//! librdkafka (transaction protocol 1) cannot tell after a failed or timed-out commit what became of it, and
//! a producer whose record failed cannot go on. So there is no abort here and no second try: any failure is an error,
//! the caller drops this producer, and the next one's `init_transactions` settles the fate of whatever was open.
//!
//! Before a commit all records are drained by looking in small steps: the client library's own flush and commit
//! poll in steps of 100 ms, which would be the latency of every transaction. Between two transactions it rests
//! (`rest`), for what begins too early is put off by more.

use std::{
    sync::{
        Mutex, PoisonError,
        atomic::{AtomicU64, Ordering},
    },
    time::{Duration, Instant},
};

use rdkafka::{
    ClientContext, Message as _,
    config::RDKafkaLogLevel,
    error::KafkaError,
    message::{Header, OwnedHeaders},
    producer::{BaseProducer, BaseRecord, DeliveryResult, Producer as _, ProducerContext},
    types::RDKafkaErrorCode as Code,
};
use strait_service::{CancellationToken, Component};

use super::{
    Cluster, Error, Result, Topic, error::is_forbidden, first_record::FirstRecords, logged::Logged,
    rest::Rest,
};

/// One step of waiting. Slept, not polled: below a millisecond the client's poll spins.
const STEP: Duration = Duration::from_micros(200);
/// A wait that the status page tells.
const NOTICEABLE: Duration = Duration::from_millis(500);
/// Records sent between two looks at the event queue.
const POLL_EVERY: u32 = 512;

/// One record to send.
#[derive(Debug, Clone, Copy)]
pub struct Record<'a> {
    pub topic: &'a Topic,
    pub partition: i32,
    pub key: Option<&'a [u8]>,
    /// `None`: a tombstone.
    pub value: Option<&'a [u8]>,
    pub headers: &'a [(&'static str, &'a [u8])],
}

impl Record<'_> {
    fn size(&self) -> usize {
        let headers: usize = self.headers.iter().map(|(name, value)| name.len() + value.len() + 8).sum();
        self.key.map_or(0, <[u8]>::len) + self.value.map_or(0, <[u8]>::len) + headers
    }
}

/// Keeps the first failure; the rest of a broken transaction fails as a consequence.
#[derive(Debug, Default)]
struct Deliveries {
    logged: Logged,
    /// What the client said when the broker did not let it write to a topic.
    denied: Mutex<Option<String>>,
    failures: AtomicU64,
    first: Mutex<Option<(String, KafkaError, usize)>>,
}

impl ClientContext for Deliveries {
    fn log(&self, level: RDKafkaLogLevel, facility: &str, message: &str) {
        self.logged.log(level, facility, message);
        // The error itself will not name the topic.
        if facility == "ADDPARTS" && message.contains("authorization failed") {
            self.denied.lock().unwrap_or_else(PoisonError::into_inner).get_or_insert(message.to_owned());
        }
    }

    fn error(&self, error: KafkaError, reason: &str) {
        self.logged.error(error, reason);
    }
}

impl ProducerContext for Deliveries {
    type DeliveryOpaque = ();

    fn delivery(&self, result: &DeliveryResult<'_>, (): ()) {
        if let Err((error, message)) = result {
            let mut first = self.first.lock().unwrap_or_else(PoisonError::into_inner);
            let size = message.payload_len() + message.key_len();
            first.get_or_insert_with(|| (message.topic().to_owned(), error.clone(), size));
            self.failures.fetch_add(1, Ordering::Release);
        }
    }
}

pub struct Producer {
    client: BaseProducer<Deliveries>,
    cluster: Cluster,
    stop: CancellationToken,
    status: Component,
    /// No topic in use may take smaller batches.
    batch_bytes: usize,
    /// No larger value finds room.
    buffer_bytes: usize,
    began: Option<Instant>,
    bytes: u64,
    unpolled: u32,
    rest: Rest,
    first: FirstRecords,
}

impl Producer {
    /// Connects and fences every older instance of this prefix off: whatever it had open is aborted.
    pub fn start(
        cluster: &Cluster,
        batch_bytes: usize,
        stop: &CancellationToken,
        status: &Component,
    ) -> Result<Self> {
        let client: BaseProducer<Deliveries> = cluster
            .producer_config(batch_bytes)
            .create_with_context(Deliveries { logged: cluster.logged().clone(), ..Deliveries::default() })
            .map_err(|source| cluster.error("make a Kafka producer", source))?;
        let producer = Self {
            client,
            cluster: cluster.clone(),
            stop: stop.clone(),
            status: status.clone(),
            batch_bytes,
            buffer_bytes: cluster.buffer_bytes(),
            began: None,
            bytes: 0,
            unpolled: 0,
            rest: Rest::new(),
            first: FirstRecords::new(Instant::now()),
        };
        producer.fence()?;
        Ok(producer)
    }

    fn fence(&self) -> Result<()> {
        let began = Instant::now();
        loop {
            self.check_stop()?;
            if began.elapsed() > NOTICEABLE {
                let complaint = self.cluster.logged().complaint().unwrap_or_default();
                self.status.starting(format!(
                    "waiting for Kafka at {} (init_transactions) {complaint}",
                    self.cluster.brokers()
                ));
            }
            let Err(source) = self.client.init_transactions(Duration::from_secs(1)) else { return Ok(()) };
            // Its complaints come as events.
            self.client.poll(Duration::ZERO);
            let passes = matches!(&source, KafkaError::Transaction(error) if error.is_retriable());
            if !passes || began.elapsed() > self.cluster.delivery_timeout() {
                return Err(self
                    .cluster
                    .error("begin as the only publisher of this prefix (init_transactions)", source));
            }
        }
    }

    /// Ends a wait when the shutdown came.
    fn check_stop(&self) -> Result<()> {
        if self.stop.is_cancelled() { Err(Error::Stopped) } else { Ok(()) }
    }

    /// Since the Kafka transaction under way began.
    pub fn age(&self) -> Option<Duration> {
        self.began.map(|began| began.elapsed())
    }

    /// Bytes of records in the Kafka transaction under way.
    pub fn bytes(&self) -> u64 {
        self.bytes
    }

    pub fn in_flight(&self) -> usize {
        usize::try_from(self.client.in_flight_count()).unwrap_or(0)
    }

    /// Hands a record over; waits while the buffer is full. Begins a Kafka transaction if none is under way.
    pub fn send(&mut self, record: &Record<'_>) -> Result<()> {
        let size = record.size();
        self.check_size(record, size)?;
        self.begin()?;
        while !self.first.may_send(&record.topic.written, record.partition) {
            self.drain("acknowledge the first record of a partition")?;
        }
        let mut headers = OwnedHeaders::new_with_capacity(record.headers.len());
        for (key, value) in record.headers {
            headers = headers.insert(Header { key, value: Some(*value) });
        }
        let mut message: BaseRecord<'_, [u8], [u8]> =
            BaseRecord::to(&record.topic.name).partition(record.partition).headers(headers);
        if let Some(key) = record.key {
            message = message.key(key);
        }
        if let Some(value) = record.value {
            message = message.payload(value);
        }
        self.bytes += size as u64;
        self.hand_over(message)?;
        self.unpolled += 1;
        if self.unpolled >= POLL_EVERY {
            self.unpolled = 0;
            self.poll(Duration::ZERO)?;
        }
        Ok(())
    }

    fn check_size(&self, record: &Record<'_>, size: usize) -> Result<()> {
        let topic = record.topic;
        if size > topic.record_limit() {
            return Err(Error::RecordTooLarge {
                topic: topic.name.to_string(),
                key: printable(record.key.unwrap_or_default()),
                size,
                limit: topic.limit,
                brokers: self.cluster.brokers().into(),
            });
        }
        if record.value.is_some_and(|value| value.len() > self.buffer_bytes) {
            return Err(Error::RecordOverBuffer {
                topic: topic.name.to_string(),
                key: printable(record.key.unwrap_or_default()),
                size,
                buffer: self.buffer_bytes,
            });
        }
        if topic.limit < self.batch_bytes {
            return Err(Error::BatchTooLarge { topic: topic.name.to_string(), limit: topic.limit });
        }
        Ok(())
    }

    fn begin(&mut self) -> Result<()> {
        if self.began.is_none() {
            std::thread::sleep(self.rest.left(Instant::now()));
            self.client
                .begin_transaction()
                .map_err(|source| self.cluster.error("begin a Kafka transaction", source))?;
            self.began = Some(Instant::now());
            self.bytes = 0;
        }
        Ok(())
    }

    fn hand_over(&self, mut message: BaseRecord<'_, [u8], [u8]>) -> Result<()> {
        let mut waiting: Option<Instant> = None;
        loop {
            match self.client.send(message) {
                Ok(()) => return Ok(()),
                Err((KafkaError::MessageProduction(Code::QueueFull), back)) => {
                    message = back;
                    self.wait_step(*waiting.get_or_insert_with(Instant::now), "take more records")?;
                }
                Err((source, back)) => {
                    return Err(self.failure().or_else(|| self.broken()).unwrap_or_else(|| {
                        self.cluster.error(format!("send a record to topic {}", back.topic), source)
                    }));
                }
            }
        }
    }

    /// Sends whatever is left, waits until all of it is acknowledged, and commits.
    pub fn commit(&mut self) -> Result<()> {
        let Some(began) = self.began else { return Ok(()) };
        let drained = Instant::now();
        self.drain("acknowledge the records of a transaction")?;
        let acknowledged = drained.elapsed();
        // The commit itself is one round trip to the coordinator; what is not settled in time is settled by
        // the next producer's start.
        let patience = self.cluster.delivery_timeout();
        self.client.commit_transaction(patience).map_err(|source| {
            self.failure().unwrap_or_else(|| self.cluster.error("commit a Kafka transaction", source))
        })?;
        tracing::trace!(since_begin = ?began.elapsed(), ?acknowledged, commit = ?drained.elapsed(), bytes = self.bytes, "committed");
        self.rest.begin(Instant::now(), began.elapsed(), self.bytes);
        self.began = None;
        self.bytes = 0;
        Ok(())
    }

    /// Waits until every record handed over is acknowledged; `attempted` follows "waiting for Kafka to".
    fn drain(&mut self, attempted: &str) -> Result<()> {
        let began = Instant::now();
        while self.client.in_flight_count() > 0 {
            self.wait_step(began, attempted)?;
        }
        self.check_failures()?;
        self.first.drained(Instant::now());
        Ok(())
    }

    fn wait_step(&self, since: Instant, attempted: &str) -> Result<()> {
        self.poll(Duration::ZERO)?;
        std::thread::sleep(STEP);
        let patience = self.cluster.delivery_timeout();
        if since.elapsed() > NOTICEABLE {
            self.status.waiting(format!(
                "waiting for Kafka at {} to {attempted}: {} records in flight {}",
                self.cluster.brokers(),
                self.in_flight(),
                self.cluster.logged().complaint().unwrap_or_default()
            ));
        }
        if since.elapsed() > patience + Duration::from_secs(1) {
            return Err(self.cluster.timed_out(attempted, patience));
        }
        // A shutdown gives what is in flight a moment to settle, not the whole patience.
        if self.stop.is_cancelled() && since.elapsed() > Duration::from_secs(3) {
            return Err(Error::Stopped);
        }
        Ok(())
    }

    /// Serves the client's events; an error if any record failed.
    pub fn poll(&self, patience: Duration) -> Result<()> {
        self.client.poll(patience);
        self.check_failures()
    }

    fn check_failures(&self) -> Result<()> {
        match self.failure() {
            Some(error) => Err(error),
            None => Ok(()),
        }
    }

    /// The cause behind a failure: the fatal state of the client, else the first record that failed.
    fn failure(&self) -> Option<Error> {
        if let Some((code, reason)) = self.client.client().fatal_error() {
            let sorted = self.cluster.error(format!("publish: {reason}"), KafkaError::Global(code));
            return Some(sorted);
        }
        if self.client.context().failures.load(Ordering::Acquire) == 0 {
            return None;
        }
        let first = self.client.context().first.lock().unwrap_or_else(PoisonError::into_inner).clone();
        let (topic, source, size) = first?;
        if source.rdkafka_error_code() == Some(Code::MessageSizeTooLarge) {
            return Some(Error::BatchRefused { topic, size, brokers: self.cluster.brokers().into() });
        }
        if let Some(Code::PurgeQueue | Code::PurgeInflight | Code::State) = source.rdkafka_error_code()
            && let Some(cause) = self.broken()
        {
            return Some(cause);
        }
        Some(self.cluster.error(format!("deliver a record to topic {topic}"), source))
    }

    /// Why the client has given the Kafka transaction up, if it has: its records only fail as a consequence. A second
    /// begin fails without a word to the broker, and is answered with the cause.
    fn broken(&self) -> Option<Error> {
        let source = self.client.begin_transaction().err()?;
        let code = source.rdkafka_error_code().filter(|code| *code != Code::State)?;
        let denied = self.client.context().denied.lock().unwrap_or_else(PoisonError::into_inner).clone();
        let attempted = match denied {
            Some(denied) if is_forbidden(code) => format!("write to a topic ({denied})"),
            _ => "go on with a Kafka transaction".into(),
        };
        Some(self.cluster.error(attempted, source))
    }
}

/// A key for a message: as text where it is text, never more than a line.
fn printable(key: &[u8]) -> String {
    const LONGEST: usize = 120;
    let text: String =
        String::from_utf8_lossy(key).chars().take(LONGEST).flat_map(char::escape_debug).collect();
    if key.len() > LONGEST { format!("{text}...") } else { text }
}

#[cfg(test)]
mod tests {
    use rdkafka::{
        Offset, TopicPartitionList,
        consumer::Consumer as _,
        mocking::MockCluster,
        types::{RDKafkaApiKey, RDKafkaRespErr},
    };
    use strait_service::Status;

    use super::*;
    use crate::{
        config::{Config, Kafka},
        kafka::first_record::Written,
    };

    #[test]
    fn a_key_is_shown_on_one_line() {
        assert_eq!(printable(b"{\"id\":1}"), "{\\\"id\\\":1}");
        assert_eq!(printable(b"\0\0\0\0\x01\x02"), "\\0\\0\\0\\0\\u{1}\\u{2}");
        assert!(printable(&[b'x'; 500]).len() < 130);
    }

    /// A broker that does not lead the partition yet when the first batch comes: the second must not be on its way. (This
    /// broker refuses a second one; a real one takes it, and the client believes that the first was taken, too.)
    #[test]
    fn no_record_is_lost_where_a_broker_refuses_the_first_of_a_partition() {
        const RECORDS: u32 = 20;
        let broker = MockCluster::new(1).expect("a broker");
        broker.create_topic("t", 1, 1).expect("a topic");
        broker.broker_round_trip_time(1, Duration::from_millis(100)).expect("a distance");
        broker.request_errors(
            RDKafkaApiKey::Produce,
            &[RDKafkaRespErr::RD_KAFKA_RESP_ERR_NOT_LEADER_FOR_PARTITION],
        );
        let config = Config {
            prefix: "p".into(),
            kafka: Kafka { brokers: broker.bootstrap_servers(), ..Kafka::default() },
            ..Config::default()
        };
        let cluster = Cluster::new(&config);
        let status = Status::new().component("test");
        let value = [0; 1000];
        let mut producer =
            Producer::start(&cluster, value.len(), &CancellationToken::new(), &status).expect("begins");
        let topic = Topic { name: "t".into(), partitions: 1, limit: 1 << 20, written: Written::new(1) };
        for number in 0..RECORDS {
            let key = number.to_be_bytes();
            let record =
                Record { topic: &topic, partition: 0, key: Some(&key), value: Some(&value), headers: &[] };
            producer.send(&record).expect("is taken");
        }
        producer.commit().expect("is committed");

        let consumer = cluster.consumer().expect("a consumer");
        let mut list = TopicPartitionList::new();
        list.add_partition_offset("t", 0, Offset::Beginning).expect("a place");
        consumer.assign(&list).expect("reads");
        let mut read = Vec::new();
        loop {
            match consumer.poll(Duration::from_secs(10)).expect("answers in time") {
                Ok(message) => read.push(message.key().expect("a key").to_vec()),
                Err(KafkaError::PartitionEOF(_)) => break,
                Err(error) => panic!("{error}"),
            }
        }
        let sent: Vec<_> = (0..RECORDS).map(|number| number.to_be_bytes().to_vec()).collect();
        assert_eq!(read, sent);
    }

    #[test]
    fn a_records_size_counts_key_value_and_headers() {
        let topic = Topic { name: "t".into(), partitions: 1, limit: 1000, written: Written::new(1) };
        let record = Record {
            topic: &topic,
            partition: 0,
            key: Some(b"12"),
            value: Some(b"345"),
            headers: &[("h", b"67")],
        };
        assert_eq!(record.size(), 2 + 3 + 1 + 2 + 8);
    }
}
