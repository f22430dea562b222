//! How fast a table that is there already arrives: published alone, and published and applied, beside
//! `mysqldump --single-transaction | mysql` from the same source to the same target.

use std::{
    process::Stdio,
    time::{Duration, Instant},
};

use anyhow::{Context, Result, bail, ensure};
use mysql_async::prelude::Queryable;
use strait_schemas::Seq;

use super::{
    load::{DATABASE, Load},
    rig::{Rig, opts},
    run::{SEED, megabytes, say},
    table::{Floor, Line, Table, thousands},
};
use crate::{MySql, Program, Strait, child::Usage, oracle::PositionReader};

const PATIENCE: Duration = Duration::from_mins(30);
const TABLE: &str = "bulk";

/// Loads `rows` rows outside of the log and brings them over, by mysqldump and by Strait.
pub async fn run(rows: u64, table: &mut Table) -> Result<()> {
    say("booting source, target, Kafka and registry");
    let rig = Rig::start().await?;
    say(&format!("loading {} rows outside of the binary log", thousands(rows as f64)));
    Load { seed: SEED, connections: 4, logged: false }.large_transactions(&opts(&rig.source), rows).await?;

    say("mysqldump --single-transaction | mysql");
    let began = Instant::now();
    dump_and_load(&rig).await?;
    let reference = began.elapsed();
    rig.compare(TABLE, &rig.target).await?;
    drop_table(&rig.target).await?;

    say("publishing");
    let connector = connector(&rig, "alone").await?;
    let (published, usage) = publish(&rig, &connector, "alone")?;
    connector.stop().await?;
    let rate = rows as f64 / published.as_secs_f64();
    table.push(Line {
        what: format!("snapshot of {} rows, published", thousands(rows as f64)),
        measured: format!("{} rows/s", thousands(rate)),
        reference: format!("{:.2} us CPU a row", usage.cpu.as_secs_f64() * 1e6 / rows as f64),
        floor: Some(Floor::at_least(rate, 200e3, ">= 200,000")),
    });
    push_memory(table, "connector", usage, 64.0);

    say("publishing and applying");
    let (connector, sink) = tokio::try_join!(self::connector(&rig, "whole"), sink(&rig, "whole"))?;
    let began = Instant::now();
    sink.start()?;
    publish(&rig, &connector, "whole")?;
    applied(&rig, &sink, "whole").await?;
    let took = began.elapsed();
    let (ours, theirs) = (connector.usage()?, sink.usage()?);
    connector.stop().await?;
    sink.stop().await?;
    rig.compare(TABLE, &rig.target).await?;
    let times = took.as_secs_f64() / reference.as_secs_f64();
    table.push(Line {
        what: "  published and applied".into(),
        measured: format!("{:.0} s, {times:.2}x", took.as_secs_f64()),
        reference: format!("{:.0} s mysqldump | mysql", reference.as_secs_f64()),
        floor: Some(Floor::at_most(times, 1.2, "<= 1.2x")),
    });
    push_memory(table, "connector", ours, 64.0);
    push_memory(table, "sink", theirs, 128.0);
    Ok(())
}

fn push_memory(table: &mut Table, of: &str, usage: Usage, bound: f64) {
    let peak = megabytes(usage.peak_rss);
    table.push(Line {
        what: format!("  peak resident memory, {of}"),
        measured: format!("{peak:.0} MB"),
        reference: String::new(),
        floor: Some(Floor::at_most(peak, bound, format!("<= {bound:.0} MB"))),
    });
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

async fn drop_table(server: &MySql) -> Result<()> {
    server.run(["SET SESSION sql_log_bin = 0".to_owned(), format!("DROP TABLE {DATABASE}.{TABLE}")]).await
}

async fn connector(rig: &Rig, prefix: &str) -> Result<Strait> {
    let settings = [
        ("prefix", prefix.to_owned()),
        ("source.host", rig.source.host().to_owned()),
        ("source.port", rig.source.port().to_string()),
        ("source.user", rig.source.user().to_owned()),
        ("snapshot.mode", "initial".to_owned()),
        ("database.exclude.list", r#"["generator"]"#.to_owned()),
        ("kafka.brokers", rig.kafka.bootstrap().to_owned()),
        ("registry.url", rig.registry.url().to_owned()),
    ];
    Strait::new(Program::Connector, prefix, settings).await
}

async fn sink(rig: &Rig, prefix: &str) -> Result<Strait> {
    let settings = [
        ("name", prefix.to_owned()),
        ("prefix", prefix.to_owned()),
        ("target.host", rig.target.host().to_owned()),
        ("target.port", rig.target.port().to_string()),
        ("target.user", rig.target.user().to_owned()),
        ("kafka.brokers", rig.kafka.bootstrap().to_owned()),
        ("registry.url", rig.registry.url().to_owned()),
    ];
    Strait::new(Program::Sink, &format!("{prefix}-sink"), settings).await
}

/// Starts the connector and waits until the position says that no snapshot is under way any more; what it used.
fn publish(rig: &Rig, connector: &Strait, prefix: &str) -> Result<(Duration, Usage)> {
    let mut reader = PositionReader::new(rig.kafka.bootstrap(), prefix)?;
    let began = Instant::now();
    connector.start()?;
    loop {
        let position = tokio::task::block_in_place(|| reader.latest(Duration::from_millis(50)))?;
        if position.is_some_and(|position| position.snapshot.is_none()) {
            return Ok((began.elapsed(), connector.usage()?));
        }
        connector.running()?;
        if began.elapsed() > PATIENCE {
            bail!("not published after {PATIENCE:?}:\n{}", connector.last_words());
        }
    }
}

async fn applied(rig: &Rig, sink: &Strait, prefix: &str) -> Result<()> {
    let mut reader = PositionReader::new(rig.kafka.bootstrap(), prefix)?;
    let position = tokio::task::block_in_place(|| reader.latest(Duration::from_secs(20)))?
        .context("the position topic is empty")?;
    let last = Seq::new(position.next_seq.generation(), position.next_seq.number() - 1);
    let mut conn = rig.target.conn().await?;
    let began = Instant::now();
    loop {
        let applied: Option<Option<u64>> = conn
            .exec_first("SELECT MAX(seq) FROM strait.lane WHERE origin = ?", (prefix,))
            .await
            .ok()
            .flatten();
        if applied.flatten().is_some_and(|seq| seq >= last.raw()) {
            return Ok(());
        }
        sink.running()?;
        ensure!(began.elapsed() < PATIENCE, "{last} not applied after {PATIENCE:?}:\n{}", sink.last_words());
        tokio::time::sleep(Duration::from_millis(20)).await;
    }
}
