//! What leaving tables out saves: the connector's CPU time for each megabyte of binary log, publishing one of 100 tables against
//! all of them. Both read the same log.

use anyhow::{Context, Result};

use super::SEED;
use crate::bench::{
    drain,
    figure::{Figure, Target},
    load::{self, Load, MANY, MANY_DATABASE},
    rig::{self, Rig},
    samples::Samples,
    scale::Scale,
    suite::say,
    topics,
};

pub async fn run(scale: Scale) -> Result<Vec<Figure>> {
    let rig = Rig::start(&[]).await?;
    let source = rig::opts(&rig.source);
    load::create_many(&source, MANY).await?;
    let before = rig::executed(&rig.source).await?;
    say("loading");
    Load::logged(SEED).many_tables(&source, scale.rows / 5).await?;
    let goal = rig::executed(&rig.source).await?;
    let (mut one, mut all) = (Samples::default(), Samples::default());
    for round in 1..=scale.rounds {
        say(&format!("round {round}"));
        all.push(cost(&rig, &format!("all{round}x"), r"t\d+", &before, &goal).await?);
        one.push(cost(&rig, &format!("one{round}x"), "t7", &before, &goal).await?);
    }
    rig.end()?;
    let times = all.with(&one, |all, one| all / one);
    Ok(vec![
        Figure::lower("CPU a megabyte of log, one of 100 tables", "ms", one).beside("all of them", &all),
        Figure::higher("times less", "x", times).target(Target::AtLeast(5.0)),
    ])
}

/// Publishes what `tables` matches, from after `before` up to `goal`.
async fn cost(rig: &Rig, prefix: &str, tables: &str, before: &str, goal: &str) -> Result<f64> {
    let extra = vec![
        ("database.exclude.list", String::new()),
        ("table.include.list", format!("{MANY_DATABASE}\\.{tables}")),
    ];
    let connector = rig.connector(&rig.source, prefix, before, extra).await?;
    let drain = drain::publish(rig, &connector, prefix, goal)?;
    let bytes = connector.metrics().await?.sum("strait_connector_source_bytes_total").context("bytes")?;
    connector.stop().await?;
    topics::delete(&rig.kafka, prefix).await?;
    Ok(drain.usage.cpu.as_secs_f64() * 1e3 / (bytes / 1e6))
}
