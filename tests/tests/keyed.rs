//! The sink with `order = "key"`: topics that Debezium wrote, what is refused, and the fence.

use std::{sync::Arc, time::Duration};

use anyhow::{Context as _, Result, bail, ensure};
use e2e::{
    Lab, MySql, Program, Strait,
    debezium::{Debezium, Form, Row, TABLE},
    eventually,
    fake_source::{Event, FakeSource, row},
};
use mysql_async::prelude::Queryable;
use strait_service::{CancellationToken, Context, Refusal as _, Secret};
use strait_sink::{
    Error,
    config::{Config, Order, Unordered},
    run_with,
};
use tokio::task::JoinHandle;

const PATIENCE: Duration = Duration::from_mins(2);

/// A target's table, and a sink's settings for it.
struct Scene {
    server: &'static MySql,
    database: String,
    config: Config,
}

struct Running {
    stop: CancellationToken,
    context: Context,
    task: JoinHandle<Result<(), Error>>,
}

impl Scene {
    async fn new(tables: &[&str]) -> Result<Self> {
        let (server, kafka) = (Lab::shared().target().await?, Lab::shared().kafka().await?);
        let database = server.database("keyed").await?;
        let mut conn = server.conn_to(&database).await?;
        for &table in tables {
            conn.query_drop(table).await?;
        }
        let mut config = Config { order: Order::Key, ..Config::default() };
        config.target.host = server.host().into();
        config.target.port = server.port();
        config.target.user = server.user().into();
        config.target.password = server.password().map(Secret::new);
        config.kafka.brokers = kafka.bootstrap().into();
        config.apply.lanes = 2;
        Ok(Self { server, database, config })
    }

    async fn debezium(&mut self, form: Form) -> Result<Debezium> {
        let writer = Debezium::new(Lab::shared().kafka().await?, &self.database, form).await?;
        self.config.prefix.clone_from(&writer.prefix);
        Ok(writer)
    }

    async fn fake(&mut self) -> Result<FakeSource> {
        let writer = FakeSource::new(Lab::shared().kafka().await?, &self.database).await?;
        self.config.prefix.clone_from(&writer.prefix);
        Ok(writer)
    }

    fn start(&self) -> Running {
        let stop = CancellationToken::new();
        let context = Context::detached(stop.clone());
        let task = tokio::spawn(run_with(Arc::new(self.config.clone()), context.clone()));
        Running { stop, context, task }
    }

    /// The cause that it halts with.
    async fn halts(&self) -> Result<Error> {
        match tokio::time::timeout(PATIENCE, self.start().task).await.context("it halts")?? {
            Ok(()) => bail!("it ended without an error"),
            Err(error) => Ok(error),
        }
    }

    async fn run(&self, statement: &str) -> Result<()> {
        Ok(self.server.conn_to(&self.database).await?.query_drop(statement).await?)
    }

    /// The condition of rows of its progress: by the primary key, as other tests hold rows of theirs.
    fn row(&self, condition: &str) -> String {
        format!("WHERE origin = '{}' AND sink = 'main' AND {condition}", self.config.prefix)
    }

    /// What the query shows, column by column, a row a text.
    async fn becomes(&self, query: &str, expected: &[&str]) -> Result<()> {
        eventually(PATIENCE, || async {
            let found = async {
                let mut conn = self.server.conn_to(&self.database).await?;
                anyhow::Ok(conn.query::<String, _>(query).await?)
            };
            match found.await {
                Ok(rows) if rows == expected => Ok(()),
                seen => Err(format!("{seen:?}")),
            }
        })
        .await
    }
}

impl Running {
    async fn stop(self) -> Result<()> {
        self.stop.cancel();
        Ok(tokio::time::timeout(Duration::from_secs(5), self.task).await.context("it ends in 5 s")???)
    }

    fn counter(&self, name: &str) -> f64 {
        let families = self.context.metrics.gather();
        let found = families.iter().find(|family| family.name() == name);
        found.and_then(|family| family.get_metric().first()).map_or(-1.0, |it| it.get_counter().get_value())
    }
}

fn goods(id: i32, name: Option<&'static str>, price: i8) -> Row {
    Row { id, name, price, at: 1_709_210_096_123_456 }
}

/// A snapshot's row, one that is created, changes and ends of both; then a second run, which goes on.
async fn through(scene: &Scene, writer: &Debezium, query: &str, [first, then]: [&[&str]; 2]) -> Result<()> {
    let running = scene.start();
    writer.read(goods(1, Some("snapshot"), 1)).await?;
    writer.create(goods(2, Some("größe"), -25)).await?;
    writer.create(goods(3, Some("to go"), 3)).await?;
    writer.update(goods(1, Some("snapshot"), 1), goods(1, None, 99)).await?;
    writer.delete(goods(3, Some("to go"), 3)).await?;
    // The row comes again; the snapshot was late for another.
    writer.create(goods(4, Some("gone"), 0)).await?;
    writer.delete(goods(4, Some("gone"), 0)).await?;
    writer.create(goods(4, Some("again"), 4)).await?;
    writer.read(goods(2, Some("größe"), -25)).await?;
    scene.becomes(query, first).await?;
    running.stop().await?;
    writer.delete(goods(1, None, 99)).await?;
    let running = scene.start();
    scene.becomes(query, then).await?;
    running.stop().await
}

const TYPED: &str =
    "SELECT CONCAT_WS(' ', id, COALESCE(name, 'NULL'), price, CAST(at AS CHAR)) FROM t ORDER BY id";
const ROWS: [&[&str]; 2] = [
    &[
        "1 NULL 0.99 2024-02-29 12:34:56.123456",
        "2 größe -0.25 2024-02-29 12:34:56.123456",
        "4 again 0.04 2024-02-29 12:34:56.123456",
    ],
    &["2 größe -0.25 2024-02-29 12:34:56.123456", "4 again 0.04 2024-02-29 12:34:56.123456"],
];

#[tokio::test(flavor = "multi_thread")]
async fn debezium_s_topics_in_json() -> Result<()> {
    let mut scene = Scene::new(&[TABLE]).await?;
    let writer = scene.debezium(Form::Json).await?;
    through(&scene, &writer, TYPED, ROWS).await
}

#[tokio::test(flavor = "multi_thread")]
async fn debezium_s_topics_in_json_without_schemas() -> Result<()> {
    let mut scene = Scene::new(&["CREATE TABLE t (id INT PRIMARY KEY, name VARCHAR(100))"]).await?;
    let writer = scene.debezium(Form::JsonWithoutSchemas).await?;
    let query = "SELECT CONCAT_WS(' ', id, COALESCE(name, 'NULL')) FROM t ORDER BY id";
    through(&scene, &writer, query, [&["1 NULL", "2 größe", "4 again"], &["2 größe", "4 again"]]).await
}

#[tokio::test(flavor = "multi_thread")]
async fn debezium_s_topics_in_avro() -> Result<()> {
    let mut scene = Scene::new(&[TABLE]).await?;
    let (kafka, registry) = (Lab::shared().kafka().await?, Lab::shared().registry().await?);
    let writer = Debezium::avro(kafka, registry, &scene.database).await?;
    scene.config.prefix.clone_from(&writer.prefix);
    scene.config.registry.url = strait_service::Endpoint::new(registry.url());
    through(&scene, &writer, TYPED, ROWS).await
}

/// `check` and `run` refuse the table with these words; with the setting it is applied to.
async fn refused(tables: &[&str], words: &[&str], allow: Option<Unordered>) -> Result<()> {
    let mut scene = Scene::new(tables).await?;
    let writer = scene.debezium(Form::Json).await?;
    writer.create(goods(1, Some("a"), 1)).await?;
    let error = scene.halts().await?;
    let remedy = error.remedy().unwrap_or_default();
    let setting = allow.map(|allow| format!("keyed.allow = [\"{}\"]", allow.name()));
    let mut words = words.to_vec();
    words.extend(setting.as_deref());
    ensure!(matches!(error, Error::TableRefused { .. }), "{error}");
    let findings = strait_sink::check(Arc::new(scene.config.clone())).await?;
    for word in words {
        ensure!(remedy.contains(word), "nothing of {word:?} in: {remedy}");
        let said = |found: &&strait_service::Finding| {
            found.is_refusal() && (found.cause.contains(word) || found.remedy.contains(word))
        };
        ensure!(findings.iter().any(|found| said(&found)), "nothing of {word:?} in {findings:?}");
    }
    scene.becomes("SELECT CAST(COUNT(*) AS CHAR) FROM t", &["0"]).await?;
    let Some(allow) = allow else { return Ok(()) };
    scene.config.keyed.allow = vec![allow];
    let findings = strait_sink::check(Arc::new(scene.config.clone())).await?;
    ensure!(!findings.iter().any(strait_service::Finding::is_refusal), "{findings:?}");
    let running = scene.start();
    scene.becomes("SELECT name FROM t", &["a"]).await?;
    running.stop().await
}

#[tokio::test(flavor = "multi_thread")]
async fn a_foreign_key_is_refused() -> Result<()> {
    let parent = "CREATE TABLE parent (id DECIMAL(10,2) PRIMARY KEY)";
    let child = TABLE.replace(
        "at DATETIME(6)",
        "at DATETIME(6), CONSTRAINT up FOREIGN KEY (price) REFERENCES parent (id)",
    );
    // With the setting the child may come before its parent.
    refused(&[parent, &child], &["the foreign key up leads from"], Some(Unordered::ForeignKeys)).await
}

#[tokio::test(flavor = "multi_thread")]
async fn a_secondary_unique_key_is_refused() -> Result<()> {
    let table = TABLE.replace("at DATETIME(6)", "at DATETIME(6), UNIQUE KEY by_name (name)");
    refused(&[&table], &["a secondary unique key, by_name"], Some(Unordered::UniqueKeys)).await
}

#[tokio::test(flavor = "multi_thread")]
async fn a_text_key_is_refused() -> Result<()> {
    let mut scene = Scene::new(&["CREATE TABLE t (id VARCHAR(10) PRIMARY KEY, name VARCHAR(100))"]).await?;
    let writer = scene.debezium(Form::JsonWithoutSchemas).await?;
    writer.create(goods(1, Some("a"), 1)).await?;
    let error = scene.halts().await?;
    let remedy = error.remedy().unwrap_or_default();
    ensure!(remedy.contains("column `id` of its primary key compares texts"), "{error}: {remedy}");
    ensure!(remedy.contains(r#"keyed.allow = ["text-keys"]"#), "{remedy}");
    Ok(())
}

#[tokio::test(flavor = "multi_thread")]
async fn a_table_without_a_primary_key_or_with_another_is_refused() -> Result<()> {
    refused(&[&TABLE.replace(" PRIMARY KEY", "")], &["it has no primary key"], None).await?;
    let other = TABLE
        .replace("id INT PRIMARY KEY", "id INT")
        .replace("at DATETIME(6)", "at DATETIME(6), PRIMARY KEY (id, price)");
    refused(&[&other], &["its records have the key (id), its primary key at the target is (id, price)"], None)
        .await
}

#[tokio::test(flavor = "multi_thread")]
async fn what_does_not_fit_or_cannot_be_ordered_halts() -> Result<()> {
    let mut scene = Scene::new(&[&TABLE.replace("price DECIMAL(10,2), ", "")]).await?;
    let writer = scene.debezium(Form::Json).await?;
    writer.create(goods(1, Some("a"), 1)).await?;
    let error = scene.halts().await?;
    ensure!(matches!(&error, Error::MissingColumn { column, .. } if column == "price"), "{error}");
    ensure!(error.place().is_some_and(|place| place.contains(&writer.topic) && place.contains("offset 0")));
    scene.run("ALTER TABLE t ADD COLUMN price DECIMAL(10,2) AFTER name").await?;
    // The server would round it, and say nothing.
    scene.run("ALTER TABLE t MODIFY COLUMN at DATETIME(3)").await?;
    let error = scene.halts().await?;
    ensure!(matches!(&error, Error::Value { column, .. } if column == "at"), "{error}");
    scene.run("ALTER TABLE t MODIFY COLUMN at DATETIME(6)").await?;
    writer.truncate().await?;
    let error = scene.halts().await?;
    ensure!(matches!(error, Error::TruncateByKey { .. }), "{error}");
    ensure!(error.remedy().is_some_and(|remedy| remedy.contains("skipped.operations")));
    Ok(())
}

#[tokio::test(flavor = "multi_thread")]
async fn numbers_that_are_given_again_are_found() -> Result<()> {
    let mut scene = Scene::new(&["CREATE TABLE t (id INT PRIMARY KEY, name VARCHAR(100), n INT)"]).await?;
    let mut source = scene.fake().await?;
    source.transaction(1, &[Event::Insert(row(3, "a", 0))]).await?;
    source.records(2, 0, &[Event::Update(row(3, "a", 0), row(3, "aborted", 0))]).await?;
    let running = scene.start();
    scene.becomes("SELECT name FROM t", &["aborted"]).await?;
    // The same once more is passed over.
    source.records(1, 0, &[Event::Insert(row(3, "a", 0))]).await?;
    eventually(PATIENCE, || async {
        let repeated = running.counter("strait_sink_repeated_records_total");
        if repeated >= 1.0 { Ok(()) } else { Err(repeated) }
    })
    .await?;
    scene.becomes("SELECT name FROM t", &["aborted"]).await?;
    running.stop().await?;
    source.attempt = 2;
    source.transaction(2, &[Event::Update(row(3, "a", 0), row(3, "b", 0))]).await?;
    let error = scene.halts().await?;
    ensure!(matches!(error, Error::StaleAttempt { attempt: 2, applied: 1, .. }), "{error}");
    scene.becomes("SELECT name FROM t", &["aborted"]).await
}

#[tokio::test(flavor = "multi_thread")]
async fn a_row_that_speaks_of_another_log_halts() -> Result<()> {
    let mut scene = Scene::new(&[TABLE]).await?;
    let writer = scene.debezium(Form::Json).await?;
    writer.create(goods(1, Some("a"), 1)).await?;
    let running = scene.start();
    scene.becomes("SELECT name FROM t", &["a"]).await?;
    running.stop().await?;
    let row = scene.row("next_offset > 0");
    scene.run(&format!("UPDATE strait.keyed_lane SET next_offset = 1000 {row}")).await?;
    let error = scene.halts().await?;
    ensure!(matches!(error, Error::OffsetGone { offset: 1000, first: 0, end: 1, .. }), "{error}");
    scene.run(&format!("UPDATE strait.keyed_lane SET next_offset = 1, cluster_id = 'other' {row}")).await?;
    let error = scene.halts().await?;
    ensure!(matches!(&error, Error::OtherCluster { expected, .. } if expected == "other"), "{error}");
    Ok(())
}

/// Notes each change of the table.
const AUDIT: [&str; 3] = [
    "CREATE TABLE noted (n INT AUTO_INCREMENT PRIMARY KEY, name VARCHAR(100))",
    "CREATE TRIGGER note_insert AFTER INSERT ON t FOR EACH ROW INSERT INTO noted (name) VALUES (NEW.name)",
    "CREATE TRIGGER note_update AFTER UPDATE ON t FOR EACH ROW INSERT INTO noted (name) VALUES (NEW.name)",
];
const NOTED: &str = "SELECT name FROM noted ORDER BY n";

#[tokio::test(flavor = "multi_thread")]
async fn whose_epoch_is_gone_commits_nothing() -> Result<()> {
    let mut scene = Scene::new(&[&[TABLE], &AUDIT[..]].concat()).await?;
    scene.config.apply.allow_triggers = true;
    let writer = scene.debezium(Form::Json).await?;
    writer.create(goods(1, Some("a"), 1)).await?;
    let running = scene.start();
    scene.becomes(NOTED, &["a"]).await?;
    // As another process does that takes over, and has applied the next record by now.
    let row = scene.row("next_offset = 1");
    scene.run(&format!("UPDATE strait.keyed_lane SET epoch = epoch + 1, next_offset = 2 {row}")).await?;
    writer.update(goods(1, Some("a"), 1), goods(1, Some("applied elsewhere"), 1)).await?;
    eventually(PATIENCE, || async {
        let fenced = running.counter("strait_sink_fenced_total");
        if fenced >= 1.0 { Ok(()) } else { Err(fenced) }
    })
    .await?;
    // It joins again, and goes on from where that one was.
    writer.update(goods(1, Some("a"), 1), goods(1, Some("b"), 1)).await?;
    scene.becomes(NOTED, &["a", "b"]).await?;
    running.stop().await
}

/// A process that was paused in the middle of a transaction holds the partition's row: who takes over ends its connection.
#[tokio::test(flavor = "multi_thread")]
async fn a_paused_process_commits_nothing_any_more() -> Result<()> {
    let mut scene = Scene::new(&[&[TABLE], &AUDIT[..]].concat()).await?;
    let writer = scene.debezium(Form::Json).await?;
    let (kafka, prefix) = (Lab::shared().kafka().await?, &writer.prefix);
    let port = scene.server.port().to_string();
    let settings = [
        ("order", "key"),
        ("prefix", prefix),
        ("target.host", scene.server.host()),
        ("target.port", &port),
        ("target.user", scene.server.user()),
        ("kafka.brokers", kafka.bootstrap()),
        ("kafka.options.session.timeout.ms", "6000"),
        ("apply.allow_triggers", "true"),
        ("target.lock_wait", "1m"),
    ];
    let first = Strait::new(Program::Sink, "keyed-first", settings).await?;
    let second = Strait::new(Program::Sink, "keyed-second", settings).await?;
    first.start_ready(PATIENCE).await?;
    writer.create(goods(1, Some("a"), 1)).await?;
    scene.becomes(NOTED, &["a"]).await?;

    // The first one's transaction waits for the row, and holds its partition's.
    let mut holder = scene.server.conn_to(&scene.database).await?;
    holder.query_drop("BEGIN").await?;
    holder.query_drop("SELECT * FROM t FOR UPDATE").await?;
    writer.update(goods(1, Some("a"), 1), goods(1, Some("b"), 1)).await?;
    let waits = "SELECT CAST(COUNT(*) AS CHAR) FROM performance_schema.data_lock_waits";
    scene.becomes(waits, &["1"]).await?;
    first.freeze()?;
    second.start()?;
    eventually(PATIENCE, || async {
        let words = second.words().map_err(|error| error.to_string())?;
        if words.contains("held the row") { Ok(()) } else { Err("it does not take over".to_owned()) }
    })
    .await?;
    holder.query_drop("ROLLBACK").await?;
    scene.becomes(NOTED, &["a", "b"]).await?;
    first.thaw()?;
    writer.update(goods(1, Some("b"), 1), goods(1, Some("c"), 1)).await?;
    scene.becomes(NOTED, &["a", "b", "c"]).await?;
    // It has begun again, and is a member like any other.
    first.ready(PATIENCE).await?;
    first.stop().await?;
    second.stop().await
}
