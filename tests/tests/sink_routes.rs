//! Rows go where routes lead: other databases, tables and columns, several tables into one; and what is done to a table as a whole
//! is never done to another's rows.

use std::time::Duration;

use anyhow::{Result, ensure};
use e2e::{Lab, MySql, Program, Strait, eventually, fresh_name};
use mysql_async::prelude::Queryable;

const PATIENCE: Duration = Duration::from_mins(5);

/// A real connector and a real sink; the source's databases, and their names at the target.
struct Scene {
    source: &'static MySql,
    target: &'static MySql,
    /// Two shards and one that is only renamed.
    databases: [String; 3],
    all: String,
    renamed: String,
    connector: Strait,
    sink: Strait,
}

impl Scene {
    /// `format`: of the records.
    async fn new(format: &str) -> Result<Self> {
        let lab = Lab::shared();
        let (source, target, kafka) = (lab.mysql().await?, lab.target().await?, lab.kafka().await?);
        let databases =
            [source.database("shard").await?, source.database("shard").await?, source.database("old").await?];
        let (all, renamed) = (target.database("all").await?, fresh_name("new"));
        let prefix = fresh_name("site").replace('_', "-");
        let connector = [
            ("prefix".to_owned(), prefix.clone()),
            ("source.host".into(), source.host().into()),
            ("source.port".into(), source.port().to_string()),
            ("source.user".into(), source.user().into()),
            ("kafka.brokers".into(), kafka.bootstrap().into()),
            ("schema.format".into(), format.into()),
            ("database.include.list".into(), databases.join(",")),
        ];
        let [one, two, old] = &databases;
        let sink = [
            ("prefix".to_owned(), prefix.clone()),
            ("target.host".into(), target.host().into()),
            ("target.port".into(), target.port().to_string()),
            ("target.user".into(), target.user().into()),
            ("kafka.brokers".into(), kafka.bootstrap().into()),
            ("snapshot.rows".into(), "replace".into()),
            (format!("route.tables.({one}|{two})\\.orders"), format!("{all}.orders")),
            (format!("route.columns.{one}\\.orders\\.mail"), "email".into()),
            (format!("route.columns.{two}\\.orders\\.mail"), "email".into()),
            (format!("route.columns.({one}|{two})\\.orders\\.born"), "birth".into()),
            (format!("route.databases.{old}"), renamed.clone()),
        ];
        let connector = Strait::new(Program::Connector, &format!("{prefix}-c"), connector).await?;
        let sink = Strait::new(Program::Sink, &format!("{prefix}-s"), sink).await?;
        Ok(Self { source, target, databases, all, renamed, connector, sink })
    }

    async fn run<S: AsRef<str>>(
        &self,
        database: usize,
        statements: impl IntoIterator<Item = S>,
    ) -> Result<()> {
        let mut conn = self.source.conn_to(&self.databases[database]).await?;
        conn.query_drop("SET SESSION sql_mode = ''").await?;
        for statement in statements {
            conn.query_drop(statement.as_ref()).await?;
        }
        Ok(())
    }

    /// Waits until the query at the target gives these texts.
    async fn becomes(&self, query: String, expected: &[&str]) -> Result<()> {
        eventually(PATIENCE, || async {
            self.sink.running().map_err(|error| error.to_string())?;
            self.connector.running().map_err(|error| error.to_string())?;
            let mut conn = self.target.conn().await.map_err(|error| error.to_string())?;
            let found: Vec<String> = conn.query(&query).await.map_err(|error| error.to_string())?;
            if found == expected { Ok(()) } else { Err(format!("{found:?}")) }
        })
        .await
    }

    fn orders(&self) -> String {
        format!("SELECT CONCAT_WS('/', id, email, birth) FROM {}.orders ORDER BY id", self.all)
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn several_tables_flow_into_one_and_a_database_has_another_name() -> Result<()> {
    let scene = Scene::new("json").await?;
    let columns = "(id INT PRIMARY KEY, mail VARCHAR(40), born DATE NOT NULL)";
    for shard in [0, 1] {
        scene
            .run(shard, [
                format!("CREATE TABLE orders {columns}"),
                format!("INSERT INTO orders VALUES ({shard}1, 'a', '0000-00-00'), ({shard}2, 'b', '2024-01-31')"),
            ])
            .await?;
    }
    scene
        .run(
            2,
            [
                "CREATE TABLE parent (id INT PRIMARY KEY)",
                "CREATE TABLE child (id INT PRIMARY KEY, p INT, FOREIGN KEY (p) REFERENCES parent (id))",
                "INSERT INTO parent VALUES (1)",
                "INSERT INTO child VALUES (5, 1)",
            ],
        )
        .await?;
    let create = "(id INT PRIMARY KEY, email VARCHAR(40), birth DATE NOT NULL)";
    let (all, new) = (&scene.all, &scene.renamed);
    scene
        .target
        .run([
            format!("CREATE TABLE {all}.orders {create}"),
            format!("INSERT INTO {all}.orders VALUES (99, 'stays', '2020-01-01')"),
        ])
        .await?;
    scene.connector.start_ready(PATIENCE).await?;
    scene.sink.start_ready(PATIENCE).await?;

    // The snapshot is to make tables equal, and yet removes nothing where rows of others may be.
    let held =
        ["1/a/0000-00-00", "2/b/2024-01-31", "11/a/0000-00-00", "12/b/2024-01-31", "99/stays/2020-01-01"];
    scene.becomes(scene.orders(), &held).await?;
    scene.becomes(format!("SELECT CONCAT(id, '/', p) FROM {new}.child"), &["5/1"]).await?;

    scene
        .run(
            0,
            [
                "UPDATE orders SET mail = 'c', born = '0000-00-00' WHERE id = 2",
                "DELETE FROM orders WHERE id = 1",
            ],
        )
        .await?;
    scene
        .run(
            1,
            ["UPDATE orders SET id = 13 WHERE id = 12", "INSERT INTO orders VALUES (14, NULL, '2024-02-29')"],
        )
        .await?;
    let held =
        ["2/c/0000-00-00", "11/a/0000-00-00", "13/b/2024-01-31", "14/2024-02-29", "99/stays/2020-01-01"];
    scene.becomes(scene.orders(), &held).await?;

    // Schema changes with the target's names, written with the database's name and without.
    let old = scene.databases[2].clone();
    scene
        .run(2, [
            format!("CREATE TABLE {old}.extra (id INT PRIMARY KEY, c INT, CONSTRAINT fk FOREIGN KEY (c) REFERENCES `{old}`.`parent` (id))"),
            "INSERT INTO extra VALUES (1, 1)".to_owned(),
            format!("ALTER TABLE child ADD COLUMN note VARCHAR(90) DEFAULT '{old}'"),
            format!("RENAME TABLE extra TO {old}.more"),
            "UPDATE child SET note = 'x'".to_owned(),
            "UPDATE more SET id = 2".to_owned(),
        ])
        .await?;
    scene.becomes(format!("SELECT CONCAT(id, '/', c) FROM {new}.more"), &["2/1"]).await?;
    scene.becomes(format!("SELECT CONCAT_WS('/', id, p, note) FROM {new}.child"), &["5/1/x"]).await?;
    let leads = format!(
        "SELECT CONCAT_WS('.', REFERENCED_TABLE_SCHEMA, REFERENCED_TABLE_NAME) FROM information_schema.KEY_COLUMN_USAGE \
         WHERE CONSTRAINT_SCHEMA = '{new}' AND CONSTRAINT_NAME = 'fk'"
    );
    scene.becomes(leads, &[&format!("{new}.parent")]).await?;

    // What is done to a shard as a whole would be done to the other's rows.
    scene.run(0, ["TRUNCATE orders"]).await?;
    let status = scene.sink.wait(PATIENCE).await?;
    let words = scene.sink.words()?;
    ensure!(status.code() == Some(1), "{words}");
    for word in ["TRUNCATE orders", all.as_str(), "rows of other tables", "ddl.ignore=truncate-table"] {
        ensure!(words.contains(word), "nothing of {word:?} in:\n{words}");
    }
    let mut conn = scene.target.conn().await?;
    let count: Option<i64> = conn.query_first(format!("SELECT COUNT(*) FROM {all}.orders")).await?;
    ensure!(count == Some(5), "{count:?}");
    Ok(())
}

#[tokio::test(flavor = "multi_thread")]
async fn what_is_refused_shows_both_names() -> Result<()> {
    let scene = Scene::new("json").await?;
    let shard = scene.databases[0].clone();
    scene.run(0, ["CREATE TABLE orders (id INT PRIMARY KEY, mail INT, born DATE)"]).await?;
    scene
        .target
        .run([format!("CREATE TABLE {}.orders (id INT PRIMARY KEY, mail INT, birth DATE)", scene.all)])
        .await?;
    scene.connector.start_ready(PATIENCE).await?;
    scene.run(0, ["INSERT INTO orders VALUES (1, 1, NULL)"]).await?;
    scene.sink.start()?;
    let status = scene.sink.wait(PATIENCE).await?;
    let words = scene.sink.words()?;
    ensure!(status.code() == Some(1), "{words}");
    let names = format!("{}.orders (rows of {shard}.orders) has no column `email`", scene.all);
    ensure!(words.contains(&names), "{words}");
    Ok(())
}

#[tokio::test(flavor = "multi_thread")]
async fn flat_json_of_others_is_refused_by_name() -> Result<()> {
    let scene = Scene::new("maxwell").await?;
    scene.run(2, ["CREATE TABLE t (id INT PRIMARY KEY)"]).await?;
    scene.target.run([format!("CREATE DATABASE {}", scene.renamed)]).await?;
    scene.connector.start_ready(PATIENCE).await?;
    scene.run(2, ["INSERT INTO t VALUES (1)"]).await?;
    scene.sink.start()?;
    let status = scene.sink.wait(PATIENCE).await?;
    let words = scene.sink.words()?;
    ensure!(status.code() == Some(1), "{words}");
    ensure!(words.contains("in the form of maxwell") && words.contains("schema.format"), "{words}");
    Ok(())
}

/// A snapshot that is to make tables equal takes no row away where it may be another table's.
#[tokio::test(flavor = "multi_thread")]
async fn a_snapshot_never_takes_another_table_s_row_away() -> Result<()> {
    let scene = Scene::new("json").await?;
    scene
        .run(
            0,
            [
                "CREATE TABLE orders (id INT PRIMARY KEY, mail VARCHAR(40), born DATE NOT NULL)",
                "INSERT INTO orders VALUES (1, 'a', '2024-01-31')",
            ],
        )
        .await?;
    let orders = format!("{}.orders", scene.all);
    scene
        .target
        .run([
            format!(
                "CREATE TABLE {orders} (id INT PRIMARY KEY, email VARCHAR(40) UNIQUE, birth DATE NOT NULL)"
            ),
            format!("INSERT INTO {orders} VALUES (99, 'a', '2020-01-01')"),
        ])
        .await?;
    scene.connector.start_ready(PATIENCE).await?;
    scene.sink.start()?;
    let status = scene.sink.wait(PATIENCE).await?;
    ensure!(status.code() == Some(1), "{}", scene.sink.words()?);
    let mut conn = scene.target.conn().await?;
    let ids: Vec<i64> = conn.query(format!("SELECT id FROM {orders}")).await?;
    ensure!(ids == [99], "{ids:?}");
    Ok(())
}
