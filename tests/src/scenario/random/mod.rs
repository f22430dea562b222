//! Random tables, random changes of their rows and of themselves, from a seed, at one site: at the end both sites are the same.
//!
//! The server is the judge of what is right: what it refuses is no change, and what its tables are is asked of it after
//! each change of the schema, so nothing here models MySQL. The series of statements depends on the seed and the server
//! alone, not on the time; each is noted in a file, which can be cut down and run again (`STRAIT_STATEMENTS=FILE`).
//!
//! The other direction's connector and sink run, too: what they carried would have gone round.

mod chance;
mod column;
pub mod foreign_keys;
mod long;
mod rows;
mod schema;
mod session;
mod shape;
mod table;
mod values;
mod writer;

use std::{
    fs,
    path::{Path, PathBuf},
    time::{Duration, Instant},
};

use crate::{
    Sites, SitesOptions, definitions::ensure_alike_definitions, eventually, mysql::Flavor, run_dir::make_dir,
};
use anyhow::{Context, Result, ensure};
use chance::{Rng, seldom};
pub use long::long;
pub use writer::Writer;

const DATABASE: &str = "wild";
/// Where the marks are that tell how far the target is.
const MARKS: &str = "marks";
const PATIENCE: Duration = Duration::from_mins(6);
/// Both sites are compared after so many steps.
const ROUND: u32 = 250;

/// How the target gets what it has when writing begins.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Begin {
    /// Both sites are empty.
    Empty,
    /// The source has tables and rows; a snapshot brings them while more is written.
    Snapshot,
}

#[derive(Debug, Clone, Copy)]
pub struct Random {
    pub seed: u64,
    pub flavor: Flavor,
    pub begin: Begin,
    pub duration: Duration,
}

impl Random {
    /// Both sites' servers, with empty databases; nothing of ours runs yet.
    async fn boot(self) -> Result<Sites> {
        let mode = if self.begin == Begin::Snapshot { "initial" } else { "never" };
        let options = SitesOptions {
            flavors: [self.flavor; 2],
            connector: format!("snapshot.mode = '{mode}'\nsnapshot.chunk_rows = 20"),
            ..SitesOptions::with_databases([DATABASE, MARKS])
        };
        let sites = Sites::boot(&options).await?;
        sites
            .run_at_both(&[
                &format!("CREATE DATABASE {DATABASE}"),
                &format!("CREATE DATABASE {MARKS}"),
                // Whose views may be made by an account without SYSTEM_USER.
                "CREATE USER app",
            ])
            .await?;
        Ok(sites)
    }

    pub async fn run(self) -> Result<String> {
        let sites = self.boot().await?;
        let file = make_dir("random")?.join("statements.sql");
        let source = &sites.sites[0].servers.mysql;
        let mut writer = Writer::open(source, DATABASE, self.seed, &file).await?;
        let done = self.write(&sites, &mut writer).await;
        let rounds = done.with_context(|| {
            format!(
                "STRAIT_SEED={} {:?} {:?}; {} statements, in {}\n{}",
                self.seed,
                self.flavor,
                self.begin,
                writer.done + writer.refused,
                file.display(),
                sites.last_words()
            )
        })?;
        sites.stop().await?;
        Ok(format!(
            "STRAIT_SEED={}: equal {rounds} times; {} statements, {} refused by the source",
            self.seed, writer.done, writer.refused
        ))
    }

    /// How often both sites were found equal.
    async fn write(&self, sites: &Sites, writer: &mut Writer) -> Result<u32> {
        if let Some(file) = std::env::var_os("STRAIT_STATEMENTS").map(PathBuf::from) {
            return replay(sites, writer, &file, self.begin).await;
        }
        if self.begin == Begin::Empty {
            sites.start().await?;
        }
        for _ in 0..5 {
            writer.create().await?;
        }
        if self.begin == Begin::Snapshot {
            for _ in 0..150 {
                writer.step().await?;
            }
            writer.note(START)?;
            sites.start().await?;
        }
        writer.names.views = true;
        writer.names.settled = self.begin == Begin::Empty;
        // Kills are drawn apart, so that they do not change what is written.
        let mut chance = Rng::with_seed(self.seed);
        let end = Instant::now() + self.duration;
        let mut rounds = 0;
        while Instant::now() < end {
            for _ in 0..ROUND {
                writer.step().await?;
                if seldom(&mut chance, 200) {
                    kill(sites, &mut chance).await?;
                }
            }
            if self.begin == Begin::Snapshot {
                snapshot_published(sites).await?;
            }
            same(sites).await?;
            writer.names.settled = true;
            rounds += 1;
        }
        Ok(rounds)
    }
}

/// Stands in a file of statements where the processes are started.
const START: &str = "-- start";

/// A file of statements in place of random ones: one a line.
async fn replay(sites: &Sites, writer: &mut Writer, file: &Path, begin: Begin) -> Result<u32> {
    let text = fs::read_to_string(file).with_context(|| file.display().to_string())?;
    let (before, after) = text.split_once(START).unwrap_or(("", &text));
    let after = after.trim_start();
    ensure!(begin == Begin::Snapshot || before.is_empty(), "{START:?} stands where a snapshot begins");
    for line in before.lines() {
        writer.run(line).await?;
    }
    sites.start().await?;
    for line in after.lines() {
        writer.run(line).await?;
    }
    if begin == Begin::Snapshot {
        snapshot_published(sites).await?;
    }
    same(sites).await?;
    Ok(1)
}

async fn kill(sites: &Sites, chance: &mut Rng) -> Result<()> {
    let victim = if chance.bool() { &sites.sites[0].connector } else { &sites.sites[1].sink };
    victim.running()?;
    victim.kill9().await?;
    victim.start()
}

/// What the source held has been read: only then does a mark that has come say that this has, too.
async fn snapshot_published(sites: &Sites) -> Result<()> {
    let connector = &sites.sites[0].connector;
    eventually(PATIENCE, async || {
        let words = connector.words().map_err(|error| format!("{error:#}"))?;
        if words.contains("the snapshot is complete") {
            Ok(())
        } else {
            Err("the snapshot is under way".to_owned())
        }
    })
    .await
}

/// Everything has come, nothing had to be mended, and nothing went round.
async fn same(sites: &Sites) -> Result<()> {
    sites.arrived(0, MARKS, PATIENCE).await?;
    let [source, target] = sites.sites.each_ref().map(|site| &site.servers.mysql);
    ensure_alike_definitions(source, target, &[DATABASE]).await?;
    sites.compare(&[DATABASE]).await?.ensure_equal()?;
    sites.nothing_repaired().await?;
    let back = sites.sites[0].sink.metrics().await?;
    let rows = back.sum("strait_sink_rows_total").context("strait_sink_rows_total")?;
    ensure!(rows == 0.0, "{rows} rows came back to where they were written");
    Ok(())
}
