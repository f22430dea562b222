//! Topics are named as the settings say, and partitions chosen by columns of the key.

use std::collections::{BTreeMap, BTreeSet};

use anyhow::{Context as _, Result};

use super::pipe::Pipe;

async fn pipe(settings: &[(&str, &str)]) -> Result<Pipe> {
    let pipe = Pipe::shared(&[]).await?;
    let named: Vec<(String, &str)> =
        settings.iter().map(|(name, value)| (name.replace("{database}", &pipe.database), *value)).collect();
    let named: Vec<(&str, &str)> = named.iter().map(|(name, value)| (name.as_str(), *value)).collect();
    pipe.with_settings(&named).await
}

#[tokio::test(flavor = "multi_thread")]
async fn the_rows_of_one_customer_lie_in_one_partition() -> Result<()> {
    let by = "topics.partition_by.{database}\\.(orders|notes)";
    let pipe = pipe(&[(by, "customer"), ("topics.partitions", "5")]).await?;
    pipe.start().await?;
    let many = |table: &str| {
        let rows: Vec<String> = (0..200).map(|at| format!("({}, {at}, 0)", at % 20)).collect();
        format!("INSERT INTO {table} VALUES {}", rows.join(","))
    };
    let columns = "(customer INT, id INT, n INT, PRIMARY KEY (id, customer))";
    pipe.run([
        format!("CREATE TABLE orders {columns}"),
        format!("CREATE TABLE notes {columns}"),
        many("orders"),
        many("notes"),
        "UPDATE orders SET id = id + 1000 WHERE customer < 10".to_owned(),
        "UPDATE orders SET customer = customer + 100 WHERE id = 19".to_owned(),
        "DELETE FROM orders WHERE id = 18".to_owned(),
    ])
    .await?;
    pipe.published().await?;
    let mut places: BTreeMap<i64, BTreeSet<i32>> = BTreeMap::new();
    let records = [pipe.table("orders").await?, pipe.table("notes").await?].concat();
    assert_eq!(records.len(), 200 + 3 * 100 + 3 + 2 + 200);
    for record in records {
        let customer = record.key_json()["customer"].as_i64().context("a customer")?;
        places.entry(customer).or_default().insert(record.partition);
    }
    assert_eq!(places.len(), 21);
    assert!(places.values().all(|partitions| partitions.len() == 1), "{places:?}");
    let used: BTreeSet<i32> = places.into_values().flatten().collect();
    assert_eq!(used.len(), 5, "{used:?}");
    Ok(())
}

#[tokio::test(flavor = "multi_thread")]
async fn a_column_that_may_change_under_one_key_does_not_choose_the_partition() -> Result<()> {
    let pipe = pipe(&[("topics.partition_by.{database}\\.t", "n")]).await?;
    pipe.start().await?;
    pipe.run(["CREATE TABLE t (id INT PRIMARY KEY, n INT)", "INSERT INTO t VALUES (1, 1)"]).await?;
    let (status, words) = pipe.halted().await?;
    assert_eq!(status.code(), Some(1), "{words}");
    assert!(
        words.contains("topics.partition_by") && words.contains("column n is no part of the key"),
        "{words}"
    );
    Ok(())
}

#[tokio::test(flavor = "multi_thread")]
async fn a_topic_is_named_by_its_table_s_pattern_and_never_shared() -> Result<()> {
    let pipe = pipe(&[("topics.names.{database}\\.t_(\\d).*", "shards.t-$1")]).await?;
    pipe.start().await?;
    pipe.run(["CREATE TABLE t_7 (id INT PRIMARY KEY)", "INSERT INTO t_7 VALUES (1)"]).await?;
    pipe.published().await?;
    assert_eq!(pipe.read(&format!("{}.shards.t-7", pipe.prefix)).await?.len(), 1);
    assert!(pipe.table("t_7").await?.is_empty());
    pipe.run(["CREATE TABLE t_7b (id INT PRIMARY KEY)", "INSERT INTO t_7b VALUES (1)"]).await?;
    let (status, words) = pipe.halted().await?;
    assert_eq!(status.code(), Some(1), "{words}");
    assert!(words.contains("would share the topic") && words.contains("t_7b"), "{words}");
    Ok(())
}
