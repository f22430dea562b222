//! The sink drains a backlog, against MySQL's own replica of the same source.
//!
//! The connector publishes once. Each round the target's tables are put back as they were, and a sink under a name of its own
//! begins at the first record; so does the replica. Both ways to write rows (`apply.path`) are measured. After each drain the
//! tables must be what the source's are.

use anyhow::Result;

use super::SEED;
use crate::bench::{
    base,
    contents::Contents,
    drain::{self, Drain, each_us},
    figure::{Figure, Target},
    load::{self, Bulk, Load, Procedure, Table},
    replica::{NativeReplica, WORKERS},
    rig::{self, Rig, Settings},
    samples::Samples,
    scale::Scale,
    suite::say,
};

const PREFIX: &str = "backlog";
const PATHS: [&str; 2] = ["sql", "auto"];

/// Transactions of 1,000 rows.
pub async fn bulk(scale: Scale, what: Bulk) -> Result<Vec<Figure>> {
    let rows = scale.applied();
    let applying = Applying::start(&[Table::Bulk]).await?;
    say("loading");
    if what != Bulk::Insert {
        for server in applying.servers() {
            Load::unlogged(SEED).large_transactions(&rig::opts(server), rows).await?;
        }
    }
    let backlog = applying
        .load(async |source| {
            Load::logged(SEED).bulk(&source, rows, 0, what).await?;
            Ok(Counts { all: rows, measured: rows })
        })
        .await?;
    let measured = applying.rounds(scale, backlog).await?;
    Ok(measured.figures("rows", 1.5))
}

/// Over four tables.
pub async fn one_row(scale: Scale) -> Result<Vec<Figure>> {
    let applying = Applying::start(&Table::SMALL).await?;
    say("loading");
    let backlog = applying.load_small(Procedure::OneRow, scale.one_row()).await?;
    let measured = applying.rounds(scale, backlog).await?;
    Ok(measured.figures("transactions", 20.0))
}

/// One-row transactions on 1,000 counters.
pub async fn hot(scale: Scale) -> Result<Vec<Figure>> {
    let applying = Applying::start(&[Table::Counters]).await?;
    for server in applying.servers() {
        load::create_counters(&rig::opts(server)).await?;
    }
    say("loading");
    let backlog = applying.load_small(Procedure::Hot, scale.one_row()).await?;
    let measured = applying.rounds(scale, backlog).await?;
    Ok(measured.figures("transactions", 1.0))
}

/// Five rows a transaction, or a parent that takes its children with it.
pub async fn foreign_keys(scale: Scale) -> Result<Vec<Figure>> {
    let applying = Applying::start(&[Table::Parent, Table::Child]).await?;
    say("loading");
    let backlog = applying.load_small(Procedure::ForeignKeys, scale.one_row() / 5).await?;
    let measured = applying.rounds(scale, backlog).await?;
    Ok(measured.figures("transactions", 1.0))
}

/// Twelve rows a transaction, of which one takes over the unique values of another.
pub async fn unique(scale: Scale) -> Result<Vec<Figure>> {
    let applying = Applying::start(&[Table::Unique]).await?;
    say("loading");
    let backlog = applying.load_small(Procedure::Unique, scale.one_row() / 10).await?;
    let measured = applying.rounds(scale, backlog).await?;
    Ok(measured.figures("transactions", 1.0))
}

/// Rows, or small transactions.
#[derive(Debug, Clone, Copy)]
struct Counts {
    all: u64,
    /// Of the replica: it takes so long for small transactions that a part of them says enough.
    measured: u64,
}

/// What is applied again and again.
struct Backlog {
    counts: Counts,
    /// Executed at the source before it, after the replica's part, and after all of it.
    before: String,
    part: String,
    goal: String,
    contents: Contents,
}

struct Applying {
    rig: Rig,
    replica: NativeReplica,
}

impl Applying {
    async fn start(tables: &[Table]) -> Result<Self> {
        let rig = Rig::start(tables).await?;
        let replica = NativeReplica::start(&rig.source, tables).await?;
        Ok(Self { rig, replica })
    }

    fn servers(&self) -> [&crate::MySql; 3] {
        [&self.rig.source, &self.rig.target, &self.replica.server]
    }

    /// A tenth of the transactions for the replica, then the others.
    async fn load_small(&self, procedure: Procedure, count: u64) -> Result<Backlog> {
        let part = (count / 10).max(1_000).min(count);
        // Two sessions that touch neighbouring unique values would wait for each other.
        let connections = if procedure == Procedure::Unique { 1 } else { 4 };
        let load = Load { connections, ..Load::logged(SEED) };
        let opts = rig::opts(&self.rig.source);
        self.keep().await?;
        let before = rig::executed(&self.rig.source).await?;
        load.small_transactions(&opts, procedure, 0, part).await?;
        let after_part = rig::executed(&self.rig.source).await?;
        load.small_transactions(&opts, procedure, part, count - part).await?;
        self.publish(Counts { all: count, measured: part }, before, Some(after_part)).await
    }

    async fn load(&self, load: impl AsyncFnOnce(mysql_async::Opts) -> Result<Counts>) -> Result<Backlog> {
        self.keep().await?;
        let before = rig::executed(&self.rig.source).await?;
        let counts = load(rig::opts(&self.rig.source)).await?;
        self.publish(counts, before, None).await
    }

    /// What both targets go back to.
    async fn keep(&self) -> Result<()> {
        base::keep(&self.rig.target, self.rig.tables()).await?;
        base::keep(&self.replica.server, self.rig.tables()).await
    }

    async fn publish(&self, counts: Counts, before: String, part: Option<String>) -> Result<Backlog> {
        say("publishing");
        let rig = &self.rig;
        let goal = rig::executed(&rig.source).await?;
        let connector = rig.connector(&rig.source, PREFIX, &before, Settings::new()).await?;
        drain::publish(rig, &connector, PREFIX, &goal)?;
        connector.stop().await?;
        let contents = Contents::of(&rig.source, rig.tables()).await?;
        let part = part.unwrap_or_else(|| goal.clone());
        Ok(Backlog { counts, before, part, goal, contents })
    }

    /// By turns: the replica, the sink by SQL, the sink by what is fastest.
    async fn rounds(self, scale: Scale, backlog: Backlog) -> Result<Measured> {
        let mut measured = Measured::default();
        let Counts { all, measured: part } = backlog.counts;
        for round in 1..=scale.rounds {
            say(&format!("round {round}, the replica"));
            let native = self.replica.drain(&backlog.before, &backlog.part, &backlog.goal).await?;
            let tables = self.rig.tables();
            backlog.contents.ensure_same(&Contents::of(&self.replica.server, tables).await?)?;
            measured.native.push(part as f64 / native.elapsed.as_secs_f64());
            measured.native_server.push(each_us(native.server, part));
            for (path, sink) in PATHS.into_iter().zip(&mut measured.sinks) {
                say(&format!("round {round}, {path}"));
                let drain = self.sink(&format!("{path}{round}"), path).await?;
                backlog.contents.ensure_same(&Contents::of(&self.rig.target, tables).await?)?;
                sink.add(&drain, all);
            }
        }
        drop(self.replica);
        self.rig.end()?;
        Ok(measured)
    }

    async fn sink(&self, name: &str, path: &str) -> Result<Drain> {
        let rig = &self.rig;
        base::restore(&rig.target, rig.tables()).await?;
        let sink = rig.sink(&rig.target, PREFIX, name, vec![("apply.path", path.to_owned())]).await?;
        let goal = drain::last_seq(rig, PREFIX)?;
        let drain = drain::apply(&rig.target, &sink, PREFIX, name, goal).await?;
        sink.stop().await?;
        Ok(drain)
    }
}

#[derive(Default)]
struct Measured {
    native: Samples,
    native_server: Samples,
    /// In the order of [`PATHS`].
    sinks: [Sink; 2],
}

#[derive(Default)]
struct Sink {
    rate: Samples,
    cpu: Samples,
    server: Samples,
    memory: Samples,
}

impl Sink {
    fn add(&mut self, drain: &Drain, count: u64) {
        self.rate.push(drain.per_second(count));
        self.cpu.push(drain.cpu_us(count));
        self.server.push(each_us(drain.server, count));
        self.memory.push(drain.peak_mb());
    }
}

impl Measured {
    /// `times`: what the sink ought to reach of the replica's rate.
    fn figures(self, what: &str, times: f64) -> Vec<Figure> {
        let native = format!("native replica, {WORKERS} workers");
        let mut figures = Vec::new();
        for (path, sink) in PATHS.into_iter().zip(self.sinks) {
            let percent = sink.cpu.with(&sink.server, |own, server| own / server * 100.0);
            figures.extend([
                Figure::higher(format!("{path}: {what}"), "/s", sink.rate)
                    .beside(&native, &self.native)
                    .target(Target::AtLeastTimes(times)),
                Figure::lower(format!("{path}: the sink's CPU, part of mysqld's"), "%", percent)
                    .target(Target::AtMost(15.0)),
                Figure::lower(format!("{path}: the sink's CPU, each"), "us", sink.cpu),
                Figure::lower(format!("{path}: mysqld's CPU, each"), "us", sink.server)
                    .beside(&native, &self.native_server),
                Figure::lower(format!("{path}: peak memory"), "MB", sink.memory)
                    .target(Target::AtMost(128.0)),
            ]);
        }
        figures
    }
}
