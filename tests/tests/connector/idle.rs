//! An idle source is told from a stalled one, and a position moves past what is left out.

use std::time::Duration;

use anyhow::Result;
use e2e::eventually;

use crate::Pipe;

const SOON: Duration = Duration::from_secs(20);

#[tokio::test]
async fn an_idle_source_shows_no_lag_and_says_so() -> Result<()> {
    let pipe = Pipe::shared(&[]).await?;
    pipe.run(["CREATE TABLE t (id INT PRIMARY KEY)"]).await?;
    pipe.start().await?;
    pipe.run(["INSERT INTO t VALUES (1)"]).await?;
    pipe.published().await?;
    eventually(SOON, || async {
        let status = pipe.connector.status().await.map_err(|error| error.to_string())?.to_string();
        let metrics = pipe.connector.metrics().await.map_err(|error| error.to_string())?;
        // Both at once: other tests write to this source, too.
        let no_lag = metrics.sum("strait_connector_lag_seconds").is_some_and(|lag| lag < 1e-9);
        if no_lag && status.contains("source idle") { Ok(()) } else { Err(status) }
    })
    .await?;
    let last = |records: &[strait_schemas::SpineRecord]| records.last().map_or(0, |record| record.as_of_us);
    let before = last(&pipe.spine().await?);
    eventually(SOON, || async {
        let spine = pipe.spine().await.map_err(|error| error.to_string())?;
        let empty = spine.last().is_some_and(|record| record.parts.is_empty());
        if last(&spine) > before && empty { Ok(()) } else { Err("no newer proof of idleness") }
            .map_err(str::to_owned)
    })
    .await?;
    pipe.connector.stop().await
}

#[tokio::test]
async fn the_position_moves_past_what_is_left_out_and_takes_no_number() -> Result<()> {
    let pipe = Pipe::shared(&[]).await?;
    let other = pipe.mysql().database("other").await?;
    pipe.start().await?;
    pipe.mysql()
        .run([
            format!("CREATE TABLE {other}.t (id INT PRIMARY KEY)"),
            format!("INSERT INTO {other}.t VALUES (1)"),
        ])
        .await?;
    pipe.published().await?;
    assert!(pipe.parts().await?.is_empty());
    pipe.run(["CREATE TABLE t (id INT PRIMARY KEY)"]).await?;
    pipe.published().await?;
    let parts = pipe.beginnings().await?;
    assert_eq!(parts.len(), 1);
    assert_eq!(parts[0].seq.to_string(), "1-1");
    pipe.connector.stop().await
}
