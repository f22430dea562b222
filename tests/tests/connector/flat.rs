//! Flat JSON in Maxwell's and canal's forms: the fields that their documentation lists, and the values that their readers expect.

use std::collections::BTreeSet;

use anyhow::Result;
use serde_json::{Value, json};

use super::pipe::{Pipe, Published};

const TABLE: &str = "CREATE TABLE t (id INT UNSIGNED NOT NULL, part VARCHAR(10) NOT NULL, price DECIMAL(8,2), big BIGINT UNSIGNED, \
     born DATE NOT NULL, at DATETIME(3), ts TIMESTAMP(2) NULL, took TIME, kind ENUM('a','b'), tags SET('x','y','z'), doc JSON, \
     raw VARBINARY(9), flag BIT(1), bits BIT(10), ratio DOUBLE, note TEXT, PRIMARY KEY (id, part))";
const ROWS: [&str; 4] = [
    "INSERT INTO t VALUES (7, 'p', 12.50, 18446744073709551615, '0000-00-00', '2024-02-29 12:34:56.789', '2024-01-01 00:00:00.25', \
     '-01:02:03', 'b', 'x,z', '{\"k\": [1, null]}', x'00ff', 1, 515, 0.5, 'größe')",
    "UPDATE t SET price = 13, note = NULL WHERE id = 7",
    "UPDATE t SET id = 8 WHERE id = 7",
    "DELETE FROM t",
];

async fn published(format: &str) -> Result<(Pipe, Vec<Published>)> {
    let pipe = Pipe::shared(&[("schema.format", format)]).await?;
    pipe.start().await?;
    pipe.run(["SET SESSION sql_mode = '', time_zone = '+00:00'", TABLE].into_iter().chain(ROWS)).await?;
    pipe.published().await?;
    let records = pipe.table("t").await?;
    assert!(records.iter().all(|record| record.value.is_some()), "nobody expects tombstones");
    assert!(records.iter().all(|record| !record.headers.contains_key("strait.exact")));
    Ok((pipe, records))
}

fn fields(value: &Value) -> BTreeSet<&str> {
    value.as_object().into_iter().flatten().map(|(name, _)| name.as_str()).collect()
}

#[tokio::test(flavor = "multi_thread")]
async fn maxwell_s_fields_and_values() -> Result<()> {
    let (pipe, records) = published("maxwell").await?;
    let all: Vec<Value> = records.iter().map(Published::json).collect();
    let types: Vec<&str> = all.iter().filter_map(|value| value["type"].as_str()).collect();
    assert_eq!(types, ["insert", "update", "update", "delete"]);
    let common = [
        "database",
        "table",
        "type",
        "ts",
        "position",
        "gtid",
        "server_id",
        "thread_id",
        "primary_key",
        "primary_key_columns",
        "data",
    ];
    let mut expected = BTreeSet::from(common);
    assert_eq!(fields(&all[0]), expected);
    assert_eq!(fields(&all[3]), expected);
    expected.insert("old");
    assert_eq!(fields(&all[1]), expected);
    assert_eq!((&all[0]["database"], &all[0]["table"]), (&json!(pipe.database), &json!("t")));
    assert!(all[0]["ts"].as_i64().is_some_and(|ts| (1_500_000_000..9_000_000_000).contains(&ts)), "seconds");
    assert_eq!(
        all[0]["data"],
        json!({"id": 7, "part": "p", "price": 12.5, "big": 18_446_744_073_709_551_615_u64, "born": "0000-00-00",
            "at": "2024-02-29 12:34:56.789", "ts": "2024-01-01 00:00:00.25", "took": "-01:02:03", "kind": "b",
            "tags": ["x", "z"], "doc": {"k": [1, null]}, "raw": "AP8=", "flag": 1, "bits": 515, "ratio": 0.5, "note": "größe"})
    );
    assert!(records[0].value.as_deref().is_some_and(|text| String::from_utf8_lossy(text).contains("12.50")));
    assert_eq!((&all[1]["data"]["price"], &all[1]["data"]["note"]), (&json!(13.0), &Value::Null));
    assert_eq!(all[1]["old"], json!({"price": 12.5, "note": "größe"}));
    assert_eq!((&all[2]["old"], &all[2]["primary_key"]), (&json!({"id": 7}), &json!([8, "p"])));
    assert_eq!(all[2]["primary_key_columns"], json!(["id", "part"]));
    assert_eq!(all[3]["data"]["id"], 8);
    let key = records[0].key_json();
    assert_eq!(key, json!({"database": pipe.database, "table": "t", "pk.id": 7, "pk.part": "p"}));
    Ok(())
}

#[tokio::test(flavor = "multi_thread")]
async fn canal_s_fields_and_values() -> Result<()> {
    let (pipe, records) = published("canal").await?;
    let all: Vec<Value> = records.iter().map(Published::json).collect();
    let types: Vec<&str> = all.iter().filter_map(|value| value["type"].as_str()).collect();
    assert_eq!(types, ["INSERT", "UPDATE", "UPDATE", "DELETE"]);
    let listed = [
        "data",
        "database",
        "es",
        "gtid",
        "id",
        "isDdl",
        "mysqlType",
        "old",
        "pkNames",
        "sql",
        "sqlType",
        "table",
        "ts",
        "type",
    ];
    for value in &all {
        assert_eq!(fields(value), BTreeSet::from(listed));
        assert_eq!(
            (&value["database"], &value["table"], &value["isDdl"]),
            (&json!(pipe.database), &json!("t"), &json!(false))
        );
        assert_eq!((&value["pkNames"], &value["sql"]), (&json!(["id", "part"]), &json!("")));
        assert!(value["es"].as_i64() <= value["ts"].as_i64(), "milliseconds, both");
    }
    assert_eq!(
        all[0]["data"],
        json!([{"id": "7", "part": "p", "price": "12.50", "big": "18446744073709551615", "born": "0000-00-00",
            "at": "2024-02-29 12:34:56.789", "ts": "2024-01-01 00:00:00.25", "took": "-01:02:03", "kind": "b",
            "tags": "x,z", "doc": "{\"k\": [1, null]}", "raw": "\u{0}\u{ff}", "flag": "1", "bits": "515", "ratio": "0.5", "note": "größe"}])
    );
    let types = &all[0]["mysqlType"];
    assert_eq!((&types["id"], &types["part"]), (&json!("int unsigned"), &json!("varchar(10)")));
    assert_eq!((&types["price"], &types["kind"]), (&json!("decimal(8,2)"), &json!("enum('a','b')")));
    let numbers = &all[0]["sqlType"];
    assert_eq!(
        ["id", "part", "price", "born", "at", "note", "raw"]
            .map(|name| numbers[name].as_i64().unwrap_or_default()),
        [-5, 12, 3, 91, 93, 2005, 2004]
    );
    assert_eq!(all[0]["old"], Value::Null);
    assert_eq!(all[1]["old"], json!([{"price": "12.50", "note": "größe"}]));
    assert_eq!((&all[2]["old"], &all[2]["data"][0]["id"]), (&json!([{"id": "7"}]), &json!("8")));
    assert_eq!((&all[3]["old"], &all[3]["data"][0]["id"]), (&Value::Null, &json!("8")));
    Ok(())
}

#[tokio::test(flavor = "multi_thread")]
async fn a_column_without_a_place_is_refused() -> Result<()> {
    let pipe = Pipe::shared(&[("schema.format", "canal")]).await?;
    pipe.start().await?;
    pipe.run(["CREATE TABLE t (id INT PRIMARY KEY, p POINT)", "INSERT INTO t VALUES (1, NULL)"]).await?;
    let (status, words) = pipe.halted().await?;
    assert_eq!(status.code(), Some(1), "{words}");
    assert!(words.contains("schema.format") && words.contains("column p of table"), "{words}");
    Ok(())
}
