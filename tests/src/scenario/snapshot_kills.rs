//! A large table arrives while it is written to at a steady pace and connector and sink are killed again and again:
//! equal at the end, no table of the source is held for longer than a moment, and neither process grows.

use std::{
    collections::HashMap,
    sync::{
        Arc,
        atomic::{AtomicBool, Ordering},
    },
    time::{Duration, Instant},
};

use anyhow::{Context, Result, ensure};
use mysql_async::{Conn, Opts, prelude::Queryable};
use tokio::task::JoinHandle;

use crate::{
    Sites, SitesOptions, Strait,
    bench::load::{self, DATABASE, Load, Table},
    eventually,
    sites::Site,
};

const READY: Duration = Duration::from_mins(1);
const PATIENCE: Duration = Duration::from_mins(20);
const WRITERS: u64 = 4;
/// Nobody may hold a table's metadata for longer.
const LONGEST_HOLD: Duration = Duration::from_secs(1);
const LOOK: Duration = Duration::from_millis(100);
const CONNECTOR_MB: u64 = 64;
const SINK_MB: u64 = 192;

#[derive(Debug, Clone, Copy)]
pub struct SnapshotKills {
    pub seed: u64,
    /// Of about 200 bytes.
    pub rows: u64,
    pub writes_per_second: u64,
    pub kills: u32,
}

/// The greatest memory that each has had, in MB, over all of its lives.
#[derive(Debug, Default)]
struct Peaks {
    connector: u64,
    sink: u64,
}

impl Peaks {
    fn look(&mut self, sites: &Sites) -> Result<()> {
        let peak = |process: &Strait| anyhow::Ok(process.usage()?.peak_rss >> 20);
        self.connector = self.connector.max(peak(&sites.sites[0].connector)?);
        self.sink = self.sink.max(peak(&sites.sites[1].sink)?);
        Ok(())
    }
}

impl SnapshotKills {
    pub async fn run(self) -> Result<String> {
        let options = SitesOptions {
            connector: "snapshot.mode = 'initial'\ndatabase.exclude.list = ['generator']".into(),
            mysql_args: ["--innodb-buffer-pool-size=1G", "--innodb-redo-log-capacity=1G"]
                .map(Into::into)
                .into(),
            ..SitesOptions::with_databases([DATABASE])
        };
        let sites = Sites::boot(&options).await?;
        let source: Opts = sites.sites[0].servers.mysql.opts().into();
        load::create_schema(&source, &[Table::Bulk]).await?;
        load::create_generator(&source).await?;
        Load { seed: self.seed, connections: 4, logged: false }
            .large_transactions(&source, self.rows)
            .await?;
        let done = self.bring(&sites, &source).await;
        let report = done.with_context(|| format!("STRAIT_SEED={}; {}", self.seed, sites.last_words()))?;
        sites.sites[0].connector.stop().await?;
        sites.sites[1].sink.stop().await?;
        Ok(report)
    }

    async fn bring(self, sites: &Sites, source: &Opts) -> Result<String> {
        let writers = Writers::start(source, self);
        let holds = Holds::watch(source.clone());
        let [here, there] = &sites.sites;
        here.connector.start_ready(READY).await?;
        there.sink.start_ready(READY).await?;
        let mut random = fastrand::Rng::with_seed(self.seed);
        let mut peaks = Peaks::default();
        let began = Instant::now();
        for number in 1..=self.kills {
            // The instant itself is what is varied.
            tokio::time::sleep(Duration::from_millis(random.u64(500..4_000))).await;
            for process in [&here.connector, &there.sink] {
                process.running()?;
            }
            ensure!(!is_published(here)?, "the snapshot was over before kill {number}: more rows are needed");
            peaks.look(sites)?;
            let victim = if random.bool() { &here.connector } else { &there.sink };
            victim.kill9().await?;
            victim.start()?;
        }
        eventually(PATIENCE, async || {
            here.connector.running().map_err(|error| format!("{error:#}"))?;
            match is_published(here) {
                Ok(true) => Ok(()),
                other => Err(format!("{other:?}")),
            }
        })
        .await?;
        let seconds = began.elapsed().as_secs();
        let written = writers.stop().await?;
        let hold = holds.stop().await?;
        let comparison = sites.quiet(&[DATABASE], Duration::from_mins(2)).await?;
        ensure!(comparison.equal(), "{comparison}");
        peaks.look(sites)?;
        ensure!(hold <= LONGEST_HOLD, "a table's metadata was held for {hold:?}");
        ensure!(
            peaks.connector <= CONNECTOR_MB && peaks.sink <= SINK_MB,
            "{peaks:?} MB, more than {CONNECTOR_MB} and {SINK_MB}"
        );
        Ok(format!(
            "{comparison} after {} kills in {seconds} s under {} writes/s; metadata held for {hold:?} at most; memory at most {} MB and {} MB",
            self.kills,
            written / seconds.max(1),
            peaks.connector,
            peaks.sink
        ))
    }
}

fn is_published(site: &Site) -> Result<bool> {
    Ok(site.connector.words()?.contains("the snapshot is complete"))
}

/// One-row changes of the table at a steady pace.
struct Writers {
    stop: Arc<AtomicBool>,
    tasks: Vec<JoinHandle<Result<u64>>>,
}

impl Writers {
    fn start(source: &Opts, plan: SnapshotKills) -> Self {
        let stop = Arc::new(AtomicBool::new(false));
        let tasks = (0..WRITERS).map(|number| {
            let (source, stop) = (source.clone(), Arc::clone(&stop));
            tokio::spawn(async move { write(source, plan, number, &stop).await })
        });
        Self { tasks: tasks.collect(), stop }
    }

    /// How many changes they made.
    async fn stop(self) -> Result<u64> {
        self.stop.store(true, Ordering::Relaxed);
        let mut written = 0;
        for task in self.tasks {
            written += task.await??;
        }
        Ok(written)
    }
}

async fn write(source: Opts, plan: SnapshotKills, number: u64, stop: &AtomicBool) -> Result<u64> {
    let mut conn = Conn::new(source).await?;
    let mut random = fastrand::Rng::with_seed(plan.seed + 1 + number);
    let began = Instant::now();
    let mut written = 0;
    while !stop.load(Ordering::Relaxed) {
        let due = began + Duration::from_micros(written * WRITERS * 1_000_000 / plan.writes_per_second);
        tokio::time::sleep_until(due.into()).await;
        let id = random.u64(1..=plan.rows + plan.rows / 10);
        let sql = match random.u32(..8) {
            0 => format!("DELETE FROM {DATABASE}.bulk WHERE id = {id}"),
            1 | 2 => format!("REPLACE INTO {DATABASE}.bulk VALUES ({id}, {written}, 'again', 'again')"),
            // A key moves to where the snapshot has been, or will be.
            3 => format!(
                "UPDATE IGNORE {DATABASE}.bulk SET id = {} WHERE id = {id}",
                random.u64(1..=plan.rows)
            ),
            _ => format!("UPDATE {DATABASE}.bulk SET k = k + 1 WHERE id = {id}"),
        };
        conn.query_drop(&sql).await.context(sql)?;
        written += 1;
    }
    Ok(written)
}

/// How long any one statement holds the metadata of a table.
struct Holds {
    stop: Arc<AtomicBool>,
    task: JoinHandle<Result<Duration>>,
}

impl Holds {
    fn watch(source: Opts) -> Self {
        let stop = Arc::new(AtomicBool::new(false));
        let told = Arc::clone(&stop);
        Self { stop, task: tokio::spawn(async move { look_on(source, &told).await }) }
    }

    async fn stop(self) -> Result<Duration> {
        self.stop.store(true, Ordering::Relaxed);
        self.task.await?
    }
}

/// A lock is known by its thread and the statement that took it.
async fn look_on(source: Opts, stop: &AtomicBool) -> Result<Duration> {
    let mut conn = Conn::new(source).await?;
    let locks = format!(
        "SELECT OWNER_THREAD_ID, OWNER_EVENT_ID FROM performance_schema.metadata_locks \
         WHERE OBJECT_TYPE = 'TABLE' AND OBJECT_SCHEMA = '{DATABASE}' AND LOCK_STATUS = 'GRANTED'"
    );
    let mut held: HashMap<(u64, u64), Instant> = HashMap::new();
    let mut longest = Duration::ZERO;
    while !stop.load(Ordering::Relaxed) {
        let now = Instant::now();
        let found: Vec<(u64, u64)> = conn.query(&locks).await?;
        held.retain(|lock, _| found.contains(lock));
        for lock in found {
            longest = longest.max(now - *held.entry(lock).or_insert(now));
        }
        tokio::time::sleep(LOOK).await;
    }
    Ok(longest)
}
