//! What it costs to leave tables out: the connector's CPU time for each megabyte of binary log, publishing all of 100 tables
//! against one of them. Both read the same log.

use std::time::{Duration, Instant};

use anyhow::{Context, Result, ensure};
use strait_mysql::gtid::GtidSet;

use super::{drain, load, rig::Rig};
use crate::{Strait, oracle::PositionReader};

const PATIENCE: Duration = Duration::from_mins(10);

/// CPU seconds a megabyte of binary log.
#[derive(Debug, Clone, Copy)]
pub struct Cost(pub f64);

/// Publishes what `tables` matches, from after `before` up to `goal`.
pub async fn cost(rig: &Rig, name: &str, tables: &str, before: &str, goal: &str) -> Result<Cost> {
    let mut settings = drain::connector_settings(rig, name, before);
    settings.retain(|(key, _)| *key != "database.exclude.list");
    settings.push(("table.include.list", format!("{}\\.{tables}", load::MANY_DATABASE)));
    let connector = Strait::new(crate::Program::Connector, name, settings).await?;
    let goal: GtidSet = goal.parse().context("the goal's GTID set")?;
    let started = Instant::now();
    connector.start()?;
    tokio::task::block_in_place(|| {
        let mut reader = PositionReader::new(rig.kafka.bootstrap(), name)?;
        while !drain::has_published(&mut reader, &goal)? {
            connector.running()?;
            ensure!(started.elapsed() < PATIENCE, "not read after {PATIENCE:?}:\n{}", connector.last_words());
        }
        anyhow::Ok(())
    })?;
    let cpu = connector.usage()?.cpu;
    let bytes = connector.metrics().await?.sum("strait_connector_source_bytes_total").context("bytes")?;
    connector.stop().await?;
    Ok(Cost(cpu.as_secs_f64() / (bytes / 1e6)))
}
