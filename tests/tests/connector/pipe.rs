//! One connector with a database of its own at a source, and everything that it has published.

use std::{
    collections::BTreeMap,
    process::ExitStatus,
    sync::Arc,
    time::{Duration, Instant},
};

use anyhow::{Context, Result, bail, ensure};
use e2e::{
    Kafka, Lab, MySql, fresh_name,
    oracle::{BinlogReader, Keys, LoggedTransaction},
    strait::{Program, Strait},
};
use mysql_async::{Conn, prelude::Queryable};
use rdkafka::{
    Message, Offset, TopicPartitionList,
    consumer::{BaseConsumer, Consumer},
    error::KafkaError,
    message::Headers,
};
use strait_mysql::{gtid::GtidSet, server::read_facts};
use strait_schemas::{Position, RecordSeq, SpinePart, SpineRecord, headers, topics};

const PATIENCE: Duration = Duration::from_mins(3);

/// Settings by their dotted names.
pub type Settings<'s> = &'s [(&'s str, &'s str)];

pub struct Pipe {
    pub prefix: String,
    pub database: String,
    pub connector: Strait,
    pub bootstrap: String,
    source: Source,
    settings: BTreeMap<String, String>,
}

#[derive(Clone)]
enum Source {
    Shared(&'static MySql),
    Own(Arc<MySql>),
}

/// One record as a reader of committed records sees it.
#[derive(Debug, Clone)]
pub struct Published {
    pub topic: String,
    pub partition: i32,
    pub offset: i64,
    pub key: Option<Vec<u8>>,
    pub value: Option<Vec<u8>>,
    pub headers: BTreeMap<String, Vec<u8>>,
}

impl Published {
    pub fn place(&self) -> RecordSeq {
        let header = self.headers.get(headers::SEQ).expect("every record has a place");
        RecordSeq::from_bytes(header).expect("a well-formed header")
    }

    pub fn key_json(&self) -> serde_json::Value {
        self.key.as_deref().map_or(serde_json::Value::Null, |key| serde_json::from_slice(key).expect("JSON"))
    }

    pub fn json(&self) -> serde_json::Value {
        self.value
            .as_deref()
            .map_or(serde_json::Value::Null, |value| serde_json::from_slice(value).expect("JSON"))
    }

    /// `c`, `u`, `d`, or `tombstone`.
    pub fn op(&self) -> String {
        self.json()["op"].as_str().unwrap_or("tombstone").to_owned()
    }
}

impl Pipe {
    /// A connector of the shared source, with JSON without schemas; not started.
    pub async fn shared(settings: Settings<'_>) -> Result<Self> {
        let lab = Lab::shared();
        Self::with(Source::Shared(lab.mysql().await?), lab.kafka().await?.bootstrap().to_owned(), settings)
            .await
    }

    /// A connector of a source of its own.
    pub async fn own(mysql: MySql, settings: Settings<'_>) -> Result<Self> {
        let kafka = Lab::shared().kafka().await?;
        Self::with(Source::Own(Arc::new(mysql)), kafka.bootstrap().to_owned(), settings).await
    }

    /// With a Kafka of its own.
    pub async fn shared_source_own_kafka(kafka: &Kafka, settings: Settings<'_>) -> Result<Self> {
        let mysql = Lab::shared().mysql().await?;
        Self::with(Source::Shared(mysql), kafka.bootstrap().to_owned(), settings).await
    }

    async fn with(source: Source, bootstrap: String, settings: Settings<'_>) -> Result<Self> {
        let mysql = source.mysql();
        let prefix = fresh_name("site").replace('_', "-");
        let database = mysql.database("shop").await?;
        let mut all: BTreeMap<String, String> = BTreeMap::from([
            ("prefix".into(), prefix.clone()),
            ("source.host".into(), mysql.host().into()),
            ("source.port".into(), mysql.port().to_string()),
            ("source.user".into(), mysql.user().into()),
            ("kafka.brokers".into(), bootstrap.clone()),
            ("schema.format".into(), "json-schemaless".into()),
            ("database.include.list".into(), database.clone()),
            ("snapshot.mode".into(), "never".into()),
            ("log.level".into(), "info,strait_connector=debug".into()),
        ]);
        for (name, value) in settings {
            all.insert((*name).into(), (*value).replace("{database}", &database));
        }
        all.retain(|_, value| !value.is_empty());
        Self::build(prefix, database, bootstrap, source, all).await
    }

    async fn build(
        prefix: String,
        database: String,
        bootstrap: String,
        source: Source,
        settings: BTreeMap<String, String>,
    ) -> Result<Self> {
        let connector = Strait::new(Program::Connector, &prefix, settings.clone()).await?;
        Ok(Self { prefix, database, connector, bootstrap, source, settings })
    }

    /// The same prefix, source and database with other settings; this one must not run any more.
    pub async fn with_settings(&self, settings: Settings<'_>) -> Result<Self> {
        let mut all = self.settings.clone();
        all.extend(settings.iter().map(|(name, value)| ((*name).to_owned(), (*value).to_owned())));
        let (prefix, database) = (self.prefix.clone(), self.database.clone());
        Self::build(prefix, database, self.bootstrap.clone(), self.source.clone(), all).await
    }

    /// The same prefix at another source.
    pub async fn at(&self, mysql: MySql) -> Result<Self> {
        let mut all = self.settings.clone();
        all.insert("source.port".into(), mysql.port().to_string());
        let source = Source::Own(Arc::new(mysql));
        Self::build(self.prefix.clone(), self.database.clone(), self.bootstrap.clone(), source, all).await
    }

    /// The source's whole binary log as mysqlbinlog prints it.
    /// For the oracle: these tables, whose key is their first column.
    pub fn keys(&self, tables: &[&str]) -> Keys {
        tables.iter().map(|table| (format!("{}.{table}", self.database), vec![0])).collect()
    }

    pub async fn logged(&self) -> Result<Vec<LoggedTransaction>> {
        let first: Option<mysql_async::Row> =
            self.mysql().conn().await?.query_first("SHOW BINARY LOGS").await?;
        let first: String = first.and_then(|row| row.get(0)).context("a binary log")?;
        let reader = BinlogReader::new(self.mysql().tool("mysqlbinlog").await?, &first).keep_columns(1);
        tokio::task::spawn_blocking(move || {
            let mut logged = Vec::new();
            reader.read(|transaction| logged.push(transaction))?;
            Ok(logged)
        })
        .await?
    }

    pub fn mysql(&self) -> &MySql {
        self.source.mysql()
    }

    pub async fn conn(&self) -> Result<Conn> {
        self.mysql().conn_to(&self.database).await
    }

    /// Runs statements in the pipe's database.
    pub async fn run<S: AsRef<str>>(&self, statements: impl IntoIterator<Item = S>) -> Result<()> {
        let mut conn = self.conn().await?;
        for statement in statements {
            conn.query_drop(statement.as_ref()).await.with_context(|| statement.as_ref().to_owned())?;
        }
        Ok(conn.disconnect().await?)
    }

    pub async fn start(&self) -> Result<()> {
        self.connector.start_ready(PATIENCE).await
    }

    /// Starts it and waits until it ends by itself; its exit status and all that it said.
    pub async fn start_and_halt(&self) -> Result<(ExitStatus, String)> {
        self.connector.start()?;
        self.halted().await
    }

    /// Waits until it ends by itself.
    pub async fn halted(&self) -> Result<(ExitStatus, String)> {
        let status = self.connector.wait(PATIENCE).await?;
        Ok((status, self.connector.words()?))
    }

    pub async fn executed(&self) -> Result<GtidSet> {
        Ok(read_facts(&mut self.mysql().conn().await?).await?.executed()?)
    }

    /// Waits until everything that the source has executed by now is published.
    pub async fn published(&self) -> Result<()> {
        let executed = self.executed().await?;
        let began = Instant::now();
        loop {
            let position = self.position().await?;
            let covered =
                position.as_ref().and_then(|position| position.gtid_set.as_deref()).unwrap_or_default();
            if covered.parse::<GtidSet>()?.contains_set(&executed) {
                return Ok(());
            }
            self.connector.running()?;
            ensure!(
                began.elapsed() < PATIENCE,
                "published through {covered} only, of {executed}; last words:\n{}",
                self.connector.last_words()
            );
            tokio::time::sleep(Duration::from_millis(20)).await;
        }
    }

    pub async fn position(&self) -> Result<Option<Position>> {
        let records = self.read(&topics::position_topic(&self.prefix)).await?;
        let key = Position::key(&self.prefix);
        records
            .iter()
            .rfind(|record| record.key.as_deref() == Some(&key))
            .and_then(|record| record.value.as_deref())
            .map(Position::decode)
            .transpose()
            .map_err(Into::into)
    }

    pub async fn spine(&self) -> Result<Vec<SpineRecord>> {
        let records = self.read(&topics::spine_topic(&self.prefix)).await?;
        records
            .iter()
            .map(|record| Ok(SpineRecord::decode(record.value.as_deref().context("a value")?)?))
            .collect()
    }

    pub async fn parts(&self) -> Result<Vec<SpinePart>> {
        Ok(self.spine().await?.into_iter().flat_map(|record| record.parts).collect())
    }

    /// The first part of each source transaction. More may follow: a commit can fall due within any transaction.
    pub async fn beginnings(&self) -> Result<Vec<SpinePart>> {
        Ok(self.parts().await?.into_iter().filter(|part| part.first == 0).collect())
    }

    pub fn topic(&self, table: &str) -> String {
        topics::data_topic(&self.prefix, &self.database, table)
    }

    /// Committed records of a table, in the order of the log.
    pub async fn table(&self, table: &str) -> Result<Vec<Published>> {
        let mut records = self.read(&self.topic(table)).await?;
        records.sort_by_key(|record| (record.place().seq, record.place().index));
        Ok(records)
    }

    /// All committed records of a topic, by partition and offset; none if it does not exist.
    pub async fn read(&self, topic: &str) -> Result<Vec<Published>> {
        read_topic(&self.bootstrap, topic, "read_committed").await
    }
}

impl Source {
    fn mysql(&self) -> &MySql {
        match self {
            Self::Shared(mysql) => mysql,
            Self::Own(mysql) => mysql,
        }
    }
}

pub async fn read_topic(bootstrap: &str, topic: &str, isolation: &str) -> Result<Vec<Published>> {
    let consumer: BaseConsumer = rdkafka::ClientConfig::new()
        .set("bootstrap.servers", bootstrap)
        .set("group.id", "test")
        .set("enable.auto.commit", "false")
        .set("enable.partition.eof", "true")
        .set("isolation.level", isolation)
        .set("fetch.wait.max.ms", "10")
        .set("log_level", "2")
        .create()?;
    let topic = topic.to_owned();
    tokio::task::spawn_blocking(move || {
        let metadata = consumer.fetch_metadata(Some(&topic), PATIENCE)?;
        let partitions = metadata
            .topics()
            .iter()
            .find(|known| known.name() == topic)
            .map_or(0, |known| known.partitions().len());
        let mut list = TopicPartitionList::new();
        for partition in 0..partitions {
            list.add_partition_offset(&topic, partition as i32, Offset::Beginning)?;
        }
        consumer.assign(&list)?;
        let (mut records, mut ended) = (Vec::new(), 0);
        let began = Instant::now();
        while ended < partitions {
            match consumer.poll(Duration::from_millis(100)) {
                Some(Ok(message)) => records.push(Published {
                    topic: message.topic().to_owned(),
                    partition: message.partition(),
                    offset: message.offset(),
                    key: message.key().map(<[u8]>::to_vec),
                    value: message.payload().map(<[u8]>::to_vec),
                    headers: message
                        .headers()
                        .map(|all| {
                            all.iter()
                                .map(|one| (one.key.to_owned(), one.value.unwrap_or_default().to_vec()))
                                .collect()
                        })
                        .unwrap_or_default(),
                }),
                Some(Err(KafkaError::PartitionEOF(_))) => ended += 1,
                Some(Err(error)) => return Err(error.into()),
                None => {}
            }
            if began.elapsed() > PATIENCE {
                bail!("topic {topic} did not end");
            }
        }
        records.sort_by_key(|record| (record.partition, record.offset));
        Ok(records)
    })
    .await?
}
