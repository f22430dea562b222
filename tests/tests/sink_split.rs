//! A source transaction larger than a batch, of which the connector's Kafka transactions show a part only, and
//! `kill -9` just then: the target has all of it or nothing, whoever is killed, and in the end all.

use std::{
    collections::BTreeSet,
    sync::{
        Arc,
        atomic::{AtomicBool, Ordering},
    },
    time::{Duration, Instant},
};

use anyhow::{Context as _, Result, bail, ensure};
use e2e::{
    Lab, MySql, Program, Strait, compare::compare, eventually, fresh_name, oracle::PositionReader, scenario,
};
use mysql_async::prelude::Queryable;

const PATIENCE: Duration = Duration::from_mins(5);
/// Open for seconds at 64 KiB a Kafka transaction.
const ROWS: u64 = 60_000;

struct Scene {
    source: &'static MySql,
    target: &'static MySql,
    database: String,
    prefix: String,
    bootstrap: String,
    connector: Strait,
    sink: Strait,
}

impl Scene {
    async fn new() -> Result<Self> {
        let lab = Lab::shared();
        let (source, target, kafka) = (lab.mysql().await?, lab.target().await?, lab.kafka().await?);
        let database = source.database("split").await?;
        let create = format!("CREATE TABLE {database}.t (id INT PRIMARY KEY, filler VARCHAR(200))");
        source.run([&create]).await?;
        target.run([&format!("CREATE DATABASE {database}"), &create]).await?;
        let (prefix, bootstrap) = (fresh_name("split").replace('_', "-"), kafka.bootstrap().to_owned());
        let connector = [
            ("prefix", prefix.as_str()),
            ("source.host", source.host()),
            ("source.port", &source.port().to_string()),
            ("source.user", source.user()),
            ("kafka.brokers", &bootstrap),
            ("schema.format", "json"),
            ("database.include.list", &database),
            ("publish.bytes", "64 KiB"),
            ("publish.channel", "64 KiB"),
        ];
        let connector = Strait::new(Program::Connector, "split-connector", connector).await?;
        let sink = [
            ("prefix", prefix.as_str()),
            ("target.host", target.host()),
            ("target.port", &target.port().to_string()),
            ("target.user", target.user()),
            ("kafka.brokers", &bootstrap),
            ("apply.batch_rows", "200"),
        ];
        let sink = Strait::new(Program::Sink, "split-sink", sink).await?;
        Ok(Self { source, target, database, prefix, bootstrap, connector, sink })
    }

    /// One row is there before the large transaction, so that both processes are known to work.
    async fn begin(&self) -> Result<()> {
        self.connector.start_ready(PATIENCE).await?;
        self.sink.start_ready(PATIENCE).await?;
        self.source.run([format!("INSERT INTO {}.t VALUES (0, 'before')", self.database)]).await?;
        self.counts(1).await
    }

    async fn write_large(&self) -> Result<()> {
        let insert = format!(
            "INSERT INTO {}.t WITH RECURSIVE n (id) AS (SELECT 1 UNION ALL SELECT id + 1 FROM n WHERE id < {ROWS}) \
             SELECT id, REPEAT(CHAR(97 + id % 26), 100) FROM n",
            self.database
        );
        self.source.run(["SET SESSION cte_max_recursion_depth = 10000000", &insert]).await
    }

    /// Returns once the connector has published so many records of a transaction that it has not ended.
    async fn inside(&self, records: u32) -> Result<()> {
        let mut position = PositionReader::new(&self.bootstrap, &self.prefix)?;
        let reading = tokio::task::spawn_blocking(move || {
            let began = Instant::now();
            while began.elapsed() < PATIENCE {
                let position = position.latest(Duration::from_millis(100))?;
                let inside = position.and_then(|position| position.inside.as_ref());
                if inside.is_some_and(|inside| inside.next_index >= records) {
                    return Ok(());
                }
            }
            bail!("never seen inside the transaction")
        });
        reading.await?
    }

    /// Waits until the sink has the open part and waits for its end; nothing of it may show meanwhile.
    async fn waits_for_the_close(&self) -> Result<()> {
        let count = eventually(PATIENCE, || async {
            let status = self.sink.status().await.map_err(|error| format!("{error:#}"))?.to_string();
            let count = self.count().await.map_err(|error| format!("{error:#}"))?;
            let waits = status.contains("waiting for the connector to close seq");
            if waits || count != 1 { Ok(count) } else { Err(status) }
        })
        .await?;
        ensure!(count == 1, "{count} rows: a part was applied before the end was published");
        Ok(())
    }

    /// Waits until the sink has written so many rows, as a reader sees who may read what is not committed.
    async fn writes(&self, rows: u64) -> Result<()> {
        let mut conn = self.target.conn_to(&self.database).await?;
        conn.query_drop("SET SESSION TRANSACTION ISOLATION LEVEL READ UNCOMMITTED").await?;
        let began = Instant::now();
        loop {
            let seen: u64 = conn.query_first("SELECT COUNT(*) FROM t").await?.context("a count")?;
            if seen > rows {
                return Ok(());
            }
            ensure!(began.elapsed() < PATIENCE, "{seen} rows only:\n{}", self.sink.last_words());
        }
    }

    async fn counts(&self, expected: u64) -> Result<()> {
        eventually(PATIENCE, || async {
            let count = self.count().await.map_err(|error| error.to_string())?;
            if count == expected { Ok(()) } else { Err(count.to_string()) }
        })
        .await
        .with_context(|| format!("the sink's last words:\n{}", self.sink.last_words()))
    }

    async fn count(&self) -> Result<u64> {
        let mut conn = self.target.conn_to(&self.database).await?;
        conn.query_first("SELECT COUNT(*) FROM t").await?.context("a count")
    }

    /// Reads on and on; gives all that it has ever seen.
    fn reader(&self) -> (Arc<AtomicBool>, tokio::task::JoinHandle<Result<BTreeSet<u64>>>) {
        let stop = Arc::new(AtomicBool::new(false));
        let (stopped, target, database) = (Arc::clone(&stop), self.target, self.database.clone());
        let task = tokio::spawn(async move {
            let mut conn = target.conn_to(&database).await?;
            let mut seen = BTreeSet::new();
            loop {
                // The last look comes after the end.
                let last = stopped.load(Ordering::Relaxed);
                seen.insert(conn.query_first("SELECT COUNT(*) FROM t").await?.context("a count")?);
                if last {
                    return Ok(seen);
                }
            }
        });
        (stop, task)
    }
}

async fn whole_or_nothing(connector_is_killed_too: bool, default_seed: u64) -> Result<()> {
    let seed = scenario::seed(default_seed)?;
    let mut random = fastrand::Rng::with_seed(seed);
    let (published, written) = (random.u32(500..ROWS as u32 / 4), random.u64(500..ROWS / 4));
    let scene = Scene::new().await?;
    let run = async {
        scene.begin().await?;
        let (stop, reader) = scene.reader();
        scene.write_large().await?;
        scene.inside(published).await?;
        if connector_is_killed_too {
            scene.connector.kill9().await?;
        }
        scene.waits_for_the_close().await?;
        scene.sink.kill9().await?;
        ensure!(scene.count().await? == 1, "a part was applied before the end was published");
        scene.sink.start_ready(PATIENCE).await?;
        if connector_is_killed_too {
            // Begun anew, with what was open for good: it waits again.
            scene.waits_for_the_close().await?;
            ensure!(scene.count().await? == 1, "a part was applied after the restart");
            scene.connector.start_ready(PATIENCE).await?;
        }
        // Once more, while the target holds a part that is not committed.
        scene.writes(written).await?;
        scene.sink.kill9().await?;
        let count = scene.count().await?;
        ensure!([1, 1 + ROWS].contains(&count), "{count} rows: a part stays after the kill");
        scene.sink.start_ready(PATIENCE).await?;
        scene.counts(1 + ROWS).await?;
        stop.store(true, Ordering::Relaxed);
        let seen = reader.await??;
        ensure!(seen.iter().all(|count| [1, 1 + ROWS].contains(count)), "a reader saw a part: {seen:?}");
        ensure!(seen.len() == 2, "the reader saw too little: {seen:?}");
        compare(scene.source, scene.target, &[&scene.database]).await?.ensure_equal()?;
        scene.sink.stop().await?;
        scene.connector.stop().await
    };
    Box::pin(run).await.with_context(|| format!("STRAIT_SEED={seed}"))
}

#[tokio::test(flavor = "multi_thread")]
async fn a_sink_and_a_connector_killed_inside_a_split_transaction_lose_and_show_no_part() -> Result<()> {
    whole_or_nothing(true, 1).await
}

#[tokio::test(flavor = "multi_thread")]
async fn a_sink_killed_while_the_connector_goes_on_loses_and_shows_no_part() -> Result<()> {
    whole_or_nothing(false, 2).await
}
