//! The load and the comparison, on which every verdict about two sites rests: no difference may escape, and
//! the shoppers must come through whatever happens to their server.

use std::time::Duration;

use anyhow::{Context, Result, ensure};
use e2e::compare::{compare, quiet};
use e2e::{Lab, MySql, MySqlOptions, Workload, eventually, fresh_name, shop};
use mysql_async::prelude::Queryable;

/// A table of every kind of column, the same at both servers.
async fn twin_tables() -> Result<(&'static MySql, &'static MySql, String)> {
    let (left, right) = (Lab::shared().mysql().await?, Lab::shared().target().await?);
    let database = fresh_name("twins");
    for server in [left, right] {
        server
            .run([
                format!("CREATE DATABASE {database}"),
                format!(
                    "CREATE TABLE {database}.t (a INT, b VARCHAR(20), c VARBINARY(20), d JSON, e DECIMAL(10,2), f DATETIME(6), \
                     PRIMARY KEY (a, b))"
                ),
                format!("INSERT INTO {database}.t VALUES (1, 'x', 0x00ff, '{{\"k\": 1}}', 1.50, '2024-02-29 12:00:00.5')"),
                format!("INSERT INTO {database}.t VALUES (2, 'é', NULL, NULL, NULL, NULL)"),
                format!("CREATE TABLE {database}.no_key (a INT)"),
                format!("INSERT INTO {database}.no_key VALUES (1), (1), (NULL)"),
            ])
            .await?;
    }
    Ok((left, right, database))
}

#[tokio::test]
async fn equal_servers_are_equal() -> Result<()> {
    let (left, right, database) = twin_tables().await?;
    let comparison = compare(left, right, &[&database]).await?;
    comparison.ensure_equal()?;
    assert_eq!((comparison.tables, comparison.rows), (2, 5));
    Ok(())
}

/// Breaks one thing at the right, and gives what the comparison says about it.
async fn difference(statement: &str) -> Result<String> {
    let (left, right, database) = twin_tables().await?;
    right.run([format!("USE {database}"), statement.to_owned()]).await?;
    let comparison = compare(left, right, &[&database]).await?;
    ensure!(!comparison.equal(), "not found: {statement}");
    Ok(comparison.to_string())
}

#[tokio::test]
async fn every_difference_is_found_and_shown() -> Result<()> {
    for (statement, shown) in [
        ("UPDATE t SET e = 1.51 WHERE a = 1", "a=1 b=\"x\": e 1.50 / 1.51"),
        // Equal under the column's collation, different in bytes.
        ("UPDATE t SET b = 'E' WHERE a = 2", "a=2 b=\"é\": only at"),
        ("UPDATE t SET c = 0x00fe WHERE a = 1", "c 00FF / 00FE"),
        ("UPDATE t SET c = '' WHERE a = 2", "c NULL / "),
        ("UPDATE t SET f = '2024-02-29 12:00:00.500001' WHERE a = 1", "f 2024-02-29 12:00:00.500000 / "),
        ("DELETE FROM t WHERE a = 1", "a=1 b=\"x\": only at"),
        ("INSERT INTO t (a, b) VALUES (3, '')", "a=3 b=\"\": only at"),
        ("UPDATE no_key SET a = 2 WHERE a = 1 LIMIT 1", "1 (copy 2): only at"),
        ("ALTER TABLE t ADD COLUMN g INT", "the columns differ"),
        ("DROP TABLE t", "t: is missing at"),
    ] {
        let words = difference(statement).await?;
        assert!(words.contains(shown), "{statement}: {words}");
    }
    Ok(())
}

#[tokio::test]
async fn shoppers_come_through_crashes_and_know_what_they_do_not_know() -> Result<()> {
    let server = MySql::start(MySqlOptions::named("shop")).await?;
    shop::create(&server).await?;
    let shoppers = Workload { rate: 400.0, ..Workload::at_site(0) }.start(&server);
    let reach = async |transactions| {
        eventually(Duration::from_mins(1), || async {
            let counts = shoppers.counts();
            if counts.transactions >= transactions { Ok(()) } else { Err(counts) }
        })
        .await
    };
    reach(200).await?;
    for crash in 1..=3 {
        server.kill9().await?;
        server.boot().await?;
        reach(shoppers.counts().transactions + 100 * crash).await?;
    }
    let counts = shoppers.stop().await;
    let mut conn = server.conn().await?;
    let orders: Option<u64> = conn.query_first("SELECT COUNT(*) FROM shop.orders").await?;
    ensure!(orders > Some(0), "nobody ordered anything");
    let broken: Option<u64> = conn
        .query_first(
            "SELECT COUNT(*) FROM shop.orders WHERE total <> \
             (SELECT SUM(quantity * price) FROM shop.order_items WHERE order_id = orders.id)",
        )
        .await?;
    assert_eq!(broken, Some(0), "an order is whole or not there");
    ensure!(counts.transactions >= 800, "{counts:?}");
    ensure!(counts.refused * 10 < counts.transactions, "most statements must be sound: {counts:?}");
    Ok(())
}

#[tokio::test]
async fn quiet_ends_when_nothing_moves_any_more() -> Result<()> {
    let (left, right, database) = twin_tables().await?;
    right.run([format!("DELETE FROM {database}.t")]).await?;
    let patience = Duration::from_millis(600);
    let apart = quiet(left, right, &[&database], patience).await?;
    assert!(!apart.equal());
    let late = async {
        // Slower than one look, faster than the patience.
        for a in 1..=2 {
            tokio::time::sleep(Duration::from_millis(400)).await;
            left.run([format!("DELETE FROM {database}.t WHERE a = {a}")]).await?;
        }
        anyhow::Ok(())
    };
    let databases = [database.as_str()];
    let (end, late) = tokio::join!(quiet(left, right, &databases, patience), late);
    late?;
    end.context("compare")?.ensure_equal()
}

#[tokio::test]
async fn what_never_becomes_quiet_is_told() -> Result<()> {
    let (left, right, database) = twin_tables().await?;
    let databases = [database.as_str()];
    let restless = async {
        for number in 3.. {
            left.run([format!("INSERT INTO {database}.t (a, b) VALUES ({number}, '')")]).await?;
        }
        anyhow::Ok(())
    };
    let told = tokio::select! {
        ended = quiet(left, right, &databases, Duration::from_millis(100)) => ended.expect_err("it never ends").to_string(),
        ended = restless => return ended,
    };
    assert!(
        told.contains(&format!("{database}.t at {}; nothing at {}", left.address(), right.address())),
        "{told}"
    );
    Ok(())
}
