//! Schema changes in the log: told with session and objects, filtered by objects, and in Debezium's form beside it.

use anyhow::{Context, Result, ensure};
use e2e::Lab;
use mysql_async::prelude::Queryable;
use strait_schemas::{Ddl, SpinePart};

use crate::{Pipe, Published};

async fn told(pipe: &Pipe) -> Result<Vec<Ddl>> {
    Ok(pipe.parts().await?.into_iter().filter_map(|part| part.ddl).collect())
}

fn objects(ddl: &Ddl) -> Vec<String> {
    ddl.objects.iter().map(|it| format!("{} {} {}", it.role, it.class, it.name)).collect()
}

#[tokio::test]
async fn a_statement_is_told_as_it_ran() -> Result<()> {
    let pipe = Pipe::shared(&[]).await?;
    pipe.start().await?;
    pipe.run([
        "SET sql_mode = 'ANSI_QUOTES', foreign_key_checks = 0, time_zone = '+03:00', collation_server = latin1_bin",
        "SET timestamp = 1700000000.25, auto_increment_increment = 5, auto_increment_offset = 2",
        "CREATE TABLE \"t\" (at TIMESTAMP DEFAULT '2024-01-01 00:00:00', up INT, FOREIGN KEY (up) REFERENCES later (id))",
        "SET NAMES sjis",
    ])
    .await?;
    let mut conn = pipe.conn().await?;
    conn.query_drop("SET NAMES sjis").await?;
    conn.query_drop(b"CREATE TABLE \x95\x5c (id INT)".to_vec()).await?;
    pipe.published().await?;
    let told = told(&pipe).await?;
    let (first, second) = (told.first().context("one")?, told.get(1).context("two")?);
    assert_eq!(
        (first.kind.as_str(), objects(first)),
        ("create-table", vec!["created table t".into(), "referenced table later".into()])
    );
    let session = first.session.as_ref().context("a session")?;
    assert!(session.sql_mode & 4 != 0 && !session.foreign_key_checks && session.unique_checks);
    assert_eq!((session.timestamp_us / 1_000_000, session.auto_increment), (1_700_000_000, Some((5, 2))));
    assert_eq!((session.charset[2], session.time_zone.as_deref()), (47, Some("+03:00")));
    assert_eq!(
        (second.statement.as_str(), objects(second)),
        ("CREATE TABLE 表 (id INT)", vec!["created table 表".into()])
    );
    assert_eq!(second.sql(), b"CREATE TABLE \x95\x5c (id INT)");
    pipe.connector.stop().await
}

/// By its rows alone a restart finds the place again where a transaction was committed in parts.
#[tokio::test]
async fn a_table_that_is_made_from_rows_is_never_committed_without_any() -> Result<()> {
    let pipe = Pipe::shared(&[("publish.bytes", "1B")]).await?;
    pipe.start().await?;
    pipe.run([
        "CREATE TABLE t (id INT PRIMARY KEY)",
        "INSERT INTO t VALUES (1), (2)",
        "CREATE TABLE made AS SELECT * FROM t",
    ])
    .await?;
    pipe.published().await?;
    let parts = pipe.parts().await?;
    let creates = |part: &&SpinePart| part.ddl.as_ref().is_some_and(|ddl| ddl.statement.contains("`made`"));
    let made = parts.iter().find(creates).context("the table is told")?;
    ensure!(made.first == 0 && made.count == 2, "{parts:?}");
    pipe.connector.stop().await
}

#[tokio::test]
async fn what_only_touches_databases_left_out_takes_no_number() -> Result<()> {
    let hidden = Lab::shared().mysql().await?.database("hidden").await?;
    let pipe = Pipe::shared(&[]).await?;
    pipe.start().await?;
    pipe.run([
        "CREATE TABLE seen (id INT PRIMARY KEY, v INT)".to_owned(),
        format!("CREATE TABLE `{hidden}`.a (id INT PRIMARY KEY, v INT)"),
        format!("CREATE TABLE `{hidden}`.b LIKE seen"),
        format!("ALTER TABLE `{hidden}`.b RENAME `{hidden}`.c"),
        format!("RENAME TABLE `{hidden}`.c TO moved_in"),
    ])
    .await?;
    // The session's database does not decide, either way.
    let mut conn = pipe.mysql().conn_to(&hidden).await?;
    conn.query_drop(format!("ALTER TABLE `{}`.seen ADD w INT", pipe.database)).await?;
    conn.query_drop("DROP TABLE a").await?;
    pipe.published().await?;
    let told = told(&pipe).await?;
    let statements: Vec<_> = told.iter().map(|ddl| ddl.statement.clone()).collect();
    ensure!(told.len() == 3, "{statements:?}");
    assert_eq!(objects(&told[1]), ["renamed-from table c", "renamed-to table moved_in"]);
    assert!(told[1].objects[0].left_out && !told[1].objects[1].left_out);
    assert_eq!(told[2].kind, "alter-table");
    pipe.connector.stop().await
}

#[tokio::test]
async fn create_table_select_is_one_transaction_with_its_rows() -> Result<()> {
    let pipe = Pipe::shared(&[]).await?;
    pipe.start().await?;
    pipe.run([
        "CREATE TABLE a (id INT PRIMARY KEY)",
        "INSERT INTO a VALUES (1), (2)",
        "CREATE TABLE b (PRIMARY KEY (id)) SELECT id FROM a",
    ])
    .await?;
    pipe.published().await?;
    // However many Kafka transactions it took: one number.
    let parts = pipe.parts().await?;
    let last = parts.last().context("a part")?.seq;
    let of_it = || parts.iter().filter(|part| part.seq == last);
    let kinds: Vec<_> = of_it().filter_map(|part| part.ddl.as_ref()).map(|ddl| ddl.kind.as_str()).collect();
    assert_eq!((of_it().map(|part| part.count).sum::<u32>(), kinds), (2, vec!["create-table-select"]));
    assert_eq!(pipe.table("b").await?.len(), 2);
    pipe.connector.stop().await
}

/// Debezium's record of each statement, on `<prefix>`.
async fn changes(pipe: &Pipe) -> Result<Vec<Published>> {
    pipe.read(&pipe.prefix).await
}

#[tokio::test]
async fn debeziums_schema_changes_are_beside_the_log() -> Result<()> {
    let pipe = Pipe::shared(&[]).await?;
    pipe.start().await?;
    pipe.run([
        "CREATE TABLE t (id INT UNSIGNED AUTO_INCREMENT PRIMARY KEY, c VARCHAR(20) DEFAULT 'x', e ENUM('a','b,c'), d DECIMAL(9,3) NOT NULL)",
        "RENAME TABLE t TO u",
        "DROP TABLE u",
    ])
    .await?;
    pipe.published().await?;
    let records = changes(&pipe).await?;
    assert_eq!(records.len(), 3);
    assert_eq!(records[0].key_json()["databaseName"], pipe.database.as_str());
    let (created, renamed, dropped) = (records[0].json(), records[1].json(), records[2].json());
    assert_eq!(created["source"]["name"], pipe.prefix.as_str());
    assert!(created["ddl"].as_str().is_some_and(|ddl| ddl.starts_with("CREATE TABLE t (id")), "{created}");
    assert_eq!(created["tableChanges"][0]["type"], "CREATE");
    assert_eq!(renamed["tableChanges"].as_array().map(Vec::len), Some(2));
    assert_eq!(dropped["tableChanges"][0]["id"], format!("\"{}\".\"u\"", pipe.database));
    assert!(dropped["tableChanges"][0]["table"].is_null());

    // What is there when the statement is published.
    pipe.run(["CREATE TABLE kept (id INT UNSIGNED AUTO_INCREMENT PRIMARY KEY, c VARCHAR(20) DEFAULT 'x', e ENUM('a','b,c'), d DECIMAL(9,3) NOT NULL)"]).await?;
    pipe.published().await?;
    let table = changes(&pipe).await?.pop().context("a record")?.json()["tableChanges"][0]["table"].clone();
    assert_eq!(table["primaryKeyColumnNames"], serde_json::json!(["id"]));
    let column = |at: usize, field: &str| table["columns"][at][field].clone();
    assert_eq!((column(0, "typeName"), column(0, "autoIncremented")), ("INT UNSIGNED".into(), true.into()));
    assert_eq!((column(1, "length"), column(1, "defaultValueExpression")), (20.into(), "x".into()));
    assert_eq!(column(2, "enumValues"), serde_json::json!(["'a'", "'b,c'"]));
    assert_eq!(
        (column(3, "length"), column(3, "scale"), column(3, "optional")),
        (9.into(), 3.into(), false.into())
    );
    pipe.connector.stop().await?;

    let silent = pipe.with_settings(&[("schema.changes", "false")]).await?;
    silent.start().await?;
    silent.run(["ALTER TABLE kept ADD x INT"]).await?;
    silent.published().await?;
    assert_eq!(changes(&silent).await?.len(), 4);
    silent.connector.stop().await
}
