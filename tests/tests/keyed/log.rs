//! What a log may look like: numbers that were given again, another cluster's, records that are gone.

use anyhow::{Result, ensure};
use e2e::{
    Lab,
    debezium::{Form, TABLE},
    eventually,
    fake_source::{Event, FakeSource, row},
};
use strait_sink::Error;

use crate::scene::{PATIENCE, Scene, goods};

#[tokio::test(flavor = "multi_thread")]
async fn numbers_that_are_given_again_are_found() -> Result<()> {
    let mut scene = Scene::new(&["CREATE TABLE t (id INT PRIMARY KEY, name VARCHAR(100), n INT)"]).await?;
    let mut source = scene.fake().await?;
    source.transaction(1, &[Event::Insert(row(3, "a", 0))]).await?;
    source.records(2, 0, &[Event::Update(row(3, "a", 0), row(3, "aborted", 0))]).await?;
    let running = scene.start();
    scene.becomes("SELECT name FROM t", &["aborted"]).await?;
    // The same once more is passed over.
    source.records(1, 0, &[Event::Insert(row(3, "a", 0))]).await?;
    eventually(PATIENCE, || async {
        let repeated = running.metric("strait_sink_repeated_records_total");
        if repeated >= 1.0 { Ok(()) } else { Err(repeated) }
    })
    .await?;
    scene.becomes("SELECT name FROM t", &["aborted"]).await?;
    running.stop().await?;
    source.attempt = 2;
    source.transaction(2, &[Event::Update(row(3, "a", 0), row(3, "b", 0))]).await?;
    let error = scene.halts().await?;
    ensure!(matches!(error, Error::StaleAttempt { attempt: 2, applied: 1, .. }), "{error}");
    scene.becomes("SELECT name FROM t", &["aborted"]).await
}

#[tokio::test(flavor = "multi_thread")]
async fn a_row_that_speaks_of_another_log_halts() -> Result<()> {
    let mut scene = Scene::new(&[TABLE]).await?;
    let writer = scene.debezium(Form::Json).await?;
    writer.create(goods(1, Some("a"), 1)).await?;
    let running = scene.start();
    scene.becomes("SELECT name FROM t", &["a"]).await?;
    running.stop().await?;
    let row = scene.row("next_offset > 0");
    scene.run(&format!("UPDATE strait.keyed_lane SET next_offset = 1000 {row}")).await?;
    let error = scene.halts().await?;
    ensure!(matches!(error, Error::OffsetGone { offset: 1000, first: 0, end: 1, .. }), "{error}");
    scene.run(&format!("UPDATE strait.keyed_lane SET next_offset = 1, cluster_id = 'other' {row}")).await?;
    let error = scene.halts().await?;
    ensure!(matches!(&error, Error::OtherCluster { expected, .. } if expected == "other"), "{error}");
    Ok(())
}

/// Rows of partitions of which nothing has come yet belong to no cluster.
#[tokio::test(flavor = "multi_thread")]
async fn a_row_without_an_offset_is_of_any_cluster() -> Result<()> {
    let mut scene = Scene::new(&[TABLE]).await?;
    let writer = scene.debezium(Form::Json).await?;
    let running = scene.start();
    let taken =
        format!("SELECT CAST(COUNT(*) AS CHAR) FROM strait.keyed_lane {}", scene.row("next_offset = -1"));
    scene.becomes(&taken, &["3"]).await?;
    running.stop().await?;
    let row = scene.row("next_offset = -1");
    scene.run(&format!("UPDATE strait.keyed_lane SET cluster_id = 'other' {row}")).await?;
    for name in ["a", "b"] {
        writer.create(goods(1, Some(name), 1)).await?;
        let running = scene.start();
        scene.becomes("SELECT name FROM t", &[name]).await?;
        running.stop().await?;
    }
    Ok(())
}

/// A quiet topic's records have all passed their retention, and the marker behind the last of them, too.
#[tokio::test(flavor = "multi_thread")]
async fn a_marker_alone_may_be_gone() -> Result<()> {
    let kafka = Lab::shared().kafka().await?;
    let mut scene = Scene::new(&["CREATE TABLE t (id INT PRIMARY KEY, name VARCHAR(100), n INT)"]).await?;
    let source = FakeSource::transactional(kafka, &scene.database).await?;
    scene.config.prefix.clone_from(&source.prefix);
    source.transaction(1, &[Event::Insert(row(3, "a", 0))]).await?;
    let running = scene.start();
    scene.becomes("SELECT name FROM t", &["a"]).await?;
    running.stop().await?;
    kafka.delete_records(&source.topic, 0, 2).await?;
    let process = scene.process("keyed-marker", &[]).await?;
    process.start_ready(PATIENCE).await?;
    eventually(PATIENCE, || async {
        let words = process.words().map_err(|error| error.to_string())?;
        if words.contains("nothing but a transaction's marker") { Ok(()) } else { Err(words) }
    })
    .await?;
    source.transaction(2, &[Event::Update(row(3, "a", 0), row(3, "b", 0))]).await?;
    scene.becomes("SELECT name FROM t", &["b"]).await?;
    process.stop().await?;
    // More than that is a loss.
    for (number, name) in [(3, "c"), (4, "d")] {
        source.transaction(number, &[Event::Update(row(3, "b", 0), row(3, name, 0))]).await?;
    }
    kafka.delete_records(&source.topic, 0, 6).await?;
    let error = scene.halts().await?;
    ensure!(matches!(error, Error::OffsetGone { offset: 3, first: 6, end: 8, .. }), "{error}");
    scene.becomes("SELECT name FROM t", &["b"]).await
}
