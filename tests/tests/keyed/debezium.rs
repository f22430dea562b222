//! Debezium's own topics, in each form, are applied.

use anyhow::Result;
use e2e::{
    Lab,
    debezium::{Debezium, Form, TABLE},
};

use crate::scene::{Scene, goods};

/// A snapshot's row, one that is created, changes and ends of both; then a second run, which goes on.
async fn through(scene: &Scene, writer: &Debezium, query: &str, [first, then]: [&[&str]; 2]) -> Result<()> {
    let running = scene.start();
    writer.read(goods(1, Some("snapshot"), 1)).await?;
    writer.create(goods(2, Some("größe"), -25)).await?;
    writer.create(goods(3, Some("to go"), 3)).await?;
    writer.update(goods(1, Some("snapshot"), 1), goods(1, None, 99)).await?;
    writer.delete(goods(3, Some("to go"), 3)).await?;
    // The row comes again; the snapshot was late for another.
    writer.create(goods(4, Some("gone"), 0)).await?;
    writer.delete(goods(4, Some("gone"), 0)).await?;
    writer.create(goods(4, Some("again"), 4)).await?;
    writer.read(goods(2, Some("größe"), -25)).await?;
    scene.becomes(query, first).await?;
    running.stop().await?;
    writer.delete(goods(1, None, 99)).await?;
    let running = scene.start();
    scene.becomes(query, then).await?;
    running.stop().await
}

const TYPED: &str =
    "SELECT CONCAT_WS(' ', id, COALESCE(name, 'NULL'), price, CAST(at AS CHAR)) FROM t ORDER BY id";
const ROWS: [&[&str]; 2] = [
    &[
        "1 NULL 0.99 2024-02-29 12:34:56.123456",
        "2 größe -0.25 2024-02-29 12:34:56.123456",
        "4 again 0.04 2024-02-29 12:34:56.123456",
    ],
    &["2 größe -0.25 2024-02-29 12:34:56.123456", "4 again 0.04 2024-02-29 12:34:56.123456"],
];

#[tokio::test(flavor = "multi_thread")]
async fn debezium_s_topics_in_json() -> Result<()> {
    let mut scene = Scene::new(&[TABLE]).await?;
    let writer = scene.debezium(Form::Json).await?;
    through(&scene, &writer, TYPED, ROWS).await
}

#[tokio::test(flavor = "multi_thread")]
async fn debezium_s_topics_in_json_without_schemas() -> Result<()> {
    let mut scene = Scene::new(&["CREATE TABLE t (id INT PRIMARY KEY, name VARCHAR(100))"]).await?;
    let writer = scene.debezium(Form::JsonWithoutSchemas).await?;
    let query = "SELECT CONCAT_WS(' ', id, COALESCE(name, 'NULL')) FROM t ORDER BY id";
    through(&scene, &writer, query, [&["1 NULL", "2 größe", "4 again"], &["2 größe", "4 again"]]).await
}

#[tokio::test(flavor = "multi_thread")]
async fn debezium_s_topics_in_avro() -> Result<()> {
    let mut scene = Scene::new(&[TABLE]).await?;
    let (kafka, registry) = (Lab::shared().kafka().await?, Lab::shared().registry().await?);
    let writer = Debezium::avro(kafka, registry, &scene.database).await?;
    scene.config.prefix.clone_from(&writer.prefix);
    scene.config.registry.url = strait_service::Endpoint::new(registry.url());
    through(&scene, &writer, TYPED, ROWS).await
}

/// The target has a row that the log inserts and deletes, as a copy that was made later does.
#[tokio::test(flavor = "multi_thread")]
async fn a_row_that_is_there_before_its_insert_is_deleted() -> Result<()> {
    let mut scene = Scene::new(&[TABLE]).await?;
    let writer = scene.debezium(Form::Json).await?;
    scene.run("INSERT INTO t VALUES (4, 'there', 0, NULL), (5, 'other', 0, NULL)").await?;
    writer.create(goods(4, Some("gone"), 0)).await?;
    writer.delete(goods(4, Some("gone"), 0)).await?;
    let running = scene.start();
    scene.becomes("SELECT name FROM t", &["other"]).await?;
    running.stop().await
}
