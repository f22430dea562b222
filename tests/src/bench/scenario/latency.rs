//! How long a row takes from its commit at the source to its commit at the target, with little to do.

use std::{collections::HashMap, time::Duration};

use anyhow::{Context, Result};

use crate::{
    Latency, MySql, Strait,
    bench::{
        drain,
        figure::{Figure, Target},
        latency::{Spread, commit_times, write_ticks},
        load::Table,
        rig::{self, Rig, Settings},
        samples::Samples,
        scale::Scale,
        suite::say,
    },
    oracle::BinlogReader,
};

const PER_SECOND: u64 = 1_000;
/// A source that cannot commit as fast has been measured at another load.
const PACE: f64 = 0.95 * PER_SECOND as f64;
const READY: Duration = Duration::from_mins(1);
const PREFIX: &str = "ticking";
const SINK: &str = "main";
/// The far sink's delay one way, and what it may take beyond that and the near one's latency.
const ONE_WAY: f64 = 18.0;
const BEYOND: f64 = 25.0;

#[derive(Default)]
struct Rounds {
    p50: Samples,
    p99: Samples,
    max: Samples,
    pace: Samples,
}

/// All at one site.
pub async fn near(scale: Scale) -> Result<Vec<Figure>> {
    let mut ticking = Ticking::start(scale).await?;
    let sink = ticking.sink(false).await?;
    let mut rounds = Rounds::default();
    for round in 1..=scale.rounds {
        ticking.measure(&sink, &format!("round {round}"), &mut rounds).await?;
    }
    ticking.end().await?;
    Ok(vec![
        Figure::lower("p50", "ms", rounds.p50).target(Target::AtMost(15.0)),
        Figure::lower("p99", "ms", rounds.p99).target(Target::AtMost(50.0)),
        Figure::lower("longest", "ms", rounds.max),
        Figure::higher("pace of the writers", "/s", rounds.pace).target(Target::AtLeast(PACE)),
    ])
}

/// The sink is beside its MySQL, 36 ms away from the broker at the source's site.
pub async fn far(scale: Scale) -> Result<Vec<Figure>> {
    let mut ticking = Ticking::start(scale).await?;
    ticking.rig.set_latency(Latency::WAN);
    let (near, far) = (ticking.sink(false).await?, ticking.sink(true).await?);
    let (mut here, mut there) = (Rounds::default(), Rounds::default());
    for round in 1..=scale.rounds {
        ticking.measure(&near, &format!("round {round}, near"), &mut here).await?;
        ticking.measure(&far, &format!("round {round}, far"), &mut there).await?;
    }
    ticking.end().await?;
    Ok(vec![
        Figure::lower("p50", "ms", there.p50)
            .beside("all at one site", &here.p50)
            .target(Target::AtMostAbove(ONE_WAY + BEYOND)),
        Figure::lower("p99", "ms", there.p99).beside("all at one site", &here.p99),
        Figure::lower("longest", "ms", there.max).beside("all at one site", &here.max),
        Figure::higher("pace of the writers", "/s", there.pace)
            .beside("all at one site", &here.pace)
            .target(Target::AtLeast(PACE)),
    ])
}

struct Ticking {
    rig: Rig,
    connector: Strait,
    /// Of each measurement.
    count: u64,
    /// Rows written so far.
    written: u64,
}

impl Ticking {
    async fn start(scale: Scale) -> Result<Self> {
        let rig = Rig::start(&[Table::Ticks]).await?;
        let before = rig::executed(&rig.source).await?;
        let connector = rig.connector(&rig.source, PREFIX, &before, Settings::new()).await?;
        connector.start_ready(READY).await?;
        Ok(Self { rig, connector, count: scale.seconds() * PER_SECOND, written: 0 })
    }

    /// Both sinks are the same one, by its name: only one of them runs at a time.
    async fn sink(&self, far: bool) -> Result<Strait> {
        let extra = if far { self.rig.far()? } else { Settings::new() };
        self.rig.sink(&self.rig.target, PREFIX, SINK, extra).await
    }

    /// A sink that has just started, and a broker that has just begun to compile its code, are not what is measured: the first
    /// rows of each round warm both.
    async fn measure(&mut self, sink: &Strait, what: &str, rounds: &mut Rounds) -> Result<()> {
        say(what);
        sink.start_ready(READY).await?;
        self.write(sink).await?;
        let source_file = rig::new_log_file(&self.rig.source).await?;
        let target_file = rig::new_log_file(&self.rig.target).await?;
        let pace = self.write(sink).await?;
        sink.stop().await?;
        self.rig.ensure_equal(&self.rig.source, &self.rig.target).await?;
        let at_source = times(&self.rig.source, &source_file).await?;
        let at_target = times(&self.rig.target, &target_file).await?;
        let spread = Spread::between(&at_source, &at_target)?;
        let milliseconds = |duration: Duration| duration.as_secs_f64() * 1e3;
        rounds.p50.push(milliseconds(spread.p50));
        rounds.p99.push(milliseconds(spread.p99));
        rounds.max.push(milliseconds(spread.max));
        rounds.pace.push(pace);
        Ok(())
    }

    /// Writes at the steady pace until all has arrived; the pace that was reached.
    async fn write(&mut self, sink: &Strait) -> Result<f64> {
        let source = rig::opts(&self.rig.source);
        let pace = write_ticks(&source, self.written + 1, self.count, PER_SECOND).await?;
        self.written += self.count;
        drain::arrived(&self.rig.target, sink, "ticks", self.written).await?;
        Ok(pace)
    }

    async fn end(self) -> Result<()> {
        self.connector.stop().await?;
        self.rig.end()
    }
}

async fn times(server: &MySql, file: &str) -> Result<HashMap<u64, i64>> {
    let log = BinlogReader::new(server.tool("mysqlbinlog").await?, file);
    tokio::task::spawn_blocking(move || commit_times(log)).await?.with_context(|| format!("reading {file}"))
}
