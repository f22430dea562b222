//! `strait-sink check` says beforehand what `run` would halt with; and a sink that is aimed at its own source goes
//! nowhere.

use std::time::Duration;

use anyhow::{Context as _, Result, ensure};
use e2e::{
    Lab, MySql, Program, Strait, eventually,
    fake_source::{Event, FakeSource, row},
    fresh_name,
    oracle::PositionReader,
};
use mysql_async::prelude::Queryable;
use strait_schemas::Seq;

const PATIENCE: Duration = Duration::from_mins(1);

/// Settings by their dotted names.
type Settings = Vec<(&'static str, String)>;

fn target(server: &MySql, prefix: &str, bootstrap: &str) -> Settings {
    vec![
        ("prefix", prefix.to_owned()),
        ("target.host", server.host().to_owned()),
        ("target.port", server.port().to_string()),
        ("target.user", server.user().to_owned()),
        ("kafka.brokers", bootstrap.to_owned()),
    ]
}

/// What `check` says; it must end as `passes` has it.
async fn check(sink: &Strait, passes: bool, words: &[&str]) -> Result<String> {
    let (status, said) = sink.run("check").await?;
    ensure!(status.code() == Some(if passes { 0 } else { 2 }), "{status}:\n{said}");
    for words in words {
        ensure!(said.contains(words), "nothing of {words:?} in:\n{said}");
    }
    Ok(said)
}

#[tokio::test(flavor = "multi_thread")]
async fn what_has_no_place_at_the_target_is_found_before_the_first_row() -> Result<()> {
    let server = Lab::shared().target().await?;
    let kafka = Lab::shared().kafka().await?;
    let database = server.database("check").await?;
    let source = FakeSource::with_columns(kafka, &database, &["extra"]).await?;
    source.transaction(1, &[Event::Insert(row(1, "a", 0))]).await?;
    source.transaction(2, &[Event::Insert(row(2, "b", 0)), Event::Delete(row(1, "a", 0))]).await?;
    let sink = Strait::new(Program::Sink, "check", target(server, &source.prefix, kafka.bootstrap())).await?;
    let table = format!("{database}.t");
    let topic = format!("topic {}", source.topic);
    check(&sink, false, &[&format!("table {table} does not exist"), &topic, "SHOW CREATE TABLE"]).await?;

    server.run([format!("CREATE TABLE {table} (id INT PRIMARY KEY, name VARCHAR(100), n INT)")]).await?;
    let alter = format!("ALTER TABLE {table} ADD COLUMN `extra` INT");
    check(&sink, false, &["has no column `extra`", &topic, "seq 1-2", &alter]).await?;

    server.run([&alter]).await?;
    let said = check(&sink, true, &[]).await?;
    ensure!(!said.contains(&topic), "{said}");

    server.run([format!("ALTER TABLE {table} MODIFY n DATE")]).await?;
    check(&sink, false, &["column `n`", "is date", "MODIFY COLUMN `n` INT"]).await?;
    server.run([format!("ALTER TABLE {table} MODIFY n SMALLINT")]).await?;
    check(&sink, false, &["column `n`", "is smallint", "MODIFY COLUMN `n` INT"]).await?;
    server.run([format!("ALTER TABLE {table} MODIFY n INT")]).await?;

    // What is applied stands in nobody's way: the table may have been dropped at both sites.
    sink.start_ready(PATIENCE).await?;
    eventually(PATIENCE, || async {
        let mut conn = server.conn().await.map_err(|error| error.to_string())?;
        let rows: Vec<i64> =
            conn.query(format!("SELECT id FROM {table}")).await.map_err(|error| error.to_string())?;
        if rows == [2] { Ok(()) } else { Err(format!("{rows:?}")) }
    })
    .await?;
    sink.stop().await?;
    server.run([format!("DROP TABLE {table}")]).await?;
    check(
        &sink,
        true,
        &[&format!("table {table} does not exist"), &format!("delete topic {}", source.topic)],
    )
    .await?;
    Ok(())
}

/// A topic's name only resembles the table's, and Avro's schema is known by an id alone.
#[tokio::test(flavor = "multi_thread")]
async fn the_table_and_the_schema_are_the_newest_record_s() -> Result<()> {
    let lab = Lab::shared();
    let (source, server) = (lab.mysql().await?, lab.target().await?);
    let (kafka, registry) = (lab.kafka().await?, lab.registry().await?);
    let database = source.database("check").await?;
    let prefix = fresh_name("site").replace('_', "-");
    let connector = [
        ("prefix", prefix.as_str()),
        ("source.host", source.host()),
        ("source.port", &source.port().to_string()),
        ("source.user", source.user()),
        ("kafka.brokers", kafka.bootstrap()),
        ("registry.url", registry.url()),
        ("database.include.list", &database),
    ];
    let connector = Strait::new(Program::Connector, "check-connector", connector).await?;
    connector.start_ready(PATIENCE).await?;
    let (create, name) = (format!("CREATE TABLE {database}.`größe` (id INT PRIMARY KEY, a INT"), "größe");
    source
        .run([
            format!("{create})"),
            format!("INSERT INTO {database}.`{name}` VALUES (1, 1)"),
            format!("ALTER TABLE {database}.`{name}` ADD COLUMN b DECIMAL(9,2)"),
            format!("INSERT INTO {database}.`{name}` VALUES (2, 2, 2.5)"),
        ])
        .await?;
    published(source, kafka.bootstrap(), &prefix).await?;
    connector.stop().await?;

    let mut settings = target(server, &prefix, kafka.bootstrap());
    let without = Strait::new(Program::Sink, "check-no-registry", settings.clone()).await?;
    check(&without, false, &["the records are in Avro", "no registry is named"]).await?;
    settings.push(("registry.url", registry.url().to_owned()));
    let sink = Strait::new(Program::Sink, "check-avro", settings.clone()).await?;
    // What the log itself will bring is nobody's to make; a sink that makes no such change needs it now.
    let missing = format!("table {database}.{name} does not exist");
    let said = check(&sink, true, &[&missing, "create-table at seq", "is still to come"]).await?;
    ensure!(!said.contains("delete topic"), "{said}");
    settings.push(("ddl.policy", "ignore".to_owned()));
    let sink = Strait::new(Program::Sink, "check-no-ddl", settings).await?;
    check(&sink, false, &[&missing, "SHOW CREATE TABLE"]).await?;
    server.run([format!("CREATE DATABASE {database}"), format!("{create})")]).await?;
    let alter = format!("ALTER TABLE {database}.{name} ADD COLUMN `b` DECIMAL(9,2)");
    check(&sink, false, &["has no column `b`", &alter]).await?;
    server.run([format!("ALTER TABLE {database}.`{name}` ADD COLUMN b DECIMAL(9,2)")]).await?;
    check(&sink, true, &[]).await?;
    Ok(())
}

/// Waits until everything that the source has executed by now is published.
async fn published(source: &MySql, bootstrap: &str, prefix: &str) -> Result<()> {
    let executed: Option<String> = source.conn().await?.query_first("SELECT @@GLOBAL.gtid_executed").await?;
    let executed: strait_mysql::gtid::GtidSet = executed.context("one row")?.parse()?;
    let mut position = PositionReader::new(bootstrap, prefix)?;
    let reading = tokio::task::spawn_blocking(move || {
        let began = std::time::Instant::now();
        while began.elapsed() < PATIENCE {
            let covered = position.latest(Duration::from_millis(100))?.and_then(|it| it.gtid_set.clone());
            if covered.unwrap_or_default().parse::<strait_mysql::gtid::GtidSet>()?.contains_set(&executed) {
                return Ok(());
            }
        }
        anyhow::bail!("not published in time")
    });
    reading.await?
}

#[tokio::test(flavor = "multi_thread")]
async fn a_sink_at_its_own_source_is_refused() -> Result<()> {
    let lab = Lab::shared();
    let (source, other, kafka) = (lab.mysql().await?, lab.target().await?, lab.kafka().await?);
    let database = source.database("own").await?;
    let prefix = fresh_name("own").replace('_', "-");
    let connector = [
        ("prefix", prefix.as_str()),
        ("source.host", source.host()),
        ("source.port", &source.port().to_string()),
        ("source.user", source.user()),
        ("kafka.brokers", kafka.bootstrap()),
        ("schema.format", "json"),
        ("database.include.list", &database),
    ];
    let connector = Strait::new(Program::Connector, "own-connector", connector).await?;
    let sink = Strait::new(Program::Sink, "own-sink", target(source, &prefix, kafka.bootstrap())).await?;
    let said =
        ["is the server that the connector with prefix", "server_uuid", "--target must name the other"];

    // It began before there was anything to tell it by.
    sink.start_ready(PATIENCE).await?;
    connector.start_ready(PATIENCE).await?;
    source
        .run([
            format!("CREATE TABLE {database}.t (id INT PRIMARY KEY, n INT)"),
            format!("INSERT INTO {database}.t VALUES (1, 1)"),
        ])
        .await?;
    ensure!(!sink.wait(PATIENCE).await?.success(), "a refusal is no success");
    let words = sink.words()?;
    for words_of_it in said {
        ensure!(words.contains(words_of_it), "{words}");
    }
    let applied: Option<u64> = source
        .conn()
        .await?
        .exec_first("SELECT CAST(MAX(seq) AS UNSIGNED) FROM strait.lane WHERE origin = ?", (&prefix,))
        .await?;
    // Of the two, the one without rows may have been counted.
    ensure!(applied <= Some(Seq::new(1, 1).raw()), "a row was applied: {applied:?}");

    // Now it is known from the first: nothing is written to the server at all.
    let again = target(source, &prefix, kafka.bootstrap());
    let again = again.into_iter().chain([("name", "again".to_owned())]);
    let again = Strait::new(Program::Sink, "own-sink-again", again).await?;
    again.start()?;
    ensure!(!again.wait(PATIENCE).await?.success(), "a refusal is no success");
    let rows: Option<i64> = source
        .conn()
        .await?
        .exec_first("SELECT COUNT(*) FROM strait.lane WHERE origin = ? AND sink = 'again'", (&prefix,))
        .await?;
    ensure!(rows == Some(0), "it took over before it asked");
    check(&again, false, &said).await?;

    // The other way round is what two-way use is made of.
    let right = Strait::new(Program::Sink, "right-sink", target(other, &prefix, kafka.bootstrap())).await?;
    let (_, words) = right.run("check").await?;
    ensure!(!words.contains(said[0]), "{words}");
    connector.stop().await
}

#[tokio::test(flavor = "multi_thread")]
async fn an_account_is_told_the_grants_that_it_does_not_have() -> Result<()> {
    let server = Lab::shared().target().await?;
    let kafka = Lab::shared().kafka().await?;
    let database = server.database("blind").await?;
    let source = FakeSource::new(kafka, &database).await?;
    let account = fresh_name("blind");
    server
        .run([
            format!("CREATE TABLE {database}.t (id INT PRIMARY KEY, name VARCHAR(100), n INT)"),
            format!("CREATE USER {account} IDENTIFIED BY 'lab'"),
            format!("GRANT SELECT, INSERT, UPDATE, DELETE, TRIGGER ON {database}.* TO {account}"),
            format!("GRANT ALL ON strait.* TO {account}"),
        ])
        .await?;
    let mut settings = target(server, &source.prefix, kafka.bootstrap());
    settings.retain(|(name, _)| *name != "target.user");
    settings.extend([("target.user", account.clone()), ("target.password", "lab".to_owned())]);
    let sink = Strait::new(Program::Sink, "blind-sink", settings.clone()).await?;
    let grant = format!("GRANT SELECT ON performance_schema.* TO `{account}`@`%`;");
    let changes = format!("ON `{database}`.* TO `{account}`@`%`");
    check(&sink, true, &["may not see who holds a lock", &grant, "no right CREATE, ALTER, DROP", &changes])
        .await?;
    server
        .run([
            grant.trim_end_matches(';').to_owned(),
            format!("GRANT CREATE, ALTER, DROP, INDEX, REFERENCES {changes}"),
        ])
        .await?;
    let said = check(&sink, true, &[]).await?;
    ensure!(!said.contains("performance_schema") && !said.contains("no right"), "{said}");

    settings.push(("apply.path", "binlog".to_owned()));
    let events = Strait::new(Program::Sink, "events-sink", settings).await?;
    let grant = format!("GRANT REPLICATION_APPLIER ON *.* TO `{account}`@`%`");
    check(&events, false, &["may not write rows as events", &grant]).await?;
    server.run([grant]).await?;
    check(&events, true, &[]).await?;
    Ok(())
}
