//! Random tables, random changes of their rows and of themselves, from a seed, at one site: at the end both sites are the same.
//!
//! The server is the judge of what is right: what it refuses is no change, and what its tables are is asked of it after
//! each change of the schema, so nothing here models MySQL. The series of statements depends on the seed and the server
//! alone, not on the time; each is noted in a file, which can be cut down and run again (`STRAIT_STATEMENTS=FILE`).
//!
//! The other direction's connector and sink run, too: what they carried would have gone round.

mod chance;
mod column;
mod long;
mod rows;
mod schema;
mod session;
mod shape;
mod table;
mod values;

use std::{
    fs::{self, File},
    io::Write as _,
    path::PathBuf,
    time::{Duration, Instant},
};

use anyhow::{Context, Result, ensure};
use mysql_async::{Conn, prelude::Queryable};

use crate::{Sites, SitesOptions, definitions::ensure_alike_definitions, mysql::Flavor, run_dir::make_dir};
use chance::{Rng, seldom};
pub use long::long;
use schema::Names;
use shape::Shape;

const DATABASE: &str = "wild";
/// Where the marks are that tell how far the target is.
const MARKS: &str = "marks";
const PATIENCE: Duration = Duration::from_mins(2);
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

/// One session at the source, and what was done in it.
struct Writer {
    conn: Conn,
    /// Looks at the tables, with settings that nobody changes.
    eye: Conn,
    random: Rng,
    names: Names,
    shapes: Vec<Shape>,
    flavor: Flavor,
    log: File,
    done: u32,
    refused: u32,
}

impl Random {
    pub async fn run(self) -> Result<String> {
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
        let file = make_dir("random")?.join("statements.sql");
        let mut writer = self.writer(&sites, &file).await?;
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

    async fn writer(&self, sites: &Sites, file: &PathBuf) -> Result<Writer> {
        let mut conn = sites.sites[0].servers.mysql.conn_to(DATABASE).await?;
        conn.query_drop("SET sql_mode = ''").await?;
        Ok(Writer {
            conn,
            eye: sites.sites[0].servers.mysql.conn_to(DATABASE).await?,
            random: Rng::with_seed(self.seed),
            names: Names::default(),
            shapes: Vec::new(),
            flavor: self.flavor,
            log: File::create(file)?,
            done: 0,
            refused: 0,
        })
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
            let create = writer.names.create(self.flavor, &mut writer.random);
            writer.run(&create).await?;
            writer.look().await?;
        }
        if self.begin == Begin::Snapshot {
            for _ in 0..150 {
                writer.step().await?;
            }
            writer.log.write_all(START.as_bytes())?;
            sites.start().await?;
        }
        writer.names.views = true;
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
            same(sites).await?;
            rounds += 1;
        }
        Ok(rounds)
    }
}

/// Stands in a file of statements where the processes are started.
const START: &str = "-- start\n";

/// A file of statements in place of random ones: one a line.
async fn replay(sites: &Sites, writer: &mut Writer, file: &PathBuf, begin: Begin) -> Result<u32> {
    let text = fs::read_to_string(file).with_context(|| file.display().to_string())?;
    let (before, after) = text.split_once(START).unwrap_or(("", &text));
    ensure!(begin == Begin::Snapshot || before.is_empty(), "{START:?} stands where a snapshot begins");
    for line in before.lines() {
        writer.run(line).await?;
    }
    sites.start().await?;
    for line in after.lines() {
        writer.run(line).await?;
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

impl Writer {
    /// A change of the schema now and then, else of rows.
    async fn step(&mut self) -> Result<()> {
        if seldom(&mut self.random, 12) {
            for statement in self.names.change(&self.shapes, self.flavor, &mut self.random) {
                self.run(&statement).await?;
            }
            return self.look().await;
        }
        if seldom(&mut self.random, 20) {
            let setting = session::setting(self.flavor, &mut self.random);
            return self.run(&setting).await;
        }
        for statement in rows::change(&self.shapes, &mut self.random) {
            self.run(&statement).await?;
        }
        Ok(())
    }

    async fn look(&mut self) -> Result<()> {
        self.shapes = shape::read(&mut self.eye, DATABASE).await?;
        Ok(())
    }

    /// Whatever the server says to it, unless it says nothing more.
    async fn run(&mut self, statement: &str) -> Result<()> {
        writeln!(self.log, "{statement}")?;
        match self.conn.query_drop(statement).await {
            Ok(()) => self.done += 1,
            Err(mysql_async::Error::Server(_)) => self.refused += 1,
            Err(error) => return Err(error).with_context(|| statement.to_owned()),
        }
        Ok(())
    }
}
