//! The source is killed in mid-transaction: what was not committed never comes, what was comes once.

use anyhow::Result;
use mysql_async::prelude::Queryable;

use crate::OneWay;

#[tokio::test(flavor = "multi_thread")]
async fn a_crash_in_mid_transaction_leaves_what_was_committed() -> Result<()> {
    let table = "CREATE TABLE v.t (id INT PRIMARY KEY, v LONGTEXT)";
    let one = OneWay::start(&["--binlog-cache-size=4096"], "", &[table]).await?;
    for round in 0..3 {
        let mut open = one.source().conn_to("v").await?;
        open.query_drop("BEGIN").await?;
        for number in 0..30 {
            open.query_drop(format!("INSERT INTO t VALUES ({}, REPEAT('x', 10000))", 1000 + number)).await?;
        }
        one.run([format!("INSERT INTO t VALUES ({round}, 'committed')")]).await?;
        one.source().kill9().await?;
        drop(open);
        one.source().boot().await?;
    }
    one.run(["INSERT INTO t VALUES (10, 'after')"]).await?;
    one.arrives(4).await?;
    one.sites.stop().await
}
