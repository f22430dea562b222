//! XA: what commits in one phase, or is undone before it is prepared, is as any other transaction. Of what was prepared its rows are logged
//! before it is known whether they count: where they are published, the connector halts before anything of them is; where they
//! are left out, the second phase passes, also long after the first.

use std::time::Duration;

use anyhow::{Result, ensure};
use mysql_async::{Row, prelude::Queryable};

use crate::OneWay;

const TABLES: [&str; 2] =
    ["CREATE TABLE v.t (id INT PRIMARY KEY, v INT)", "CREATE TABLE v.private (id INT PRIMARY KEY, v INT)"];

fn prepared(xid: &str, change: &str) -> [String; 4] {
    [
        format!("XA START '{xid}', 'branch', 7"),
        change.to_owned(),
        format!("XA END '{xid}', 'branch', 7"),
        format!("XA PREPARE '{xid}', 'branch', 7"),
    ]
}

#[tokio::test(flavor = "multi_thread")]
async fn one_phase_arrives_and_two_phases_pass_where_they_are_left_out() -> Result<()> {
    let one = OneWay::start(&[], "table.exclude.list = ['v.private']", &TABLES).await?;
    one.run([
        "INSERT INTO t VALUES (1, 1), (2, 2)",
        "XA START 'one'",
        "UPDATE t SET v = 10 WHERE id = 1",
        "INSERT INTO t VALUES (3, 3)",
        "XA END 'one'",
        "XA COMMIT 'one' ONE PHASE",
        "XA START 'undone'",
        "INSERT INTO t VALUES (4, 4)",
        "XA END 'undone'",
        "XA ROLLBACK 'undone'",
    ])
    .await?;
    for xid in ["committed", "undone"] {
        one.run(prepared(xid, &format!("INSERT INTO private VALUES ({}, 0)", xid.len()))).await?;
    }
    // Prepared transactions outlive both processes.
    one.arrives(3).await?;
    one.site().connector.kill9().await?;
    one.source().restart().await?;
    one.site().connector.start_ready(Duration::from_mins(1)).await?;
    one.run([
        "INSERT INTO t VALUES (5, 5)",
        "XA COMMIT 'committed', 'branch', 7",
        "XA ROLLBACK 'undone', 'branch', 7",
        "DELETE FROM private",
        "XA START 'two'",
        "DELETE FROM t WHERE id = 2",
        "XA END 'two'",
        "XA COMMIT 'two' ONE PHASE",
    ])
    .await?;
    one.arrives(3).await?;
    one.sites.stop().await
}

#[tokio::test(flavor = "multi_thread")]
async fn two_phases_of_published_rows_halt_before_anything_is_published() -> Result<()> {
    let one = OneWay::start(&[], "", &TABLES).await?;
    one.run(["INSERT INTO t VALUES (1, 1)"]).await?;
    one.arrives(1).await?;
    one.run(prepared("x", "INSERT INTO t VALUES (2, 2)")).await?;
    let says =
        ["XA PREPARE: XA transactions are not supported", "rows of published tables", "commit in one phase"];
    one.halts(&says).await?;
    // Neither its second phase nor new processes make it pass.
    one.source().restart().await?;
    one.run(["XA COMMIT 'x', 'branch', 7", "INSERT INTO t VALUES (3, 3)"]).await?;
    one.site().connector.start()?;
    one.halts(&says).await?;
    let target = &one.sites.sites[1].servers.mysql;
    let rows: Vec<Row> = target.conn().await?.query("SELECT id FROM v.t").await?;
    ensure!(rows.len() == 1, "{rows:?}");
    Ok(())
}
