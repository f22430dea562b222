//! A slow link to the source.

use anyhow::Result;
use e2e::{Lab, Latency, Proxy};

use crate::Pipe;

#[tokio::test]
async fn an_event_that_takes_longer_than_three_heartbeats_passes() -> Result<()> {
    let source = Lab::shared().mysql().await?;
    let proxy = Proxy::start(source.address(), Latency::NONE).await?;
    let port = proxy.port().to_string();
    let pipe = Pipe::shared(&[("source.port", &port), ("source.heartbeat", "200ms")]).await?;
    let other = source.database("left_out").await?;
    pipe.run([
        "CREATE TABLE t (id INT PRIMARY KEY)".to_owned(),
        format!("CREATE TABLE {other}.large (v LONGBLOB)"),
    ])
    .await?;
    pipe.start().await?;
    proxy.set_rate(Some(4 << 20));
    // Two seconds, where 600 ms of silence are borne.
    pipe.run([
        format!("INSERT INTO {other}.large VALUES (REPEAT('x', 8 << 20))"),
        "INSERT INTO t VALUES (1)".to_owned(),
    ])
    .await?;
    pipe.published().await?;
    assert_eq!(pipe.table("t").await?.len(), 1);
    let restarts = pipe.connector.metrics().await?.sum("strait_connector_restarts_total");
    assert!(restarts.is_some_and(|restarts| restarts > 0.0), "the event came too fast to tell anything");
    pipe.connector.stop().await
}
