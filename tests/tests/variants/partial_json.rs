//! binlog_row_value_options = PARTIAL_JSON in a session: the change of a document is not its value.

use anyhow::Result;

use crate::OneWay;

#[tokio::test(flavor = "multi_thread")]
async fn a_partial_document_halts_with_the_setting() -> Result<()> {
    let one = OneWay::start(&[], "", &["CREATE TABLE v.t (id INT PRIMARY KEY, j JSON)"]).await?;
    let document = format!("{{\"a\": 1, \"b\": \"{}\"}}", "x".repeat(500));
    one.run([
        "SET SESSION binlog_row_value_options = 'PARTIAL_JSON'".to_owned(),
        format!("INSERT INTO t VALUES (1, '{document}')"),
    ])
    .await?;
    one.arrives(1).await?;
    one.run([
        "SET SESSION binlog_row_value_options = 'PARTIAL_JSON'",
        "UPDATE t SET j = JSON_SET(j, '$.a', 2)",
    ])
    .await?;
    one.halts(&["PARTIAL_UPDATE_ROWS", "SET GLOBAL binlog_row_value_options=''"]).await
}
