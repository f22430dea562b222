//! Small logs that rotate all the time, and are purged as soon as they are published.

use std::time::Duration;

use anyhow::{Result, ensure};
use e2e::eventually;
use mysql_async::{Row, prelude::Queryable};

use crate::OneWay;

#[tokio::test(flavor = "multi_thread")]
async fn rotated_and_purged_logs_leave_no_gap() -> Result<()> {
    let table = "CREATE TABLE v.t (id INT AUTO_INCREMENT PRIMARY KEY, v VARCHAR(2000))";
    let one = OneWay::start(&["--max-binlog-size=4096"], "", &[table]).await?;
    for round in 1..=3 {
        one.run((0..20).map(|_| "INSERT INTO t (v) VALUES (REPEAT('x', 1500))")).await?;
        one.arrives(round * 20).await?;
        let mut conn = one.source().conn().await?;
        let logs: Vec<Row> = conn.query("SHOW BINARY LOGS").await?;
        ensure!(logs.len() >= 5, "{} logs", logs.len());
        one.site().connector.stop().await?;
        let last: String = logs.last().and_then(|row| row.get(0)).unwrap_or_default();
        eventually(Duration::from_secs(30), || async {
            let mut conn = one.source().conn().await.map_err(|error| error.to_string())?;
            let purged = conn.query_drop(format!("PURGE BINARY LOGS TO '{last}'")).await;
            let logs: Vec<Row> = conn.query("SHOW BINARY LOGS").await.map_err(|error| error.to_string())?;
            if purged.is_ok() && logs.len() == 1 { Ok(()) } else { Err(format!("{} logs", logs.len())) }
        })
        .await?;
        one.site().connector.start()?;
    }
    one.run(["UPDATE t SET v = 'short' WHERE id % 2 = 0"]).await?;
    one.arrives(60).await?;
    one.sites.stop().await
}
