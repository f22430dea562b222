//! STATEMENT and MIXED: a session's change without rows halts the connector with its text; what MIXED logs as rows passes.

use anyhow::{Result, ensure};

use crate::OneWay;

const TABLE: &str = "CREATE TABLE v.t (id INT PRIMARY KEY, v VARCHAR(50))";

#[tokio::test(flavor = "multi_thread")]
async fn a_statement_halts_with_its_text_and_rows_before_it_arrive() -> Result<()> {
    let one = OneWay::start(&[], "", &[TABLE]).await?;
    one.run(["SET SESSION binlog_format = 'MIXED'", "INSERT INTO t VALUES (1, UUID())"]).await?;
    one.arrives(1).await?;
    ensure!(one.has_event("Write_rows").await?, "MIXED logs what is unsafe as rows");
    one.run(["SET SESSION binlog_format = 'MIXED'", "INSERT INTO t VALUES (2, 'two')"]).await?;
    one.halts(&["logged as a statement, not as rows", "INSERT INTO t VALUES (2, 'two')", "binlog_format=ROW"])
        .await
}
