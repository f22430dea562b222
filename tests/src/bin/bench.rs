//! `make bench`: measures reading, publishing, applying and latency, each beside its reference in the same run.
//!
//! Arguments name parts (`large`, `one-row`, `choosing`, `latency`, `snapshot`); without any, all of them run. `BENCH_ROWS=250000` makes it
//! smaller. Exit code 1 if a floor was missed.

use std::process::ExitCode;

use anyhow::{Context, Result};
use e2e::bench::run::{Part, Scale, run};

const FULL: u64 = 2_500_000;

fn main() -> Result<ExitCode> {
    let rows = match std::env::var("BENCH_ROWS") {
        Ok(rows) => {
            rows.parse().with_context(|| format!("BENCH_ROWS={rows}: a number of rows is expected"))?
        }
        Err(_) => FULL,
    };
    let scale = Scale::of(rows);
    let chosen = chosen(std::env::args().skip(1))?;
    let runtime = tokio::runtime::Builder::new_multi_thread().enable_all().build()?;
    let table = runtime.block_on(run(scale, &chosen))?;
    println!("{table}");
    let missed = table.missed();
    if missed > 0 {
        println!("{missed} floors missed");
    }
    if rows < FULL {
        println!("measured with {rows} rows instead of {FULL}: start-up weighs more than it should");
    }
    Ok(if missed > 0 { ExitCode::FAILURE } else { ExitCode::SUCCESS })
}

fn chosen(names: impl Iterator<Item = String>) -> Result<Vec<Part>> {
    let parts = names
        .map(|name| {
            let known = Part::ALL.iter().find(|(known, _)| *known == name);
            known.map(|(_, part)| *part).with_context(|| {
                format!("no part {name}; there are {}", Part::ALL.map(|(name, _)| name).join(", "))
            })
        })
        .collect::<Result<Vec<_>>>()?;
    Ok(if parts.is_empty() { Part::ALL.map(|(_, part)| part).into() } else { parts })
}
