//! What sessions without the strict mode write, and a strict sink would refuse: columns computed from values that are none of
//! the type, values emptied by an UPDATE.

use anyhow::{Result, ensure};
use e2e::{Sites, SitesOptions, mysql::Flavor};
use mysql_async::prelude::Queryable as _;

use crate::OneWay;

const SOON: std::time::Duration = std::time::Duration::from_secs(60);

const TABLES: [&str; 5] = [
    "CREATE TABLE v.computed (id INT PRIMARY KEY, f DOUBLE, s VARCHAR(20), y INT AS (YEAR(f)) VIRTUAL, n INT AS (s + 1) STORED)",
    "CREATE TABLE v.unkeyed (f DOUBLE, s VARCHAR(20), y INT AS (YEAR(f)) VIRTUAL, n INT AS (s + 1) STORED)",
    "CREATE TABLE v.listed (id INT PRIMARY KEY, e ENUM('a','b'), s VARCHAR(20), n INT AS (s + 1) STORED)",
    "CREATE TABLE v.digits (d INT PRIMARY KEY)",
    "CREATE TABLE v.many (id INT PRIMARY KEY, s VARCHAR(20), n INT AS (s + 1) STORED)",
];

/// Of the last three.
const MORE: u64 = 2 + 10 + 2000;

/// Odd rows among plain ones, of which some come into one statement.
const ROWS: [&str; 11] = [
    "SET SESSION sql_mode = ''",
    "INSERT INTO computed (id, f, s) VALUES (1, 20240131, '7'), (2, 9007199254740992, 'x'), (3, NULL, ''), (4, 1e300, '1x')",
    "INSERT INTO unkeyed (f, s) VALUES (20240131, '7'), (9007199254740992, 'x'), (1e300, 'y')",
    "UPDATE computed SET f = -1, s = 'z' WHERE id = 1",
    "UPDATE unkeyed SET s = 'z' WHERE f = 1e300",
    "UPDATE computed SET id = id + 10 WHERE id > 2",
    "DELETE FROM computed WHERE id = 2",
    "DELETE FROM unkeyed WHERE s = 'x'",
    "INSERT INTO listed (id, e, s) VALUES (1, 'a', '1'), (2, 'none', 'x')",
    "INSERT INTO digits VALUES (0), (1), (2), (3), (4), (5), (6), (7), (8), (9)",
    // More than a batch.
    "INSERT INTO many (id, s) SELECT a.d + 10 * b.d + 100 * c.d + 1000 * e.d, IF(a.d = 3 AND b.d = 7, 'x', a.d) \
     FROM digits a, digits b, digits c, digits e WHERE e.d < 2",
];

#[tokio::test(flavor = "multi_thread")]
async fn what_the_source_computed_arrives() -> Result<()> {
    let one = OneWay::start(&[], "", &TABLES).await?;
    one.run(ROWS).await?;
    one.arrives(5 + MORE).await?;
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
    one.arrives(6 + MORE).await?;
    one.sites.stop().await
}

/// Beside rows that the target keeps.
#[tokio::test(flavor = "multi_thread")]
async fn a_snapshot_brings_what_the_source_computed() -> Result<()> {
    let one = OneWay { sites: Sites::boot(&OneWay::options(&[], "snapshot.mode = 'initial'")).await? };
    let [source, target] = one.sites.sites.each_ref();
    source.servers.mysql.run([&["CREATE DATABASE v CHARACTER SET utf8mb4"][..], &TABLES].concat()).await?;
    one.run(ROWS).await?;
    let kept = "INSERT INTO v.computed (id, f, s) VALUES (1, -1, 'kept'), (13, 9007199254740992, 'kept')";
    let begun = ["SET SESSION sql_mode = ''", "CREATE DATABASE v CHARACTER SET utf8mb4", TABLES[0], kept];
    target.servers.mysql.run(begun).await?;
    source.connector.start_ready(SOON).await?;
    target.sink.start_ready(SOON).await?;
    let compared = one.sites.quiet(&["v"], std::time::Duration::from_secs(15)).await?;
    ensure!(
        compared.to_string().contains("v.computed: 2 rows differ"),
        "{compared}\n{}",
        one.sites.last_words()
    );
    one.sites.sites[0]
        .servers
        .mysql
        .run(["SET SESSION sql_mode = ''", "UPDATE v.computed SET s = 'changed'"])
        .await?;
    let compared = one.sites.quiet(&["v"], SOON).await?;
    ensure!(compared.equal(), "{compared}\n{}", one.sites.last_words());
    Ok(())
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

/// Of nothing a key is computed that no strict session takes.
#[tokio::test(flavor = "multi_thread")]
async fn a_key_that_was_computed_of_nothing_arrives() -> Result<()> {
    let tables =
        ["CREATE TABLE v.named (s VARCHAR(20), n INT, name VARCHAR(20) AS (UPPER(s)) STORED PRIMARY KEY)"];
    let one = OneWay::start(&[], "", &tables).await?;
    one.run([
        "SET SESSION sql_mode = ''",
        "INSERT IGNORE INTO named (s, n) VALUES (NULL, 1), ('a', 2)",
        "INSERT IGNORE INTO named (s, n) VALUES ('b', 3)",
        "UPDATE named SET n = 4 WHERE name = ''",
    ])
    .await?;
    one.arrives(3).await?;
    one.sites.stop().await
}

/// A text that was cut in the middle of a character by an ALTER: an UPDATE leaves it alone. (As an event the server would cut
/// it again.)
#[tokio::test(flavor = "multi_thread")]
async fn half_a_character_stays_what_it_is() -> Result<()> {
    for path in ["sql", "auto"] {
        let tables = [
            "CREATE TABLE v.unkeyed (s TEXT, n INT)",
            "CREATE TABLE v.keyed (id INT PRIMARY KEY, s TEXT, n INT)",
        ];
        let one = OneWay::start_with(
            SitesOptions { sink: format!("apply.path = '{path}'"), ..OneWay::options(&[], "") },
            &tables,
        )
        .await?;
        one.run([
            "SET SESSION sql_mode = ''",
            "INSERT INTO unkeyed VALUES (CONCAT(REPEAT('x', 253), '😀'), 1), ('b', 2)",
            "INSERT INTO keyed SELECT n, s, n FROM unkeyed",
            "ALTER TABLE unkeyed MODIFY s TINYTEXT",
            "ALTER TABLE keyed MODIFY s TINYTEXT",
            "UPDATE unkeyed SET n = n + 1",
            "UPDATE keyed SET n = n + 1",
        ])
        .await?;
        one.arrives(4).await?;
        one.sites.stop().await?;
    }
    Ok(())
}

/// A partition is only exchanged with a table that was changed in the same ways.
#[tokio::test(flavor = "multi_thread")]
async fn a_partition_of_a_table_that_was_rebuilt_is_exchanged() -> Result<()> {
    let tables = ["CREATE TABLE v.parts (id INT PRIMARY KEY, n INT) PARTITION BY RANGE (id) \
                   (PARTITION a VALUES LESS THAN (10), PARTITION b VALUES LESS THAN MAXVALUE)"];
    let one = OneWay::start(&[], "", &tables).await?;
    one.run([
        "INSERT INTO parts VALUES (1, 1), (2, 2), (11, 3)",
        "ALTER TABLE parts ADD COLUMN m INT DEFAULT 7, ALGORITHM = INPLACE",
        "CREATE TABLE alone LIKE parts",
        "ALTER TABLE alone REMOVE PARTITIONING",
        "INSERT INTO alone VALUES (5, 5, 5)",
        "ALTER TABLE parts EXCHANGE PARTITION a WITH TABLE alone",
        "UPDATE parts SET m = 8",
    ])
    .await?;
    one.arrives(4).await?;
    one.sites.stop().await
}

/// What becomes a VECTOR keeps its bytes, and some are none.
#[tokio::test(flavor = "multi_thread")]
async fn bytes_that_are_no_vector_stay_what_they_are() -> Result<()> {
    let tables = [
        "CREATE TABLE v.unkeyed (e BLOB, n INT)",
        "CREATE TABLE v.keyed (id INT PRIMARY KEY, e BLOB, n INT)",
    ];
    let one = OneWay::start(&[], "", &tables).await?;
    one.run([
        "SET SESSION sql_mode = ''",
        "INSERT INTO unkeyed VALUES (X'ffff', 1), (X'0102030405', 2), (X'0000803f', 3), (X'', 4), (X'0000c07f0000807f', 5)",
        "INSERT INTO keyed SELECT n, e, n FROM unkeyed",
        "ALTER TABLE unkeyed MODIFY e VECTOR(3)",
        "ALTER TABLE keyed MODIFY e VECTOR(3)",
        "UPDATE unkeyed SET n = n + 1",
        "UPDATE keyed SET n = n + 1",
        "DELETE FROM unkeyed WHERE n = 3",
        "DELETE FROM keyed WHERE n = 3",
        "UPDATE keyed SET e = TO_VECTOR('[1,2]') WHERE id = 1",
    ])
    .await?;
    one.arrives(8).await?;
    one.sites.stop().await
}

/// An index on an expression keeps the character set that its column had.
#[tokio::test(flavor = "multi_thread")]
async fn an_index_that_cannot_hold_what_it_computes_hinders_no_row() -> Result<()> {
    let tables = [
        "CREATE TABLE v.indexed (id INT PRIMARY KEY, s VARCHAR(30) CHARACTER SET latin1, KEY k ((LOWER(s))))",
        "CREATE TABLE v.unkeyed (s VARCHAR(30) CHARACTER SET latin1, KEY k ((LOWER(s))))",
    ];
    let one = OneWay::start(&[], "", &tables).await?;
    one.run([
        "SET SESSION sql_mode = ''",
        "ALTER TABLE indexed MODIFY s VARCHAR(30) CHARACTER SET utf8mb4",
        "ALTER TABLE unkeyed MODIFY s VARCHAR(30) CHARACTER SET utf8mb4",
        "INSERT INTO indexed VALUES (1, '漢字'), (2, 'a')",
        "INSERT INTO unkeyed VALUES ('漢字'), ('a')",
        "UPDATE indexed SET s = '字' WHERE id = 1",
        "UPDATE unkeyed SET s = '字' WHERE s = '漢字'",
        "INSERT INTO indexed VALUES (3, '漢字')",
        "DELETE FROM indexed WHERE id = 1",
    ])
    .await?;
    one.arrives(4).await?;
    one.sites.stop().await
}

/// The source changed its table at once; the target's has an index that does not allow it, and is changed all the same.
#[tokio::test(flavor = "multi_thread")]
async fn what_cannot_be_done_at_once_here_is_done_in_another_way() -> Result<()> {
    for flavor in [Flavor::MySql, Flavor::MariaDb] {
        let options = SitesOptions { flavors: [flavor; 2], ..OneWay::options(&[], "") };
        let tables = ["CREATE TABLE v.noted (id INT PRIMARY KEY, s VARCHAR(30))"];
        let one = OneWay::start_with(options, &tables).await?;
        one.run(["INSERT INTO noted VALUES (1, 'a'), (2, 'b')"]).await?;
        one.arrives(2).await?;
        one.sites.sites[1].servers.mysql.run(["ALTER TABLE v.noted ADD FULLTEXT KEY (s)"]).await?;
        one.run([
            "ALTER TABLE noted ADD COLUMN n INT DEFAULT 7, ALGORITHM = INSTANT",
            "INSERT INTO noted VALUES (3, 'c', 8)",
            "ALTER TABLE noted DROP COLUMN n, ALGORITHM = INSTANT",
            "INSERT INTO noted VALUES (4, 'd')",
        ])
        .await?;
        one.arrives(4).await?;
        let made: Option<String> = one.sites.sites[1]
            .servers
            .mysql
            .conn()
            .await?
            .query_first("SELECT GROUP_CONCAT(outcome) FROM strait.ddl")
            .await?;
        ensure!(made.as_deref().is_none_or(|made| !made.contains("unknown")), "{made:?}");
        one.sites.stop().await?;
    }
    Ok(())
}

/// MariaDB makes a geometry without bytes of a NULL that becomes part of a key.
#[tokio::test(flavor = "multi_thread")]
async fn a_key_without_bytes_finds_its_row() -> Result<()> {
    let options = SitesOptions { flavors: [Flavor::MariaDb; 2], ..OneWay::options(&[], "") };
    let one = OneWay::start_with(options, &["CREATE TABLE v.places (p POINT, id INT, n INT)"]).await?;
    one.run([
        "SET SESSION sql_mode = ''",
        "INSERT INTO places VALUES (NULL, 1, 1), (ST_GeomFromText('POINT(1 1)'), 1, 2), (NULL, 2, 3)",
        "ALTER TABLE places ADD PRIMARY KEY (p, id)",
        "UPDATE places SET n = n + 1",
        "DELETE FROM places WHERE id = 2",
    ])
    .await?;
    one.arrives(2).await?;
    one.sites.stop().await
}

/// MariaDB holds rows that violate its CHECKs: the old ones of a table that gets a JSON column, and what a session wrote that
/// turned them off.
#[tokio::test(flavor = "multi_thread")]
async fn what_a_check_does_not_hold_for_arrives() -> Result<()> {
    let snapshot =
        SitesOptions { flavors: [Flavor::MariaDb; 2], ..OneWay::options(&[], "snapshot.mode = 'initial'") };
    let one = OneWay { sites: Sites::boot(&snapshot).await? };
    let [source, target] = one.sites.sites.each_ref();
    let tables = [
        "CREATE DATABASE v CHARACTER SET utf8mb4",
        "CREATE TABLE v.grown (id INT PRIMARY KEY, n INT, CHECK (n < 10))",
        "CREATE TABLE v.unkeyed (n INT)",
        "INSERT INTO v.grown VALUES (1, 1), (2, 2)",
        "INSERT INTO v.unkeyed VALUES (1), (2)",
        "ALTER TABLE v.grown ADD COLUMN j JSON NOT NULL",
        "ALTER TABLE v.unkeyed ADD COLUMN j JSON NOT NULL",
    ];
    source.servers.mysql.run(tables).await?;
    source.connector.start_ready(SOON).await?;
    target.sink.start_ready(SOON).await?;
    let compared = one.sites.quiet(&["v"], SOON).await?;
    ensure!(compared.equal() && compared.rows == 4, "{compared}\n{}", one.sites.last_words());
    one.run([
        "SET SESSION check_constraint_checks = 0",
        "INSERT INTO grown VALUES (3, 30, ''), (4, 4, '{}')",
        "UPDATE grown SET n = n + 1",
        "UPDATE unkeyed SET n = n + 1",
        "DELETE FROM grown WHERE id = 2",
    ])
    .await?;
    let compared = one.sites.quiet(&["v"], SOON).await?;
    ensure!(compared.equal() && compared.rows == 5, "{compared}\n{}", one.sites.last_words());
    Ok(())
}

/// What the target's column has no room for in another way than by its width: it halts, and is not taken for the value that the server made
/// of it.
#[tokio::test(flavor = "multi_thread")]
async fn what_the_target_would_change_halts() -> Result<()> {
    let cases = [
        (Flavor::MySql, "d DATE NOT NULL", "NULL"),
        (Flavor::MariaDb, "d DATE NOT NULL", "NULL"),
        (Flavor::MariaDb, "d VARCHAR(10) CHARACTER SET latin1", "'Ж'"),
    ];
    for (flavor, narrower, value) in cases {
        let options = SitesOptions { flavors: [flavor; 2], ..OneWay::options(&[], "") };
        let wide = if value == "NULL" { "d DATE" } else { "d VARCHAR(10) CHARACTER SET utf8mb4" };
        let one =
            OneWay::start_with(options, &[&format!("CREATE TABLE v.narrow (id INT PRIMARY KEY, {wide})")])
                .await?;
        let [source, target] = one.sites.sites.each_ref();
        target.servers.mysql.run([format!("ALTER TABLE v.narrow MODIFY {narrower}").as_str()]).await?;
        source.servers.mysql.run([format!("INSERT INTO v.narrow VALUES (1, {value})").as_str()]).await?;
        let status = target.sink.wait(SOON).await?;
        let words = target.sink.words()?;
        ensure!(status.code() == Some(1) && words.contains("topic beijing.v.narrow"), "{words}");
    }
    Ok(())
}

/// MariaDB says what MySQL has no word for, or not together.
#[tokio::test(flavor = "multi_thread")]
async fn ways_that_mysql_does_not_know_are_left_to_it() -> Result<()> {
    let options = SitesOptions { flavors: [Flavor::MariaDb, Flavor::MySql], ..OneWay::options(&[], "") };
    let one = OneWay::start_with(options, &["CREATE TABLE v.ways (id INT PRIMARY KEY)"]).await?;
    one.run([
        "ALTER TABLE ways ADD COLUMN a INT, ALGORITHM=NOCOPY",
        "ALTER TABLE ways ADD COLUMN b INT, ALGORITHM=INSTANT, LOCK=NONE",
        "INSERT INTO ways VALUES (1, 2, 3)",
    ])
    .await?;
    one.arrives(1).await?;
    one.sites.stop().await
}
