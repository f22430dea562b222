//! How long a process takes from its start to the first row, with many tables in the catalog of its server.

use anyhow::Result;
use futures_util::future::try_join_all;

use crate::{
    MySql,
    bench::{
        drain::{self, Drain},
        figure::{Figure, Target},
        load::{self, DATABASE, Table},
        rig::{self, Rig},
        samples::Samples,
        scale::{FULL, Scale},
        suite::say,
    },
};

const TABLES: u64 = 10_000;
const PREFIX: &str = "start";
const SINK: &str = "main";

pub async fn run(scale: Scale) -> Result<Vec<Figure>> {
    let rig = Rig::start(&[Table::Ticks]).await?;
    let tables = (TABLES * scale.rows / FULL).clamp(100, TABLES);
    say(&format!("creating {tables} tables at both servers"));
    try_join_all([&rig.source, &rig.target].map(|server| many(server, tables))).await?;
    let before = rig::executed(&rig.source).await?;
    let all = vec![("database.exclude.list", "generator".to_owned())];
    let connector = rig.connector(&rig.source, PREFIX, &before, all).await?;
    let sink = rig.sink(&rig.target, PREFIX, SINK, Vec::new()).await?;
    let mut measured = [Measured::default(), Measured::default()];
    // The very first start also makes topics and tables: it is not counted.
    for round in 0..=scale.rounds {
        say(&format!("round {round}"));
        let row = format!("INSERT INTO {DATABASE}.ticks VALUES ({}, 0, 'x', 'y')", round + 1);
        rig.source.run([row]).await?;
        let goal = rig::executed(&rig.source).await?;
        let published = drain::publish(&rig, &connector, PREFIX, &goal)?;
        connector.stop().await?;
        let goal = drain::last_seq(&rig, PREFIX)?;
        let applied = drain::apply(&rig.target, &sink, PREFIX, SINK, goal).await?;
        sink.stop().await?;
        if round > 0 {
            measured[0].add(&published);
            measured[1].add(&applied);
        }
    }
    rig.ensure_equal(&rig.source, &rig.target).await?;
    rig.end()?;
    let figures = ["connector", "sink"].into_iter().zip(measured).flat_map(|(process, measured)| {
        [
            Figure::lower(format!("{process}: start to first row"), "ms", measured.time)
                .target(Target::AtMost(1_000.0)),
            Figure::lower(format!("{process}: memory then"), "MB", measured.memory),
        ]
    });
    Ok(figures.collect())
}

async fn many(server: &MySql, tables: u64) -> Result<()> {
    server.run(["SET GLOBAL sync_binlog = 0", "SET GLOBAL innodb_flush_log_at_trx_commit = 0"]).await?;
    load::create_many(&rig::opts(server), tables).await?;
    server.run(["SET GLOBAL sync_binlog = 1", "SET GLOBAL innodb_flush_log_at_trx_commit = 1"]).await
}

#[derive(Default)]
struct Measured {
    time: Samples,
    memory: Samples,
}

impl Measured {
    fn add(&mut self, drain: &Drain) {
        self.time.push(drain.elapsed.as_secs_f64() * 1e3);
        self.memory.push(drain::megabytes(drain.usage.rss));
    }
}
