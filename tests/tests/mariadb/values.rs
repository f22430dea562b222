//! Every type of MariaDB 10.11 with its edge values, from one MariaDB to another, compared by bytes.

use std::time::Duration;

use anyhow::{Result, ensure};
use e2e::{Sites, SitesOptions, mysql::Flavor};

const PATIENCE: Duration = Duration::from_mins(3);

const TABLES: &[&str] = &[
    "CREATE DATABASE v CHARACTER SET utf8mb4",
    "CREATE TABLE v.n (id INT PRIMARY KEY, t TINYINT, tu TINYINT UNSIGNED, s SMALLINT, m MEDIUMINT, mu MEDIUMINT UNSIGNED, \
     i INT, b BIGINT, bu BIGINT UNSIGNED, f FLOAT, d DOUBLE, x DECIMAL(65,30), y YEAR, bt BIT(13), bl BOOL)",
    "CREATE TABLE v.c (id INT PRIMARY KEY, c CHAR(10), v VARCHAR(50), l VARCHAR(50) CHARACTER SET latin1, \
     u VARCHAR(50) CHARACTER SET utf16, g VARCHAR(50) CHARACTER SET gbk, a VARCHAR(50) COLLATE utf8mb4_uca1400_as_cs, \
     np VARCHAR(50) COLLATE utf8mb4_general_nopad_ci, tx LONGTEXT, e ENUM('a','b,c','é'), st SET('x','y','z'), j JSON)",
    "CREATE TABLE v.x (id INT PRIMARY KEY, b BINARY(8), vb VARBINARY(50), bl BLOB, u UUID, i4 INET4, i6 INET6, \
     g GEOMETRY, p POINT)",
    "CREATE TABLE v.t (id INT PRIMARY KEY, d DATE, t TIME(6), dt DATETIME(6), dt0 DATETIME, ts TIMESTAMP(6) NULL, \
     ts0 TIMESTAMP NULL)",
    "CREATE TABLE v.k (u UUID PRIMARY KEY, i6 INET6, v INT, UNIQUE KEY (i6))",
    "CREATE TABLE v.mixed (id INT PRIMARY KEY, g GEOMETRY, a VARCHAR(10), l VARCHAR(10) CHARACTER SET latin1, b VARCHAR(10), \
     c VARCHAR(10), d VARCHAR(10), p POINT, k VARCHAR(10) CHARACTER SET gbk, e VARCHAR(10), f VARCHAR(10))",
    "CREATE TABLE v.nokey (u UUID, i4 INET4, v VARCHAR(20), f FLOAT, j JSON)",
    "CREATE TABLE v.pairs (a INT, l VARCHAR(20) CHARACTER SET latin1, u VARCHAR(20) CHARACTER SET utf32, n INT, PRIMARY KEY (a, l, u))",
    "CREATE TABLE v.late (id INT PRIMARY KEY, n INT)",
    "CREATE TABLE v.late_u (id INT NOT NULL UNIQUE, n INT)",
    "CREATE TABLE v.late_nokey (id INT, n INT)",
    "CREATE TABLE v.gen (id INT PRIMARY KEY, a INT, b INT AS (a + 1) VIRTUAL, c INT AS (a * 2) STORED, \
     hidden INT INVISIBLE DEFAULT 5, s VARCHAR(10) DEFAULT (CONCAT('d', a)))",
];

const ROWS: &[&str] = &[
    "SET SESSION sql_mode = 'NO_AUTO_VALUE_ON_ZERO,ALLOW_INVALID_DATES', time_zone = '+00:00'",
    "SET NAMES utf8mb4",
    "INSERT INTO v.n VALUES (1, -128, 255, -32768, -8388608, 16777215, -2147483648, -9223372036854775808, \
     18446744073709551615, -3.4028234e38, -1.7976931348623157e308, \
     99999999999999999999999999999999999.999999999999999999999999999999, 1901, b'1111111111111', 1)",
    "INSERT INTO v.n VALUES (2, 127, 0, 32767, 8388607, 0, 2147483647, 9223372036854775807, 0, 1.17549435e-38, '-0', \
     -0.000000000000000000000000000001, 0, b'0', 0)",
    "INSERT INTO v.n (id) VALUES (3)",
    "INSERT INTO v.c VALUES (1, 'pad', 'tail  ', 'é\u{a4}', 'Zoë \u{1f600}', '\u{4e2d}', 'ß', 'x ', REPEAT('long ', 20000), 'b,c', 'x,z', \
     '{\"a\": [1, 2.50, null]}')",
    "INSERT INTO v.c VALUES (2, '', '', '', '', '', '', '', '', 'é', '', '[]')",
    "INSERT INTO v.c (id, e) VALUES (3, 0)",
    "INSERT INTO v.c (id, v) VALUES (4, 'it''s \\\\ \\0 \\n')",
    "INSERT INTO v.x VALUES (1, x'0001020000000000', x'00ff0000', x'', '123e4567-e89b-12d3-a456-426614174000', '0.0.0.0', '::', \
     ST_GeomFromText('POLYGON((0 0,1 0,1 1,0 0))'), ST_GeomFromText('POINT(1.5 -2.5)', 4326))",
    "INSERT INTO v.x VALUES (2, x'00', NULL, REPEAT(x'00', 70000 % 65535), '00000000-0000-0000-0000-000000000000', \
     '255.255.255.255', 'ffff:ffff:ffff:ffff:ffff:ffff:ffff:ffff', NULL, NULL)",
    "INSERT INTO v.x VALUES (3, NULL, NULL, NULL, 'ffffffff-ffff-1fff-bfff-ffffffffffff', NULL, '::ffff:1.2.3.4', NULL, NULL)",
    "INSERT INTO v.t VALUES (1, '0000-00-00', '-838:59:59.999999', '0000-00-00 00:00:00', '1000-01-01 00:00:00', \
     '1970-01-01 00:00:01.000001', '2038-01-19 03:14:07')",
    "INSERT INTO v.t VALUES (2, '2024-02-31', '838:59:59.999999', '9999-12-31 23:59:59.999999', '2024-00-15 10:00:00', 0, 0)",
    "INSERT INTO v.t VALUES (3, '9999-12-31', '-00:00:00.000001', '0001-01-01 00:00:00.5', NULL, NULL, NULL)",
    "INSERT INTO v.k VALUES ('11111111-2222-1333-8444-555555555500', '::1', 1), (UUID(), '::2', 2), \
     ('ffffffff-2222-7333-8444-555555555500', '::3', 3)",
    "UPDATE v.k SET u = '11111111-2222-1333-8444-5555555555ff', v = 10 WHERE v = 1",
    "UPDATE v.k SET i6 = NULL WHERE v = 2",
    "DELETE FROM v.k WHERE v = 3",
    "INSERT INTO v.pairs VALUES (1, 'x', 'x', 1), (2, 'é', 'é', 1), (3, 'É', '\u{5b57}', 1), (4, 'y', 'é', 0)",
    "DELETE FROM v.pairs WHERE n = 1",
    "INSERT INTO v.mixed VALUES (1, NULL, 'é', 'é', 'é', 'é', 'é', ST_GeomFromText('POINT(1 2)'), '\u{4e2d}', 'é', 'é')",
    "INSERT INTO v.nokey VALUES (UUID(), '1.2.3.4', 'a', 0.1, '{}'), (NULL, NULL, NULL, NULL, NULL), \
     ('11111111-2222-1333-8444-555555555500', '1.2.3.4', 'a', 0.1, '{\"b\": 1}')",
    "UPDATE v.nokey SET v = 'b' WHERE u = '11111111-2222-1333-8444-555555555500'",
    "DELETE FROM v.nokey WHERE u IS NULL",
    "INSERT INTO v.gen (id, a) VALUES (1, 10), (2, NULL)",
    "INSERT INTO v.gen (id, a, hidden) VALUES (3, 7, NULL)",
    "UPDATE v.gen SET a = 11, hidden = 6 WHERE id = 1",
    "UPDATE v.n SET x = x / 7, f = 0.1, d = 0.1 WHERE id = 1",
    // Columns without a value, and rows with some that no statement can give.
    "INSERT INTO v.late VALUES (1, 1), (2, 2), (3, 3)",
    "INSERT INTO v.late_u VALUES (1, 1), (2, 2), (3, 3)",
    "INSERT INTO v.late_nokey VALUES (1, 1), (2, 2), (3, 3)",
    "ALTER TABLE v.late ADD g GEOMETRY NOT NULL, ADD p POINT NOT NULL",
    "ALTER TABLE v.late_u ADD g GEOMETRY NOT NULL, ADD p POINT NOT NULL",
    "ALTER TABLE v.late_nokey ADD g GEOMETRY NOT NULL, ADD p POINT NOT NULL",
    "INSERT INTO v.late (id) VALUES (4)",
    "INSERT INTO v.late_u (id, p) VALUES (4, POINT(1, 2))",
    "INSERT INTO v.late_nokey (id, p) VALUES (4, POINT(1, 2)), (5, POINT(1, 2))",
    "UPDATE v.late SET n = n + 1 WHERE id = 1",
    "UPDATE v.late_u SET n = n + 1, p = POINT(3, 4) WHERE id = 1",
    "UPDATE v.late_nokey SET n = n + 1 WHERE id = 1",
    "UPDATE v.late SET g = POINT(0, 0) WHERE id = 2",
    "UPDATE v.late SET id = 30 WHERE id = 3",
    "REPLACE INTO v.late_u (id) VALUES (3)",
    "DELETE FROM v.late_u WHERE id = 2",
    "DELETE FROM v.late_nokey WHERE id IN (2, 5)",
    // A label that the server has not brought from one charset to the other: bytes that are no text, in the way of a search for another.
    "CREATE TABLE v.label (s SET('x','ö','ä'), e ENUM('ö','y'), a INT) CHARACTER SET latin1",
    "ALTER TABLE v.label CONVERT TO CHARACTER SET utf8mb4 COLLATE utf8mb4_bin",
    "INSERT INTO v.label VALUES (2, 1, 1), (2, 2, 2), (1, 1, 3), (1, 2, 4), (3, 1, 5), (3, 1, 6)",
    "UPDATE v.label SET a = a + 10 WHERE a IN (2, 4, 5)",
    "DELETE FROM v.label WHERE a IN (3, 12)",
];

#[tokio::test(flavor = "multi_thread")]
async fn every_type_arrives_byte_by_byte() -> Result<()> {
    for format in ["avro", "json"] {
        let options = SitesOptions {
            flavors: [Flavor::MariaDb; 2],
            connector: format!("schema.format = '{format}'"),
            ..SitesOptions::with_databases(["v"])
        };
        let sites = Sites::boot(&options).await?;
        sites.run_at_both(TABLES).await?;
        sites.start().await?;
        let source = &sites.sites[0].servers.mysql;
        source.run(ROWS).await?;
        let compared = sites.quiet(&["v"], Duration::from_secs(30)).await?;
        ensure!(compared.equal(), "as {format}: {compared}\n{}", sites.last_words());
        ensure!(compared.rows >= 20, "{} rows only", compared.rows);
        sites.nothing_repaired().await?;
        sites.stop().await?;
    }
    Ok(())
}

/// Read by SELECT they are what the log would have brought.
#[tokio::test(flavor = "multi_thread")]
async fn every_type_arrives_with_a_snapshot() -> Result<()> {
    let options = SitesOptions {
        flavors: [Flavor::MariaDb; 2],
        connector: "snapshot.mode = 'initial'\nsnapshot.chunk_rows = 16".into(),
        ..SitesOptions::with_databases(["v"])
    };
    let sites = Sites::boot(&options).await?;
    let source = &sites.sites[0].servers.mysql;
    source.run(TABLES).await?;
    source.run(ROWS).await?;
    sites.sites[0].connector.start_ready(PATIENCE).await?;
    sites.sites[1].sink.start_ready(PATIENCE).await?;
    let compared = sites.quiet(&["v"], PATIENCE).await?;
    ensure!(compared.equal() && compared.rows >= 20, "{compared}\n{}", sites.last_words());
    sites.sites[0].connector.stop().await?;
    sites.sites[1].sink.stop().await
}
