//! The whole benchmark, in the order of the data's way: read, publish, apply, latency.
//!
//! A backlog is loaded first; then each part drains the same backlog, one after the other, with nothing else running: the bare
//! read of the packets, `mysqlbinlog --raw`, the connector, the sink, MySQL's own replica. After each drain the tables are compared.

use std::time::{Duration, Instant};

use anyhow::{Context, Result};

use super::{
    choosing,
    drain::{self, Drain},
    latency::{Spread, commit_times, write_ticks},
    load::{LARGE_TRANSACTION, Load, MANY, create_many},
    packets::{HeldInterval, PacketsRead, read_packets},
    raw_dump::dump_raw,
    replica::NativeReplica,
    rig::{Rig, opts},
    snapshot,
    table::{Floor, Line, Table, thousands},
};
use crate::{MySql, Strait, oracle::BinlogReader, run_dir::make_dir};

const TICKS_PER_SECOND: u64 = 500;
const REPLICA_PATIENCE: Duration = Duration::from_mins(15);
pub const SEED: u64 = 20_261_122;

/// How much is measured.
#[derive(Debug, Clone, Copy)]
pub struct Scale {
    /// Rows in transactions of 1,000.
    pub rows: u64,
    /// Transactions of one row.
    pub one_row: u64,
    /// Of each latency line.
    pub seconds: u64,
    /// In a table that a snapshot brings.
    pub snapshot: u64,
}

impl Scale {
    /// From the number of rows alone; 2,500,000 is the full size.
    pub fn of(rows: u64) -> Self {
        let rows = rows.max(LARGE_TRANSACTION).next_multiple_of(LARGE_TRANSACTION);
        Self {
            rows,
            one_row: (rows / 25).clamp(1_000, 100_000),
            seconds: if rows < 1_000_000 { 5 } else { 20 },
            snapshot: rows * 4,
        }
    }
}

/// What can be measured by itself.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Part {
    /// Transactions of 1,000 rows, read and applied.
    Large,
    /// Transactions of one row, read and applied.
    OneRow,
    /// One table of 100 against all of them.
    Choosing,
    Latency,
    /// A table that is there already.
    Snapshot,
}

impl Part {
    pub const ALL: [(&str, Self); 5] = [
        ("large", Self::Large),
        ("one-row", Self::OneRow),
        ("choosing", Self::Choosing),
        ("latency", Self::Latency),
        ("snapshot", Self::Snapshot),
    ];
}

struct Bench {
    rig: Rig,
    replica: NativeReplica,
    table: Table,
}

/// Measures the chosen parts and gives the table.
pub async fn run(scale: Scale, chosen: &[Part]) -> Result<Table> {
    let mut table = Table::default();
    if chosen.iter().any(|part| *part != Part::Snapshot) {
        table = log(scale, chosen).await?;
    }
    if chosen.contains(&Part::Snapshot) {
        snapshot::run(scale.snapshot, &mut table).await?;
    }
    Ok(table)
}

/// The parts that drain the binary log.
async fn log(scale: Scale, chosen: &[Part]) -> Result<Table> {
    say("booting source, target, replica, Kafka and registry");
    let rig = Rig::start().await?;
    let before = rig.executed().await?;
    let replica = NativeReplica::attach(&opts(&rig.replica), &opts(&rig.source), &before).await?;
    let mut bench = Bench { rig, replica, table: Table::default() };
    let connector =
        drain::connector(&bench.rig, if before.is_empty() { "earliest" } else { &before }).await?;
    let sink = drain::sink(&bench.rig, false).await?;
    let load = Load { seed: SEED, connections: 4, logged: true };

    if chosen.contains(&Part::Large) {
        let log_file = bench.rig.new_log_file(&bench.rig.source).await?;
        say(&format!("loading {} rows in transactions of {LARGE_TRANSACTION}", thousands(scale.rows as f64)));
        load.large_transactions(&opts(&bench.rig.source), scale.rows).await?;
        let loaded = bench.rig.executed().await?;
        bench.read_large(&connector, scale.rows, &before, &loaded, &log_file).await?;
        bench.apply_large(&sink, scale.rows, &loaded).await?;
    }
    if chosen.contains(&Part::OneRow) {
        let loaded = bench.rig.executed().await?;
        say(&format!("loading {} transactions of one row", thousands(scale.one_row as f64)));
        load.one_row_transactions(&opts(&bench.rig.source), scale.one_row).await?;
        let both = bench.rig.executed().await?;
        bench.one_row(&connector, &sink, scale.one_row, &loaded, &both).await?;
    }
    if chosen.contains(&Part::Choosing) {
        bench.choosing(&load, scale.rows / 5).await?;
    }
    if chosen.contains(&Part::Latency) {
        connector.start()?;
        bench.latency(&connector, &sink, 1, scale.seconds, "direct").await?;
        let far = drain::sink(&bench.rig, true).await?;
        let first = 2 * scale.seconds * TICKS_PER_SECOND + 1;
        bench.latency(&connector, &far, first, scale.seconds, "sink 36 ms away").await?;
        connector.stop().await?;
    }
    Ok(bench.table)
}

impl Bench {
    async fn read_large(
        &mut self,
        connector: &Strait,
        rows: u64,
        before: &str,
        loaded: &str,
        log_file: &str,
    ) -> Result<()> {
        let floor = self.packets(before)?;
        say("reading with mysqlbinlog --raw");
        let copy = make_dir("raw")?;
        let tool = self.rig.source.tool("mysqlbinlog").await?;
        let log_file = log_file.to_owned();
        let (raw_elapsed, raw_usage) =
            tokio::task::spawn_blocking(move || dump_raw(tool, &log_file, &copy)).await??;
        say("draining with the connector");
        let drain = drain::drain_source(&self.rig, connector, loaded)?;
        connector.stop().await?;
        let rate = |elapsed: Duration| thousands(rows as f64 / elapsed.as_secs_f64());
        self.table.push(Line {
            what: "connector, 1,000-row transactions".into(),
            measured: format!("{} rows/s", thousands(drain.per_second(rows))),
            reference: format!(
                "{} packets only, {} mysqlbinlog --raw",
                rate(floor.elapsed),
                rate(raw_elapsed)
            ),
            floor: Some(Floor::at_least(drain.per_second(rows), 100e3, ">= 100,000")),
        });
        self.table.push(Line {
            what: "  rows per CPU second".into(),
            measured: thousands(drain.per_cpu_second(rows)),
            reference: format!("{} packets only, {} mysqlbinlog --raw", rate(floor.cpu), rate(raw_usage.cpu)),
            floor: None,
        });
        let reference = format!("{:.0} MB mysqlbinlog --raw", megabytes(raw_usage.peak_rss));
        self.push_memory(&drain, 64.0, reference);
        Ok(())
    }

    fn packets(&self, held: &str) -> Result<PacketsRead> {
        say("reading packets only");
        let held: Vec<HeldInterval> = held
            .split(',')
            .map(str::trim)
            .filter(|set| !set.is_empty())
            .map(HeldInterval::parse)
            .collect::<Result<_>>()?;
        let source = &self.rig.source;
        tokio::task::block_in_place(|| {
            read_packets(source.host(), source.port(), source.user(), 4_000_001, &held)
        })
    }

    async fn apply_large(&mut self, sink: &Strait, rows: u64, loaded: &str) -> Result<()> {
        say("draining with the sink");
        let goal = tokio::task::block_in_place(|| drain::last_seq(&self.rig))?;
        let drain = drain::drain_target(&self.rig, sink, goal).await?;
        sink.stop().await?;
        self.rig.compare("bulk", &self.rig.target).await?;
        say("draining with MySQL's own replica");
        let native = self.replica.drain(loaded, REPLICA_PATIENCE).await?;
        self.rig.compare("bulk", &self.rig.replica).await?;
        let native = rows as f64 / native.as_secs_f64();
        self.table.push(Line {
            what: "sink, 1,000-row transactions".into(),
            measured: format!("{} rows/s", thousands(drain.per_second(rows))),
            reference: format!(
                "{} native replica, {:.1}x",
                thousands(native),
                drain.per_second(rows) / native
            ),
            floor: Some(Floor::at_least(drain.per_second(rows), 40e3, ">= 40,000")),
        });
        self.table.push(Line {
            what: "  rows per CPU second".into(),
            measured: thousands(drain.per_cpu_second(rows)),
            ..Line::default()
        });
        self.push_memory(&drain, 128.0, String::new());
        Ok(())
    }

    async fn one_row(
        &mut self,
        connector: &Strait,
        sink: &Strait,
        count: u64,
        loaded: &str,
        both: &str,
    ) -> Result<()> {
        let floor = self.packets(loaded)?;
        say("draining with the connector");
        let drain = drain::drain_source(&self.rig, connector, both)?;
        connector.stop().await?;
        self.table.push(Line {
            what: "connector, one-row transactions".into(),
            measured: format!("{} /s", thousands(drain.per_second(count))),
            reference: format!("{} packets only", thousands(count as f64 / floor.elapsed.as_secs_f64())),
            floor: None,
        });
        say("draining with the sink");
        let goal = tokio::task::block_in_place(|| drain::last_seq(&self.rig))?;
        let drain = drain::drain_target(&self.rig, sink, goal).await?;
        sink.stop().await?;
        self.rig.compare("small", &self.rig.target).await?;
        say("draining with MySQL's own replica");
        let native = self.replica.drain(both, REPLICA_PATIENCE).await?;
        self.rig.compare("small", &self.rig.replica).await?;
        let native = count as f64 / native.as_secs_f64();
        let times = drain.per_second(count) / native;
        self.table.push(Line {
            what: "sink, one-row transactions".into(),
            measured: format!("{} /s", thousands(drain.per_second(count))),
            reference: format!("{} native replica, {times:.1}x", thousands(native)),
            floor: Some(Floor::at_least(times, 5.0, ">= 5x native")),
        });
        Ok(())
    }

    async fn choosing(&mut self, load: &Load, rows: u64) -> Result<()> {
        let source = opts(&self.rig.source);
        create_many(&source).await?;
        let before = self.rig.executed().await?;
        say(&format!("loading {} rows into {MANY} tables", thousands(rows as f64)));
        load.many_tables(&source, rows).await?;
        let loaded = self.rig.executed().await?;
        let start = if before.is_empty() { "earliest" } else { &before };
        say("publishing all of the tables");
        let all = choosing::cost(&self.rig, "all", r"t\d+", start, &loaded).await?;
        say("publishing one of them");
        let one = choosing::cost(&self.rig, "one", "t7", start, &loaded).await?;
        let milliseconds = |cost: choosing::Cost| format!("{:.2} ms/MB", cost.0 * 1000.0);
        let times = all.0 / one.0;
        self.table.push(Line {
            what: format!("connector's CPU, 1 of {MANY} tables published"),
            measured: milliseconds(one),
            reference: format!("{} publishing all, {times:.1}x", milliseconds(all)),
            floor: Some(Floor::at_least(times, 5.0, ">= 5x less")),
        });
        Ok(())
    }

    async fn latency(
        &mut self,
        connector: &Strait,
        sink: &Strait,
        first: u64,
        seconds: u64,
        way: &str,
    ) -> Result<()> {
        sink.start_ready(Duration::from_secs(30)).await?;
        connector.ready(Duration::from_secs(30)).await?;
        say(&format!("latency at {TICKS_PER_SECOND} transactions/s, {way}"));
        // A broker that has just begun compiles its code for these requests: that is not what is measured.
        let count = seconds * TICKS_PER_SECOND;
        let warm = first + count;
        write_ticks(&opts(&self.rig.source), first, count, TICKS_PER_SECOND).await?;
        drain::arrived(&self.rig, sink, "ticks", warm - 1).await?;
        let first = warm;
        let source_file = self.rig.new_log_file(&self.rig.source).await?;
        let target_file = self.rig.new_log_file(&self.rig.target).await?;
        let pace = write_ticks(&opts(&self.rig.source), first, count, TICKS_PER_SECOND).await?;
        drain::arrived(&self.rig, sink, "ticks", first + count - 1).await?;
        sink.stop().await?;
        self.rig.compare("ticks", &self.rig.target).await?;
        let at_source = times(&self.rig.source, &source_file).await?;
        let at_target = times(&self.rig.target, &target_file).await?;
        let spread = Spread::between(&at_source, &at_target)?;
        let p50 = milliseconds(spread.p50);
        self.table.push(Line {
            what: format!("latency at {pace:.0} transactions/s, {way}"),
            measured: format!(
                "p50 {p50:.1} ms, p99 {:.1} ms, max {:.1} ms",
                milliseconds(spread.p99),
                milliseconds(spread.max)
            ),
            reference: "commit to commit, servers' own stamps".into(),
            floor: (way == "direct").then(|| Floor::at_most(p50, 25.0, "p50 <= 25 ms")),
        });
        Ok(())
    }

    fn push_memory(&mut self, drain: &Drain, bound: f64, reference: String) {
        let peak = megabytes(drain.usage.peak_rss);
        self.table.push(Line {
            what: "  peak resident memory".into(),
            measured: format!("{peak:.0} MB"),
            reference,
            floor: Some(Floor::at_most(peak, bound, format!("<= {bound:.0} MB"))),
        });
    }
}

async fn times(server: &MySql, file: &str) -> Result<std::collections::HashMap<u64, i64>> {
    let log = BinlogReader::new(server.tool("mysqlbinlog").await?, file);
    tokio::task::spawn_blocking(move || commit_times(log)).await?.with_context(|| format!("reading {file}"))
}

pub fn megabytes(bytes: u64) -> f64 {
    bytes as f64 / f64::from(1 << 20)
}

fn milliseconds(duration: Duration) -> f64 {
    duration.as_secs_f64() * 1000.0
}

/// Progress, with the time since the start of the process.
pub fn say(what: &str) {
    static START: std::sync::OnceLock<Instant> = std::sync::OnceLock::new();
    eprintln!("{:>6.1} s  {what}", START.get_or_init(Instant::now).elapsed().as_secs_f64());
}
