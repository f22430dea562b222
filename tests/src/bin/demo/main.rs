//! `demo`: two sites on this machine, 36 ms apart, written at both ends at once, and equal afterwards.

mod addresses;
mod measure;
mod screen;
mod stage;

use std::process::ExitCode;
use std::time::{Duration, Instant};

use anyhow::{Context, Result, bail};
use clap::Parser;
use e2e::compare::Comparison;
use e2e::install::{KafkaFiles, MySqlFiles, RegistryFiles};
use e2e::workload::Shoppers;
use e2e::{Sites, SitesOptions, Workload, eventually, shop};

use measure::Meter;
use screen::{Phase, Screen};
use stage::Stages;

/// Nothing has moved for so long: whatever is missing then will not come.
const PATIENCE: Duration = Duration::from_secs(15);
/// So many transactions touch every table.
const FIRST: u64 = 25;

/// Boots two sites with MySQL, Kafka and a schema registry each, 36 ms apart; writes at both at once;
/// compares every row; and stays up for you to look around.
#[derive(Debug, Parser)]
#[command(name = "demo", version)]
struct Args {
    /// End after the comparison: with 0 if both sites are equal, else with 1
    #[arg(long)]
    exit: bool,
    /// How long to write
    #[arg(long, env = "DEMO_SECONDS", default_value = "30", value_name = "N")]
    seconds: u64,
    /// Transactions a second at each site
    #[arg(long, env = "DEMO_RATE", default_value = "200", value_name = "N")]
    rate: f64,
}

#[tokio::main]
async fn main() -> ExitCode {
    match Box::pin(demo(&Args::parse())).await {
        Ok(true) => ExitCode::SUCCESS,
        Ok(false) => ExitCode::FAILURE,
        Err(error) => {
            eprintln!("\n  {error:#}");
            ExitCode::FAILURE
        }
    }
}

/// True if both sites ended equal.
async fn demo(args: &Args) -> Result<bool> {
    let screen = Screen::new();
    screen.title();
    let sites = unless_interrupted(set_up(&Stages::new(&screen))).await?;
    let comparison = match unless_interrupted(perform(args, &screen, &sites)).await {
        Ok(comparison) => comparison,
        Err(error) if error.is::<Interrupted>() => return Err(error),
        Err(error) => bail!("{error:#}\n\n{}", sites.last_words()),
    };
    screen.verdict(&comparison);
    if !args.exit {
        addresses::show(&screen, &sites).await?;
        tokio::signal::ctrl_c().await?;
        screen.line("");
    }
    sites.stop().await?;
    Ok(comparison.equal())
}

/// Ctrl-C ends it early; the servers end with this process.
#[derive(Debug, thiserror::Error)]
#[error("interrupted")]
struct Interrupted;

async fn unless_interrupted<T>(work: impl Future<Output = Result<T>>) -> Result<T> {
    let mut work = Box::pin(work);
    tokio::select! {
        done = &mut work => done,
        _ = tokio::signal::ctrl_c() => Err(Interrupted.into()),
    }
}

async fn set_up(stages: &Stages<'_>) -> Result<Sites> {
    stages
        .run(
            "strait-connector and strait-sink built",
            "building (minutes, the first time)",
            e2e::strait::built(),
        )
        .await?;
    stages
        .run("MySQL, Kafka and registry at hand", "downloading what is missing (once)", async {
            tokio::task::spawn_blocking(|| {
                MySqlFiles::install()?;
                KafkaFiles::install()?;
                RegistryFiles::install()
            })
            .await?
        })
        .await?;
    let sites = stages
        .run(
            "beijing and shenzhen booted, 36 ms apart",
            "booting six servers",
            Sites::boot(&SitesOptions::default()),
        )
        .await?;
    stages
        .run("a shop at both: 4 tables, 200 products", "creating a shop", async {
            for site in &sites.sites {
                shop::create(&site.servers.mysql).await?;
            }
            Ok(())
        })
        .await?;
    stages.run("connectors and sinks ready", "starting connectors and sinks", sites.start()).await?;
    stages
        .run("first rows across, both ways", "sending first rows across", first_rows(&sites))
        .await
        .with_context(|| sites.last_words())?;
    Ok(sites)
}

/// Topics and schemas come into being with the first row of each table: not what the show is about.
async fn first_rows(sites: &Sites) -> Result<()> {
    let shoppers = start_shoppers(sites, 20.0);
    eventually(Duration::from_mins(1), async || {
        let written = shoppers.each_ref().map(|shoppers| shoppers.counts().transactions);
        if written.iter().all(|&written| written >= FIRST) { Ok(()) } else { Err(written) }
    })
    .await?;
    for shoppers in shoppers {
        shoppers.stop().await;
    }
    sites.quiet(&[shop::DATABASE], PATIENCE).await?.ensure_equal()
}

fn start_shoppers(sites: &Sites, rate: f64) -> [Shoppers; 2] {
    [0, 1].map(|site| {
        let workload = Workload { rate, seed: fastrand::u64(..), ..Workload::at_site(site) };
        workload.start(&sites.sites[site as usize].servers.mysql)
    })
}

/// Writes at both for the time asked for, then waits until nothing moves, and compares.
async fn perform(args: &Args, screen: &Screen, sites: &Sites) -> Result<Comparison> {
    let mut meter = Meter::start(sites).await?;
    let shoppers = start_shoppers(sites, args.rate);
    let length = Duration::from_secs(args.seconds);
    let start = Instant::now();
    while start.elapsed() < length {
        for process in sites.processes() {
            process.running()?;
        }
        let phase = Phase::Writing { so_far: start.elapsed(), of: length };
        screen.frame(phase, &meter.read(sites, shoppers.each_ref().map(Shoppers::counts)).await?);
        tokio::time::sleep(screen.pause()).await;
    }
    let [beijing, shenzhen] = shoppers;
    let counts = [beijing.stop().await, shenzhen.stop().await];
    let stopped = Instant::now();
    let databases = [shop::DATABASE];
    let mut quiet = std::pin::pin!(sites.quiet(&databases, PATIENCE));
    loop {
        let phase = Phase::Settling { since: stopped.elapsed() };
        let drawn = async {
            tokio::time::sleep(screen.pause()).await;
            meter.read(sites, counts).await
        };
        tokio::select! {
            comparison = &mut quiet => {
                screen.last_frame(&meter.summary(sites, counts, stopped - start).await?);
                return comparison;
            }
            readings = drawn => screen.frame(phase, &readings?),
        }
    }
}
