//! What a sink of ours applied is not published again, and a mark that is no sink's halts.

use anyhow::Result;
use strait_schemas::{Seq, headers};

use crate::Pipe;

const LANE: &str = "CREATE TABLE strait.lane (origin VARCHAR(64) CHARACTER SET ascii, sink VARCHAR(64) CHARACTER SET ascii, \
     lane SMALLINT UNSIGNED, epoch BIGINT UNSIGNED NOT NULL, seq BIGINT UNSIGNED NOT NULL, PRIMARY KEY (origin, sink, lane))";

/// A source of its own, for `strait` is one database a server; with the table of the sinks' marks.
async fn marked(settings: crate::Settings<'_>) -> Result<Pipe> {
    let mysql = e2e::MySql::start(e2e::MySqlOptions::named("loops")).await?;
    mysql.run(["CREATE DATABASE strait", LANE]).await?;
    let pipe = Pipe::own(mysql, settings).await?;
    pipe.run(["CREATE TABLE t (id INT PRIMARY KEY)"]).await?;
    Ok(pipe)
}

fn mark(origin: &str, epoch: u64, number: u64) -> String {
    let seq = Seq::new(1, number).raw();
    format!(
        "INSERT INTO strait.lane VALUES ('{origin}', 'main', 0, {epoch}, {seq}) \
         ON DUPLICATE KEY UPDATE epoch = {epoch}, seq = {seq}"
    )
}

async fn apply(pipe: &Pipe, origin: &str, epoch: u64, number: u64, id: u32) -> Result<()> {
    pipe.run(["BEGIN", &mark(origin, epoch, number), &format!("INSERT INTO t VALUES ({id})"), "COMMIT"]).await
}

fn ids(records: &[crate::Published]) -> Vec<i64> {
    records.iter().filter_map(|record| record.json()["after"]["id"].as_i64()).collect()
}

#[tokio::test]
async fn what_a_sink_applied_is_left_out_and_everything_else_is_not() -> Result<()> {
    let pipe = marked(&[]).await?;
    pipe.start().await?;
    apply(&pipe, "shenzhen", 1, 5, 1).await?;
    pipe.run(["INSERT INTO t VALUES (2)"]).await?;
    apply(&pipe, "shenzhen", 1, 6, 3).await?;
    apply(&pipe, "shenzhen", 2, 1, 4).await?;
    // The mark is not what the transaction begins with: the application's own business.
    pipe.run(["BEGIN", "INSERT INTO t VALUES (5)", &mark("shenzhen", 2, 2), "COMMIT"]).await?;
    // Whoever tidies up the table has not applied anything.
    pipe.run(["BEGIN", "DELETE FROM strait.lane", "INSERT INTO t VALUES (6)", "COMMIT"]).await?;
    pipe.published().await?;
    assert_eq!(ids(&pipe.table("t").await?), [2, 5, 6]);
    let numbers: Vec<_> = pipe.beginnings().await?.iter().map(|part| part.seq.number()).collect();
    assert_eq!(numbers, [1, 2, 3], "what is left out takes no number");
    let mark = pipe.position().await?.expect("a position").lanes["shenzhen/main/0"];
    assert_eq!((mark.epoch, mark.seq), (2, Seq::new(1, 1)));
    let metrics = pipe.connector.metrics().await?;
    assert_eq!(metrics.sum_where("strait_connector_transactions_total", &[("outcome", "looped")]), Some(3.0));
    pipe.connector.stop().await
}

#[tokio::test]
async fn in_a_chain_only_the_named_origins_are_left_out() -> Result<()> {
    let pipe = marked(&[("publish.skip_origins", "guangzhou"), ("site", "here")]).await?;
    pipe.start().await?;
    apply(&pipe, "shenzhen", 1, 1, 1).await?;
    apply(&pipe, "guangzhou", 1, 1, 2).await?;
    pipe.run(["INSERT INTO t VALUES (3)"]).await?;
    pipe.published().await?;
    let records = pipe.table("t").await?;
    assert_eq!(ids(&records), [1, 3]);
    assert_eq!(records[0].headers[headers::ORIGIN], b"shenzhen", "it stays that site's change");
    assert_eq!(records[1].headers[headers::ORIGIN], b"here");
    pipe.connector.stop().await
}

#[tokio::test]
async fn a_mark_that_goes_back_halts_also_after_a_restart() -> Result<()> {
    let pipe = marked(&[]).await?;
    pipe.start().await?;
    apply(&pipe, "shenzhen", 3, 7, 1).await?;
    pipe.published().await?;
    pipe.connector.stop().await?;
    apply(&pipe, "shenzhen", 3, 6, 2).await?;
    let (status, words) = pipe.start_and_halt().await?;
    assert_eq!(status.code(), Some(1), "{words}");
    assert!(
        words.contains("lane shenzhen/main/0 goes back from epoch 3 seq 1-7 to epoch 3 seq 1-6"),
        "{words}"
    );
    assert!(words.contains("strait.lane, transaction ") && words.contains("sink.name"), "{words}");
    assert_eq!(pipe.parts().await?.len(), 0, "nothing of it was published");
    Ok(())
}

#[tokio::test]
async fn a_mark_in_a_partial_image_halts_with_the_setting() -> Result<()> {
    let pipe = marked(&[]).await?;
    pipe.start().await?;
    apply(&pipe, "shenzhen", 3, 7, 1).await?;
    let minimal = "SET SESSION binlog_row_image = 'MINIMAL'";
    let mark = format!("UPDATE strait.lane SET seq = {}", Seq::new(1, 8).raw());
    pipe.run([minimal, "BEGIN", &mark, "INSERT INTO t VALUES (2)", "COMMIT"]).await?;
    let (status, words) = pipe.halted().await?;
    assert_eq!(status.code(), Some(1), "{words}");
    assert!(words.contains("SET PERSIST binlog_row_image = FULL at this server"), "{words}");
    Ok(())
}
