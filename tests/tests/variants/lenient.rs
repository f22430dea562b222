//! What sessions without the strict mode write, and a strict sink would refuse: columns computed from values that are none of
//! the type, values emptied by an UPDATE.

use anyhow::Result;
use e2e::{SitesOptions, mysql::Flavor};

use crate::OneWay;

const TABLES: [&str; 3] = [
    "CREATE TABLE v.computed (id INT PRIMARY KEY, f DOUBLE, s VARCHAR(20), y INT AS (YEAR(f)) VIRTUAL, n INT AS (s + 1) STORED)",
    "CREATE TABLE v.unkeyed (f DOUBLE, s VARCHAR(20), y INT AS (YEAR(f)) VIRTUAL, n INT AS (s + 1) STORED)",
    "CREATE TABLE v.parent (id INT PRIMARY KEY)",
];

/// Odd rows among plain ones, of which some come into one statement.
const ROWS: [&str; 8] = [
    "SET SESSION sql_mode = ''",
    "INSERT INTO computed (id, f, s) VALUES (1, 20240131, '7'), (2, 9007199254740992, 'x'), (3, NULL, ''), (4, 1e300, '1x')",
    "INSERT INTO unkeyed (f, s) VALUES (20240131, '7'), (9007199254740992, 'x'), (1e300, 'y')",
    "UPDATE computed SET f = -1, s = 'z' WHERE id = 1",
    "UPDATE unkeyed SET s = 'z' WHERE f = 1e300",
    "UPDATE computed SET id = id + 10 WHERE id > 2",
    "DELETE FROM computed WHERE id = 2",
    "DELETE FROM unkeyed WHERE s = 'x'",
];

#[tokio::test(flavor = "multi_thread")]
async fn what_the_source_computed_arrives() -> Result<()> {
    let one = OneWay::start(&[], "", &TABLES).await?;
    one.run(ROWS).await?;
    one.arrives(5).await?;
    one.sites.stop().await
}

#[tokio::test(flavor = "multi_thread")]
async fn so_it_does_from_mariadb_with_its_own_hash_columns() -> Result<()> {
    let options = SitesOptions { flavors: [Flavor::MariaDb; 2], ..OneWay::options(&[], "") };
    let hashed =
        "CREATE TABLE v.hashed (id INT PRIMARY KEY, g LINESTRING, b BLOB, UNIQUE KEY (g), UNIQUE KEY (b))";
    let one = OneWay::start_with(options, &[&TABLES[..], &[hashed]].concat()).await?;
    one.run(ROWS).await?;
    one.run([
        "INSERT INTO hashed VALUES (1, ST_GeomFromText('LINESTRING(0 0, 1 1)'), 'a'), (2, NULL, 'b')",
        "UPDATE hashed SET b = CONCAT(b, 'c')",
        "DELETE FROM hashed WHERE id = 2",
    ])
    .await?;
    one.arrives(6).await?;
    one.sites.stop().await
}

/// An UPDATE that leaves a column without bytes: it is done by an INSERT, of which nothing notices, no child either.
#[tokio::test(flavor = "multi_thread")]
async fn a_vector_that_is_emptied_arrives() -> Result<()> {
    let tables = [
        "CREATE TABLE v.vectors (id INT PRIMARY KEY, e VECTOR(2) NOT NULL, n INT)",
        "CREATE TABLE v.child (id INT PRIMARY KEY, vector INT, FOREIGN KEY (vector) REFERENCES vectors (id) ON DELETE CASCADE)",
        "CREATE TABLE v.unkeyed (e VECTOR(2) NOT NULL, n INT)",
    ];
    let one = OneWay::start(&[], "", &tables).await?;
    one.run([
        "SET SESSION sql_mode = ''",
        "INSERT INTO vectors VALUES (1, TO_VECTOR('[1,2]'), 1), (2, TO_VECTOR('[3,4]'), 2)",
        "INSERT INTO child VALUES (1, 1), (2, 2)",
        "INSERT INTO unkeyed VALUES (TO_VECTOR('[1,2]'), 1), (TO_VECTOR('[1,2]'), 2)",
        "UPDATE vectors SET e = NULL, n = 3 ORDER BY id",
        "UPDATE unkeyed SET e = NULL",
        "UPDATE vectors SET n = 4 WHERE id = 1",
        "UPDATE vectors SET e = TO_VECTOR('[5,6]') WHERE id = 2",
    ])
    .await?;
    one.arrives(6).await?;
    one.sites.stop().await
}
