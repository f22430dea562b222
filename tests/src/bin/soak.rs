//! `make soak`: the long forms of the end-to-end scenarios. Arguments name scenarios; without any, all of them run.
//!
//! `STRAIT_SEED` repeats a run's random choices; else they are new ones, and printed.

use std::{
    process::ExitCode,
    time::{Duration, Instant},
};

use anyhow::{Result, bail};
use e2e::mysql::Flavor;
use e2e::scenario::{
    big_transaction::BigTransaction, cuts::Cuts, ddl_kills::DdlKills, key_order::KeyOrder, kills::Kills,
    prefix::Prefix, random, readers::Readers, seed, snapshot_kills::SnapshotKills, sysbench::Sysbench,
    two_way::TwoWay,
};

const SCENARIOS: [&str; 13] = [
    "two_way",
    "sysbench",
    "readers",
    "big_transaction",
    "cuts",
    "kills",
    "prefix",
    "key_order",
    "ddl_kills",
    "ddl_kills_mariadb",
    "snapshot_kills",
    "random",
    "foreign_keys",
];

fn main() -> Result<ExitCode> {
    let mut chosen: Vec<String> = std::env::args().skip(1).collect();
    if chosen.is_empty() {
        chosen = SCENARIOS.map(str::to_owned).into();
    }
    let seed = seed(fastrand::u64(..1_000_000))?;
    println!("STRAIT_SEED={seed}");
    let runtime = tokio::runtime::Builder::new_multi_thread().enable_all().build()?;
    let mut failed = 0;
    for scenario in &chosen {
        let begun = Instant::now();
        let result = runtime.block_on(run(scenario, seed));
        let seconds = begun.elapsed().as_secs();
        match result {
            Ok(report) => println!("{scenario}: {report} ({seconds} s)"),
            Err(error) => {
                println!("{scenario}: FAILED after {seconds} s: {error:?}");
                failed += 1;
            }
        }
    }
    println!("{} of {} scenarios passed", chosen.len() - failed, chosen.len());
    Ok(if failed == 0 { ExitCode::SUCCESS } else { ExitCode::FAILURE })
}

async fn run(scenario: &str, seed: u64) -> Result<String> {
    match scenario {
        "two_way" => TwoWay { seed, transactions: 20_000, rate: 300.0 }.run().await,
        "sysbench" => Sysbench { seconds: 60, rows: 10_000, threads: 2 }.run().await,
        "readers" => Readers { seed, changes: 10_000 }.run().await,
        "big_transaction" => BigTransaction { rows: 1_000_000, patience: Duration::from_mins(5) }.run().await,
        "cuts" => Cuts { seed, duration: Duration::from_mins(2) }.run().await,
        "key_order" => {
            KeyOrder { seed, duration: Duration::from_mins(5), fold: seed.is_multiple_of(2) }.run().await
        }
        "kills" => Kills { seed, kills: 100 }.run().await,
        "prefix" => Prefix { seed, transactions: 1_000_000 }.run().await,
        "ddl_kills" => DdlKills { seed, kills: 80, flavor: Flavor::MySql }.run().await,
        "ddl_kills_mariadb" => DdlKills { seed, kills: 80, flavor: Flavor::MariaDb }.run().await,
        "snapshot_kills" => {
            SnapshotKills { seed, rows: 10_000_000, writes_per_second: 1_000, kills: 20 }.run().await
        }
        "random" => random::long(seed).await,
        "foreign_keys" => random::foreign_keys::long(seed).await,
        other => bail!("no scenario {other}; there are {}", SCENARIOS.join(", ")),
    }
}
