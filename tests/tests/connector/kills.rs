//! kill -9 at random instants under load: every transaction once, whole, in order, without gaps.

use std::time::{Duration, Instant};

use anyhow::Result;
use e2e::oracle::PublishedLog;
use mysql_async::prelude::Queryable;
use tokio_util::sync::CancellationToken;

use crate::Pipe;

const KILLS: u32 = 10;

/// Of each writer: what is written between two kills shall be published between them, too, not heap up until the end.
const PACE: Duration = Duration::from_millis(30);

/// Writes transactions of several shapes until told to stop; their number.
async fn write(pipe: &Pipe, writer: i64, stop: CancellationToken) -> Result<i64> {
    let mut conn = pipe.conn().await?;
    let mut written = 0;
    let mut pace = tokio::time::interval(PACE);
    while !stop.is_cancelled() {
        pace.tick().await;
        let id = writer * 1_000_000 + written;
        let rows: Vec<_> = (0..=written % 7).map(|row| format!("({id} * 10 + {row}, 'v')")).collect();
        conn.query_drop("BEGIN").await?;
        conn.query_drop(format!("INSERT INTO a VALUES {}", rows.join(","))).await?;
        conn.query_drop(format!("UPDATE a SET v = 'w' WHERE id = {id} * 10")).await?;
        conn.query_drop(format!("INSERT INTO b VALUES ({id}, REPEAT('x', {}))", written % 500)).await?;
        if written % 5 == 0 {
            conn.query_drop(format!("DELETE FROM a WHERE id = {id} * 10")).await?;
        }
        conn.query_drop("COMMIT").await?;
        written += 1;
    }
    conn.disconnect().await?;
    Ok(written)
}

#[tokio::test(flavor = "multi_thread")]
async fn a_killed_connector_neither_loses_nor_doubles() -> Result<()> {
    let pipe = std::sync::Arc::new(
        Pipe::shared(&[("publish.interval", "20ms"), ("publish.bytes", "16 KiB")]).await?,
    );
    pipe.run([
        "CREATE TABLE a (id BIGINT PRIMARY KEY, v VARCHAR(10))",
        "CREATE TABLE b (id BIGINT PRIMARY KEY, v TEXT)",
    ])
    .await?;
    pipe.start().await?;
    let stop = CancellationToken::new();
    let writers: Vec<_> = (1..=3)
        .map(|writer| {
            let (pipe, stop) = (pipe.clone(), stop.clone());
            tokio::spawn(async move { write(&pipe, writer, stop).await })
        })
        .collect();
    let mut random = fastrand::Rng::with_seed(7);
    for _ in 0..KILLS {
        // From the middle of the start procedure to full work.
        let until = Instant::now() + Duration::from_millis(random.u64(50..3000));
        while Instant::now() < until {
            tokio::time::sleep(Duration::from_millis(5)).await;
        }
        pipe.connector.kill9().await?;
        pipe.connector.start()?;
    }
    stop.cancel();
    let mut written = 0;
    for writer in writers {
        written += writer.await??;
    }
    pipe.published().await?;

    let (bootstrap, prefix) = (pipe.bootstrap.clone(), pipe.prefix.clone());
    let log = tokio::task::spawn_blocking(move || PublishedLog::read(&bootstrap, &prefix)).await??;
    let counts = log.verify(&pipe.logged().await?, &pipe.keys(&["a", "b"]))?;
    assert_eq!(counts.transactions, written as u64);
    assert!(pipe.position().await?.is_some_and(|position| position.attempt > 3));
    pipe.connector.stop().await
}
