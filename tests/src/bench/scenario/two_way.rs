//! What the way back costs: CPU time a row of all of Strait's processes, with both sites loaded and all four running, against one
//! site loaded and two running.
//!
//! In two-way operation each connector also reads what the sink beside it wrote, and drops it. Every round loads anew, for the
//! logs of both servers have what the sinks wrote in the round before.

use anyhow::Result;

use super::SEED;
use crate::{
    MySql, Strait,
    bench::{
        drain::{applied, last_seq, megabytes, published},
        figure::{Figure, Target},
        load::{Bulk, Load, Table},
        rig::{self, Rig, Settings},
        samples::Samples,
        scale::Scale,
        suite::say,
        topics,
    },
};

/// One direction: what is logged at `from` is applied at `to`.
struct Way<'a> {
    from: &'a MySql,
    to: &'a MySql,
    prefix: String,
    goal: String,
    connector: Strait,
    sink: Strait,
}

pub async fn run(scale: Scale) -> Result<Vec<Figure>> {
    let rig = Rig::start(&[Table::Bulk]).await?;
    let rows = scale.applied();
    let (mut one, mut two, mut memory) = (Samples::default(), Samples::default(), Samples::default());
    for round in 1..=scale.rounds {
        say(&format!("round {round}, one way"));
        empty(&rig).await?;
        let there = Way::load(&rig, &rig.source, &rig.target, &format!("one{round}x"), rows, 0).await?;
        one.push(drain(&rig, &[there], rows).await?.0);
        say(&format!("round {round}, both ways"));
        empty(&rig).await?;
        let there = Way::load(&rig, &rig.source, &rig.target, &format!("there{round}x"), rows, 0).await?;
        let back = Way::load(&rig, &rig.target, &rig.source, &format!("back{round}x"), rows, rows).await?;
        let (cpu, peak) = drain(&rig, &[there, back], 2 * rows).await?;
        two.push(cpu);
        memory.push(peak);
    }
    rig.end()?;
    Ok(vec![
        Figure::lower("CPU a row", "us", two).beside("one way", &one).target(Target::AtMostTimes(1.05)),
        Figure::lower("peak memory of the largest process", "MB", memory),
    ])
}

async fn empty(rig: &Rig) -> Result<()> {
    for server in [&rig.source, &rig.target] {
        server.run(["SET SESSION sql_log_bin = 0", "TRUNCATE bench.bulk"]).await?;
    }
    Ok(())
}

impl<'a> Way<'a> {
    /// Rows with ids from `after + 1` on; nothing is started yet.
    async fn load(
        rig: &Rig,
        from: &'a MySql,
        to: &'a MySql,
        prefix: &str,
        rows: u64,
        after: u64,
    ) -> Result<Self> {
        let before = rig::executed(from).await?;
        let load = Load::logged(SEED);
        load.bulk(&rig::opts(from), rows, after, Bulk::Insert).await?;
        let goal = rig::executed(from).await?;
        let connector = rig.connector(from, prefix, &before, Settings::new()).await?;
        let sink = rig.sink(to, prefix, &format!("{prefix}sink"), Settings::new()).await?;
        Ok(Self { from, to, prefix: prefix.to_owned(), goal, connector, sink })
    }

    fn sink_name(&self) -> String {
        format!("{}sink", self.prefix)
    }
}

/// Starts all at once and waits until everything has been published, applied, and read back by the connector beside it. CPU time a
/// row in microseconds, and the largest peak of memory in MB.
async fn drain(rig: &Rig, ways: &[Way<'_>], rows: u64) -> Result<(f64, f64)> {
    for way in ways {
        way.connector.start()?;
        way.sink.start()?;
    }
    for way in ways {
        published(rig, &way.connector, &way.prefix, &way.goal)?;
        let last = last_seq(rig, &way.prefix)?;
        applied(way.to, &way.sink, &way.prefix, &way.sink_name(), last).await?;
    }
    for way in ways {
        let all = rig::executed(way.from).await?;
        published(rig, &way.connector, &way.prefix, &all)?;
    }
    let (mut cpu, mut peak) = (0.0, 0);
    for process in ways.iter().flat_map(|way| [&way.connector, &way.sink]) {
        let usage = process.usage()?;
        cpu += usage.cpu.as_secs_f64() * 1e6;
        peak = peak.max(usage.peak_rss);
        process.stop().await?;
    }
    rig.ensure_equal(&rig.source, &rig.target).await?;
    for way in ways {
        topics::delete(&rig.kafka, &way.prefix).await?;
    }
    Ok((cpu / rows as f64, megabytes(peak)))
}
