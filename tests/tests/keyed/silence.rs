//! A Kafka that does not answer is said, and shows in the lag.

use anyhow::{Result, ensure};
use e2e::{
    Kafka, KafkaOptions,
    debezium::{Debezium, Form, TABLE},
    eventually,
};

use crate::scene::{PATIENCE, Scene, goods};

#[tokio::test(flavor = "multi_thread")]
async fn kafka_that_does_not_answer_is_said() -> Result<()> {
    let kafka = Kafka::start(KafkaOptions::named("keyed-silent")).await?;
    let mut scene = Scene::new(&[TABLE]).await?;
    let writer = Debezium::new(&kafka, &scene.database, Form::Json).await?;
    scene.config.prefix.clone_from(&writer.prefix);
    scene.config.kafka.brokers = kafka.bootstrap().into();
    writer.create(goods(1, Some("a"), 1)).await?;
    let running = scene.start();
    scene.becomes("SELECT name FROM t", &["a"]).await?;
    kafka.freeze(0)?;
    eventually(PATIENCE, || async {
        let said = running.context.status.to_json().to_string();
        if said.contains("Kafka has not answered") { Ok(()) } else { Err(said) }
    })
    .await?;
    ensure!(running.metric("strait_sink_lag_seconds") >= 20.0, "it says that nothing is behind");
    kafka.thaw(0)?;
    writer.update(goods(1, Some("a"), 1), goods(1, Some("b"), 1)).await?;
    scene.becomes("SELECT name FROM t", &["b"]).await?;
    running.stop().await
}
