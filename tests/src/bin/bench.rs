//! `make bench`: arguments name scenarios; without any, all of them run. `list` shows them, `compare older.jsonl newer.jsonl`
//! shows what became worse between two result files.
//!
//! `BENCH_ROWS=250000` makes it smaller, `BENCH_ROUNDS=9` steadier, `BENCH_OUT=file` names the file of the results. Exit code 1 if
//! a target was missed, a scenario failed, or a figure became worse.

use std::{path::Path, process::ExitCode};

use anyhow::{Result, ensure};
use e2e::bench::{
    comparison, results,
    scale::Scale,
    scenario,
    suite::{self, Outcome},
};

fn main() -> Result<ExitCode> {
    let arguments: Vec<String> = std::env::args().skip(1).collect();
    let good = match arguments.iter().map(String::as_str).collect::<Vec<_>>()[..] {
        ["list"] => {
            for (name, what) in scenario::ALL {
                println!("{name:<28}{what}");
            }
            true
        }
        ["compare", older, newer] => compare(Path::new(older), Path::new(newer))?,
        ["compare", ..] => anyhow::bail!("compare takes two result files, the older one first"),
        _ => measure(arguments)?,
    };
    Ok(if good { ExitCode::SUCCESS } else { ExitCode::FAILURE })
}

fn compare(older: &Path, newer: &Path) -> Result<bool> {
    let comparison = comparison::compare(&results::read(older)?, &results::read(newer)?);
    print!("{comparison}");
    if comparison.worse > 0 {
        println!("{} figures became worse", comparison.worse);
    }
    Ok(comparison.worse == 0)
}

fn measure(mut names: Vec<String>) -> Result<bool> {
    let known = scenario::ALL.map(|(name, _)| name);
    if names.is_empty() {
        names = known.map(str::to_owned).into();
    }
    for name in &names {
        ensure!(known.contains(&name.as_str()), "no scenario {name}; there are {}", known.join(", "));
    }
    let (scale, out) = (Scale::from_environment()?, suite::out());
    let runtime = tokio::runtime::Builder::new_multi_thread().enable_all().build()?;
    let Outcome { table, failed } = runtime.block_on(suite::run(&names, scale, &out))?;
    print!("{table}");
    println!("results: {}", out.display());
    for (name, error) in &failed {
        println!("{name}: FAILED: {error:#}");
    }
    if table.missed > 0 {
        println!("{} targets missed", table.missed);
    }
    Ok(failed.is_empty() && table.missed == 0)
}
