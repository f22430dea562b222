//! A source transaction that spans many Kafka transactions, and a restart in its midst.

use std::time::{Duration, Instant};

use anyhow::{Result, ensure};
use e2e::oracle::PublishedLog;
use strait_schemas::{Inside, PartEnd, topics};

use crate::Pipe;

const ROWS: i64 = 40_000;

/// Commits every 64 KiB: a transaction of many rows is open for seconds.
async fn splitting() -> Result<Pipe> {
    splitting_with("publish.transaction_metadata", "false").await
}

async fn splitting_with(setting: &str, value: &str) -> Result<Pipe> {
    let settings = [("publish.bytes", "64 KiB"), ("publish.channel", "64 KiB"), (setting, value)];
    let pipe = Pipe::shared(&settings).await?;
    pipe.run(["CREATE TABLE t (id INT PRIMARY KEY, filler VARCHAR(200))"]).await?;
    Ok(pipe)
}

async fn write_one_large(pipe: &Pipe) -> Result<()> {
    let rows = format!(
        "INSERT INTO t WITH RECURSIVE n (id) AS (SELECT 1 UNION ALL SELECT id + 1 FROM n WHERE id < {ROWS}) \
         SELECT id, REPEAT(CHAR(97 + id % 26), 100) FROM n"
    );
    pipe.run(["SET SESSION cte_max_recursion_depth = 10000000", &rows, "DELETE FROM t WHERE id <= 10"]).await
}

/// Kills the connector while the position is inside a transaction.
async fn kill_inside(pipe: &Pipe) -> Result<Inside> {
    let began = Instant::now();
    loop {
        // With a good part before it, so that there is something to pass over.
        if pipe
            .position()
            .await?
            .and_then(|position| position.inside)
            .is_some_and(|inside| inside.next_index > 1000)
        {
            pipe.connector.kill9().await?;
            if let Some(inside) = pipe.position().await?.and_then(|position| position.inside) {
                return Ok(inside);
            }
            pipe.connector.start()?;
        }
        ensure!(began.elapsed() < Duration::from_secs(60), "never seen inside the transaction");
    }
}

async fn verify(pipe: &Pipe) -> Result<()> {
    let (bootstrap, prefix) = (pipe.bootstrap.clone(), pipe.prefix.clone());
    let log = tokio::task::spawn_blocking(move || PublishedLog::read(&bootstrap, &prefix)).await??;
    log.verify_numbers()?;
    let logged = pipe.logged().await?;
    let counts = log.verify(&logged, &pipe.keys(&["t"]))?;
    assert_eq!(counts.events, ROWS as u64 + 10);
    Ok(())
}

#[tokio::test]
async fn a_restart_inside_goes_on_where_it_was() -> Result<()> {
    let pipe = splitting().await?;
    pipe.start().await?;
    write_one_large(&pipe).await?;
    let inside = kill_inside(&pipe).await?;
    pipe.start().await?;
    pipe.published().await?;
    let parts: Vec<_> = pipe.parts().await?.into_iter().filter(|part| part.seq == inside.seq).collect();
    assert!(parts.iter().all(|part| part.end != PartEnd::Void));
    let attempts: std::collections::BTreeSet<_> = parts.iter().map(|part| part.attempt).collect();
    assert!(attempts.len() >= 2, "parts of two attempts: {attempts:?}");
    let resumed =
        parts.iter().find(|part| part.first == inside.next_index).expect("goes on at the next index");
    assert!(resumed.attempt > parts[0].attempt);
    assert!(parts.last().is_some_and(|part| part.end == PartEnd::Closed));
    verify(&pipe).await?;
    pipe.connector.stop().await
}

#[tokio::test]
async fn a_restart_with_another_filter_gives_it_a_new_number() -> Result<()> {
    let pipe = splitting().await?;
    pipe.start().await?;
    write_one_large(&pipe).await?;
    let inside = kill_inside(&pipe).await?;
    let again = pipe.with_settings(&[("table.exclude.list", "nothing_of_that_name")]).await?;
    again.start().await?;
    again.published().await?;
    let parts = again.parts().await?;
    let void = parts.iter().find(|part| part.end == PartEnd::Void).expect("the unfinished number is void");
    assert_eq!((void.seq, void.count), (inside.seq, 0));
    assert!(void.first >= inside.next_index, "{} {}", void.first, inside.next_index);
    let anew =
        parts.iter().find(|part| part.gtid == inside.gtid && part.seq > inside.seq).expect("a new number");
    assert_eq!(anew.first, 0);
    verify(&again).await?;
    again.connector.stop().await
}

#[tokio::test]
async fn the_transaction_topic_counts_all_events_whatever_was_killed() -> Result<()> {
    let pipe = splitting_with("publish.transaction_metadata", "true").await?;
    pipe.start().await?;
    write_one_large(&pipe).await?;
    let inside = kill_inside(&pipe).await?;
    pipe.start().await?;
    pipe.published().await?;
    let told = pipe.read(&topics::transaction_topic(&pipe.prefix)).await?;
    let end = told
        .iter()
        .map(crate::Published::json)
        .find(|told| told["status"] == "END" && told["id"] == inside.gtid.as_str())
        .expect("its end");
    assert_eq!(end["event_count"], ROWS);
    verify(&pipe).await?;
    pipe.connector.stop().await
}
