//! Runs the chosen scenarios one after another, and shows and keeps what they give.
//!
//! A scenario that fails (its data differ, a process ended) takes nothing from the others, but the run has failed.

use std::{
    path::{Path, PathBuf},
    time::{Duration, Instant},
};

use anyhow::{Context, Result};

use super::{
    facts::Facts,
    results::{self, Entry},
    scale::{FULL, Scale},
    scenario,
    table::Table,
};
use crate::{install::MySqlFiles, run_dir, strait};

/// What a run came to.
#[derive(Debug, Default)]
pub struct Outcome {
    pub table: Table,
    /// Names of scenarios, each with what went wrong.
    pub failed: Vec<(String, anyhow::Error)>,
}

/// Runs these scenarios; their figures are in `out` as soon as each has ended.
pub async fn run(names: &[String], scale: Scale, out: &Path) -> Result<Outcome> {
    let mysqld = tokio::task::spawn_blocking(|| MySqlFiles::install()?.version()).await??;
    let facts = Facts::of_this_machine(scale, mysqld);
    strait::built().await?;
    if let Some(folder) = out.parent() {
        std::fs::create_dir_all(folder).with_context(|| format!("create {}", folder.display()))?;
    }
    let mut outcome = Outcome::default();
    for name in names {
        say(name);
        match scenario::run(name, scale).await {
            Ok(figures) => {
                for figure in &figures {
                    outcome.table.push(name, figure);
                }
                let entries = figures.into_iter().map(|figure| Entry::new(name, figure, &facts));
                results::append(out, &entries.collect::<Vec<_>>())?;
            }
            Err(error) => {
                eprintln!("{name}: FAILED: {error:?}");
                outcome.failed.push((name.clone(), error));
                run_dir::clear()?;
            }
        }
    }
    if scale.rows < FULL {
        println!("measured with {} rows instead of {FULL}: starting weighs more than it should", scale.rows);
    }
    Ok(outcome)
}

/// `BENCH_OUT`, else a file of this second below target/.
pub fn out() -> PathBuf {
    std::env::var_os("BENCH_OUT").map_or_else(
        || {
            let now = std::time::SystemTime::now().duration_since(std::time::UNIX_EPOCH);
            let root = Path::new(env!("CARGO_MANIFEST_DIR")).parent().expect("tests/ is in the workspace");
            root.join(format!("target/bench/{}.jsonl", now.unwrap_or(Duration::ZERO).as_secs()))
        },
        PathBuf::from,
    )
}

/// Progress, with the time since the first word.
pub fn say(what: &str) {
    static START: std::sync::OnceLock<Instant> = std::sync::OnceLock::new();
    eprintln!("{:>7.1} s  {what}", START.get_or_init(Instant::now).elapsed().as_secs_f64());
}
