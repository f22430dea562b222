//! From MySQL to MariaDB and back: what has a twin arrives, what has none is refused by name.

use std::time::Duration;

use anyhow::{Context, Result, ensure};
use e2e::{MySql, Site, Sites, SitesOptions, eventually, mysql::Flavor};
use mysql_async::prelude::Queryable;

const SOON: Duration = Duration::from_secs(60);

async fn sites() -> Result<Sites> {
    let options =
        SitesOptions { flavors: [Flavor::MySql, Flavor::MariaDb], ..SitesOptions::with_databases(["v"]) };
    Sites::boot(&options).await
}

/// All rows of `v.t` as bytes, in the order of their ids.
async fn rows(server: &MySql) -> Result<Vec<String>> {
    let columns = ["i", "bu", "d", "c", "v", "l", "b", "dt", "ts", "e", "st", "g", "bt"];
    let hex = columns.map(|name| format!("COALESCE(HEX(CAST({name} AS BINARY)), 'NULL')")).join(", ' ', ");
    let query = format!("SELECT CONCAT(id, ': ', {hex}) FROM v.t ORDER BY id");
    let mut conn = server.conn().await?;
    conn.query_drop("SET time_zone = '+00:00'").await?;
    Ok(conn.query(query).await?)
}

const TABLE: &str = "CREATE TABLE v.t (id BIGINT AUTO_INCREMENT PRIMARY KEY, i INT, bu BIGINT UNSIGNED, d DECIMAL(30,10), c CHAR(10), \
     v VARCHAR(50) COLLATE utf8mb4_unicode_520_ci, l VARCHAR(50) CHARACTER SET latin1, b BINARY(6), dt DATETIME(6), \
     ts TIMESTAMP(3) NULL, e ENUM('a','é'), st SET('x','y'), g GEOMETRY, bt BIT(9), UNIQUE KEY (v))";

fn inserts(site: usize) -> Vec<String> {
    let mut inserts = vec![
        "SET NAMES utf8mb4".to_owned(),
        "SET SESSION sql_mode = 'ALLOW_INVALID_DATES', time_zone = '+00:00'".to_owned(),
    ];
    for number in 0..20 {
        inserts.push(format!(
            "INSERT INTO v.t (i, bu, d, c, v, l, b, dt, ts, e, st, g, bt) VALUES ({number}, 18446744073709551615, {number}.5, 'pad', \
             'Zoë {site} {number} \u{1f600}', 'é', x'00{number:02}00', '0000-00-00', '2024-01-01 00:00:00.125', 'é', 'x,y', \
             ST_GeomFromText('POINT(1 {number})'), b'101')"
        ));
    }
    inserts.push(
        "UPDATE v.t SET d = d / 3, dt = '2024-02-31 01:02:03.000004' WHERE i % 3 = 0 AND v LIKE '%"
            .to_owned()
            + &format!(" {site} %'"),
    );
    inserts.push(format!("DELETE FROM v.t WHERE i % 5 = 4 AND v LIKE '% {site} %'"));
    inserts
}

#[tokio::test(flavor = "multi_thread")]
async fn rows_pass_both_ways_between_mysql_and_mariadb() -> Result<()> {
    let sites = sites().await?;
    sites
        .run_at_both(&["CREATE DATABASE v CHARACTER SET utf8mb4 COLLATE utf8mb4_unicode_520_ci", TABLE])
        .await?;
    sites.start().await?;
    let servers = [&sites.sites[0].servers.mysql, &sites.sites[1].servers.mysql];
    tokio::try_join!(servers[0].run(inserts(0)), servers[1].run(inserts(1)))?;
    eventually(SOON, || async {
        let found =
            tokio::try_join!(rows(servers[0]), rows(servers[1])).map_err(|error| error.to_string())?;
        if found.0 == found.1 && found.0.len() == 32 { Ok(()) } else { Err(format!("{found:#?}")) }
    })
    .await
    .with_context(|| sites.last_words())?;
    sites.nothing_repaired().await?;
    sites.stop().await
}

/// What a table's columns are, in words that both servers have.
async fn columns(server: &MySql, table: &str) -> Result<Vec<String>> {
    let query = format!(
        "SELECT CONCAT_WS(' ', COLUMN_NAME, DATA_TYPE, IS_NULLABLE, COALESCE(CHARACTER_MAXIMUM_LENGTH, DATETIME_PRECISION), COLUMN_KEY) \
         FROM information_schema.COLUMNS WHERE TABLE_SCHEMA = 'v' AND TABLE_NAME = '{table}' ORDER BY ORDINAL_POSITION"
    );
    Ok(server.conn().await?.query(query).await?)
}

/// Under the settings that clients have who set nothing: modes, collations and variables of which the other server has
/// never heard.
#[tokio::test(flavor = "multi_thread")]
async fn schema_changes_pass_both_ways_between_mysql_and_mariadb() -> Result<()> {
    let sites = sites().await?;
    sites.start().await?;
    let servers = [&sites.sites[0].servers.mysql, &sites.sites[1].servers.mysql];
    servers[0].run(["CREATE DATABASE v CHARACTER SET utf8mb4 COLLATE utf8mb4_unicode_520_ci"]).await?;
    for (number, server) in servers.iter().enumerate() {
        let other = servers[1 - number];
        eventually(SOON, || async { other.conn_to("v").await.map(drop).map_err(|error| error.to_string()) })
            .await
            .with_context(|| sites.last_words())?;
        let mut conn = server.conn_to("v").await?;
        let table = format!("t{number}");
        for change in [
            format!(
                "CREATE TABLE {table} (id INT PRIMARY KEY, s VARCHAR(10) NOT NULL, at TIMESTAMP(3) NULL)"
            ),
            format!(
                "ALTER TABLE {table} ADD COLUMN d DATETIME(1) NOT NULL DEFAULT '2024-01-01 00:00:00.96', ADD KEY (s)"
            ),
            format!("INSERT INTO {table} (id, s) VALUES ({number}, 'é')"),
            format!(
                "CREATE DEFINER = 'strait'@'%' VIEW v{number} AS SELECT id, CONCAT(s, 'x') AS s FROM {table}"
            ),
            format!("ALTER TABLE {table} MODIFY s VARCHAR(20) NOT NULL, DROP COLUMN at"),
            format!("RENAME TABLE {table} TO n{number}"),
            format!("CREATE TABLE again{number} LIKE n{number}"),
        ] {
            conn.query_drop(&change).await.with_context(|| change.clone())?;
        }
        for table in [format!("n{number}"), format!("again{number}")] {
            let made = columns(server, &table).await?;
            ensure!(made.len() == 3, "{made:?}");
            eventually(SOON, || async {
                let found = columns(other, &table).await.map_err(|error| error.to_string())?;
                if found == made { Ok(()) } else { Err(format!("{made:?} {found:?}")) }
            })
            .await
            .with_context(|| sites.last_words())?;
        }
        let shown = format!("SELECT CONCAT(HEX(s), d) FROM v.n{number}");
        let [here, there]: [Vec<String>; 2] =
            [server.conn().await?.query(&shown).await?, other.conn().await?.query(&shown).await?];
        ensure!(here == there && here.len() == 1, "{here:?} {there:?}");
    }
    sites.stop().await
}

/// MySQL's own default is not MariaDB's to give.
#[tokio::test(flavor = "multi_thread")]
async fn a_database_of_a_collation_without_a_twin_is_refused_by_name() -> Result<()> {
    let sites = sites().await?;
    sites.start().await?;
    let [mysql, mariadb] = [&sites.sites[0], &sites.sites[1]];
    mysql.servers.mysql.run(["CREATE DATABASE v"]).await?;
    sink_halts(
        mariadb,
        &["CREATE DATABASE v", "Unknown collation: '255'", "make the database or table there by hand"],
    )
    .await
}

/// The sink beside `site` halts with these words.
async fn sink_halts(site: &Site, says: &[&str]) -> Result<()> {
    let status = site.sink.wait(SOON).await?;
    let words = site.sink.words()?;
    ensure!(status.code() == Some(1), "{words}");
    for what in says {
        ensure!(words.contains(what), "it does not say {what:?}:\n{words}");
    }
    Ok(())
}

#[tokio::test(flavor = "multi_thread")]
async fn json_passes_to_mariadb_as_text_and_not_back() -> Result<()> {
    let sites = sites().await?;
    sites
        .run_at_both(&[
            "CREATE DATABASE v CHARACTER SET utf8mb4",
            "CREATE TABLE v.j (id INT PRIMARY KEY, j JSON)",
        ])
        .await?;
    sites.start().await?;
    let [mysql, mariadb] = [&sites.sites[0], &sites.sites[1]];
    let document = "{\"a\": [1, 2.5, true, null, \"\u{e9}\"], \"b\": {}}";
    let insert =
        format!("INSERT INTO v.j VALUES (1, '{document}'), (2, JSON_OBJECT('t', CAST('12:00:00' AS TIME)))");
    mysql.servers.mysql.run(["SET NAMES utf8mb4".to_owned(), insert]).await?;
    eventually(SOON, || async {
        let mut conn = mariadb.servers.mysql.conn().await.map_err(|error| error.to_string())?;
        let found: Vec<String> =
            conn.query("SELECT j FROM v.j ORDER BY id").await.map_err(|error| error.to_string())?;
        if found == [document, "{\"t\": \"12:00:00.000000\"}"] { Ok(()) } else { Err(found.join("\n")) }
    })
    .await?;
    mariadb.servers.mysql.run(["INSERT INTO v.j VALUES (3, '{\"a\":1}')"]).await?;
    sink_halts(mysql, &["column `j` of v.j is json at the target and cannot take the source's LONGTEXT"])
        .await
}

#[tokio::test(flavor = "multi_thread")]
async fn a_vector_is_refused_by_name() -> Result<()> {
    let sites = sites().await?;
    let outside = "SET SESSION sql_log_bin = 0";
    let create = "CREATE DATABASE v CHARACTER SET utf8mb4";
    let [mysql, mariadb] = [&sites.sites[0], &sites.sites[1]];
    mysql.servers.mysql.run([outside, create, "CREATE TABLE v.e (id INT PRIMARY KEY, e VECTOR(3))"]).await?;
    mariadb.servers.mysql.run([outside, create, "CREATE TABLE v.e (id INT PRIMARY KEY, e TEXT)"]).await?;
    sites.start().await?;
    mysql.servers.mysql.run(["INSERT INTO v.e VALUES (1, TO_VECTOR('[1,2,3]'))"]).await?;
    sink_halts(mariadb, &["column `e` of v.e is text at the target and cannot take the source's VECTOR(3)"])
        .await
}
