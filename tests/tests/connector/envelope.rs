//! What a consumer of Debezium's envelope reads: creates, updates, deletes, key changes, tombstones, headers.

use anyhow::Result;
use serde_json::json;
use strait_schemas::headers;

use crate::Pipe;

#[tokio::test]
async fn creates_updates_and_deletes_are_debeziums() -> Result<()> {
    let pipe = Pipe::shared(&[("site", "beijing")]).await?;
    pipe.run(["CREATE TABLE t (id INT PRIMARY KEY, name VARCHAR(20), price DECIMAL(6,2))"]).await?;
    pipe.start().await?;
    pipe.run([
        "INSERT INTO t VALUES (1, 'tea', 12.30)",
        "UPDATE t SET name = 'green tea' WHERE id = 1",
        "DELETE FROM t WHERE id = 1",
    ])
    .await?;
    pipe.published().await?;

    let records = pipe.table("t").await?;
    let ops: Vec<_> = records.iter().map(super::Published::op).collect();
    assert_eq!(ops, ["c", "u", "d", "tombstone"]);
    for record in &records {
        assert_eq!(record.key_json(), json!({"id": 1}));
        assert_eq!(record.headers[headers::ORIGIN], b"beijing");
    }
    let created = records[0].json();
    assert_eq!(created["before"], json!(null));
    assert_eq!(created["after"]["name"], json!("tea"));
    assert_eq!(created["source"]["connector"], json!("mysql"));
    assert_eq!(created["source"]["name"], json!(pipe.prefix));
    assert_eq!(created["source"]["db"], json!(pipe.database));
    assert_eq!(created["source"]["table"], json!("t"));
    assert_eq!(created["source"]["snapshot"], json!("false"));
    assert_eq!(created["source"]["row"], json!(0));
    assert!(created["source"]["file"].as_str().is_some_and(|file| file.starts_with("binlog.")));
    assert!(created["source"]["pos"].as_u64().is_some_and(|pos| pos > 4));
    assert!(created["source"]["gtid"].as_str().is_some_and(|gtid| gtid.contains(':')));
    assert!(created["source"]["ts_ms"].as_i64() <= created["ts_ms"].as_i64());
    let updated = records[1].json();
    assert_eq!((&updated["before"]["name"], &updated["after"]["name"]), (&json!("tea"), &json!("green tea")));
    let deleted = records[2].json();
    assert_eq!((&deleted["before"]["name"], &deleted["after"]), (&json!("green tea"), &json!(null)));

    let places: Vec<_> = records.iter().map(|record| (record.place().seq.to_string(), record.place().index)).collect();
    assert_eq!(places, [("1-1".into(), 0), ("1-2".into(), 0), ("1-3".into(), 0), ("1-3".into(), 1)]);
    pipe.connector.stop().await
}
