//! binlog_transaction_compression: whole transactions in one event.

use anyhow::{Result, ensure};

use crate::OneWay;

#[tokio::test(flavor = "multi_thread")]
async fn compressed_transactions_arrive_like_others() -> Result<()> {
    let table = "CREATE TABLE v.t (id INT AUTO_INCREMENT PRIMARY KEY, v LONGTEXT)";
    let one = OneWay::start(&["--binlog-transaction-compression=ON"], "", &[table]).await?;
    let mut statements = vec!["BEGIN".to_owned()];
    for number in 0..50 {
        statements.push(format!("INSERT INTO t (v) VALUES (REPEAT('row {number} ', 1000)), ('short')"));
    }
    statements.push("UPDATE t SET v = CONCAT(v, '!') WHERE v = 'short'".to_owned());
    statements.push("COMMIT".to_owned());
    one.run(statements).await?;
    one.run([
        "DELETE FROM t WHERE v = 'short!' LIMIT 10",
        "SET SESSION binlog_transaction_compression = OFF",
    ])
    .await?;
    one.run(["SET SESSION binlog_transaction_compression = OFF", "INSERT INTO t (v) VALUES ('plain')"])
        .await?;
    ensure!(one.has_event("Transaction_payload").await? && one.has_event("Write_rows").await?);
    one.arrives(91).await?;
    one.sites.stop().await
}
