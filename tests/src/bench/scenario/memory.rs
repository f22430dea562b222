//! What both processes need for what is larger than their memory should ever be: one transaction, and single rows.

use anyhow::Result;

use super::SEED;
use crate::bench::{
    drain::{self, Drain},
    figure::{Figure, Target},
    load::{Load, Table},
    rig::{self, Rig},
    samples::Samples,
    scale::{FULL, Scale},
    suite::say,
};

const PREFIX: &str = "memory";
const SINK: &str = "main";
/// Of 1 KB each: 5 GB.
const ROWS: u64 = 5_000_000;
const WIDE: u64 = 100 << 20;
const WIDE_ROWS: u64 = 5;
/// Of a wide row, and what is around it.
const LARGEST_RECORD: &str = "150000000";

pub async fn transaction(scale: Scale) -> Result<Vec<Figure>> {
    let rig = Rig::start(&[Table::Wide]).await?;
    let rows = (ROWS * scale.rows / FULL).next_multiple_of(1_000);
    say(&format!("one transaction of {rows} KB"));
    let before = rig::executed(&rig.source).await?;
    Load::logged(SEED).one_transaction(&rig::opts(&rig.source), rows).await?;
    let measured = pass(rig, &before).await?;
    Ok(figures(measured, [64.0, 192.0]))
}

pub async fn wide_rows(scale: Scale) -> Result<Vec<Figure>> {
    let properties = [("message.max.bytes", LARGEST_RECORD), ("replica.fetch.max.bytes", LARGEST_RECORD)];
    let rig = Rig::start_with(&[Table::Wide], &properties).await?;
    let bytes = (WIDE * scale.rows / FULL).clamp(1 << 20, WIDE);
    say(&format!("{WIDE_ROWS} rows of {bytes} bytes"));
    for server in [&rig.source, &rig.target] {
        server.run(["SET GLOBAL max_allowed_packet = 1024 * 1024 * 1024"]).await?;
    }
    let before = rig::executed(&rig.source).await?;
    Load::logged(SEED).wide_rows(&rig::opts(&rig.source), WIDE_ROWS, bytes).await?;
    let measured = pass(rig, &before).await?;
    Ok(figures(measured, [4.0 * drain::megabytes(bytes) + 64.0; 2]))
}

/// What is in the log goes through connector and sink, one after the other.
async fn pass(rig: Rig, before: &str) -> Result<[Drain; 2]> {
    let connector = rig.connector(&rig.source, PREFIX, before, Vec::new()).await?;
    let sink = rig.sink(&rig.target, PREFIX, SINK, Vec::new()).await?;
    let goal = rig::executed(&rig.source).await?;
    say("publishing");
    let published = drain::publish(&rig, &connector, PREFIX, &goal)?;
    connector.stop().await?;
    say("applying");
    let goal = drain::last_seq(&rig, PREFIX)?;
    let applied = drain::apply(&rig.target, &sink, PREFIX, SINK, goal).await?;
    sink.stop().await?;
    rig.ensure_equal(&rig.source, &rig.target).await?;
    rig.end()?;
    Ok([published, applied])
}

fn figures(measured: [Drain; 2], most: [f64; 2]) -> Vec<Figure> {
    let of = |value: f64| {
        let mut one = Samples::default();
        one.push(value);
        one
    };
    let both = ["connector", "sink"].into_iter().zip(measured).zip(most);
    let figures = both.flat_map(|((process, drain), most)| {
        [
            Figure::lower(format!("{process}: peak memory"), "MB", of(drain.peak_mb()))
                .target(Target::AtMost(most)),
            Figure::lower(format!("{process}: to pass"), "s", of(drain.elapsed.as_secs_f64())),
        ]
    });
    figures.collect()
}
