//! `demo`: two sites on this machine, 36 ms apart, written at both ends at once, and equal afterwards.

mod addresses;
mod measure;
mod screen;
mod stage;

use std::process::ExitCode;
use std::time::{Duration, Instant};

use anyhow::{Result, bail};
use clap::Parser;
use e2e::compare::Comparison;
use e2e::install::{KafkaFiles, MySqlFiles, registry_jar};
use e2e::workload::Shoppers;
use e2e::{Sites, SitesOptions, Workload, shop};

use measure::Meter;
use screen::Screen;
use stage::Stages;

/// Nothing has moved for so long: whatever is missing then will not come.
const PATIENCE: Duration = Duration::from_secs(15);

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
    let args = Args::parse();
    let done = tokio::select! {
        done = demo(&args) => done,
        _ = tokio::signal::ctrl_c() => Err(anyhow::anyhow!("interrupted")),
    };
    match done {
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
    let sites = Box::pin(set_up(&Stages::new(&screen))).await?;
    let comparison = match perform(args, &screen, &sites).await {
        Ok(comparison) => comparison,
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
                registry_jar()
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
    Ok(sites)
}

/// Writes at both for the time asked for, then waits until nothing moves, and compares.
async fn perform(args: &Args, screen: &Screen, sites: &Sites) -> Result<Comparison> {
    let shoppers = [0, 1].map(|site| {
        let workload = Workload { rate: args.rate, ..Workload::at_site(site as u64) };
        workload.start(&sites.sites[site].servers.mysql)
    });
    let mut meter = Meter::new();
    let length = Duration::from_secs(args.seconds);
    let start = Instant::now();
    while start.elapsed() < length {
        frame(
            &mut meter,
            screen,
            sites,
            &shoppers,
            screen::Phase::Writing { for_now: start.elapsed(), of: length },
        )
        .await?;
    }
    let [beijing, shenzhen] = shoppers;
    let counts = [beijing.stop().await, shenzhen.stop().await];
    let stopped = Instant::now();
    let databases = [shop::DATABASE];
    let mut quiet = std::pin::pin!(sites.quiet(&databases, PATIENCE));
    loop {
        let phase = screen::Phase::Settling { since: stopped.elapsed() };
        let drawn = async {
            tokio::time::sleep(screen.pause()).await;
            meter.read(sites, counts).await
        };
        tokio::select! {
            comparison = &mut quiet => {
                let last = meter.read(sites, counts).await?;
                screen.last_frame(&last);
                return comparison;
            }
            readings = drawn => screen.frame(phase, &readings?),
        }
    }
}

async fn frame(
    meter: &mut Meter,
    screen: &Screen,
    sites: &Sites,
    shoppers: &[Shoppers; 2],
    phase: screen::Phase,
) -> Result<()> {
    for process in sites.processes() {
        process.running()?;
    }
    let counts = shoppers.each_ref().map(Shoppers::counts);
    screen.frame(phase, &meter.read(sites, counts).await?);
    tokio::time::sleep(screen.pause()).await;
    Ok(())
}
