//! The connector drains a backlog, against reading only the packets of the same binlog, and MySQL's own copier of it.
//!
//! Each round is a first start under a prefix of its own. At the end a sink applies what the last round published, and both
//! servers must be equal.

use std::time::Duration;

use anyhow::{Context, Result, ensure};

use super::SEED;
use crate::{
    Strait,
    bench::{
        drain::{self, Drain, each_us},
        figure::{Figure, Target},
        load::{Load, Procedure, Table},
        packets::{HeldInterval, PacketsRead, read_packets},
        raw_dump::dump_raw,
        rig::{self, Rig, Settings},
        samples::Samples,
        scale::Scale,
        suite::say,
        topics,
    },
    child::Usage,
    run_dir::make_dir,
};

/// Transactions of 1,000 rows.
pub async fn bulk(scale: Scale, format: &str) -> Result<Vec<Figure>> {
    let avro = format == "avro";
    let rig = Rig::start(&[Table::Bulk]).await?;
    let before = rig::executed(&rig.source).await?;
    let log_file = rig::new_log_file(&rig.source).await?;
    say("loading");
    Load::logged(SEED).large_transactions(&rig::opts(&rig.source), scale.rows).await?;
    let goal = rig::executed(&rig.source).await?;
    let extra = vec![("schema.format", format.to_owned())];
    let backlog = Backlog { before, goal, count: scale.rows, log_file: avro.then_some(log_file) };
    let rounds = backlog.rounds(&rig, scale, &extra).await?;
    rig.end()?;
    let cpu = Figure::lower("CPU a row", "us", rounds.cpu.clone()).beside("packets only", &rounds.floor_cpu);
    let wall = Figure::higher("rows", "rows/s", rounds.rate.clone())
        .beside("packets only", &rounds.floor_rate)
        .target(Target::AtLeast(if avro { 200e3 } else { 150e3 }));
    let memory = Figure::lower("peak memory", "MB", rounds.memory).target(Target::AtMost(64.0));
    if !avro {
        return Ok(vec![wall, cpu, memory]);
    }
    let copier = "mysqlbinlog --raw";
    Ok(vec![
        cpu.target(Target::AtMost(4.0)),
        wall,
        memory,
        Figure::lower("CPU a row beside MySQL's copier", "us", rounds.cpu).beside(copier, &rounds.copier_cpu),
        Figure::higher("rows beside MySQL's copier", "rows/s", rounds.rate)
            .beside(copier, &rounds.copier_rate),
    ])
}

/// Transactions of one row.
pub async fn one_row(scale: Scale) -> Result<Vec<Figure>> {
    let rig = Rig::start(&Table::SMALL).await?;
    let before = rig::executed(&rig.source).await?;
    say("loading");
    let count = scale.one_row();
    Load::logged(SEED).small_transactions(&rig::opts(&rig.source), Procedure::OneRow, 0, count).await?;
    let goal = rig::executed(&rig.source).await?;
    let backlog = Backlog { before, goal, count, log_file: None };
    let rounds = backlog.rounds(&rig, scale, &Settings::new()).await?;
    rig.end()?;
    Ok(vec![
        Figure::lower("CPU a transaction", "us", rounds.cpu)
            .beside("packets only", &rounds.floor_cpu)
            .target(Target::AtMost(6.0)),
        Figure::higher("transactions", "/s", rounds.rate)
            .beside("packets only", &rounds.floor_rate)
            .target(Target::AtLeast(100e3)),
        Figure::lower("peak memory", "MB", rounds.memory).target(Target::AtMost(64.0)),
    ])
}

/// What is drained again and again.
struct Backlog {
    /// Executed before it and after it.
    before: String,
    goal: String,
    /// Rows, or transactions of one row.
    count: u64,
    /// The first file of it, where MySQL's own copier takes part.
    log_file: Option<String>,
}

#[derive(Default)]
struct Rounds {
    cpu: Samples,
    rate: Samples,
    memory: Samples,
    floor_cpu: Samples,
    floor_rate: Samples,
    copier_cpu: Samples,
    copier_rate: Samples,
}

impl Backlog {
    /// By turns: the bare packets, the copier, the connector. The last round is applied and compared.
    async fn rounds(&self, rig: &Rig, scale: Scale, extra: &Settings) -> Result<Rounds> {
        let mut rounds = Rounds::default();
        for round in 1..=scale.rounds {
            say(&format!("round {round}"));
            let floor = packets(&rig.source, &self.before)?;
            rounds.floor_cpu.push(each_us(floor.cpu, self.count));
            rounds.floor_rate.push(self.count as f64 / floor.elapsed.as_secs_f64());
            if let Some(file) = &self.log_file {
                let (elapsed, usage) = copy(rig, file.clone()).await?;
                rounds.copier_cpu.push(each_us(usage.cpu, self.count));
                rounds.copier_rate.push(self.count as f64 / elapsed.as_secs_f64());
            }
            let prefix = format!("round{round}x");
            let connector = rig.connector(&rig.source, &prefix, &self.before, extra.clone()).await?;
            let drain = drain::publish(rig, &connector, &prefix, &self.goal)?;
            ensure_published(&connector, self.count).await?;
            connector.stop().await?;
            rounds.add(&drain, self.count);
            if round == scale.rounds {
                arrive(rig, &prefix).await?;
            }
            topics::delete(&rig.kafka, &prefix).await?;
        }
        Ok(rounds)
    }
}

/// The log as files, which are deleted at once.
async fn copy(rig: &Rig, first_file: String) -> Result<(Duration, Usage)> {
    let (directory, tool) = (make_dir("raw")?, rig.source.tool("mysqlbinlog").await?);
    tokio::task::spawn_blocking(move || {
        let copied = dump_raw(tool, &first_file, &directory)?;
        std::fs::remove_dir_all(&directory)?;
        Ok(copied)
    })
    .await?
}

impl Rounds {
    fn add(&mut self, drain: &Drain, count: u64) {
        self.cpu.push(drain.cpu_us(count));
        self.rate.push(drain.per_second(count));
        self.memory.push(drain.peak_mb());
    }
}

/// Every round publishes every row.
async fn ensure_published(connector: &Strait, rows: u64) -> Result<()> {
    let published =
        connector.metrics().await?.sum("strait_connector_rows_total").context("no rows counted")?;
    ensure!(published as u64 == rows, "{published} of {rows} rows were published");
    Ok(())
}

/// What was published makes the target equal to the source.
pub(super) async fn arrive(rig: &Rig, prefix: &str) -> Result<()> {
    say("applying and comparing");
    let sink = rig.sink(&rig.target, prefix, "proof", vec![("apply.path", "auto".to_owned())]).await?;
    drain::apply(&rig.target, &sink, prefix, "proof", drain::last_seq(rig, prefix)?).await?;
    sink.stop().await?;
    rig.ensure_equal(&rig.source, &rig.target).await
}

/// The bare read of what `source` logged after `held`.
pub(super) fn packets(source: &crate::MySql, held: &str) -> Result<PacketsRead> {
    let held: Vec<HeldInterval> = held
        .split(',')
        .map(str::trim)
        .filter(|set| !set.is_empty())
        .map(HeldInterval::parse)
        .collect::<Result<_>>()?;
    tokio::task::block_in_place(|| {
        read_packets(source.host(), source.port(), source.user(), 4_000_001, &held)
    })
}
