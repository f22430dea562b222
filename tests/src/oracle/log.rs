//! The published log, read as any other consumer would: `read_committed`, spine and data topics, from their beginning.
//!
//! `PublishedLog::verify` states what the connector promises: transaction numbers without gaps; every record in exactly one place of a
//! listed part; counts per partition as told; and, held against `mysqlbinlog`, exactly the rows of the transactions born at the
//! site, once each, in the order of its log, and none that a sink brought there.

use std::{
    collections::{BTreeMap, BTreeSet, HashMap},
    sync::Arc,
    time::Duration,
};

use anyhow::{Context, Result, bail, ensure};
use rdkafka::{
    ClientConfig, Message, Offset, TopicPartitionList,
    consumer::{BaseConsumer, Consumer},
    error::KafkaError,
    message::{BorrowedMessage, Headers},
};
use strait_schemas::{PartEnd, RecordSeq, Seq, SpinePart, SpineRecord, headers, topics};

use super::{LoggedTransaction, RowKind};

const PATIENCE: Duration = Duration::from_secs(30);

/// One data record, without its content.
#[derive(Debug, Clone)]
pub struct PublishedRecord {
    pub topic: Arc<str>,
    pub partition: i32,
    pub offset: i64,
    pub place: RecordSeq,
    pub tombstone: bool,
}

/// Published tables and where the columns of their keys are.
pub type Keys = HashMap<String, Vec<usize>>;

#[derive(Debug, Default)]
pub struct PublishedLog {
    pub parts: Vec<SpinePart>,
    pub records: Vec<PublishedRecord>,
}

/// What `verify` counted.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct Counts {
    /// Transactions with rows.
    pub transactions: u64,
    /// Change events: records that are no tombstones.
    pub events: u64,
}

impl PublishedLog {
    /// Reads everything that connector `prefix` has published and committed. The source must be quiet.
    pub fn read(bootstrap: &str, prefix: &str) -> Result<Self> {
        let consumer: BaseConsumer = ClientConfig::new()
            .set("bootstrap.servers", bootstrap)
            .set("group.id", "oracle")
            .set("enable.auto.commit", "false")
            .set("enable.partition.eof", "true")
            .set("isolation.level", "read_committed")
            .create()?;
        let spine = topics::spine_topic(prefix);
        let mut log = Self::default();
        for (topic, partitions) in data_topics(&consumer, prefix)? {
            read_topic(&consumer, &topic, partitions, |message| log.take_record(&topic, message))?;
        }
        read_topic(&consumer, &spine, 1, |message| {
            let value = message.payload().context("a spine record without value")?;
            log.parts.extend(SpineRecord::decode(value)?.parts);
            Ok(())
        })?;
        Ok(log)
    }

    fn take_record(&mut self, topic: &Arc<str>, message: &BorrowedMessage<'_>) -> Result<()> {
        let at = || format!("{topic} partition {} offset {}", message.partition(), message.offset());
        let header = message
            .headers()
            .and_then(|all| all.iter().find(|header| header.key == headers::SEQ))
            .and_then(|header| header.value)
            .with_context(|| format!("no {} header: {}", headers::SEQ, at()))?;
        self.records.push(PublishedRecord {
            topic: Arc::clone(topic),
            partition: message.partition(),
            offset: message.offset(),
            place: RecordSeq::from_bytes(header).with_context(at)?,
            tombstone: message.payload().is_none(),
        });
        Ok(())
    }

    /// Holds the log against itself and against the site's own binary log (all of it, in order). `keys`: the tables that the
    /// connector publishes (`database.table`), each with the positions of its key's columns, which the rows must hold.
    pub fn verify(&self, logged: &[LoggedTransaction], keys: &Keys) -> Result<Counts> {
        self.verify_numbers()?;
        let events = self.verify_records()?;
        let told = self.events_by_gtid(&events);
        let mut counts = Counts::default();
        let mut born = HashMap::new();
        for transaction in logged.iter().filter(|transaction| !transaction.is_applied()) {
            let expected = expected_events(transaction, keys);
            if expected > 0 {
                counts.transactions += 1;
                counts.events += expected;
                born.insert(transaction.gtid.as_str(), expected);
            }
        }
        for transaction in logged.iter().filter(|transaction| transaction.is_applied()) {
            ensure!(
                !told.contains_key(transaction.gtid.as_str()),
                "looped: {} was published",
                transaction.gtid
            );
        }
        for (gtid, expected) in &born {
            let published = told.get(gtid).copied().unwrap_or_default();
            ensure!(
                published == *expected,
                "{gtid}: {expected} row images in the log, {published} events published"
            );
        }
        if let Some((gtid, count)) =
            told.iter().find(|(gtid, count)| **count > 0 && !born.contains_key(*gtid))
        {
            bail!("{gtid}: {count} events published, but the server's log has no such rows");
        }
        self.verify_order(logged)?;
        Ok(counts)
    }

    /// Numbers begin at 1 in each generation and leave no gap; each is closed or void, once.
    pub fn verify_numbers(&self) -> Result<()> {
        let mut expected: Option<Seq> = None;
        let mut open: Option<Seq> = None;
        for part in &self.parts {
            if open == Some(part.seq) {
                if part.end != PartEnd::Open {
                    open = None;
                }
                continue;
            }
            ensure!(open.is_none(), "{} begins while {open:?} is open", part.seq);
            let next = match expected {
                Some(seq) if seq.generation() == part.seq.generation() => seq,
                _ => Seq::new(part.seq.generation(), 1),
            };
            ensure!(part.seq == next, "the spine has {} where {next} is due", part.seq);
            expected = Some(part.seq.next());
            open = (part.end == PartEnd::Open).then_some(part.seq);
        }
        ensure!(open.is_none(), "{open:?} was never closed");
        Ok(())
    }

    /// Every record lies in a listed part, every place of a part has one record; events by seq.
    fn verify_records(&self) -> Result<BTreeMap<Seq, u64>> {
        let void: BTreeSet<Seq> =
            self.parts.iter().filter(|part| part.end == PartEnd::Void).map(|part| part.seq).collect();
        let mut places: HashMap<(Seq, u32), &SpinePart> = HashMap::new();
        let mut left: HashMap<(&str, i32), i64> = HashMap::new();
        for part in self.parts.iter().filter(|part| !void.contains(&part.seq)) {
            for index in part.first..part.first + part.count {
                let twice = places.insert((part.seq, index), part);
                ensure!(twice.is_none(), "{} index {index} is listed in two parts", part.seq);
            }
            for count in &part.counts {
                *left.entry((&count.topic, count.partition)).or_default() += i64::from(count.count);
            }
        }
        let mut events = BTreeMap::new();
        for record in self.records.iter().filter(|record| !void.contains(&record.place.seq)) {
            let at = format!("{} partition {} offset {}", record.topic, record.partition, record.offset);
            let part = places
                .remove(&(record.place.seq, record.place.index))
                .with_context(|| format!("{:?} is listed nowhere, or came twice: {at}", record.place))?;
            ensure!(
                part.attempt == record.place.attempt,
                "{:?} is listed with attempt {}: {at}",
                record.place,
                part.attempt
            );
            *left.entry((&record.topic, record.partition)).or_default() -= 1;
            *events.entry(record.place.seq).or_default() += u64::from(!record.tombstone);
        }
        if let Some(((seq, index), part)) = places.iter().next() {
            bail!("{} records are missing, among them {seq} index {index} ({})", places.len(), part.gtid);
        }
        if let Some(((topic, partition), off)) = left.iter().find(|(_, left)| **left != 0) {
            bail!("the counts of {topic} partition {partition} are wrong by {off}");
        }
        Ok(events)
    }

    fn events_by_gtid(&self, events: &BTreeMap<Seq, u64>) -> HashMap<&str, u64> {
        let mut told: HashMap<&str, u64> = HashMap::new();
        let mut seen = BTreeSet::new();
        for part in self.parts.iter().filter(|part| seen.insert(part.seq)) {
            *told.entry(&part.gtid).or_default() += events.get(&part.seq).copied().unwrap_or_default();
        }
        told
    }

    /// The spine lists transactions in the order of the server's log.
    fn verify_order(&self, logged: &[LoggedTransaction]) -> Result<()> {
        let rank: HashMap<&str, usize> =
            logged.iter().enumerate().map(|(rank, transaction)| (transaction.gtid.as_str(), rank)).collect();
        let mut last: Option<(usize, &SpinePart)> = None;
        for part in self.parts.iter().filter(|part| part.end == PartEnd::Closed) {
            let rank = *rank.get(part.gtid.as_str()).with_context(|| {
                format!("{} is published as {}, which the server's log does not have", part.seq, part.gtid)
            })?;
            if let Some((before, earlier)) = last {
                ensure!(
                    before < rank,
                    "{} ({}) comes after {} ({})",
                    part.seq,
                    part.gtid,
                    earlier.seq,
                    earlier.gtid
                );
            }
            last = Some((rank, part));
        }
        Ok(())
    }
}

/// Change events that a transaction must give: one for each row, two where its key changes.
fn expected_events(transaction: &LoggedTransaction, keys: &Keys) -> u64 {
    let events = transaction.rows.iter().filter_map(|row| {
        let key = keys.get(&*row.table)?;
        let moved =
            row.kind == RowKind::Update && key.iter().any(|at| row.before.get(*at) != row.after.get(*at));
        Some(if moved { 2 } else { 1 })
    });
    events.sum()
}

fn data_topics(consumer: &BaseConsumer, prefix: &str) -> Result<Vec<(Arc<str>, i32)>> {
    let metadata = consumer.fetch_metadata(None, PATIENCE).context("asking the broker for its topics")?;
    let start = format!("{}.", topics::sanitise(prefix));
    let own =
        [topics::spine_topic(prefix), topics::position_topic(prefix), topics::transaction_topic(prefix)];
    let is_data = |name: &str| name.starts_with(&start) && !own.iter().any(|topic| topic == name);
    Ok(metadata
        .topics()
        .iter()
        .filter(|topic| is_data(topic.name()))
        .map(|topic| (Arc::from(topic.name()), topic.partitions().len() as i32))
        .collect())
}

/// Calls `visit` with each committed record of the topic, to its present end.
pub fn read_topic(
    consumer: &BaseConsumer,
    topic: &str,
    partitions: i32,
    mut visit: impl FnMut(&BorrowedMessage<'_>) -> Result<()>,
) -> Result<()> {
    let mut assignment = TopicPartitionList::new();
    for partition in 0..partitions {
        assignment.add_partition_offset(topic, partition, Offset::Beginning)?;
    }
    consumer.assign(&assignment)?;
    let mut ended = BTreeSet::new();
    while ended.len() < partitions as usize {
        match consumer.poll(PATIENCE) {
            Some(Ok(message)) if message.topic() == topic => visit(&message)?,
            Some(Ok(_)) => {}
            Some(Err(KafkaError::PartitionEOF(partition))) => drop(ended.insert(partition)),
            Some(Err(error)) => return Err(error).context(format!("reading {topic}")),
            None => bail!(
                "{topic}: nothing came for {PATIENCE:?}; {} of {partitions} partitions ended",
                ended.len()
            ),
        }
    }
    consumer.unassign()?;
    Ok(())
}

#[cfg(test)]
mod tests {
    use strait_schemas::PartitionCount;

    use super::*;
    use crate::oracle::LoggedRow;

    fn row(kind: RowKind, table: &str) -> LoggedRow {
        LoggedRow { kind, table: table.into(), before: vec!["1".into()], after: vec!["1".into()] }
    }

    fn keys() -> Keys {
        Keys::from([("d.t".to_owned(), vec![0])])
    }

    fn logged(gtid: &str, rows: Vec<LoggedRow>) -> LoggedTransaction {
        LoggedTransaction { gtid: gtid.into(), commit_us: 0, rows }
    }

    fn part(number: u64, first: u32, count: u32, end: PartEnd, gtid: &str) -> SpinePart {
        let topic = Arc::from("p.d.t");
        let counts = vec![PartitionCount { topic, partition: 0, count }];
        let seq = Seq::new(1, number);
        SpinePart {
            seq,
            attempt: 1,
            first,
            count,
            gtid: gtid.into(),
            commit_us: 0,
            end,
            ddl: None,
            snapshot: None,
            counts,
        }
    }

    fn record(number: u64, index: u32, tombstone: bool) -> PublishedRecord {
        let place = RecordSeq { seq: Seq::new(1, number), index, attempt: 1, flags: 0 };
        PublishedRecord { topic: "p.d.t".into(), partition: 0, offset: 0, place, tombstone }
    }

    /// A transaction of one insert, one that a sink applied, one of a delete and an update, split.
    fn sound() -> (PublishedLog, Vec<LoggedTransaction>) {
        let parts = vec![
            part(1, 0, 1, PartEnd::Closed, "a:1"),
            part(2, 0, 2, PartEnd::Open, "a:3"),
            part(2, 2, 1, PartEnd::Closed, "a:3"),
        ];
        let records = vec![record(1, 0, false), record(2, 0, false), record(2, 1, true), record(2, 2, false)];
        let logged = vec![
            logged("a:1", vec![row(RowKind::Insert, "d.t")]),
            logged("a:2", vec![row(RowKind::Update, "strait.lane"), row(RowKind::Insert, "d.t")]),
            logged(
                "a:3",
                vec![row(RowKind::Delete, "d.t"), row(RowKind::Update, "d.t"), row(RowKind::Insert, "x.y")],
            ),
        ];
        (PublishedLog { parts, records }, logged)
    }

    fn refusal(log: &PublishedLog, logged: &[LoggedTransaction]) -> String {
        log.verify(logged, &keys()).expect_err("a fault").to_string()
    }

    #[test]
    fn a_sound_log_is_counted() {
        let (log, logged) = sound();
        let counts = log.verify(&logged, &keys()).expect("sound");
        assert_eq!(counts, Counts { transactions: 2, events: 3 });
    }

    #[test]
    fn each_fault_is_named() {
        let (mut log, rows) = sound();
        log.records.pop();
        assert!(refusal(&log, &rows).contains("missing"));

        let (mut log, rows) = sound();
        log.records.push(record(1, 0, false));
        assert!(refusal(&log, &rows).contains("came twice"));

        let (mut log, rows) = sound();
        log.parts.remove(0);
        assert!(refusal(&log, &rows).contains("1-1 is due"));

        let (mut log, rows) = sound();
        log.parts.pop();
        assert!(refusal(&log, &rows).contains("never closed"));

        let (mut log, rows) = sound();
        log.parts[0].gtid = "a:2".into();
        assert!(refusal(&log, &rows).contains("looped"));

        // A sink that writes its lane too late, and a connector that therefore publishes.
        let (log, mut rows) = sound();
        rows[2].rows.push(row(RowKind::Update, "strait.lane"));
        assert!(refusal(&log, &rows).contains("looped"));

        let (mut log, rows) = sound();
        log.records[0].tombstone = true;
        assert!(refusal(&log, &rows).contains("1 row images in the log, 0 events"));

        let (log, mut rows) = sound();
        rows[2].rows[1].after[0] = "2".into();
        assert!(refusal(&log, &rows).contains("3 row images in the log, 2 events"));

        let (log, mut rows) = sound();
        rows.swap(0, 2);
        assert!(refusal(&log, &rows).contains("comes after"));
    }
}
