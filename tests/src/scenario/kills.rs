//! SIGKILL at random instants, under load: for connector, sink, both MySQL servers and the broker. Nothing is lost, nothing applied twice.
//!
//! Two halves on the same sites: with `fold = false` the target's audit must show each change of each row exactly once, in order; with
//! folding a row may skip versions, but those that show strictly increase and end at the source's last.

use std::time::Duration;

use anyhow::{Context, Result, ensure};
use mysql_async::Opts;

use super::{
    audit::{self, Audit},
    judge::{Judge, LogStart},
    ledger,
};
use crate::{KafkaOptions, MySql, Sites, SitesOptions, Strait};

const READY: Duration = Duration::from_mins(1);

#[derive(Debug, Clone, Copy)]
pub struct Kills {
    pub seed: u64,
    /// Half of them without folding, half with it.
    pub kills: u32,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Victim {
    Connector,
    Sink,
    Source,
    Target,
    Broker,
}

const VICTIMS: [Victim; 5] =
    [Victim::Connector, Victim::Sink, Victim::Source, Victim::Target, Victim::Broker];

impl Kills {
    pub async fn run(self) -> Result<String> {
        let sites = Sites::boot(&SitesOptions {
            kafka: KafkaOptions { fast_failover: true, ..KafkaOptions::default() },
            sink: settings(false),
            ..SitesOptions::with_databases([ledger::DATABASE])
        })
        .await?;
        let [source, target] = sites.sites.each_ref().map(|site| site.servers.mysql.opts().into());
        for server in [&source, &target] {
            ledger::create(server).await?;
        }
        audit::create(&target).await?;
        let judge = Judge::before_start(&sites).await?;
        sites.start().await?;
        let judged = self.both_halves(&sites, &judge, &source, &target).await;
        let report = judged.with_context(|| format!("STRAIT_SEED={}", self.seed))?;
        sites.stop().await?;
        Ok(report)
    }

    async fn both_halves(self, sites: &Sites, judge: &Judge, source: &Opts, target: &Opts) -> Result<String> {
        let each = self.half(sites, judge, source, 0).await?;
        let applied = audit::take_applied(target).await?;
        applied.verify_each_once(&each).context("without folding")?;

        let sink = &sites.sites[1].sink;
        sink.stop().await?;
        sink.amend(&settings(true))?;
        sink.start_ready(READY).await?;
        let folded = self.half(sites, judge, source, 1).await?;
        let shown = audit::take_applied(target).await?;
        shown.verify_increasing(&folded).context("with folding")?;
        Ok(format!(
            "equal after {} kills; unfolded: {} changes committed and applied once each; folded: {} committed, {} applied",
            self.kills,
            each.changes(),
            folded.changes(),
            shown.changes()
        ))
    }

    /// Kills under load until both sites are equal again; what the source committed meanwhile.
    async fn half(self, sites: &Sites, judge: &Judge, source: &Opts, half: u64) -> Result<Audit> {
        let start = LogStart::mark(&sites.sites[0].servers.mysql).await?;
        let mut random = fastrand::Rng::with_seed(self.seed + half);
        let writers =
            ledger::Writers::start(source, 4, random.u64(..), half << 32, Duration::from_millis(25));
        let mut killed = Ok(());
        for number in 1..=self.kills / 2 {
            killed =
                kill_one(sites, &mut random).await.with_context(|| format!("kill {number} of half {half}"));
            if killed.is_err() {
                break;
            }
        }
        let transactions = writers.stop().await;
        killed?;
        ensure!(transactions > 0, "nothing was written");
        judge.verdict(sites, &[ledger::DATABASE]).await?;
        audit::committed(&start.transactions(&sites.sites[0].servers.mysql, 2).await?)
    }
}

fn settings(fold: bool) -> String {
    format!("[apply]\nallow_triggers = true\nfold = {fold}\n")
}

async fn kill_one(sites: &Sites, random: &mut fastrand::Rng) -> Result<()> {
    // The instant is what is random here; it may fall into the recovery from the kill before.
    tokio::time::sleep(Duration::from_millis(random.u64(50..1_500))).await;
    for process in sites.processes() {
        process.running()?;
    }
    let victim = VICTIMS[random.usize(..VICTIMS.len())];
    kill(sites, victim).await.with_context(|| format!("{victim:?}"))
}

/// Kills it and starts it again; servers are waited for, our own processes are not.
async fn kill(sites: &Sites, victim: Victim) -> Result<()> {
    let [here, there] = &sites.sites;
    match victim {
        Victim::Connector => restart(&here.connector).await,
        Victim::Sink => restart(&there.sink).await,
        Victim::Source => crash(&here.servers.mysql).await,
        Victim::Target => crash(&there.servers.mysql).await,
        Victim::Broker => {
            here.servers.kafka.kill9(0).await?;
            here.servers.kafka.boot(0).await
        }
    }
}

async fn restart(process: &Strait) -> Result<()> {
    process.kill9().await?;
    process.start()
}

async fn crash(server: &MySql) -> Result<()> {
    server.kill9().await?;
    server.boot().await
}
