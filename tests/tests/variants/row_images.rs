//! binlog_row_image = MINIMAL and NOBLOB: a change names the key and what it has written. What it does not name, the target
//! keeps as it is.

use anyhow::Result;

use crate::OneWay;

const TABLES: [&str; 5] = [
    "CREATE TABLE v.t (id INT PRIMARY KEY, a INT NOT NULL DEFAULT 7, b VARCHAR(20) DEFAULT 'x', c TEXT, d JSON, \
     e ENUM('p','q') NOT NULL DEFAULT 'q', f DECIMAL(10,2) NOT NULL DEFAULT 1.5, g DATETIME(3) NOT NULL DEFAULT '2020-01-01', \
     h BLOB NOT NULL, i POINT NOT NULL, j TIMESTAMP NOT NULL DEFAULT CURRENT_TIMESTAMP ON UPDATE CURRENT_TIMESTAMP, \
     k INT AS (a + 1) STORED)",
    "CREATE TABLE v.pairs (x INT, y VARCHAR(10), z INT, w TEXT, PRIMARY KEY (y, x))",
    "CREATE TABLE v.uniq (id INT PRIMARY KEY, u INT UNIQUE, n INT NOT NULL, t TEXT)",
    "CREATE TABLE v.nopk (a INT NOT NULL, b INT, c TEXT, UNIQUE KEY (a))",
    "CREATE TABLE v.nokey (a INT, b TEXT)",
];

const CHANGES: [&str; 25] = [
    "INSERT INTO t (id, h, i) VALUES (1, 'h1', POINT(1, 1)), (2, 'h2', POINT(2, 2)), (3, 'h3', POINT(3, 3))",
    "INSERT INTO t (id, a, c, h, i) VALUES (4, 1, NULL, '', POINT(4, 4))",
    "UPDATE t SET c = REPEAT('c', 300) WHERE id = 1",
    "UPDATE t SET a = 9, d = '{\"x\": [1, 2.50]}' WHERE id IN (1, 2)",
    "UPDATE t SET h = 'other', b = NULL WHERE id = 2",
    "UPDATE t SET id = 30 WHERE id = 3",
    "UPDATE t SET e = 'p', f = -3.25, g = '2024-02-29 01:02:03.004' WHERE id = 30",
    "DELETE FROM t WHERE id = 4",
    "INSERT INTO pairs (x, y) VALUES (1, 'a'), (2, 'b'), (3, 'c')",
    "UPDATE pairs SET w = 'w', z = 5 WHERE x = 1",
    "UPDATE pairs SET y = 'bb' WHERE x = 2",
    "DELETE FROM pairs WHERE x = 3",
    "INSERT INTO uniq VALUES (1, 10, 1, 'one'), (2, 20, 2, 'two'), (3, NULL, 3, 'three')",
    "UPDATE uniq SET u = 30 WHERE id = 1",
    "UPDATE uniq SET u = 10 WHERE id = 2",
    "UPDATE uniq SET n = n + 100",
    "INSERT INTO uniq (id, u, n) VALUES (4, 20, 4) ON DUPLICATE KEY UPDATE n = 0",
    "REPLACE INTO uniq (id, u, n) VALUES (5, 10, 5)",
    "INSERT INTO nopk VALUES (1, 1, 'one'), (2, 2, 'two'), (3, NULL, NULL)",
    "UPDATE nopk SET c = 'ONE' WHERE a = 1",
    "DELETE FROM nopk WHERE a = 2",
    "INSERT INTO nokey VALUES (1, 'one'), (1, 'one'), (NULL, NULL)",
    "UPDATE nokey SET b = 'changed' WHERE a = 1 LIMIT 1",
    "DELETE FROM nokey WHERE a IS NULL",
    "UPDATE t SET c = 'last', h = 'last'",
];

async fn arrives_with(image: &str) -> Result<()> {
    let one = OneWay::start(&[], "", &TABLES).await?;
    let set = format!("SET SESSION binlog_row_image = {image}, sql_mode = 'NO_ENGINE_SUBSTITUTION'");
    one.run(std::iter::once(set.as_str()).chain(CHANGES)).await?;
    one.arrives(3 + 2 + 4 + 2 + 2).await
}

#[tokio::test(flavor = "multi_thread")]
async fn minimal_images_change_what_they_name() -> Result<()> {
    arrives_with("MINIMAL").await
}

#[tokio::test(flavor = "multi_thread")]
async fn images_without_blobs_change_what_they_name() -> Result<()> {
    arrives_with("NOBLOB").await
}
