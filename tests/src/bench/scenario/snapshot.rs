//! How fast a table that is there already arrives: published alone, and published and applied, beside
//! `mysqldump --single-transaction | mysql` from the same source to the same target.

use std::{
    process::Stdio,
    time::{Duration, Instant},
};

use anyhow::{Context, Result, ensure};

use super::SEED;
use crate::{
    MySql, Strait,
    bench::{
        drain::{applied, each_us, last_seq, megabytes},
        figure::{Figure, Target},
        load::{DATABASE, Load, Table},
        rig::{self, Rig},
        samples::Samples,
        scale::Scale,
        suite::say,
        topics,
    },
    child::Usage,
    oracle::PositionReader,
};

const PATIENCE: Duration = Duration::from_mins(30);
const TABLE: &str = "bulk";

#[derive(Default)]
struct Measured {
    rate: Samples,
    cpu: Samples,
    whole: Samples,
    dump: Samples,
    connector: Samples,
    sink: Samples,
}

/// Loads rows outside of the log and brings them over, by mysqldump and by Strait.
pub async fn run(scale: Scale) -> Result<Vec<Figure>> {
    let rig = Rig::start(&[Table::Bulk]).await?;
    let rows = scale.snapshot();
    say("loading outside of the binary log");
    Load::unlogged(SEED).large_transactions(&rig::opts(&rig.source), rows).await?;
    let mut measured = Measured::default();
    for round in 1..=scale.rounds {
        say(&format!("round {round}, mysqldump | mysql"));
        target(&rig.target, "TRUNCATE").await?;
        let began = Instant::now();
        dump_and_load(&rig).await?;
        measured.dump.push(began.elapsed().as_secs_f64());
        rig.ensure_equal(&rig.source, &rig.target).await?;
        say(&format!("round {round}, publishing"));
        let prefix = format!("alone{round}x");
        let connector = connector(&rig, &prefix).await?;
        let (published, usage) = publish(&rig, &connector, &prefix)?;
        connector.stop().await?;
        topics::delete(&rig.kafka, &prefix).await?;
        measured.rate.push(rows as f64 / published.as_secs_f64());
        measured.cpu.push(each_us(usage.cpu, rows));
        say(&format!("round {round}, publishing and applying"));
        measured.whole(&rig, &format!("whole{round}x")).await?;
    }
    rig.end()?;
    Ok(measured.figures())
}

impl Measured {
    /// The sink makes the table anew.
    async fn whole(&mut self, rig: &Rig, prefix: &str) -> Result<()> {
        target(&rig.target, "TRUNCATE").await?;
        target(&rig.target, "DROP TABLE").await?;
        let connector = connector(rig, prefix).await?;
        let sink = rig.sink(&rig.target, prefix, "snapshot", Vec::new()).await?;
        let began = Instant::now();
        sink.start()?;
        publish(rig, &connector, prefix)?;
        applied(&rig.target, &sink, prefix, "snapshot", last_seq(rig, prefix)?).await?;
        self.whole.push(began.elapsed().as_secs_f64());
        self.connector.push(megabytes(connector.usage()?.peak_rss));
        self.sink.push(megabytes(sink.usage()?.peak_rss));
        connector.stop().await?;
        sink.stop().await?;
        rig.ensure_equal(&rig.source, &rig.target).await?;
        topics::delete(&rig.kafka, prefix).await
    }

    fn figures(self) -> Vec<Figure> {
        vec![
            Figure::higher("published", "rows/s", self.rate).target(Target::AtLeast(200e3)),
            Figure::lower("connector's CPU a row", "us", self.cpu),
            Figure::lower("published and applied", "s", self.whole)
                .beside("mysqldump | mysql", &self.dump)
                .target(Target::AtMostTimes(1.2)),
            Figure::lower("peak memory, connector", "MB", self.connector).target(Target::AtMost(64.0)),
            Figure::lower("peak memory, sink", "MB", self.sink).target(Target::AtMost(128.0)),
        ]
    }
}

async fn dump_and_load(rig: &Rig) -> Result<()> {
    let mut dump = rig.source.tool("mysqldump").await?;
    dump.args([
        "--single-transaction",
        "--quick",
        "--set-gtid-purged=OFF",
        "--no-create-info",
        DATABASE,
        TABLE,
    ]);
    let mut load = rig.target.tool("mysql").await?;
    load.arg(DATABASE);
    let piped = move || {
        let mut dumping = dump.stdout(Stdio::piped()).spawn().context("starting mysqldump")?;
        let rows = dumping.stdout.take().context("mysqldump's output")?;
        let loaded = load.stdin(rows).status().context("running mysql")?;
        let dumped = dumping.wait()?;
        ensure!(loaded.success() && dumped.success(), "mysqldump: {dumped}, mysql: {loaded}");
        anyhow::Ok(())
    };
    tokio::task::spawn_blocking(piped).await?
}

async fn target(server: &MySql, statement: &str) -> Result<()> {
    server.run(["SET SESSION sql_log_bin = 0".to_owned(), format!("{statement} {DATABASE}.{TABLE}")]).await
}

async fn connector(rig: &Rig, prefix: &str) -> Result<Strait> {
    let extra = vec![("source.start", "now".to_owned()), ("snapshot.mode", "initial".to_owned())];
    rig.connector(&rig.source, prefix, "", extra).await
}

/// Starts the connector and waits until the position says that no snapshot is under way any more; what it used.
fn publish(rig: &Rig, connector: &Strait, prefix: &str) -> Result<(Duration, Usage)> {
    let began = Instant::now();
    connector.start()?;
    tokio::task::block_in_place(|| {
        let mut reader = PositionReader::new(rig.kafka.bootstrap(), prefix)?;
        loop {
            let position = reader.latest(Duration::from_millis(50))?;
            if position.is_some_and(|position| position.snapshot.is_none()) {
                return Ok((began.elapsed(), connector.usage()?));
            }
            connector.running()?;
            ensure!(began.elapsed() < PATIENCE, "not published in time:\n{}", connector.last_words());
        }
    })
}
