//! What is chosen, and only that, is in the log: by table, column and row; and what may not be chosen away is refused.

use std::{
    collections::{BTreeMap, BTreeSet},
    time::Duration,
};

use anyhow::{Context as _, Result, ensure};
use e2e::eventually;
use mysql_async::prelude::Queryable;
use serde_json::{Value, json};
use strait_schemas::SnapshotStep;

use super::pipe::Pipe;

/// What a reader who applies all records of a table holds: the last image of each key.
async fn state(pipe: &Pipe, table: &str) -> Result<BTreeMap<String, Value>> {
    let mut rows = BTreeMap::new();
    for record in pipe.table(table).await? {
        let key = record.key_json().to_string();
        match record.json()["after"].clone() {
            Value::Null => rows.remove(&key),
            after => rows.insert(key, after),
        };
    }
    Ok(rows)
}

#[tokio::test(flavor = "multi_thread")]
async fn only_chosen_tables_are_published_and_their_statements() -> Result<()> {
    let pipe = Pipe::shared(&[("table.include.list", r"{database}\.kept_\d, {database}\.Orders")]).await?;
    pipe.start().await?;
    pipe.run([
        "CREATE TABLE kept_1 (id INT PRIMARY KEY)",
        "CREATE TABLE kept_x (id INT PRIMARY KEY)",
        "CREATE TABLE orders (id INT PRIMARY KEY)",
        "INSERT INTO kept_1 VALUES (1)",
        "INSERT INTO kept_x VALUES (1)",
        "INSERT INTO orders VALUES (1)",
        "ALTER TABLE kept_x ADD c INT",
    ])
    .await?;
    pipe.published().await?;
    assert_eq!(pipe.table("kept_1").await?.len(), 1);
    assert_eq!(pipe.table("orders").await?.len(), 1);
    assert_eq!(pipe.table("kept_x").await?.len(), 0);
    let told: Vec<String> =
        pipe.parts().await?.into_iter().filter_map(|part| part.ddl.map(|ddl| ddl.statement)).collect();
    assert_eq!(told.len(), 2, "{told:?}");
    assert!(told.iter().all(|statement| !statement.contains("kept_x")), "{told:?}");
    Ok(())
}

#[tokio::test(flavor = "multi_thread")]
async fn columns_are_left_out_masked_hashed_and_cut() -> Result<()> {
    let pipe = Pipe::shared(&[
        ("column.exclude.list", r"{database}\.users\.(secret|born)"),
        ("column.mask.with.4.chars", r"{database}\.users\.phone"),
        ("column.mask.hash.v2.SHA-256.with.salt.pepper", r"{database}\.users\.email"),
        ("column.truncate.to.2.chars", r"{database}\.users\.zip"),
    ])
    .await?;
    pipe.start().await?;
    pipe.run([
        "CREATE TABLE users (id INT PRIMARY KEY, secret TEXT, email VARCHAR(100) UNIQUE, born DATE, \
         phone VARCHAR(20) CHARACTER SET latin1, zip CHAR(5), n INT)",
        "INSERT INTO users VALUES (1, 'hush', 'a@b', '1990-01-01', _latin1 x'81', '12345', 7), (2, NULL, NULL, NULL, NULL, NULL, 8)",
        "UPDATE users SET n = 9, secret = 'hush hush' WHERE id = 1",
    ])
    .await?;
    pipe.published().await?;
    let rows = state(&pipe, "users").await?;
    let hashed = "919f9740b9487578d6b6fb432de1eee32c7712a2f90105147f08d8f82c7370a9";
    assert_eq!(
        rows.into_values().collect::<Vec<_>>(),
        [
            json!({"id": 1, "email": hashed, "phone": "****", "zip": "12", "n": 9}),
            json!({"id": 2, "email": null, "phone": null, "zip": null, "n": 8}),
        ]
    );
    for record in pipe.table("users").await? {
        assert!(!record.headers.contains_key("strait.exact"), "the byte 0x81 of latin1 would be told");
        let text = String::from_utf8(record.value.unwrap_or_default())?;
        assert!(!text.contains("hush") && !text.contains("a@b") && !text.contains("12345"), "{text}");
    }
    Ok(())
}

#[tokio::test(flavor = "multi_thread")]
async fn what_the_log_promises_is_not_chosen_away() -> Result<()> {
    let cases = [
        ("column.exclude.list", r"{database}\.t\.id", "part of the key"),
        ("column.include.list", r"{database}\.t\.v", "part of the key"),
        ("column.mask.with.3.chars", r"{database}\.t\.u", "unique index"),
        ("column.truncate.to.3.chars", r"{database}\.t\.u", "unique index"),
        ("column.exclude.list", r"{database}\.t\.u", "NOT NULL"),
        ("column.mask.hash.v2.SHA-512.with.salt.hush", r"{database}\.t\.p", "foreign key"),
        ("column.mask.with.3.chars", r"{database}\.t\.n", "does not hold characters"),
        ("rows.filter.{database}\\.t", "v = 'x'", "COLLATE utf8mb4_bin"),
        ("rows.filter.{database}\\.t", "w = 1", "no column w"),
    ];
    for (setting, list, cause) in cases {
        let pipe = Pipe::shared(&[]).await?;
        let setting = setting.replace("{database}", &pipe.database);
        let list = list.replace("{database}", &pipe.database);
        let pipe = pipe.with_settings(&[(&setting, &list)]).await?;
        pipe.start().await?;
        pipe.run([
            "CREATE TABLE parent (p VARCHAR(20) PRIMARY KEY)",
            "CREATE TABLE t (id INT PRIMARY KEY, v VARCHAR(20), u VARCHAR(20) NOT NULL UNIQUE, n INT, p VARCHAR(20), \
             FOREIGN KEY (p) REFERENCES parent (p))",
            "INSERT INTO t VALUES (1, 'v', 'u', 1, NULL)",
        ])
        .await?;
        let (status, words) = pipe.halted().await?;
        assert_eq!(status.code(), Some(1), "{setting}: {words}");
        assert!(words.contains(cause), "{setting}: {words}");
        let shown = setting.replace("hush", "(redacted)");
        let words = words.replace('"', "");
        assert!(
            words.contains(&shown) && words.contains(&format!("{}.t", pipe.database)),
            "{setting}: {words}"
        );
        assert!(!words.contains("hush"), "{words}");
    }
    Ok(())
}

const COLUMNS: &str = "id INT PRIMARY KEY, i INT, u BIGINT UNSIGNED, d DECIMAL(12,4), f FLOAT, x DOUBLE, y YEAR, \
     s VARCHAR(40) COLLATE utf8mb4_bin, np VARCHAR(40) COLLATE utf8mb4_0900_bin, ci VARCHAR(40), \
     l VARCHAR(20) CHARACTER SET latin1, vb VARBINARY(20), e ENUM('new','Done','x'), \
     dt DATE, at DATETIME(3), ts TIMESTAMP NULL";

/// Each is asked of the server, and used by a connector.
const CONDITIONS: [&str; 36] = [
    "i = 5",
    "i <> 5",
    "i < 0 OR i >= 7",
    "NOT i > 2",
    "i IN (1, -3, 2.0)",
    "i NOT IN (1, 2)",
    "i IS NULL",
    "i IS NOT NULL AND i != 1",
    "i BETWEEN -3 AND 2",
    "i NOT BETWEEN -3 AND 2",
    "i = TRUE",
    "u > 9223372036854775807",
    "u = 18446744073709551615",
    "d = 1.5",
    "d > -0.0001 AND d < 100",
    "d <= 1.50000000000000000000001",
    "i < 2.5",
    "f = 0.5 OR f > 1e3",
    "x >= 1.1",
    "y > 1999",
    "s = 'a'",
    "s <> 'a'",
    "s < 'b'",
    "s > 'a\t'",
    "np = 'a'",
    "np < 'a '",
    "s LIKE 'a%'",
    "s LIKE '_'",
    "s NOT LIKE '%\\_%'",
    "s LIKE '%|%%' ESCAPE '|'",
    "ci COLLATE utf8mb4_bin IN ('a', 'É', 'it''s', \"q\")",
    "l COLLATE latin1_bin = 'ä'",
    "vb = 'a' OR vb > 'b'",
    "e = 'done' OR e IN ('new')",
    "dt >= '2024-02-01' AND `at` < '2024-03-01 12:00:00.5' OR dt = DATE '0000-00-00'",
    "ts > '2024-01-31 23:59:59' AND (i IS NULL OR i > 0)",
];

#[tokio::test(flavor = "multi_thread")]
async fn rows_are_chosen_as_the_server_itself_would() -> Result<()> {
    let pipe = Pipe::shared(&[]).await?;
    let mut settings = Vec::new();
    for (number, condition) in CONDITIONS.iter().enumerate() {
        settings.push((format!("rows.filter.{}\\.t{number}", pipe.database), (*condition).to_owned()));
    }
    let settings: Vec<(&str, &str)> = settings.iter().map(|(name, value)| (&**name, &**value)).collect();
    let pipe = pipe.with_settings(&settings).await?;
    pipe.start().await?;
    let mut conn = pipe.conn().await?;
    conn.query_drop("SET SESSION sql_mode = '', time_zone = '+00:00'").await?;
    let mut random = fastrand::Rng::with_seed(7);
    for number in 0..CONDITIONS.len() {
        conn.query_drop(format!("CREATE TABLE t{number} ({COLUMNS})")).await?;
        for id in 0..40 {
            conn.query_drop(format!("INSERT INTO t{number} VALUES ({id}, {})", random_row(&mut random)))
                .await?;
        }
        for _ in 0..60 {
            let id = random.u32(0..40);
            let row = random_row(&mut random);
            let sql = match random.u32(0..5) {
                0 => format!("DELETE FROM t{number} WHERE id = {id}"),
                1 => format!("UPDATE IGNORE t{number} SET id = {} WHERE id = {id}", random.u32(0..60)),
                _ => format!("REPLACE INTO t{number} VALUES ({id}, {row})"),
            };
            conn.query_drop(sql).await?;
        }
        conn.query_drop(format!("UPDATE t{number} SET i = i + 1, s = CONCAT(s, ' ')")).await?;
    }
    pipe.published().await?;
    let mut nontrivial = 0;
    for (number, condition) in CONDITIONS.iter().enumerate() {
        let sql = format!("SELECT id FROM t{number} WHERE {condition}");
        let expected: BTreeSet<i64> = conn.query(&sql).await.context(*condition)?.into_iter().collect();
        let all: Option<usize> = conn.query_first(format!("SELECT COUNT(*) FROM t{number}")).await?;
        nontrivial += usize::from(!expected.is_empty() && Some(expected.len()) != all);
        let held: BTreeSet<i64> = state(&pipe, &format!("t{number}"))
            .await?
            .into_values()
            .map(|row| row["id"].as_i64().context("an id"))
            .collect::<Result<_>>()?;
        ensure!(held == expected, "{condition}: the server has {expected:?}, the log {held:?}");
    }
    assert!(nontrivial >= CONDITIONS.len() - 2, "{nontrivial} conditions tell rows apart");
    Ok(())
}

fn random_row(random: &mut fastrand::Rng) -> String {
    let mut one = |values: &[&str]| match random.usize(0..=values.len()) {
        0 => "NULL".to_owned(),
        at => values[at - 1].to_owned(),
    };
    let texts =
        ["'a'", "'a '", "'A'", "'ab'", "'a_b'", "'b%'", "''", "'é'", "'É'", "'it''s'", "'q'", "'a\t'"];
    [
        one(&["5", "-3", "1", "2", "7", "0"]),
        one(&["1", "9223372036854775808", "18446744073709551615"]),
        one(&["1.5", "-0.0001", "0", "99.9999", "1.4999"]),
        one(&["0.5", "2000", "-1"]),
        one(&["1.1", "1.0999999", "3"]),
        one(&["1999", "2000", "0"]),
        one(&texts),
        one(&texts),
        one(&texts),
        one(&["'ä'", "'a'", "'ä '"]),
        one(&["'a'", "'b'", "'c'", "'a '"]),
        one(&["'new'", "'Done'", "'x'", "0"]),
        one(&["'2024-01-31'", "'2024-02-01'", "'0000-00-00'"]),
        one(&["'2024-03-01 12:00:00.499'", "'2024-03-01 12:00:00.500'", "'2024-02-01'"]),
        one(&["'2024-01-31 23:59:59'", "'2024-02-01 00:00:00'", "0"]),
    ]
    .join(", ")
}

#[tokio::test(flavor = "multi_thread")]
async fn an_update_across_the_condition_is_a_creation_or_a_deletion() -> Result<()> {
    let pipe = Pipe::shared(&[]).await?;
    let pipe = pipe.with_settings(&[(&format!("rows.filter.{}\\.t", pipe.database), "n > 0")]).await?;
    pipe.start().await?;
    pipe.run([
        "CREATE TABLE t (id INT PRIMARY KEY, n INT)",
        "INSERT INTO t VALUES (1, 0), (2, 5), (3, NULL)",
        "UPDATE t SET n = 1 WHERE id = 1",
        "UPDATE t SET n = 6 WHERE id = 2",
        "UPDATE t SET n = NULL WHERE id = 2",
        "UPDATE t SET n = -1 WHERE id = 3",
        "DELETE FROM t",
    ])
    .await?;
    pipe.published().await?;
    let seen: Vec<String> = pipe
        .table("t")
        .await?
        .iter()
        .map(|record| format!("{}{}", record.op(), record.key_json()["id"]))
        .collect();
    assert_eq!(seen, ["c2", "c1", "u2", "d2", "tombstone2", "d1", "tombstone1"]);
    Ok(())
}

#[tokio::test(flavor = "multi_thread")]
async fn a_snapshot_brings_what_is_chosen_and_deletes_nothing_else() -> Result<()> {
    let pipe =
        Pipe::shared(&[("table.exclude.list", r"{database}\.other"), ("snapshot.mode", "initial")]).await?;
    let (rows, mask) = (format!("rows.filter.{}\\.t", pipe.database), format!(r"{}\.t\.s", pipe.database));
    let settings = [(&*rows, "n > 0"), ("column.mask.with.3.chars", &*mask)];
    let pipe = pipe.with_settings(&settings).await?;
    pipe.run([
        "CREATE TABLE t (id INT PRIMARY KEY, n INT, s VARCHAR(9))",
        "CREATE TABLE other (id INT PRIMARY KEY)",
        "INSERT INTO t VALUES (1, 0, 'hush'), (2, 5, 'hush'), (3, NULL, 'hush')",
        "INSERT INTO other VALUES (1)",
    ])
    .await?;
    pipe.start().await?;
    let chunk = async || {
        let steps = pipe.parts().await.map_err(|error| error.to_string())?.into_iter();
        let chunk = steps.filter_map(|part| part.snapshot).find_map(|step| match step {
            SnapshotStep::Chunk(chunk) if chunk.last => Some(chunk),
            _ => None,
        });
        chunk.ok_or_else(|| "no chunk yet".to_owned())
    };
    let chunk = eventually(Duration::from_secs(60), chunk).await?;
    assert!(chunk.chosen, "what the condition leaves out must not be deleted at a target");
    let rows: Vec<Value> = state(&pipe, "t").await?.into_values().collect();
    assert_eq!(rows, [json!({"id": 2, "n": 5, "s": "***"})]);
    assert!(pipe.table("other").await?.is_empty());
    Ok(())
}

/// What a first row would halt with is found before the start, and so is a mask that masks nothing.
#[tokio::test(flavor = "multi_thread")]
async fn tables_that_are_there_are_looked_at_before_the_start() -> Result<()> {
    let pipe = Pipe::shared(&[
        ("column.mask.with.3.chars", r"{database}\.t\.u"),
        ("column.truncate.to.3.chars", r"{database}\.t\.slip"),
    ])
    .await?;
    pipe.run(["CREATE TABLE t (id INT PRIMARY KEY, u VARCHAR(9) UNIQUE)"]).await?;
    let (status, said) = pipe.connector.run("check").await?;
    assert_eq!(status.code(), Some(2), "{said}");
    assert!(said.contains("column.mask.with.3.chars cannot be followed for column u of table"), "{said}");
    assert!(said.contains("column.truncate.to.3.chars is about no column that is there"), "{said}");
    let (status, words) = pipe.start_and_halt().await?;
    assert_eq!(status.code(), Some(2), "{words}");
    assert!(words.contains("unique index"), "{words}");

    pipe.run(["ALTER TABLE t DROP INDEX u"]).await?;
    let (status, said) = pipe.connector.run("check").await?;
    assert_eq!(status.code(), Some(0), "{said}");
    Ok(())
}
