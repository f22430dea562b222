//! binlog_row_value_options = PARTIAL_JSON: the log has how documents have changed. With whole rows beside it, what they are now is
//! made from that, types and all; without, it is refused.

use anyhow::{Result, ensure};

use crate::OneWay;

const PARTIAL: &str = "--binlog-row-value-options=PARTIAL_JSON";

/// One change of one document, by what a function of the server's makes of it.
fn change(random: &mut fastrand::Rng) -> String {
    let values = [
        "1",
        "-70000",
        "1.25e0",
        "NULL",
        "TRUE",
        "'text'",
        "REPEAT('long ', 60)",
        "CAST(7 AS UNSIGNED)",
        "CAST(18446744073709551615 AS UNSIGNED)",
        "CAST(1.50 AS DECIMAL(20,5))",
        "CAST('2024-02-29' AS DATE)",
        "CAST('2024-02-29 01:02:03.000004' AS DATETIME(6))",
        "TIME'-838:59:59'",
        "CAST(X'00FF' AS BINARY)",
        "JSON_ARRAY()",
        "JSON_OBJECT('x', CAST(2.0 AS DECIMAL(3,1)), 'é', 'ü')",
        "JSON_ARRAY(1, JSON_ARRAY(2, 'y'))",
        "CAST('{\"n\": 3.0}' AS JSON)",
        "POINT(1, 2)",
        "CAST(9223372036854775807 AS SIGNED)",
    ];
    let paths = [
        "$.a",
        "$.b",
        "$.long_key",
        "$.\"quo ted\"",
        "$.\"\"",
        "$.é",
        "$.list",
        "$.list[0]",
        "$.list[1]",
        "$.list[last]",
        "$.list[last-1]",
        "$.list[7]",
        "$.list[1][0]",
        "$.list[1].x",
        "$.inner.x",
        "$.inner.y.z",
        "$.inner",
        "$.a[0]",
        "$[0].a",
        "$.\"a.b[1]\"",
        "$.\"back\\\\\\\\slash\\\\\"\"",
    ];
    let path = random.choice(paths).unwrap_or("$.a");
    let value = random.choice(values).unwrap_or("1");
    let (other, another) = (random.choice(paths).unwrap_or("$.b"), random.choice(values).unwrap_or("1"));
    let function = match random.u8(0..8) {
        0 | 1 => format!("JSON_SET(j, '{path}', {value})"),
        2 => format!("JSON_SET(j, '{path}', {value}, '{other}', {another})"),
        3 => format!("JSON_REPLACE(j, '{path}', {value}, '{other}', {another})"),
        4 => format!("JSON_INSERT(j, '{path}', {value})"),
        5 => format!("JSON_REMOVE(j, '{path}')"),
        6 => format!("JSON_REMOVE(JSON_SET(j, '{path}', {value}), '{other}')"),
        _ if path.ends_with(']') => format!("JSON_ARRAY_INSERT(j, '{path}', {value})"),
        _ => format!("JSON_ARRAY_APPEND(j, '{path}', {value})"),
    };
    let beside = ["", ", v = v + 1", ", k = JSON_SET(k, '$[last]', v)", ", id = id + 100"];
    let rows = ["id % 5 = 0", "id % 5 IN (1, 2)", "id % 5 > 2", "TRUE"];
    let (beside, rows) = (random.choice(beside).unwrap_or(""), random.choice(rows).unwrap_or("TRUE"));
    let order = if beside.contains("id =") { " ORDER BY id DESC" } else { "" };
    format!("UPDATE t SET j = {function}{beside} WHERE {rows}{order}")
}

#[tokio::test(flavor = "multi_thread")]
async fn changes_of_documents_arrive_as_documents() -> Result<()> {
    let table = "CREATE TABLE v.t (id INT PRIMARY KEY, j JSON, v INT, k JSON NOT NULL)";
    let one = OneWay::start(&[PARTIAL], "", &[table]).await?;
    let document = "JSON_OBJECT('a', 1, 'b', CAST(2.50 AS DECIMAL(5,2)), 'long_key', @pad, 'list', JSON_ARRAY(1, JSON_ARRAY(2, @pad), 3), \
                    'inner', JSON_OBJECT('x', NULL, 'y', JSON_OBJECT('z', @pad)))";
    let insert = |id: u32| format!("INSERT INTO t VALUES ({id}, {document}, {id}, JSON_ARRAY(@pad, 1))");
    let mut statements = vec!["SET @pad = REPEAT('pad ', 100)".to_owned()];
    statements.extend((0..10).map(insert));
    statements.push("INSERT INTO t VALUES (10, NULL, NULL, '[]')".to_owned());
    one.run(statements).await?;
    let mut random = fastrand::Rng::with_seed(11);
    for round in 0..10 {
        let mut changes = vec!["SET @pad = REPEAT('pad ', 100)".to_owned()];
        changes.extend((0..40).map(|_| change(&mut random)));
        // Some are small by now, and logged whole.
        changes.push(format!("UPDATE t SET j = {document} WHERE id % 3 = {round} % 3"));
        one.run(changes).await?;
    }
    ensure!(one.has_event("Update_rows_partial").await?);
    one.arrives(11).await?;
    one.sites.stop().await
}

#[tokio::test(flavor = "multi_thread")]
async fn changes_without_the_document_halt_with_the_setting() -> Result<()> {
    let one = OneWay::start(&[], "", &["CREATE TABLE v.t (id INT PRIMARY KEY, j JSON)"]).await?;
    let document = format!("{{\"a\": 1, \"b\": \"{}\"}}", "x".repeat(500));
    let minimal = "SET SESSION binlog_row_value_options = 'PARTIAL_JSON', binlog_row_image = MINIMAL";
    one.run([minimal.to_owned(), format!("INSERT INTO t VALUES (1, '{document}')")]).await?;
    one.arrives(1).await?;
    // What is replaced as a whole needs nothing else.
    one.run([minimal, "UPDATE t SET j = JSON_OBJECT('a', REPEAT('y', 500))"]).await?;
    one.arrives(1).await?;
    one.run([minimal, "UPDATE t SET j = JSON_SET(j, '$.b', 2)"]).await?;
    one.halts(&[
        "v.t",
        "PARTIAL_UPDATE_ROWS",
        "SET GLOBAL binlog_row_value_options=''",
        "binlog_row_image=FULL",
    ])
    .await
}
