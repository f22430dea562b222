//! A connector that does what a test says: records and spine entries, attempts, gaps, parts, in any order. It
//! writes without Kafka transactions, as a copy does that honours none: what an attempt left behind that was
//! given up is there to be read.
//!
//! Its table is `t (id INT PRIMARY KEY, name VARCHAR(100), n INT)`, in JSON with schema.

use std::{sync::Arc, time::Duration};

use anyhow::Result;
use rdkafka::{
    message::{Header, OwnedHeaders},
    producer::{BaseRecord, DefaultProducerContext, Producer as _, ThreadedProducer},
};
use strait_schemas::{
    Change, Column, Ddl, GenerationBegin, Kind, Op, PartEnd, PartitionCount, RecordSeq, Seq, Snapshot,
    Source, SourceType, SpinePart, SpineRecord, TableEncoder, TableSchema, Value, headers, seq::flags,
    topics,
};

use crate::{Kafka, eventually, fresh_name};

pub const PARTITIONS: i32 = 3;

/// A row of the table.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Row {
    pub id: i64,
    pub name: String,
    pub n: i64,
}

pub fn row(id: i64, name: &str, n: i64) -> Row {
    Row { id, name: name.into(), n }
}

#[derive(Debug, Clone)]
pub enum Event {
    Insert(Row),
    Update(Row, Row),
    Delete(Row),
}

pub struct FakeSource {
    pub prefix: String,
    pub database: String,
    /// Of the records and parts to come.
    pub attempt: u32,
    pub topic: Arc<str>,
    spine: String,
    /// In front of the records to come: this schema's id, as Avro has it.
    pub schema_id: Option<u32>,
    encoder: TableEncoder,
    /// Columns of the table.
    width: usize,
    /// Its own records are written in Kafka's transactions, one a call.
    transactional: bool,
    producer: ThreadedProducer<DefaultProducerContext>,
}

impl FakeSource {
    /// Topics of its own, and the first entry of the spine.
    pub async fn new(kafka: &Kafka, database: &str) -> Result<Self> {
        Self::with_columns(kafka, database, &[]).await
    }

    /// With further columns that rows have NULL in.
    pub async fn with_columns(kafka: &Kafka, database: &str, more: &[&str]) -> Result<Self> {
        let prefix = fresh_name("fake");
        let topic = topics::data_topic(&prefix, database, "t");
        let spine = topics::spine_topic(&prefix);
        kafka.create_topic(&topic, PARTITIONS, &[]).await?;
        kafka.create_topic(&spine, 1, &[]).await?;
        let producer = kafka.client().set("linger.ms", "1").create()?;
        let encoder = TableEncoder::json(&schema(&prefix, database, more), true);
        let topic = topic.into();
        let (database, width) = (database.to_owned(), 3 + more.len());
        let it = Self {
            prefix,
            database,
            attempt: 1,
            topic,
            spine,
            schema_id: None,
            encoder,
            width,
            transactional: false,
            producer,
        };
        it.begin(1).await?;
        Ok(it)
    }

    /// As a connector writes: behind the records of each transaction there is Kafka's marker of its end.
    pub async fn transactional(kafka: &Kafka, database: &str) -> Result<Self> {
        let mut it = Self::new(kafka, database).await?;
        it.producer = kafka.client().set("linger.ms", "1").set("transactional.id", &it.prefix).create()?;
        tokio::task::block_in_place(|| it.producer.init_transactions(Duration::from_secs(20)))?;
        it.transactional = true;
        Ok(it)
    }

    /// From now on the records tell names and values only ("json-schemaless").
    pub fn without_schema(&mut self) {
        self.encoder = TableEncoder::json(&schema(&self.prefix, &self.database, &[]), false);
    }

    /// Announces a generation.
    pub async fn begin(&self, generation: u16) -> Result<()> {
        let begin = GenerationBegin { generation, start: String::new(), snapshot: false };
        self.spine(SpineRecord { parts: Vec::new(), begin: Some(begin), as_of_us: now_us() }).await
    }

    /// One transaction, whole.
    pub async fn transaction(&self, number: u64, events: &[Event]) -> Result<()> {
        let count = self.records(number, 0, events).await?;
        self.part(number, 0, &count, PartEnd::Closed).await
    }

    /// The records of events, the first at index `first`; gives how many went to each partition.
    pub async fn records(&self, number: u64, first: u32, events: &[Event]) -> Result<Vec<u32>> {
        let mut counts = vec![0; PARTITIONS as usize];
        let mut index = first;
        self.begin_write()?;
        for event in events {
            for (id, value, mark) in self.encoded(event)? {
                let partition = id.rem_euclid(i64::from(PARTITIONS)) as i32;
                let seq = RecordSeq {
                    seq: Seq::new(1, number),
                    index,
                    attempt: self.attempt,
                    flags: flags::USE_SQL_FOREIGN_KEY,
                };
                let mut all = OwnedHeaders::new()
                    .insert(Header { key: headers::SEQ, value: Some(&seq.to_bytes()[..]) });
                if let Some(mark) = mark {
                    all = all.insert(Header { key: mark, value: Some("{}") });
                }
                let key = format!(r#"{{"id":{id}}}"#);
                let mut record = BaseRecord::to(&self.topic).partition(partition).key(&key).headers(all);
                if let Some(value) = &value {
                    record = record.payload(value);
                }
                self.producer.send(record).map_err(|(error, _)| error)?;
                counts[partition as usize] += 1;
                index += 1;
            }
        }
        self.delivered().await?;
        Ok(counts)
    }

    /// A part of a transaction in the spine.
    pub async fn part(&self, number: u64, first: u32, counts: &[u32], end: PartEnd) -> Result<()> {
        let counts: Vec<PartitionCount> = counts
            .iter()
            .enumerate()
            .filter(|(_, count)| **count > 0)
            .map(|(partition, count)| PartitionCount {
                topic: self.topic.clone(),
                partition: partition as i32,
                count: *count,
            })
            .collect();
        let part = SpinePart {
            snapshot: None,
            seq: Seq::new(1, number),
            attempt: self.attempt,
            first,
            count: counts.iter().map(|count| count.count).sum(),
            gtid: format!("3e11fa47-71ca-11e1-9e33-c80aa9429562:{number}"),
            commit_us: now_us(),
            end,
            ddl: None,
            counts,
        };
        self.spine(SpineRecord { parts: vec![part], begin: None, as_of_us: now_us() }).await
    }

    /// A schema change, as a transaction of its own.
    pub async fn ddl(&self, number: u64, ddl: Ddl) -> Result<()> {
        let part = SpinePart {
            snapshot: None,
            seq: Seq::new(1, number),
            attempt: self.attempt,
            first: 0,
            count: 0,
            gtid: format!("3e11fa47-71ca-11e1-9e33-c80aa9429562:{number}"),
            commit_us: now_us(),
            end: PartEnd::Closed,
            ddl: Some(ddl),
            counts: Vec::new(),
        };
        self.spine(SpineRecord { parts: vec![part], begin: None, as_of_us: now_us() }).await
    }

    async fn spine(&self, record: SpineRecord) -> Result<()> {
        let payload = record.encode();
        self.begin_write()?;
        let record: BaseRecord<'_, str, _> = BaseRecord::to(&self.spine).partition(0).payload(&payload);
        self.producer.send(record).map_err(|(error, _)| error)?;
        self.delivered().await
    }

    fn begin_write(&self) -> Result<()> {
        if self.transactional {
            self.producer.begin_transaction()?;
        }
        Ok(())
    }

    /// `flush` would poll in steps of 100 ms.
    async fn delivered(&self) -> Result<()> {
        if self.transactional {
            return Ok(tokio::task::block_in_place(|| {
                self.producer.commit_transaction(Duration::from_secs(20))
            })?);
        }
        eventually(Duration::from_secs(20), || async {
            match self.producer.in_flight_count() {
                0 => Ok(()),
                left => Err(left),
            }
        })
        .await
    }

    /// Partition key, value (none: a tombstone) and mark of each record of an event.
    fn encoded(&self, event: &Event) -> Result<Vec<(i64, Option<Vec<u8>>, Option<&'static str>)>> {
        Ok(match event {
            Event::Insert(new) => vec![(new.id, Some(self.value(Op::Create, None, Some(new))?), None)],
            Event::Update(old, new) if old.id != new.id => vec![
                (old.id, Some(self.value(Op::Delete, Some(old), None)?), Some(headers::NEW_KEY)),
                (old.id, None, None),
                (new.id, Some(self.value(Op::Create, None, Some(new))?), Some(headers::OLD_KEY)),
            ],
            Event::Update(old, new) => {
                vec![(new.id, Some(self.value(Op::Update, Some(old), Some(new))?), None)]
            }
            Event::Delete(old) => {
                vec![(old.id, Some(self.value(Op::Delete, Some(old), None)?), None), (old.id, None, None)]
            }
        })
    }

    fn value(&self, op: Op, before: Option<&Row>, after: Option<&Row>) -> Result<Vec<u8>> {
        let width = self.width;
        let values = |row: &Row| {
            let mut values =
                vec![Value::Int(row.id), Value::Text(row.name.clone().into()), Value::Int(row.n)];
            values.resize(width, Value::Null);
            values
        };
        let (before, after) = (before.map(values), after.map(values));
        let source = Source {
            ts_us: now_us(),
            snapshot: Snapshot::False,
            server_id: 1,
            gtid: None,
            file: "binlog.000001",
            pos: 4,
            row: 0,
            thread: None,
            query: None,
        };
        let change = Change {
            before: before.as_deref(),
            after: after.as_deref(),
            source,
            op,
            transaction: None,
            ts_us: now_us(),
        };
        let mut out = Vec::new();
        if let Some(id) = self.schema_id {
            out.push(0);
            out.extend(id.to_be_bytes());
        }
        self.encoder.encode_value(&change, &mut out)?;
        Ok(out)
    }
}

fn schema(prefix: &str, database: &str, more: &[&str]) -> TableSchema {
    let column = |name: &str, kind, optional| Column {
        name: name.into(),
        kind,
        optional,
        source_type: SourceType { name: "INT".into(), ..SourceType::default() },
    };
    let mut columns = vec![
        column("id", Kind::Int32, false),
        column("name", Kind::Text, true),
        column("n", Kind::Int32, true),
    ];
    columns.extend(more.iter().map(|name| column(name, Kind::Int32, true)));
    TableSchema { prefix: prefix.into(), database: database.into(), table: "t".into(), columns, key: vec![0] }
}

fn now_us() -> i64 {
    std::time::SystemTime::UNIX_EPOCH.elapsed().map_or(0, |since| since.as_micros() as i64)
}
