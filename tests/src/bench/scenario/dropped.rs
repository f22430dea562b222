//! Transactions that the connector reads and does not publish: of tables that are left out, and those that a sink wrote.
//!
//! What they cost is what two-way operation and choosing cost. Starting the process costs as much as reading many of them, so each
//! round also starts a connector that has nothing to read, and takes its CPU time off.

use std::time::Duration;

use anyhow::{Result, ensure};

use super::{SEED, publishing::packets};
use crate::{
    MySql, Strait,
    bench::{
        bare_events::read_events,
        drain::{self, each_us},
        figure::{Figure, Target},
        load::{Load, Procedure, Table},
        rig::{self, Rig, Settings},
        samples::Samples,
        scale::Scale,
        suite::say,
        topics,
    },
};

const READY: Duration = Duration::from_mins(1);
/// A connector that publishes nothing tells of its progress once a second; so the others idle for about as long, too.
const IDLE: Duration = Duration::from_secs(1);

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Size {
    /// 1,000 rows a transaction; the reference is the bare packets.
    Bulk,
    /// One row a transaction; the reference is the client library's event stream.
    OneRow,
}

impl Size {
    fn tables(self) -> &'static [Table] {
        match self {
            Self::Bulk => &[Table::Bulk],
            Self::OneRow => &Table::SMALL,
        }
    }

    async fn load(self, source: &MySql, scale: Scale) -> Result<Backlog> {
        say("loading");
        let before = rig::executed(source).await?;
        let (load, opts) = (Load::logged(SEED), rig::opts(source));
        let rows = match self {
            Self::Bulk => {
                load.large_transactions(&opts, scale.rows).await?;
                scale.rows
            }
            Self::OneRow => {
                load.small_transactions(&opts, Procedure::OneRow, 0, scale.one_row()).await?;
                scale.one_row()
            }
        };
        Ok(Backlog { before, goal: rig::executed(source).await?, rows })
    }
}

/// In the binary log of one server.
struct Backlog {
    before: String,
    goal: String,
    rows: u64,
}

/// Of tables that the settings leave out.
pub async fn filtered(scale: Scale, size: Size) -> Result<Vec<Figure>> {
    let rig = Rig::start(size.tables()).await?;
    let backlog = size.load(&rig.source, scale).await?;
    let extra = vec![("database.exclude.list", "bench, generator".to_owned())];
    let figures = rounds(&rig, &rig.source, scale, size, &backlog, "filtered", &extra).await?;
    rig.end()?;
    Ok(figures)
}

/// Of a sink: the target's connector reads what was applied there. Each transaction is one of the source's.
pub async fn looped(scale: Scale, size: Size) -> Result<Vec<Figure>> {
    let rig = Rig::start(size.tables()).await?;
    let loaded = size.load(&rig.source, scale).await?;
    say("publishing and applying");
    let connector = rig.connector(&rig.source, "origin", &loaded.before, Settings::new()).await?;
    drain::publish(&rig, &connector, "origin", &loaded.goal)?;
    connector.stop().await?;
    let sink_extra = match size {
        Size::Bulk => Settings::new(),
        Size::OneRow => vec![("apply.batch_rows", "1".to_owned())],
    };
    // Beside the rows the log has the sink's own tables and how it began.
    let before = rig::executed(&rig.target).await?;
    let sink = rig.sink(&rig.target, "origin", "sink", sink_extra).await?;
    rig.target.run(["SET GLOBAL sync_binlog = 0", "SET GLOBAL innodb_flush_log_at_trx_commit = 0"]).await?;
    let goal = drain::last_seq(&rig, "origin")?;
    drain::apply(&rig.target, &sink, "origin", "sink", goal).await?;
    sink.stop().await?;
    rig.target.run(["SET GLOBAL sync_binlog = 1", "SET GLOBAL innodb_flush_log_at_trx_commit = 1"]).await?;
    rig.ensure_equal(&rig.source, &rig.target).await?;
    let backlog = Backlog { before, goal: rig::executed(&rig.target).await?, rows: loaded.rows };
    let figures = rounds(&rig, &rig.target, scale, size, &backlog, "looped", &Settings::new()).await?;
    rig.end()?;
    Ok(figures)
}

/// By turns: the reference, a connector with nothing to read, a connector that drops all of it.
async fn rounds(
    rig: &Rig,
    source: &MySql,
    scale: Scale,
    size: Size,
    backlog: &Backlog,
    outcome: &str,
    extra: &Settings,
) -> Result<Vec<Figure>> {
    let Backlog { before, goal, rows } = backlog;
    let (mut cpu, mut reference, mut start) = (Samples::default(), Samples::default(), Samples::default());
    let mut memory = Samples::default();
    for round in 1..=scale.rounds {
        say(&format!("round {round}"));
        let floor = match size {
            Size::Bulk => packets(source, before)?.cpu,
            Size::OneRow => {
                let (opts, before) = (rig::opts(source), before.clone());
                tokio::task::block_in_place(|| read_events(opts, 4_000_002, &before))?.cpu
            }
        };
        let idle = start_alone(rig, source, &format!("idle{round}x"), goal, extra).await?;
        let prefix = format!("round{round}x");
        let connector = rig.connector(source, &prefix, before, extra.clone()).await?;
        let drain = drain::publish(rig, &connector, &prefix, goal)?;
        ensure_dropped(&connector, outcome).await?;
        connector.stop().await?;
        topics::delete(&rig.kafka, &prefix).await?;
        // Below zero where there was so little to read that the start says nothing about it.
        cpu.push(drain.cpu_us(*rows) - each_us(idle, *rows));
        start.push(idle.as_secs_f64() * 1e3);
        reference.push(each_us(floor, *rows));
        memory.push(drain.peak_mb());
    }
    let (what, beside, most) = match size {
        Size::Bulk => ("CPU a row", "packets only", 1.5),
        Size::OneRow => ("CPU a transaction", "bare event stream", 1.3),
    };
    Ok(vec![
        Figure::lower(what, "us", cpu).beside(beside, &reference).target(Target::AtMostTimes(most)),
        Figure::lower("CPU of the start, taken off", "ms", start),
        Figure::lower("peak memory", "MB", memory).target(Target::AtMost(64.0)),
    ])
}

/// The CPU time of a connector that starts at the log's end.
async fn start_alone(
    rig: &Rig,
    source: &MySql,
    prefix: &str,
    end: &str,
    extra: &Settings,
) -> Result<Duration> {
    let connector = rig.connector(source, prefix, end, extra.clone()).await?;
    connector.start_ready(READY).await?;
    tokio::time::sleep(IDLE).await;
    let cpu = connector.usage()?.cpu;
    connector.stop().await?;
    topics::delete(&rig.kafka, prefix).await?;
    Ok(cpu)
}

/// Nothing was published; that everything was read the position says.
async fn ensure_dropped(connector: &Strait, outcome: &str) -> Result<()> {
    let metrics = connector.metrics().await?;
    let published = metrics.sum("strait_connector_rows_total").unwrap_or_default();
    let name = "strait_connector_transactions_total";
    let dropped = metrics.sum_where(name, &[("outcome", outcome)]).unwrap_or_default();
    ensure!(
        published == 0.0 && dropped > 0.0,
        "{published} rows were published and {dropped} transactions {outcome}"
    );
    Ok(())
}
