//! What a consumer of Debezium's envelope reads: creates, updates, deletes, key changes, tombstones, headers,
//! in JSON; and in Avro through the registry.

use anyhow::{Context, Result};
use e2e::Lab;
use serde_json::json;
use strait_schemas::{
    AvroDecoder, ExactForm, Image, Op, Value, confluent_frame, decode_exact, headers, topics,
};
use strait_service::registry::{self, Compatibility, Registry};

use crate::{Pipe, Published};

fn ops(records: &[Published]) -> Vec<String> {
    records.iter().map(Published::op).collect()
}

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
    assert_eq!(ops(&records), ["c", "u", "d", "tombstone"]);
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

    let places: Vec<_> =
        records.iter().map(|record| (record.place().seq.to_string(), record.place().index)).collect();
    assert_eq!(places, [("1-1".into(), 0), ("1-2".into(), 0), ("1-3".into(), 0), ("1-3".into(), 1)]);
    pipe.connector.stop().await
}

#[tokio::test]
async fn a_changed_key_is_a_delete_and_a_create_that_name_each_other() -> Result<()> {
    let pipe = Pipe::shared(&[]).await?;
    pipe.run(["CREATE TABLE t (id INT PRIMARY KEY, n INT)", "INSERT INTO t VALUES (1, 10)"]).await?;
    pipe.start().await?;
    pipe.run(["UPDATE t SET id = 2, n = 20"]).await?;
    pipe.published().await?;
    let records = pipe.table("t").await?;
    assert_eq!(ops(&records), ["d", "tombstone", "c"]);
    let keys: Vec<_> = records.iter().map(Published::key_json).collect();
    assert_eq!(keys, [json!({"id": 1}), json!({"id": 1}), json!({"id": 2})]);
    assert_eq!(Some(&records[0].headers[headers::NEW_KEY]), records[2].key.as_ref());
    assert_eq!(Some(&records[2].headers[headers::OLD_KEY]), records[0].key.as_ref());
    assert!(records[1].headers.keys().all(|name| !name.starts_with("__debezium")));
    assert_eq!(
        (&records[0].json()["before"]["n"], &records[2].json()["after"]["n"]),
        (&json!(10), &json!(20))
    );
    let indexes: Vec<_> = records.iter().map(|record| record.place().index).collect();
    assert_eq!(indexes, [0, 1, 2], "a tombstone has an index of its own");
    pipe.connector.stop().await
}

#[tokio::test]
async fn without_a_primary_key_a_unique_one_serves_else_none() -> Result<()> {
    let pipe = Pipe::shared(&[]).await?;
    pipe.run([
        "CREATE TABLE u (a INT, b INT NOT NULL, c INT NOT NULL, UNIQUE KEY maybe (a), UNIQUE KEY sure (c, b))",
        "CREATE TABLE n (a INT, b INT)",
    ])
    .await?;
    pipe.start().await?;
    pipe.run([
        "INSERT INTO u VALUES (1, 2, 3)",
        "INSERT INTO n VALUES (1, 2), (1, 2)",
        "DELETE FROM n LIMIT 1",
    ])
    .await?;
    pipe.published().await?;
    let unique = pipe.table("u").await?;
    assert_eq!(unique[0].key_json(), json!({"c": 3, "b": 2}));
    let keyless = pipe.table("n").await?;
    assert_eq!(ops(&keyless), ["c", "c", "d"], "no tombstone without a key");
    assert!(keyless.iter().all(|record| record.key.is_none() && record.partition == 0));
    pipe.connector.stop().await
}

#[tokio::test]
async fn a_column_added_meanwhile_is_there_at_once() -> Result<()> {
    let pipe = Pipe::shared(&[]).await?;
    pipe.run(["CREATE TABLE t (id INT PRIMARY KEY)"]).await?;
    pipe.start().await?;
    pipe.run([
        "INSERT INTO t VALUES (1)",
        "ALTER TABLE t ADD COLUMN color ENUM('red','blue') NOT NULL DEFAULT 'blue'",
        "INSERT INTO t VALUES (2, 'red')",
        "TRUNCATE TABLE t",
    ])
    .await?;
    pipe.published().await?;
    let records = pipe.table("t").await?;
    assert_eq!(records[0].json()["after"], json!({"id": 1}));
    assert_eq!(records[1].json()["after"], json!({"id": 2, "color": "red"}));

    let parts = pipe.beginnings().await?;
    let told: Vec<_> = parts
        .iter()
        .map(|part| (part.seq.number(), part.count, part.ddl.as_ref().map(|ddl| ddl.statement.as_str())))
        .collect();
    assert_eq!(
        told,
        [
            (1, 1, None),
            (2, 0, Some("ALTER TABLE t ADD COLUMN color ENUM('red','blue') NOT NULL DEFAULT 'blue'")),
            (3, 1, None),
            (4, 0, Some("TRUNCATE TABLE t")),
        ]
    );
    assert!(parts[1].ddl.as_ref().is_some_and(|ddl| ddl.database == pipe.database));
    pipe.connector.stop().await
}

#[tokio::test]
async fn what_the_envelope_cannot_carry_goes_along_exactly() -> Result<()> {
    let pipe = Pipe::shared(&[]).await?;
    pipe.run([
        "CREATE TABLE t (id INT PRIMARY KEY, day DATE NOT NULL, at DATETIME(3), e ENUM('x','y'), big BIGINT UNSIGNED, \
         raw VARCHAR(10) CHARACTER SET latin1, doc JSON, plain VARCHAR(10))",
        "SET SESSION sql_mode = ''",
    ])
    .await?;
    pipe.start().await?;
    let mut conn = pipe.conn().await?;
    mysql_async::prelude::Queryable::query_drop(&mut conn, "SET SESSION sql_mode = ''").await?;
    mysql_async::prelude::Queryable::query_drop(
        &mut conn,
        "INSERT INTO t VALUES (1, '0000-00-00', '2024-02-00 01:02:03.004', 'nonsense', 18446744073709551615, 'é', \
         JSON_OBJECT('d', CAST(1.10 AS DECIMAL(4,2))), 'tea')",
    )
    .await?;
    pipe.published().await?;
    let record = &pipe.table("t").await?[0];
    let after = record.json()["after"].clone();
    assert_eq!((&after["day"], &after["at"], &after["e"]), (&json!(0), &json!(null), &json!("")));
    assert_eq!((&after["big"], &after["raw"], &after["plain"]), (&json!(-1), &json!("é"), &json!("tea")));
    assert_eq!(after["doc"], json!("{\"d\": 1.10}"));
    let exact = decode_exact(&record.headers[headers::EXACT])?;
    let told: Vec<_> =
        exact.iter().map(|one| (&*one.column, one.form, String::from_utf8_lossy(&one.data))).collect();
    assert_eq!(told.len(), 4, "{told:?}");
    assert_eq!(told[0], ("day", ExactForm::Text, "0000-00-00".into()));
    assert_eq!(told[1], ("at", ExactForm::Text, "2024-02-00 01:02:03.004".into()));
    assert_eq!(told[2], ("e", ExactForm::Index, "0".into()));
    assert_eq!((told[3].0, told[3].1), ("doc", ExactForm::Raw));
    assert!(exact.iter().all(|one| one.image == Image::After));
    pipe.connector.stop().await
}

#[tokio::test]
async fn avro_goes_through_the_registry_whatever_level_it_has() -> Result<()> {
    let lab = Lab::shared();
    let url = lab.registry().await?.url().to_owned();
    let pipe = Pipe::shared(&[("schema.format", "avro"), ("registry.url", &url)]).await?;
    pipe.run(["CREATE TABLE t (id INT PRIMARY KEY, name VARCHAR(20))"]).await?;
    let subject = format!("{}-value", pipe.topic("t"));
    let client = tokio::task::spawn_blocking(move || {
        Registry::new(&registry::Config {
            url: strait_service::Endpoint::new(url),
            ..registry::Config::default()
        })
    })
    .await??;
    let client = std::sync::Arc::new(client);
    pipe.start().await?;
    pipe.run(["INSERT INTO t VALUES (1, 'tea')"]).await?;
    pipe.published().await?;
    // A level that refuses what the next ALTER does.
    let (strict, of) = (client.clone(), subject.clone());
    tokio::task::spawn_blocking(move || strict.set_compatibility(&of, Compatibility::Full)).await??;
    pipe.run(["ALTER TABLE t ADD COLUMN n INT NOT NULL FIRST", "INSERT INTO t VALUES (5, 2, 'milk')"])
        .await?;
    pipe.published().await?;

    let records = pipe.table("t").await?;
    let mut seen = Vec::new();
    for record in &records {
        let (id, body) = confluent_frame(record.value.as_deref().context("a value")?)?;
        let asked = client.clone();
        let schema = tokio::task::spawn_blocking(move || asked.schema_by_id(id)).await??;
        let decoder = AvroDecoder::new(&schema)?;
        let names: Vec<_> = decoder.table().columns.iter().map(|column| column.name.clone()).collect();
        let envelope = decoder.decode(body)?;
        assert_eq!(envelope.op, Op::Create);
        seen.push((
            names,
            envelope.after.context("after")?.into_iter().map(Value::into_owned).collect::<Vec<_>>(),
        ));
    }
    let text = |text: &str| Value::Text(text.to_owned().into());
    assert_eq!(seen[0], (vec!["id".into(), "name".into()], vec![Value::Int(1), text("tea")]));
    assert_eq!(
        seen[1],
        (vec!["n".into(), "id".into(), "name".into()], vec![Value::Int(5), Value::Int(2), text("milk")])
    );
    let level = tokio::task::spawn_blocking(move || client.compatibility(&subject)).await??;
    assert_eq!(
        level,
        Compatibility::None,
        "the registry refused a fact, so its level for our subject was lifted"
    );
    pipe.connector.stop().await
}

#[tokio::test]
async fn a_registry_that_keeps_its_level_halts_with_the_remedy() -> Result<()> {
    let url = Lab::shared().registry().await?.url().to_owned();
    let pipe = Pipe::shared(&[
        ("schema.format", "avro"),
        ("schema.compatibility", "keep"),
        ("registry.url", &url),
        ("publish.heartbeat_topic", "false"),
    ])
    .await?;
    pipe.run(["CREATE TABLE t (id INT PRIMARY KEY)"]).await?;
    pipe.start().await?;
    pipe.run(["INSERT INTO t VALUES (1)"]).await?;
    pipe.published().await?;
    let subject = format!("{}-value", pipe.topic("t"));
    let of = subject.clone();
    tokio::task::spawn_blocking(move || {
        let config =
            registry::Config { url: strait_service::Endpoint::new(url), ..registry::Config::default() };
        Registry::new(&config)?.set_compatibility(&of, Compatibility::Full)
    })
    .await??;
    pipe.run(["ALTER TABLE t ADD COLUMN n INT NOT NULL", "INSERT INTO t VALUES (2, 5)"]).await?;
    let (status, words) = pipe.halted().await?;
    assert_eq!(status.code(), Some(1), "{words}");
    assert!(words.contains(&subject) && words.contains("not compatible"), "{words}");
    assert!(words.contains("\"compatibility\":\"NONE\""), "{words}");
    Ok(())
}

#[tokio::test]
async fn debeziums_side_topics_are_there_for_its_consumers() -> Result<()> {
    let pipe = Pipe::shared(&[("publish.transaction_metadata", "true")]).await?;
    pipe.run(["CREATE TABLE a (id INT PRIMARY KEY)", "CREATE TABLE b (id INT PRIMARY KEY)"]).await?;
    pipe.start().await?;
    pipe.run([
        "BEGIN",
        "INSERT INTO a VALUES (1)",
        "INSERT INTO b VALUES (1), (2)",
        "DELETE FROM a",
        "COMMIT",
    ])
    .await?;
    pipe.published().await?;

    let first = pipe.table("a").await?[0].json();
    let id = first["transaction"]["id"].clone();
    assert_eq!(first["source"]["gtid"], id);
    let orders: Vec<_> = pipe
        .table("b")
        .await?
        .iter()
        .map(|record| {
            let block = record.json()["transaction"].clone();
            (block["total_order"].as_i64(), block["data_collection_order"].as_i64())
        })
        .collect();
    assert_eq!(orders, [(Some(2), Some(1)), (Some(3), Some(2))]);

    let told = pipe.read(&topics::transaction_topic(&pipe.prefix)).await?;
    assert_eq!(told.len(), 2);
    assert_eq!((&told[0].key_json()["id"], &told[0].json()["status"]), (&id, &json!("BEGIN")));
    let end = told[1].json();
    assert_eq!((&end["status"], &end["event_count"]), (&json!("END"), &json!(4)));
    let collection = |table: &str, count| json!({"data_collection": format!("{}.{table}", pipe.database), "event_count": count});
    assert_eq!(end["data_collections"], json!([collection("a", 2), collection("b", 2)]));

    let heartbeat = topics::heartbeat_topic(&pipe.prefix);
    e2e::eventually(std::time::Duration::from_secs(20), || async {
        let beats = pipe.read(&heartbeat).await.map_err(|error| error.to_string())?;
        let beat = beats.first().ok_or("no heartbeat yet")?;
        assert_eq!(beat.key_json(), json!({"serverName": pipe.prefix}));
        assert!(beat.json()["ts_ms"].as_i64().is_some_and(|ms| ms > 1_700_000_000_000));
        Ok::<_, String>(())
    })
    .await?;
    pipe.connector.stop().await
}

/// The envelope of a partial image has null or zero where nothing is known, and a header says where.
#[tokio::test]
async fn what_a_partial_image_does_not_have_is_named() -> Result<()> {
    let pipe = Pipe::shared(&[]).await?;
    pipe.run(["CREATE TABLE t (id INT PRIMARY KEY, a INT NOT NULL, b TEXT)"]).await?;
    pipe.start().await?;
    pipe.run([
        "SET SESSION binlog_row_image = MINIMAL",
        "INSERT INTO t VALUES (1, 2, 'b')",
        "UPDATE t SET b = 'c'",
        "DELETE FROM t",
    ])
    .await?;
    pipe.published().await?;
    let records = pipe.table("t").await?;
    let absent: Vec<Option<String>> = records
        .iter()
        .map(|record| record.headers.get(headers::ABSENT).map(|it| String::from_utf8_lossy(it).into_owned()))
        .collect();
    let expected = [
        None,
        Some(r#"{"after":["a"],"before":["a","b"]}"#.to_owned()),
        Some(r#"{"before":["a","b"]}"#.to_owned()),
        None,
    ];
    assert_eq!(absent, expected);
    Ok(())
}
