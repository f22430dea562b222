//! Whoever has lost a partition commits nothing any more, whatever it believes.

use anyhow::{Context as _, Result, ensure};
use e2e::{
    Latency, Proxy, Strait,
    debezium::{Form, TABLE},
    eventually,
};
use mysql_async::prelude::Queryable;

use crate::scene::{PATIENCE, Scene, goods};

/// Notes each change of the table.
const AUDIT: [&str; 3] = [
    "CREATE TABLE noted (n INT AUTO_INCREMENT PRIMARY KEY, name VARCHAR(100))",
    "CREATE TRIGGER note_insert AFTER INSERT ON t FOR EACH ROW INSERT INTO noted (name) VALUES (NEW.name)",
    "CREATE TRIGGER note_update AFTER UPDATE ON t FOR EACH ROW INSERT INTO noted (name) VALUES (NEW.name)",
];
const NOTED: &str = "SELECT name FROM noted ORDER BY n";

/// What another process has done to the partition's row meanwhile fences this one.
async fn fenced(taken: &str, expected: &[&str]) -> Result<()> {
    let mut scene = Scene::new(&[&[TABLE], &AUDIT[..]].concat()).await?;
    scene.config.apply.allow_triggers = true;
    // Both changes are to be seen, and may come at once.
    scene.config.apply.fold = false;
    let writer = scene.debezium(Form::Json).await?;
    writer.create(goods(1, Some("a"), 1)).await?;
    let running = scene.start();
    scene.becomes(NOTED, &["a"]).await?;
    let row = scene.row("next_offset = 1");
    scene.run(&format!("UPDATE strait.keyed_lane SET {taken} {row}")).await?;
    writer.update(goods(1, Some("a"), 1), goods(1, Some("b"), 1)).await?;
    eventually(PATIENCE, || async {
        let fenced = running.metric("strait_sink_fenced_total");
        if fenced >= 1.0 { Ok(()) } else { Err(fenced) }
    })
    .await?;
    // It joins again, and goes on from where that one was.
    writer.update(goods(1, Some("b"), 1), goods(1, Some("c"), 1)).await?;
    scene.becomes(NOTED, expected).await?;
    running.stop().await
}

#[tokio::test(flavor = "multi_thread")]
async fn whose_epoch_is_gone_commits_nothing() -> Result<()> {
    fenced("epoch = epoch + 1", &["a", "b", "c"]).await
}

#[tokio::test(flavor = "multi_thread")]
async fn whose_offset_is_gone_commits_nothing() -> Result<()> {
    fenced("next_offset = 2", &["a", "c"]).await
}

/// Its batch was on the way when it was paused, and arrives after another process has applied the same.
#[tokio::test(flavor = "multi_thread")]
async fn a_batch_that_arrives_late_is_fenced() -> Result<()> {
    let mut scene = Scene::new(&[&[TABLE], &AUDIT[..]].concat()).await?;
    let writer = scene.debezium(Form::Json).await?;
    let proxy =
        Proxy::start(format!("{}:{}", scene.server.host(), scene.server.port()), Latency::NONE).await?;
    let port = proxy.port().to_string();
    let link = [("target.host", "127.0.0.1"), ("target.port", &*port), ("target.answer_timeout", "2m")];
    let first = scene.process("keyed-late", &link).await?;
    let second = scene.process("keyed-direct", &[]).await?;
    first.start_ready(PATIENCE).await?;
    writer.create(goods(1, Some("a"), 1)).await?;
    scene.becomes(NOTED, &["a"]).await?;
    // What is under way from now on is the next batch.
    has(&first, "strait_sink_batches_total", 1.0).await?;
    has(&first, "strait_sink_lanes_busy", 0.0).await?;

    proxy.freeze();
    writer.update(goods(1, Some("a"), 1), goods(1, Some("b"), 1)).await?;
    has(&first, "strait_sink_lanes_busy", 1.0).await?;
    first.freeze()?;
    second.start()?;
    scene.becomes(NOTED, &["a", "b"]).await?;
    proxy.heal();
    first.thaw()?;
    has(&first, "strait_sink_fenced_total", 1.0).await?;
    writer.update(goods(1, Some("b"), 1), goods(1, Some("c"), 1)).await?;
    scene.becomes(NOTED, &["a", "b", "c"]).await?;
    let killed = second.words()?.contains("held the row");
    ensure!(!killed, "its connection was ended: the fence was not what kept it from committing");
    first.stop().await?;
    second.stop().await
}

async fn has(sink: &Strait, metric: &str, expected: f64) -> Result<()> {
    eventually(PATIENCE, || async {
        let metrics = sink.metrics().await.map_err(|error| error.to_string())?;
        let seen = metrics.sum(metric);
        if seen == Some(expected) { Ok(()) } else { Err(format!("{metric} is {seen:?}")) }
    })
    .await
    .with_context(|| sink.last_words())
    .map(drop)
}

/// A process that was paused in the middle of a transaction holds the partition's row: who takes over ends its connection.
#[tokio::test(flavor = "multi_thread")]
async fn a_paused_process_commits_nothing_any_more() -> Result<()> {
    let mut scene = Scene::new(&[&[TABLE], &AUDIT[..]].concat()).await?;
    let writer = scene.debezium(Form::Json).await?;
    let first = scene.process("keyed-first", &[]).await?;
    let second = scene.process("keyed-second", &[]).await?;
    first.start_ready(PATIENCE).await?;
    writer.create(goods(1, Some("a"), 1)).await?;
    scene.becomes(NOTED, &["a"]).await?;

    // The first one's transaction waits for the row, and holds its partition's.
    let mut holder = scene.server.conn_to(&scene.database).await?;
    holder.query_drop("BEGIN").await?;
    holder.query_drop("SELECT * FROM t FOR UPDATE").await?;
    writer.update(goods(1, Some("a"), 1), goods(1, Some("b"), 1)).await?;
    let waits = "SELECT CAST(COUNT(*) AS CHAR) FROM performance_schema.data_lock_waits";
    scene.becomes(waits, &["1"]).await?;
    first.freeze()?;
    second.start()?;
    eventually(PATIENCE, || async {
        let words = second.words().map_err(|error| error.to_string())?;
        if words.contains("held the row") { Ok(()) } else { Err("it does not take over".to_owned()) }
    })
    .await?;
    holder.query_drop("ROLLBACK").await?;
    scene.becomes(NOTED, &["a", "b"]).await?;
    first.thaw()?;
    writer.update(goods(1, Some("b"), 1), goods(1, Some("c"), 1)).await?;
    scene.becomes(NOTED, &["a", "b", "c"]).await?;
    // It has begun again, and is a member like any other.
    first.ready(PATIENCE).await?;
    first.stop().await?;
    second.stop().await
}
