//! Many sinks in one consumer group: killed, and paused for longer than their sessions last, under load. Each change of each row is applied
//! once, in its order.

use std::time::{Duration, Instant};

use anyhow::{Context, Result, ensure};
use mysql_async::prelude::Queryable;

use super::{audit, judge::LogStart, ledger};
use crate::{Kafka, Lab, MySql, Program, Strait, compare, fresh_name};

const READY: Duration = Duration::from_mins(1);
const SINKS: usize = 3;
/// The least that a broker takes.
const SESSION_MS: &str = "6000";
/// A paused process has lost its partitions by then.
const PAUSED: Duration = Duration::from_secs(9);
/// Nothing moves for so long only if something is wrong: a session must end, and the group take its time.
const PATIENCE: Duration = Duration::from_secs(90);

#[derive(Debug, Clone, Copy)]
pub struct KeyOrder {
    pub seed: u64,
    pub duration: Duration,
    /// A row's changes of one batch are merged: then not all of them show.
    pub fold: bool,
}

impl KeyOrder {
    pub async fn run(self) -> Result<String> {
        let lab = Lab::shared();
        let (source, target, kafka) =
            tokio::try_join!(lab.mysql(), lab.target(), lab.kafka()).context("boot the servers")?;
        for server in [source, target] {
            ledger::create(&server.opts().into()).await?;
        }
        audit::create(&target.opts().into()).await?;
        let start = LogStart::mark(source).await?;
        let prefix = fresh_name("keyed").replace('_', "-");
        let connector = connector(source, kafka, &prefix).await?;
        connector.start_ready(READY).await?;
        let mut sinks = Vec::new();
        for number in 1..=SINKS {
            let sink = sink(target, kafka, &prefix, &format!("{prefix}-sink-{number}"), self.fold).await?;
            sink.start_ready(READY).await?;
            sinks.push(sink);
        }
        let ran = self.disturbed(source, &sinks).await;
        let disturbed = ran.with_context(|| format!("STRAIT_SEED={}", self.seed))?;

        let comparison = compare::quiet(source, target, &[ledger::DATABASE], PATIENCE).await?;
        let words =
            || sinks.iter().map(|it| format!("{}\n{}", it.name(), it.last_words())).collect::<String>();
        ensure!(comparison.equal(), "STRAIT_SEED={}: {comparison}\n{}", self.seed, words());
        let committed = audit::committed(&start.transactions(source, 2).await?)?;
        let applied = audit::take_applied(&target.opts().into()).await?;
        let verified = match self.fold {
            true => applied.verify_increasing(&committed),
            false => applied.verify_each_once(&committed),
        };
        verified.with_context(|| format!("STRAIT_SEED={}", self.seed))?;
        for process in sinks.iter().chain([&connector]) {
            process.stop().await?;
        }
        for (server, database) in
            [(source, ledger::DATABASE), (target, ledger::DATABASE), (target, audit::DATABASE)]
        {
            drop_database(server, database).await?;
        }
        let Disturbed { kills, pauses } = disturbed;
        Ok(format!(
            "equal after {kills} kills and {pauses} pauses of {SINKS} sinks: {} changes applied, {}",
            applied.changes(),
            if self.fold { "folded" } else { "each that was committed once" }
        ))
    }

    /// Kills and pauses under load, one sink paused at most.
    async fn disturbed(self, source: &MySql, sinks: &[Strait]) -> Result<Disturbed> {
        let mut random = fastrand::Rng::with_seed(self.seed);
        let pace = Duration::from_millis(25);
        let writers = ledger::Writers::start(&source.opts().into(), 4, random.u64(..), 0, pace);
        let began = Instant::now();
        let (mut done, mut paused) = (Disturbed::default(), None);
        while began.elapsed() < self.duration {
            // The instant is what is random here.
            tokio::time::sleep(Duration::from_millis(random.u64(300..3_000))).await;
            for sink in sinks {
                sink.running()?;
            }
            let chosen = random.usize(..sinks.len());
            match paused {
                Some((sink, since)) if Instant::now().duration_since(since) >= PAUSED => {
                    let sink: &Strait = sink;
                    sink.thaw()?;
                    paused = None;
                }
                None if random.bool() => {
                    sinks[chosen].freeze()?;
                    done.pauses += 1;
                    paused = Some((&sinks[chosen], Instant::now()));
                }
                Some((sink, _)) if std::ptr::eq(sink, &raw const sinks[chosen]) => {}
                _ => {
                    sinks[chosen].kill9().await?;
                    sinks[chosen].start()?;
                    done.kills += 1;
                }
            }
        }
        if let Some((sink, _)) = paused {
            sink.thaw()?;
        }
        ensure!(writers.stop().await > 0, "nothing was written");
        Ok(done)
    }
}

/// The servers are shared with runs to come.
async fn drop_database(server: &MySql, database: &str) -> Result<()> {
    let mut conn = server.conn().await?;
    conn.query_drop("SET SESSION sql_log_bin = 0").await?;
    Ok(conn.query_drop(format!("DROP DATABASE {database}")).await?)
}

#[derive(Debug, Default)]
struct Disturbed {
    kills: u32,
    pauses: u32,
}

async fn connector(source: &MySql, kafka: &Kafka, prefix: &str) -> Result<Strait> {
    let port = source.port().to_string();
    let settings = [
        ("prefix", prefix),
        ("source.host", source.host()),
        ("source.port", &port),
        ("source.user", source.user()),
        ("kafka.brokers", kafka.bootstrap()),
        ("schema.format", "json"),
        ("database.include.list", ledger::DATABASE),
        ("snapshot.mode", "never"),
        ("topics.partitions", "6"),
    ];
    Strait::new(Program::Connector, &format!("{prefix}-connector"), settings).await
}

/// A member of the prefix's group. Unfolded, the audit sees each change.
async fn sink(target: &MySql, kafka: &Kafka, prefix: &str, name: &str, fold: bool) -> Result<Strait> {
    let (port, fold) = (target.port().to_string(), fold.to_string());
    let settings = [
        ("order", "key"),
        ("prefix", prefix),
        ("target.host", target.host()),
        ("target.port", &port),
        ("target.user", target.user()),
        ("kafka.brokers", kafka.bootstrap()),
        ("kafka.options.session.timeout.ms", SESSION_MS),
        ("kafka.options.heartbeat.interval.ms", "1000"),
        ("apply.allow_triggers", "true"),
        ("apply.fold", &fold),
        ("apply.lanes", "2"),
    ];
    Strait::new(Program::Sink, name, settings).await
}
