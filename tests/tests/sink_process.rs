//! The sink as a whole, fed by a connector that does what the test says.

use std::{sync::Arc, time::Duration};

use anyhow::{Context as _, Result, bail, ensure};
use e2e::{
    Lab, MySql, MySqlOptions, Program, Strait, eventually,
    fake_source::{Event, FakeSource, row},
};
use mysql_async::prelude::Queryable;
use strait_schemas::PartEnd;
use strait_service::{CancellationToken, Context, Refusal as _, Secret};
use strait_sink::{Error, config::Config, run_with};
use tokio::task::JoinHandle;

const PATIENCE: Duration = Duration::from_mins(5);
const TABLE: &str = "CREATE TABLE t (id INT PRIMARY KEY, name VARCHAR(100), n INT)";

/// A target with the table, a fake source, and the settings of a sink between them.
struct Scene {
    server: &'static MySql,
    database: String,
    source: FakeSource,
    config: Config,
}

struct Running {
    stop: CancellationToken,
    context: Context,
    task: JoinHandle<Result<(), Error>>,
}

impl Scene {
    async fn new() -> Result<Self> {
        Self::on(Lab::shared().mysql().await?, TABLE, &[]).await
    }

    async fn on(server: &'static MySql, table: &str, more: &[&str]) -> Result<Self> {
        let database = server.database("sink").await?;
        server.conn_to(&database).await?.query_drop(table).await?;
        let kafka = Lab::shared().kafka().await?;
        let source = FakeSource::with_columns(kafka, &database, more).await?;
        let mut config = Config { prefix: source.prefix.clone(), ..Config::default() };
        config.target.host = server.host().into();
        config.target.port = server.port();
        config.target.user = server.user().into();
        config.target.password = server.password().map(Secret::new);
        config.kafka.brokers = kafka.bootstrap().into();
        Ok(Self { server, database, source, config })
    }

    fn start(&self) -> Running {
        let stop = CancellationToken::new();
        let context = Context::detached(stop.clone());
        let task = tokio::spawn(run_with(Arc::new(self.config.clone()), context.clone()));
        Running { stop, context, task }
    }

    /// The real process under these settings, and more.
    async fn process(&self, name: &str, more: &[(&str, &str)]) -> Result<Strait> {
        let port = self.config.target.port.to_string();
        let settings = [
            ("prefix", self.config.prefix.as_str()),
            ("target.host", &self.config.target.host),
            ("target.port", &port),
            ("target.user", &self.config.target.user),
            ("kafka.brokers", &self.config.kafka.brokers),
        ];
        Strait::new(Program::Sink, name, settings.iter().chain(more).copied()).await
    }

    async fn rows(&self) -> Result<Vec<(i64, String, i64)>> {
        let mut conn = self.server.conn_to(&self.database).await?;
        Ok(conn.query("SELECT id, name, n FROM t ORDER BY id").await?)
    }

    async fn becomes(&self, expected: &[(i64, &str, i64)]) -> Result<()> {
        let expected: Vec<_> = expected.iter().map(|(id, name, n)| (*id, (*name).to_owned(), *n)).collect();
        eventually(PATIENCE, || async {
            let rows = self.rows().await.map_err(|error| error.to_string())?;
            if rows == expected { Ok(()) } else { Err(format!("{rows:?}")) }
        })
        .await
    }
}

impl Running {
    async fn stop(self) -> Result<()> {
        self.stop.cancel();
        Ok(tokio::time::timeout(Duration::from_secs(5), self.task).await.context("it ends in 5 s")???)
    }

    /// The cause that the sink halts with.
    async fn halts(self) -> Result<Error> {
        match tokio::time::timeout(PATIENCE, self.task).await.context("it halts")?? {
            Ok(()) => bail!("it ended without an error"),
            Err(error) => Ok(error),
        }
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn changes_arrive_in_order_through_all_partitions() -> Result<()> {
    let scene = Scene::new().await?;
    let running = scene.start();
    let (a, b, c) = (row(1, "a", 0), row(2, "b", 0), row(3, "c", 0));
    let source = &scene.source;
    source.transaction(1, &[a.clone(), b.clone(), c.clone()].map(Event::Insert)).await?;
    let (a2, moved) = (row(1, "A", 1), row(7, "b", 1));
    source.transaction(2, &[Event::Update(a.clone(), a2.clone()), Event::Update(b, moved.clone())]).await?;
    source.transaction(3, &[]).await?;
    source.transaction(4, &[Event::Delete(c), Event::Update(moved.clone(), row(7, "b ", 2))]).await?;
    scene.becomes(&[(1, "A", 1), (7, "b ", 2)]).await?;
    running.stop().await?;

    // A second run goes on where the first one ended, and applies nothing twice.
    let running = scene.start();
    source.transaction(5, &[Event::Update(a2, row(1, "A", 2))]).await?;
    scene.becomes(&[(1, "A", 2), (7, "b ", 2)]).await?;
    running.stop().await
}

/// Nothing is left to do, but somebody else wrote here: that is said as it is of an update.
#[tokio::test(flavor = "multi_thread")]
async fn a_row_that_is_gone_before_it_is_deleted_is_counted() -> Result<()> {
    let scene = Scene::new().await?;
    let running = scene.start();
    let rows = [row(1, "a", 0), row(2, "b", 0), row(3, "c", 0)];
    scene.source.transaction(1, &rows.clone().map(Event::Insert)).await?;
    scene.becomes(&[(1, "a", 0), (2, "b", 0), (3, "c", 0)]).await?;
    scene.server.conn_to(&scene.database).await?.query_drop("DELETE FROM t WHERE id = 2").await?;
    scene.source.transaction(2, &rows.map(Event::Delete)).await?;
    scene.becomes(&[]).await?;
    let families = running.context.metrics.gather();
    let repaired = families.iter().find(|family| family.name() == "strait_sink_repaired_total");
    let count =
        repaired.and_then(|family| family.get_metric().first()).map(|it| it.get_counter().get_value());
    assert_eq!(count, Some(1.0));
    running.stop().await
}

#[tokio::test(flavor = "multi_thread")]
async fn an_aborted_attempt_that_a_copy_shows_is_ignored() -> Result<()> {
    let mut scene = Scene::new().await?;
    scene.source.transaction(1, &[Event::Insert(row(1, "a", 0))]).await?;
    // Attempt 1 left these behind, in two of the partitions, and nothing in the spine.
    scene
        .source
        .records(2, 0, &[Event::Insert(row(2, "aborted", 0)), Event::Insert(row(3, "aborted", 0))])
        .await?;
    scene.source.records(3, 0, &[Event::Insert(row(4, "aborted", 0))]).await?;
    scene.source.attempt = 2;
    scene.source.transaction(2, &[Event::Insert(row(2, "b", 0))]).await?;
    scene.source.transaction(3, &[Event::Insert(row(3, "c", 0))]).await?;
    let running = scene.start();
    scene.becomes(&[(1, "a", 0), (2, "b", 0), (3, "c", 0)]).await?;
    running.stop().await
}

#[tokio::test(flavor = "multi_thread")]
async fn a_missing_record_halts_with_its_coordinates() -> Result<()> {
    let scene = Scene::new().await?;
    scene.source.transaction(1, &[Event::Insert(row(1, "a", 0))]).await?;
    // The spine lists two records; only the second one was ever written.
    scene.source.records(2, 1, &[Event::Insert(row(4, "b", 0))]).await?;
    scene.source.part(2, 0, &[0, 2, 0], PartEnd::Closed).await?;
    scene.source.transaction(3, &[Event::Insert(row(7, "c", 0))]).await?;
    let error = scene.start().halts().await?;
    assert!(matches!(error, Error::RecordGap { partition: 1, .. }), "{error}");
    assert!(error.to_string().contains("seq 1-2"), "{error}");
    assert!(error.remedy().is_some_and(|remedy| remedy.contains("snapshot")));
    assert_eq!(scene.rows().await?, [(1, "a".to_owned(), 0)], "nothing behind the gap is applied");
    Ok(())
}

#[tokio::test(flavor = "multi_thread")]
async fn a_missing_transaction_halts() -> Result<()> {
    let scene = Scene::new().await?;
    scene.source.transaction(1, &[Event::Insert(row(1, "a", 0))]).await?;
    scene.source.transaction(3, &[Event::Insert(row(3, "c", 0))]).await?;
    let error = scene.start().halts().await?;
    assert!(matches!(error, Error::SpineGap { .. }), "{error}");
    Ok(())
}

#[tokio::test(flavor = "multi_thread")]
async fn a_missing_column_halts_with_the_statement_that_mends_it() -> Result<()> {
    let scene = Scene::on(Lab::shared().mysql().await?, TABLE, &["extra"]).await?;
    scene.source.transaction(1, &[Event::Insert(row(1, "a", 0))]).await?;
    let error = scene.start().halts().await?;
    assert!(matches!(error, Error::MissingColumn { .. }), "{error}");
    assert!(error.place().is_some_and(|place| place.contains("offset 0, seq 1-1 record 0")));
    let remedy = error.remedy().context("a remedy")?;
    assert!(
        remedy.starts_with(&format!("ALTER TABLE {}.t ADD COLUMN `extra` INT", scene.database)),
        "{remedy}"
    );
    scene.server.conn_to(&scene.database).await?.query_drop("ALTER TABLE t ADD COLUMN extra INT").await?;
    let running = scene.start();
    scene.becomes(&[(1, "a", 0)]).await?;
    running.stop().await
}

#[tokio::test(flavor = "multi_thread")]
async fn a_missing_table_halts() -> Result<()> {
    let scene =
        Scene::on(Lab::shared().mysql().await?, "CREATE TABLE other (id INT PRIMARY KEY)", &[]).await?;
    scene.source.transaction(1, &[Event::Insert(row(1, "a", 0))]).await?;
    let error = scene.start().halts().await?;
    assert!(matches!(error, Error::MissingTable { .. }), "{error}");
    Ok(())
}

/// An audit of every write to the table.
async fn audit(scene: &Scene) -> Result<()> {
    let mut conn = scene.server.conn_to(&scene.database).await?;
    conn.query_drop("CREATE TABLE audit (at INT AUTO_INCREMENT PRIMARY KEY, id INT, n INT)").await?;
    for event in ["INSERT", "UPDATE"] {
        conn.query_drop(format!(
            "CREATE TRIGGER audit_{event} AFTER {event} ON t FOR EACH ROW INSERT INTO audit (id, n) VALUES (NEW.id, NEW.n)"
        ))
        .await?;
    }
    Ok(())
}

#[tokio::test(flavor = "multi_thread")]
async fn an_unguarded_trigger_is_refused_with_its_guarded_text() -> Result<()> {
    let scene = Scene::new().await?;
    audit(&scene).await?;
    scene.source.transaction(1, &[Event::Insert(row(1, "a", 0))]).await?;
    let error = scene.start().halts().await?;
    assert!(matches!(error, Error::TableRefused { .. }), "{error}");
    assert!(error.remedy().is_some_and(|remedy| remedy.contains("@strait_apply")));
    Ok(())
}

/// Killed again and again (its task is dropped wherever it is), it still applies each version of each row once.
#[tokio::test(flavor = "multi_thread")]
async fn unfolded_each_version_is_written_exactly_once_through_crashes() -> Result<()> {
    const VERSIONS: i64 = 300;
    let mut scene = Scene::new().await?;
    audit(&scene).await?;
    scene.config.apply.allow_triggers = true;
    scene.config.apply.fold = false;
    scene.config.apply.batch_rows = 10;
    let scene = scene;
    let writer = async {
        for n in 0..VERSIONS {
            let events: Vec<Event> = (1..=4)
                .map(|id| {
                    let new = row(id, "x", n);
                    if n == 0 { Event::Insert(new) } else { Event::Update(row(id, "x", n - 1), new) }
                })
                .collect();
            scene.source.transaction(n as u64 + 1, &events).await?;
        }
        anyhow::Ok(())
    };
    let crasher = async {
        for kill in 1..=6 {
            let running = scene.start();
            let reached = VERSIONS * kill / 8;
            eventually(PATIENCE, || async {
                let rows = scene.rows().await.map_err(|error| error.to_string())?;
                let n = rows.first().map_or(-1, |row| row.2);
                if n >= reached { Ok(()) } else { Err(n.to_string()) }
            })
            .await?;
            running.task.abort();
            ensure!(running.task.await.is_err_and(|ended| ended.is_cancelled()), "it was running");
        }
        anyhow::Ok(())
    };
    let (written, crashed) = tokio::join!(writer, crasher);
    written.and(crashed)?;
    let running = scene.start();
    let last = VERSIONS - 1;
    scene.becomes(&[(1, "x", last), (2, "x", last), (3, "x", last), (4, "x", last)]).await?;
    running.stop().await?;
    let mut conn = scene.server.conn_to(&scene.database).await?;
    let audited: Vec<(i64, i64)> = conn.query("SELECT id, n FROM audit ORDER BY at").await?;
    for id in 1..=4 {
        let versions: Vec<i64> = audited.iter().filter(|(of, _)| *of == id).map(|(_, n)| *n).collect();
        assert_eq!(versions, (0..VERSIONS).collect::<Vec<_>>(), "versions of row {id}");
    }
    Ok(())
}

/// Larger than a batch by far, and split over several parts: it is there whole, or not at all.
#[tokio::test(flavor = "multi_thread")]
async fn a_large_transaction_is_atomic() -> Result<()> {
    const ROWS: i64 = 4_000;
    let mut scene = Scene::new().await?;
    scene.config.apply.batch_rows = 200;
    let running = scene.start();
    let source = &scene.source;
    source.transaction(1, &[Event::Insert(row(0, "before", 0))]).await?;
    let rows: Vec<Event> = (1..=ROWS).map(|id| Event::Insert(row(id, "large", id))).collect();
    let half = rows.len() / 2;
    let counts = source.records(2, 0, &rows[..half]).await?;
    source.part(2, 0, &counts, PartEnd::Open).await?;
    let counts = source.records(2, half as u32, &rows[half..]).await?;
    source.part(2, half as u32, &counts, PartEnd::Closed).await?;
    source.transaction(3, &[Event::Insert(row(ROWS + 1, "after", 0))]).await?;
    let seen = eventually(PATIENCE, || async {
        let mut conn = scene.server.conn_to(&scene.database).await.map_err(|error| error.to_string())?;
        let count: Option<i64> =
            conn.query_first("SELECT COUNT(*) FROM t").await.map_err(|error| error.to_string())?;
        match count.unwrap_or(0) {
            count if count == ROWS + 2 => Ok(Ok(())),
            count @ (0 | 1) => Err(count.to_string()),
            count if count == ROWS + 1 => Err(count.to_string()),
            count => Ok(Err(count)),
        }
    })
    .await?;
    assert_eq!(seen, Ok(()), "a part of it was visible");
    running.stop().await
}

#[tokio::test(flavor = "multi_thread")]
async fn a_read_only_target_is_waited_for() -> Result<()> {
    let server: &'static MySql = Box::leak(Box::new(MySql::start(MySqlOptions::named("readonly")).await?));
    let scene = Scene::on(server, TABLE, &[]).await?;
    scene.source.transaction(1, &[Event::Insert(row(1, "a", 0))]).await?;
    let running = scene.start();
    scene.becomes(&[(1, "a", 0)]).await?;
    server.conn().await?.query_drop("SET GLOBAL super_read_only = ON").await?;
    scene.source.transaction(2, &[Event::Insert(row(2, "b", 0))]).await?;
    eventually(PATIENCE, || async {
        let status = running.context.status.to_json().to_string();
        if status.contains("read-only") || status.contains("read_only") { Ok(()) } else { Err(status) }
    })
    .await?;
    ensure!(!running.task.is_finished(), "it tries on");
    server.conn().await?.query_drop("SET GLOBAL super_read_only = OFF").await?;
    server.conn().await?.query_drop("SET GLOBAL read_only = OFF").await?;
    scene.becomes(&[(1, "a", 0), (2, "b", 0)]).await?;
    running.stop().await
}

#[tokio::test(flavor = "multi_thread")]
async fn transactions_of_a_backup_are_skipped_for_good() -> Result<()> {
    let mut scene = Scene::new().await?;
    scene.config.apply.start = "3e11fa47-71ca-11e1-9e33-c80aa9429562:1-2".into();
    // Retention has passed over the first one's record, and left its entry in the spine.
    scene.source.part(1, 0, &[0, 1, 0], PartEnd::Closed).await?;
    for number in 2..=3 {
        scene.source.transaction(number, &[Event::Insert(row(number as i64, "x", 0))]).await?;
    }
    let running = scene.start();
    scene.becomes(&[(3, "x", 0)]).await?;
    running.stop().await?;
    // What is set later changes nothing of it: 4 is not in the backup.
    scene.config.apply.start = "3e11fa47-71ca-11e1-9e33-c80aa9429562:1-4".into();
    scene.source.transaction(4, &[Event::Insert(row(4, "x", 0))]).await?;
    let running = scene.start();
    scene.becomes(&[(3, "x", 0), (4, "x", 0)]).await?;
    running.stop().await
}

/// Waits until the process has said all of this.
async fn says(sink: &Strait, words: &[&str]) -> Result<()> {
    eventually(PATIENCE, || async {
        let said = sink.words().map_err(|error| error.to_string())?;
        match words.iter().find(|words| !said.contains(**words)) {
            Some(missing) => Err(format!("nothing of {missing:?} in:\n{said}")),
            None => Ok(()),
        }
    })
    .await
}

/// A sink that has nothing to write must learn of it, too, and by the cause: the end of its connections tells none.
#[tokio::test(flavor = "multi_thread")]
async fn of_two_sinks_under_one_name_the_second_goes_on() -> Result<()> {
    /// It looks every 2 s, asks who it was, and ends; on a busy machine.
    const NOTICED: Duration = Duration::from_secs(10);
    let scene = Scene::new().await?;
    let (first, second) = (scene.process("first-sink", &[]).await?, scene.process("second-sink", &[]).await?);
    first.start_ready(PATIENCE).await?;
    scene.source.transaction(1, &[Event::Insert(row(1, "a", 0))]).await?;
    scene.becomes(&[(1, "a", 0)]).await?;
    second.start_ready(PATIENCE).await?;
    let status = first.wait(NOTICED).await.context("it is idle, and fenced")?;
    ensure!(!status.success(), "fenced is no success");
    let by = format!("another sink has taken over with epoch 2, by {} from", scene.config.target.user);
    says(&first, &[&by, "table strait.lane", "two sinks run under one name"]).await?;
    ensure!(!first.words()?.contains("starting again"), "the cause is known at once:\n{}", first.words()?);
    scene.source.transaction(2, &[Event::Insert(row(2, "b", 0))]).await?;
    scene.becomes(&[(1, "a", 0), (2, "b", 0)]).await?;
    second.running()?;
    ensure!(!second.words()?.contains("another sink has taken over"), "{}", second.words()?);
    second.stop().await
}

/// Taken over from in the middle of its writing.
#[tokio::test(flavor = "multi_thread")]
async fn a_sink_whose_connections_are_ended_by_another_says_who_it_was() -> Result<()> {
    let scene = Scene::new().await?;
    let (first, second) = (scene.process("busy-sink", &[]).await?, scene.process("taker-sink", &[]).await?);
    scene.source.transaction(1, &[Event::Insert(row(1, "a", 0))]).await?;
    first.start_ready(PATIENCE).await?;
    scene.becomes(&[(1, "a", 0)]).await?;
    // It waits for this row's lock: its connection is ended within a statement.
    let mut holder = scene.server.conn_to(&scene.database).await?;
    holder.query_drop("START TRANSACTION").await?;
    holder.query_drop("UPDATE t SET n = 7 WHERE id = 1").await?;
    scene.source.transaction(2, &[Event::Update(row(1, "a", 0), row(1, "b", 1))]).await?;
    eventually(PATIENCE, || async {
        let status = first.status().await.map_err(|error| error.to_string())?.to_string();
        if status.contains("waits for a lock") { Ok(()) } else { Err(status) }
    })
    .await?;
    second.start_ready(PATIENCE).await?;
    ensure!(!first.wait(PATIENCE).await?.success(), "fenced is no success");
    says(&first, &["another sink has taken over with epoch 2, by"]).await?;
    ensure!(!first.words()?.contains("starting again"), "{}", first.words()?);
    holder.query_drop("ROLLBACK").await?;
    scene.becomes(&[(1, "b", 1)]).await?;
    second.stop().await
}

/// Cause, place and remedy of what stops the process before or at its first record.
#[tokio::test(flavor = "multi_thread")]
async fn the_process_says_what_is_wrong_where_and_what_mends_it() -> Result<()> {
    let server = Lab::shared().mysql().await?;
    let at = "partition 1 offset 0, seq 1-1 record 0, transaction 3e11fa47";
    let cases: [(&str, &str, &[&str]); 4] = [
        (
            "narrower",
            "CREATE TABLE t (id INT PRIMARY KEY, name VARCHAR(100), n SMALLINT)",
            &[
                "is smallint at the target and has less room than the source's INT",
                at,
                "MODIFY COLUMN `n` INT",
                "apply.allow_narrower",
            ],
        ),
        (
            "myisam",
            "CREATE TABLE t (id INT PRIMARY KEY, name VARCHAR(100), n INT) ENGINE=MyISAM",
            &["cannot be applied to", "MyISAM knows no transactions", at, "ENGINE = InnoDB"],
        ),
        (
            "no-table",
            "CREATE TABLE other (id INT PRIMARY KEY)",
            &["does not exist at the target", at, "SHOW CREATE TABLE"],
        ),
        (
            "other-type",
            "CREATE TABLE t (id INT PRIMARY KEY, name VARCHAR(100), n DATE)",
            &["is date at the target and cannot take the source's INT", at, "MODIFY COLUMN `n` INT"],
        ),
    ];
    for (name, table, words) in cases {
        let scene = Scene::on(server, table, &[]).await?;
        scene.source.transaction(1, &[Event::Insert(row(1, "a", 0))]).await?;
        let sink = scene.process(name, &[]).await?;
        sink.start()?;
        ensure!(!sink.wait(PATIENCE).await?.success(), "{name} halts");
        says(&sink, words).await?;
    }
    Ok(())
}

#[tokio::test(flavor = "multi_thread")]
async fn kafka_and_registry_are_waited_for_and_named() -> Result<()> {
    let mut scene = Scene::new().await?;
    let nobody = format!("127.0.0.1:{}", e2e::ports::free_port()?);
    let sink = scene.process("no-kafka", &[("kafka.brokers", &nobody)]).await?;
    sink.start()?;
    says(&sink, &[&nobody, "check kafka.brokers"]).await?;
    sink.running()?;
    sink.stop().await?;
    scene.source.schema_id = Some(7);
    scene.source.transaction(1, &[Event::Insert(row(1, "a", 0))]).await?;
    let registry = format!("http://{nobody}");
    let sink = scene.process("no-registry", &[("registry.url", &registry)]).await?;
    sink.start()?;
    says(&sink, &["schema registry cannot be reached", "partition 1 offset 0, seq 1-1", "registry.url"])
        .await?;
    sink.running()?;
    sink.stop().await
}

/// Its values would be read in the target's types, whatever the source's are.
#[tokio::test(flavor = "multi_thread")]
async fn without_types_only_what_they_cannot_change_is_read() -> Result<()> {
    let server = Lab::shared().mysql().await?;
    let mut told = Scene::on(server, TABLE, &[]).await?;
    told.source.without_schema();
    told.source.transaction(1, &[Event::Insert(row(-1, "a", 7))]).await?;
    let running = told.start();
    told.becomes(&[(-1, "a", 7)]).await?;
    running.stop().await?;
    for column in ["DECIMAL(10,2)", "DATETIME(6)", "DATE", "BIT(8)", "BIGINT UNSIGNED"] {
        let table = format!("CREATE TABLE t (id INT PRIMARY KEY, name VARCHAR(100), n {column})");
        let mut scene = Scene::on(server, &table, &[]).await?;
        scene.source.without_schema();
        scene.source.transaction(1, &[Event::Insert(row(1, "a", 7))]).await?;
        let error = scene.start().halts().await?;
        ensure!(
            matches!(&error, Error::UntypedColumn { column, .. } if column == "n"),
            "{column}: {error:?}"
        );
        ensure!(error.remedy().is_some_and(|remedy| remedy.contains("schema.format")));
    }
    Ok(())
}

#[tokio::test(flavor = "multi_thread")]
async fn a_full_target_is_waited_for_and_named() -> Result<()> {
    // A tablespace that may not grow is as full as a disk.
    let full = MySqlOptions::named("full")
        .args(["--innodb-file-per-table=OFF", "--innodb-data-file-path=ibdata1:12M"]);
    let server: &'static MySql = Box::leak(Box::new(MySql::start(full).await?));
    let scene = Scene::on(server, "CREATE TABLE t (id INT PRIMARY KEY, name LONGTEXT, n INT)", &[]).await?;
    scene.source.transaction(1, &[Event::Insert(row(1, "a", 0))]).await?;
    let running = scene.start();
    scene.becomes(&[(1, "a", 0)]).await?;
    let mut conn = server.conn_to(&scene.database).await?;
    conn.query_drop("CREATE TABLE ballast (b LONGBLOB)").await?;
    for size in [512 << 10, 16 << 10] {
        while conn.query_drop(format!("INSERT INTO ballast VALUES (REPEAT('x', {size}))")).await.is_ok() {}
    }
    let large = "y".repeat(300 << 10);
    scene.source.transaction(2, &[Event::Insert(row(2, &large, 0))]).await?;
    eventually(PATIENCE, || async {
        let status = running.context.status.to_json().to_string();
        let named = ["has no space left", "seq 1-2 record 0", "tries again by itself"];
        if named.iter().all(|words| status.contains(words)) { Ok(()) } else { Err(status) }
    })
    .await?;
    ensure!(!running.task.is_finished(), "it tries on");
    conn.query_drop("DROP TABLE ballast").await?;
    scene.becomes(&[(1, "a", 0), (2, &large, 0)]).await?;
    running.stop().await
}
