//! What cannot be applied by key is refused with the setting or statement that mends it.

use std::sync::Arc;

use anyhow::{Result, ensure};
use e2e::{
    Lab,
    debezium::{Form, TABLE},
};
use strait_service::Refusal as _;
use strait_sink::{Error, config::Unordered};

use crate::scene::{Scene, goods};

/// `check` and `run` refuse the table with these words; with the setting it is applied to.
async fn refused(tables: &[&str], words: &[&str], allow: Option<Unordered>) -> Result<()> {
    let mut scene = Scene::new(tables).await?;
    let writer = scene.debezium(Form::Json).await?;
    writer.create(goods(1, Some("a"), 1)).await?;
    let error = scene.halts().await?;
    let remedy = error.remedy().unwrap_or_default();
    let setting = allow.map(|allow| format!("keyed.allow = [\"{}\"]", allow.name()));
    let mut words = words.to_vec();
    words.extend(setting.as_deref());
    ensure!(matches!(error, Error::TableRefused { .. }), "{error}");
    let findings = strait_sink::check(Arc::new(scene.config.clone())).await?;
    for word in words {
        ensure!(remedy.contains(word), "nothing of {word:?} in: {remedy}");
        let said = |found: &&strait_service::Finding| {
            found.is_refusal() && (found.cause.contains(word) || found.remedy.contains(word))
        };
        ensure!(findings.iter().any(|found| said(&found)), "nothing of {word:?} in {findings:?}");
    }
    scene.becomes("SELECT CAST(COUNT(*) AS CHAR) FROM t", &["0"]).await?;
    let Some(allow) = allow else { return Ok(()) };
    scene.config.keyed.allow = vec![allow];
    let findings = strait_sink::check(Arc::new(scene.config.clone())).await?;
    ensure!(!findings.iter().any(strait_service::Finding::is_refusal), "{findings:?}");
    let running = scene.start();
    scene.becomes("SELECT name FROM t", &["a"]).await?;
    running.stop().await
}

#[tokio::test(flavor = "multi_thread")]
async fn a_foreign_key_is_refused() -> Result<()> {
    let parent = "CREATE TABLE parent (id DECIMAL(10,2) PRIMARY KEY)";
    let child = TABLE.replace(
        "at DATETIME(6)",
        "at DATETIME(6), CONSTRAINT up FOREIGN KEY (price) REFERENCES parent (id)",
    );
    // With the setting the child may come before its parent.
    refused(&[parent, &child], &["the foreign key up leads from"], Some(Unordered::ForeignKeys)).await
}

#[tokio::test(flavor = "multi_thread")]
async fn a_secondary_unique_key_is_refused() -> Result<()> {
    let table = TABLE.replace("at DATETIME(6)", "at DATETIME(6), UNIQUE KEY by_name (name)");
    refused(&[&table], &["a secondary unique key, by_name"], Some(Unordered::UniqueKeys)).await
}

#[tokio::test(flavor = "multi_thread")]
async fn a_text_key_is_refused() -> Result<()> {
    let mut scene = Scene::new(&["CREATE TABLE t (id VARCHAR(10) PRIMARY KEY, name VARCHAR(100))"]).await?;
    let writer = scene.debezium(Form::JsonWithoutSchemas).await?;
    writer.create(goods(1, Some("a"), 1)).await?;
    let error = scene.halts().await?;
    let remedy = error.remedy().unwrap_or_default();
    ensure!(remedy.contains("column `id` of its primary key compares texts"), "{error}: {remedy}");
    ensure!(remedy.contains(r#"keyed.allow = ["text-keys"]"#), "{remedy}");
    Ok(())
}

#[tokio::test(flavor = "multi_thread")]
async fn a_table_without_a_primary_key_or_with_another_is_refused() -> Result<()> {
    refused(&[&TABLE.replace(" PRIMARY KEY", "")], &["it has no primary key"], None).await?;
    let other = TABLE
        .replace("id INT PRIMARY KEY", "id INT")
        .replace("at DATETIME(6)", "at DATETIME(6), PRIMARY KEY (id, price)");
    refused(&[&other], &["its records have the key (id), its primary key at the target is (id, price)"], None)
        .await
}

#[tokio::test(flavor = "multi_thread")]
async fn what_does_not_fit_or_cannot_be_ordered_halts() -> Result<()> {
    let mut scene = Scene::new(&[&TABLE.replace("price DECIMAL(10,2), ", "")]).await?;
    let writer = scene.debezium(Form::Json).await?;
    writer.create(goods(1, Some("a"), 1)).await?;
    let error = scene.halts().await?;
    ensure!(matches!(&error, Error::MissingColumn { column, .. } if column == "price"), "{error}");
    ensure!(error.place().is_some_and(|place| place.contains(&writer.topic) && place.contains("offset 0")));
    scene.run("ALTER TABLE t ADD COLUMN price DECIMAL(10,2) AFTER name").await?;
    // The server would round it, and say nothing.
    scene.run("ALTER TABLE t MODIFY COLUMN at DATETIME(3)").await?;
    let error = scene.halts().await?;
    ensure!(matches!(&error, Error::Value { column, .. } if column == "at"), "{error}");
    scene.run("ALTER TABLE t MODIFY COLUMN at DATETIME(6)").await?;
    writer.truncate().await?;
    let error = scene.halts().await?;
    ensure!(matches!(error, Error::TruncateByKey { .. }), "{error}");
    ensure!(error.remedy().is_some_and(|remedy| remedy.contains("skipped.operations")));
    Ok(())
}

#[tokio::test(flavor = "multi_thread")]
async fn several_tables_in_one_are_refused() -> Result<()> {
    let mut scene = Scene::new(&[TABLE]).await?;
    let writer = scene.debezium(Form::Json).await?;
    let database = scene.database.clone();
    scene.config.route.tables.insert(format!(r"{database}\.t.*"), format!("{database}.t"));
    writer.create(goods(1, Some("a"), 1)).await?;
    let error = scene.halts().await?;
    ensure!(matches!(error, Error::TableRefused { .. }), "{error}");
    ensure!(error.remedy().is_some_and(|it| it.contains(r#"keyed.allow = ["shared-tables"]"#)), "{error}");
    scene.config.keyed.allow = vec![Unordered::SharedTables];
    let running = scene.start();
    scene.becomes("SELECT name FROM t", &["a"]).await?;
    running.stop().await
}

/// A delete that is compacted away with its tombstone leaves its row.
#[tokio::test(flavor = "multi_thread")]
async fn a_compacted_topic_is_refused() -> Result<()> {
    let kafka = Lab::shared().kafka().await?;
    let mut scene = Scene::new(&[TABLE]).await?;
    let writer = scene.debezium(Form::Json).await?;
    kafka.configure(&writer.topic, "cleanup.policy", "compact,delete").await?;
    writer.create(goods(1, Some("a"), 1)).await?;
    let error = scene.halts().await?;
    ensure!(matches!(&error, Error::Compacted { topic, .. } if *topic == writer.topic), "{error}");
    let findings = strait_sink::check(Arc::new(scene.config.clone())).await?;
    ensure!(findings.iter().any(|it| it.is_refusal() && it.cause.contains("is compacted")), "{findings:?}");
    kafka.configure(&writer.topic, "cleanup.policy", "delete").await?;
    let running = scene.start();
    scene.becomes("SELECT name FROM t", &["a"]).await?;
    running.stop().await
}
