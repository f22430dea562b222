//! What leads a key to another partition than before halts, until somebody confirms that nothing can be overtaken.

use anyhow::{Context as _, Result, ensure};
use e2e::{
    Lab,
    debezium::{Form, TABLE},
};
use strait_service::Refusal as _;
use strait_sink::Error;

use crate::scene::{PATIENCE, Scene, goods};

/// Runs the statement that the error names.
async fn confirm(scene: &Scene, error: &Error) -> Result<()> {
    let remedy = error.remedy().context("it has a remedy")?;
    let at = remedy.find("UPDATE strait.keyed_topic").with_context(|| remedy.clone())?;
    let end = [", start the sinks", ", and start"].iter().find_map(|end| remedy.find(end));
    scene.run(&remedy[at..end.with_context(|| remedy.clone())?]).await
}

#[tokio::test(flavor = "multi_thread")]
async fn more_partitions_halt() -> Result<()> {
    let kafka = Lab::shared().kafka().await?;
    let mut scene = Scene::new(&[TABLE]).await?;
    let writer = scene.debezium(Form::Json).await?;
    writer.create(goods(1, Some("a"), 1)).await?;
    let running = scene.start();
    scene.becomes("SELECT name FROM t", &["a"]).await?;
    // While it runs, and to one that is started.
    kafka.grow(&writer.topic, 5).await?;
    let halted = tokio::time::timeout(PATIENCE, running.task).await.context("it halts")??;
    let is_it = |error: &Error| matches!(error, Error::PartitionsChanged { known: 3, .. });
    ensure!(halted.as_ref().is_err_and(is_it), "{halted:?}");
    for id in 2..20 {
        writer.create(goods(id, Some("b"), 1)).await?;
    }
    let error = scene.halts().await?;
    ensure!(matches!(error, Error::PartitionsChanged { known: 3, found: 5, .. }), "{error}");
    scene.becomes("SELECT name FROM t", &["a"]).await?;
    confirm(&scene, &error).await?;
    let running = scene.start();
    scene.becomes("SELECT CAST(COUNT(*) AS CHAR) FROM t", &["19"]).await?;
    running.stop().await
}

#[tokio::test(flavor = "multi_thread")]
async fn keys_of_another_form_halt() -> Result<()> {
    let mut scene = Scene::new(&[TABLE]).await?;
    let mut writer = scene.debezium(Form::Json).await?;
    writer.create(goods(1, Some("a"), 1)).await?;
    let running = scene.start();
    scene.becomes("SELECT name FROM t", &["a"]).await?;
    // The column has become a BIGINT at the source: the same key is other bytes.
    writer.long_keys = true;
    writer.update(goods(1, Some("a"), 1), goods(1, Some("b"), 1)).await?;
    let halted = tokio::time::timeout(PATIENCE, running.task).await.context("it halts")??;
    ensure!(halted.as_ref().is_err_and(|it| matches!(it, Error::KeyFormChanged { .. })), "{halted:?}");
    let error = scene.halts().await?;
    scene.becomes("SELECT name FROM t", &["a"]).await?;
    confirm(&scene, &error).await?;
    let running = scene.start();
    scene.becomes("SELECT name FROM t", &["b"]).await?;
    running.stop().await
}

/// The key is compared with the table's whenever it changes, not with the first record alone.
#[tokio::test(flavor = "multi_thread")]
async fn a_key_of_other_columns_halts_whenever_it_comes() -> Result<()> {
    let mut scene = Scene::new(&["CREATE TABLE t (id INT PRIMARY KEY, name VARCHAR(100))"]).await?;
    let mut writer = scene.debezium(Form::JsonWithoutSchemas).await?;
    writer.create(goods(1, Some("a"), 1)).await?;
    let running = scene.start();
    scene.becomes("SELECT name FROM t", &["a"]).await?;
    writer.named_keys = true;
    writer.create(goods(2, Some("b"), 1)).await?;
    let halted = tokio::time::timeout(PATIENCE, running.task).await.context("it halts")??;
    ensure!(halted.as_ref().is_err_and(|it| matches!(it, Error::TableRefused { .. })), "{halted:?}");
    scene.becomes("SELECT name FROM t", &["a"]).await
}
