//! Where in the order the rows of XA transactions come.

use std::time::Duration;

use anyhow::Result;
use e2e::mysql::Flavor;

use super::{commit, prepare, rollback, start};

#[tokio::test(flavor = "multi_thread")]
async fn one_phase_arrives_and_two_phases_pass_where_they_are_left_out() -> Result<()> {
    let one = start(Flavor::MySql, "table.exclude.list = ['v.private']").await?;
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
    prepare(&one, "committed", &["INSERT INTO private VALUES (1, 0)"]).await?;
    prepare(&one, "undone", &["INSERT INTO private VALUES (2, 0)"]).await?;
    // Prepared transactions outlive both processes.
    one.arrives(3).await?;
    one.site().connector.kill9().await?;
    one.source().restart().await?;
    one.site().connector.start_ready(Duration::from_mins(1)).await?;
    one.run([
        "INSERT INTO t VALUES (5, 5)",
        &commit("committed"),
        &rollback("undone"),
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
async fn two_phases_arrive_where_they_are_committed() -> Result<()> {
    interleaved(Flavor::MySql).await
}

#[tokio::test(flavor = "multi_thread")]
async fn so_do_those_of_mariadb() -> Result<()> {
    interleaved(Flavor::MariaDb).await
}

async fn interleaved(flavor: Flavor) -> Result<()> {
    let one = start(flavor, "").await?;
    one.run(["INSERT INTO t VALUES (1, 'a'), (2, 'b'), (3, 'c')"]).await?;
    prepare(&one, "a", &["UPDATE t SET v = 'of a' WHERE id = 1", "INSERT INTO t VALUES (10, 'of a')"])
        .await?;
    prepare(&one, "b", &["INSERT INTO t VALUES (4, 'of b')", "DELETE FROM t WHERE id = 3"]).await?;
    prepare(&one, "c", &["DELETE FROM t WHERE id = 2"]).await?;
    // MariaDB rolls them back with their connection, and logs nothing.
    if flavor == Flavor::MySql {
        prepare(&one, "empty", &[]).await?;
        prepare(&one, "unchanged", &["UPDATE t SET v = 'x' WHERE id = 77"]).await?;
    }
    one.run(["INSERT INTO t VALUES (5, 'other')"]).await?;
    // Nothing of them is at the target: the source does not show it either.
    one.arrives(4).await?;
    one.run([
        &commit("c"),
        "INSERT INTO t VALUES (2, 'after c')",
        &rollback("b"),
        "INSERT INTO t VALUES (4, 'instead of b')",
        &commit("a"),
        "UPDATE t SET v = CONCAT(v, ', and after') WHERE id IN (1, 10)",
    ])
    .await?;
    if flavor == Flavor::MySql {
        one.run([commit("empty"), rollback("unchanged")]).await?;
    }
    // The identifier is used again.
    prepare(&one, "a", &["DELETE FROM t WHERE id = 10"]).await?;
    one.run([commit("a")]).await?;
    one.arrives(5).await?;
    one.sites.stop().await
}

/// Many on many connections at once, ended in another order than they were prepared in; each changes rows that later ones change again.
#[tokio::test(flavor = "multi_thread")]
async fn many_at_once_arrive() -> Result<()> {
    let one = start(Flavor::MySql, "").await?;
    let mut random = fastrand::Rng::with_seed(5);
    let rows: Vec<String> = (0..30).map(|id| format!("({id}, 'first')")).collect();
    one.run([format!("INSERT INTO t VALUES {}", rows.join(", "))]).await?;
    let (mut number, mut inserted) = (0, 0);
    for round in 0..6 {
        let mut open: Vec<String> = Vec::new();
        for group in 0..10 {
            number += 1;
            let xid = format!("x{number}");
            let change = format!("UPDATE t SET v = '{xid}' WHERE id IN ({}, {})", group * 3, group * 3 + 1);
            let insert = format!("INSERT INTO t VALUES ({}, '{xid}')", 1000 + number);
            prepare(&one, &xid, &[&change, &insert]).await?;
            open.push(xid);
        }
        random.shuffle(&mut open);
        for xid in open {
            let committed = random.u8(0..3) > 0;
            inserted += u64::from(committed);
            let end = if committed { commit(&xid) } else { rollback(&xid) };
            let between = format!("UPDATE t SET v = 'between {round} {xid}' WHERE id IN (2, 5, 8)");
            one.run([end, between]).await?;
        }
        if round == 3 {
            one.site().connector.kill9().await?;
            one.site().connector.start_ready(Duration::from_mins(1)).await?;
        }
    }
    one.arrives(30 + inserted).await?;
    one.sites.stop().await
}
