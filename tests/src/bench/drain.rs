//! How fast each process takes a backlog off: from the start of the process to its last commit.

use std::time::{Duration, Instant};

use anyhow::{Context, Result, ensure};
use mysql_async::prelude::Queryable;
use strait_mysql::gtid::GtidSet;
use strait_schemas::Seq;

use super::rig::Rig;
use crate::{Program, Strait, child::Usage, eventually, oracle::PositionReader};

pub const PREFIX: &str = "bench";
pub const SINK: &str = "bench";
const PATIENCE: Duration = Duration::from_mins(15);

/// A drained backlog.
#[derive(Debug, Clone, Copy)]
pub struct Drain {
    pub elapsed: Duration,
    /// Of the process, since it was started.
    pub usage: Usage,
}

impl Drain {
    pub fn per_second(&self, rows: u64) -> f64 {
        rows as f64 / self.elapsed.as_secs_f64()
    }

    pub fn per_cpu_second(&self, rows: u64) -> f64 {
        rows as f64 / self.usage.cpu.as_secs_f64()
    }
}

/// The connector of the source, which begins after `start` when it has no position yet.
pub async fn connector(rig: &Rig, start: &str) -> Result<Strait> {
    Strait::new(Program::Connector, "connector", connector_settings(rig, PREFIX, start)).await
}

pub fn connector_settings(rig: &Rig, prefix: &str, start: &str) -> Vec<(&'static str, String)> {
    vec![
        ("prefix", prefix.to_owned()),
        ("source.host", rig.source.host().to_owned()),
        ("source.port", rig.source.port().to_string()),
        ("source.user", rig.source.user().to_owned()),
        ("source.start", start.to_owned()),
        ("database.exclude.list", format!("generator, {}", super::load::MANY_DATABASE)),
        ("kafka.brokers", rig.kafka.bootstrap().to_owned()),
        ("registry.url", rig.registry.url().to_owned()),
    ]
}

/// Starts the connector and waits until it has published all of `goal`; it stays running.
pub fn drain_source(rig: &Rig, connector: &Strait, goal: &str) -> Result<Drain> {
    let goal: GtidSet = goal.parse().context("the goal's GTID set")?;
    let mut reader = PositionReader::new(rig.kafka.bootstrap(), PREFIX)?;
    let started = Instant::now();
    connector.start()?;
    tokio::task::block_in_place(|| {
        while !has_published(&mut reader, &goal)? {
            connector.running()?;
            ensure!(
                started.elapsed() < PATIENCE,
                "not published after {PATIENCE:?}:\n{}",
                connector.last_words()
            );
        }
        Ok(Drain { elapsed: started.elapsed(), usage: connector.usage()? })
    })
}

pub fn has_published(reader: &mut PositionReader, goal: &GtidSet) -> Result<bool> {
    let Some(position) = reader.latest(Duration::from_millis(20))? else { return Ok(false) };
    let published: GtidSet = position.gtid_set.as_deref().unwrap_or_default().parse()?;
    Ok(position.inside.is_none() && published.contains_set(goal))
}

/// The last number that the connector has published.
pub fn last_seq(rig: &Rig) -> Result<Seq> {
    let mut reader = PositionReader::new(rig.kafka.bootstrap(), PREFIX)?;
    let position = reader.latest(Duration::from_secs(20))?.context("the position topic is empty")?;
    let next = position.next_seq;
    Ok(Seq::new(next.generation(), next.number() - 1))
}

/// The sink at the target; `far` reads Kafka and the registry through the slow link.
pub async fn sink(rig: &Rig, far: bool) -> Result<Strait> {
    let registry = rig.registry.url();
    let (brokers, registry) = if far {
        (rig.kafka.wan_bootstrap()?, registry.replace(&rig.registry.address(), &rig.far_registry.address()))
    } else {
        (rig.kafka.bootstrap().to_owned(), registry.to_owned())
    };
    let settings = [
        ("name", SINK.to_owned()),
        ("prefix", PREFIX.to_owned()),
        ("target.host", rig.target.host().to_owned()),
        ("target.port", rig.target.port().to_string()),
        ("target.user", rig.target.user().to_owned()),
        ("kafka.brokers", brokers),
        ("registry.url", registry),
    ];
    Strait::new(Program::Sink, "sink", settings).await
}

/// Starts the sink and waits until it has applied everything up to `goal`; it stays running.
pub async fn drain_target(rig: &Rig, sink: &Strait, goal: Seq) -> Result<Drain> {
    let mut conn = rig.target.conn().await?;
    let started = Instant::now();
    sink.start()?;
    loop {
        // The table is not there before the sink's first start.
        let applied = conn.query_first::<Option<u64>, _>("SELECT MAX(seq) FROM strait.lane").await;
        if applied.ok().flatten().flatten().is_some_and(|seq| seq >= goal.raw()) {
            return Ok(Drain { elapsed: started.elapsed(), usage: sink.usage()? });
        }
        sink.running()?;
        ensure!(
            started.elapsed() < PATIENCE,
            "{goal} not applied after {PATIENCE:?}:\n{}",
            sink.last_words()
        );
        tokio::time::sleep(Duration::from_millis(20)).await;
    }
}

/// Waits until the target has `count` rows in `table`.
pub async fn arrived(rig: &Rig, sink: &Strait, table: &str, count: u64) -> Result<()> {
    let mut conn = rig.target.conn().await?;
    let conn = tokio::sync::Mutex::new(&mut conn);
    let all = async || {
        sink.running().map_err(|error| error.to_string())?;
        let sql = format!("SELECT COUNT(*) FROM {}.{table}", super::load::DATABASE);
        let there: Option<u64> =
            conn.lock().await.query_first(sql).await.map_err(|error| error.to_string())?;
        if there == Some(count) { Ok(()) } else { Err(format!("{there:?} of {count} rows in {table}")) }
    };
    eventually(Duration::from_mins(1), all).await
}
