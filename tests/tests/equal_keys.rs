//! Keys that a collation calls equal and that differ in bytes: by case, by an accent, by a blank at the end. They are updated
//! into each other, deleted and inserted in each other's place, while a snapshot comes and afterwards; in the end both servers
//! have the same bytes.

use std::time::Duration;

use anyhow::{Result, ensure};
use e2e::{mysql::Flavor, scenario::seed, sites::Sites, sites::SitesOptions};
use mysql_async::{Conn, prelude::Queryable};

const DATABASE: &str = "alike";
const PATIENCE: Duration = Duration::from_mins(5);
/// As they are in the key column; `latin1` has all their characters.
const SPELLINGS: [&str; 10] = ["a", "A", "á", "Á", "a ", "A  ", "b", "B ", "ß", "ss"];
const PARTS: u32 = 40;
const TRANSACTIONS: usize = 400;

/// Table and collation; the last is not its charset's default. Blanks at the end count in the first alone.
const TABLES: [(&str, &str); 4] = [
    ("no_pad", "utf8mb4_0900_ai_ci"),
    ("pad", "utf8mb4_general_ci"),
    ("unicode", "utf8mb4_unicode_ci"),
    ("latin", "latin1_german2_ci"),
];

fn tables(flavor: Flavor) -> impl Iterator<Item = (&'static str, &'static str)> {
    let at_mariadb =
        |collation| if collation == "utf8mb4_0900_ai_ci" { "utf8mb4_nopad_bin" } else { collation };
    TABLES.into_iter().map(move |(table, collation)| match flavor {
        Flavor::MySql => (table, collation),
        Flavor::MariaDb => (table, at_mariadb(collation)),
    })
}

#[tokio::test(flavor = "multi_thread")]
async fn keys_that_are_alike_become_each_other() -> Result<()> {
    judge(Flavor::MySql).await
}

#[tokio::test(flavor = "multi_thread")]
async fn so_they_do_at_mariadb() -> Result<()> {
    judge(Flavor::MariaDb).await
}

async fn judge(flavor: Flavor) -> Result<()> {
    let options = SitesOptions {
        flavors: [flavor; 2],
        connector: "snapshot.mode = 'initial'\nsnapshot.chunk_rows = 16".into(),
        ..SitesOptions::with_databases([DATABASE])
    };
    let sites = Sites::boot(&options).await?;
    sites.run_at_both(&[&format!("CREATE DATABASE {DATABASE}")]).await?;
    let source = &sites.sites[0].servers.mysql;
    let mut conn = source.conn_to(DATABASE).await?;
    let mut chance = fastrand::Rng::with_seed(seed(1)?);
    for (table, collation) in tables(flavor) {
        let charset = collation.split('_').next().unwrap_or_default();
        conn.query_drop(format!(
            "CREATE TABLE {table} (part INT, k VARCHAR(10) CHARACTER SET {charset} COLLATE {collation}, n INT, PRIMARY KEY (k, part))"
        ))
        .await?;
        for part in 0..PARTS {
            insert(&mut conn, &mut chance, table, part).await?;
        }
    }
    sites.start().await?;
    let mut changed = 0;
    for _ in 0..TRANSACTIONS {
        changed += transaction(&mut conn, &mut chance, flavor).await?;
    }
    ensure!(changed > TRANSACTIONS as u64, "only {changed} rows were changed");
    let compared = sites.quiet(&[DATABASE], PATIENCE).await?;
    ensure!(compared.equal(), "{compared}\n{}", sites.last_words());
    sites.nothing_repaired().await?;
    sites.stop().await
}

/// The empty label of an ENUM and its invalid value show the same, and are not.
#[tokio::test(flavor = "multi_thread")]
async fn an_empty_label_and_no_label_are_two_keys() -> Result<()> {
    for flavor in [Flavor::MySql, Flavor::MariaDb] {
        let sites =
            Sites::boot(&SitesOptions { flavors: [flavor; 2], ..SitesOptions::with_databases([DATABASE]) })
                .await?;
        let statements = ["CREATE DATABASE alike".to_owned()].into_iter().chain(["utf8mb4", "latin1"].map(|charset| {
            format!(
                "CREATE TABLE alike.{charset} (k ENUM('a','') CHARACTER SET {charset} NOT NULL, id INT, n INT, twice INT AS (n * 2) STORED, \
                 PRIMARY KEY (k, id))"
            )
        }));
        let statements: Vec<String> = statements.collect();
        sites.run_at_both(&statements.iter().map(String::as_str).collect::<Vec<_>>()).await?;
        sites.start().await?;
        let mut conn = sites.sites[0].servers.mysql.conn_to(DATABASE).await?;
        conn.query_drop("SET SESSION sql_mode = ''").await?;
        for table in ["utf8mb4", "latin1"] {
            for change in [
                "INSERT INTO t (k, id, n) VALUES (0,1,1), (2,1,2), (0,2,1), (2,2,2), (0,3,1), (2,3,2), (0,4,1), (2,4,2)",
                "DELETE FROM t WHERE k + 0 = 2 AND id IN (1, 3)",
                // In one transaction, so in one statement.
                "INSERT INTO t (k, id, n) VALUES (0,5,1), (1,5,2), (0,6,1), (1,6,2), (2,6,3)",
                "DELETE FROM t WHERE id = 5 AND k = 'a' OR id = 6 AND k + 0 = 0",
                "UPDATE t SET n = 9 WHERE k + 0 = 2 AND id = 2",
                "DELETE FROM t WHERE k + 0 = 0 AND id = 2",
                "UPDATE t SET k = 'a' WHERE k + 0 = 2 AND id = 4",
            ] {
                // Each by itself: what is done at once is folded.
                conn.query_drop(change.replace(" t ", &format!(" {table} "))).await?;
                sites.arrived(0, DATABASE, PATIENCE).await?;
            }
        }
        // A SET's value with an empty label goes by its number, too.
        for change in [
            "CREATE TABLE sets (id INT, s SET('','p','q') NOT NULL, PRIMARY KEY (id, s))",
            "INSERT INTO sets VALUES (1,1), (2,2), (2,0), (3,4), (3,0)",
            "DELETE FROM sets WHERE id = 1 OR s = 'p'",
        ] {
            conn.query_drop(change).await?;
            sites.arrived(0, DATABASE, PATIENCE).await?;
        }
        let compared = sites.quiet(&[DATABASE], PATIENCE).await?;
        ensure!(compared.equal(), "{compared}\n{}", sites.last_words());
        sites.nothing_repaired().await?;
        sites.stop().await?;
    }
    Ok(())
}

fn spelling(chance: &mut fastrand::Rng) -> &'static str {
    SPELLINGS[chance.usize(..SPELLINGS.len())]
}

async fn insert(conn: &mut Conn, chance: &mut fastrand::Rng, table: &str, part: u32) -> Result<u64> {
    let k = spelling(chance);
    conn.exec_drop(format!("INSERT IGNORE INTO {table} VALUES (?, ?, ?)"), (part, k, chance.u16(..))).await?;
    Ok(conn.affected_rows())
}

/// Some changes of few rows, so that they meet. How many rows were changed.
async fn transaction(conn: &mut Conn, chance: &mut fastrand::Rng, flavor: Flavor) -> Result<u64> {
    let all: Vec<_> = tables(flavor).collect();
    let mut changed = 0;
    conn.query_drop("BEGIN").await?;
    for _ in 0..chance.usize(1..6) {
        let table = all[chance.usize(..all.len())].0;
        let part = chance.u32(..PARTS);
        let (from, to) = (spelling(chance), spelling(chance));
        changed += match chance.u8(..5) {
            0 => insert(conn, chance, table, part).await?,
            1 => {
                conn.exec_drop(format!("DELETE FROM {table} WHERE part = ? AND k = ?"), (part, from)).await?;
                let deleted = conn.affected_rows();
                conn.exec_drop(format!("INSERT IGNORE INTO {table} VALUES (?, ?, -1)"), (part, to)).await?;
                deleted + conn.affected_rows()
            }
            2 => {
                conn.exec_drop(format!("REPLACE INTO {table} VALUES (?, ?, -2)"), (part, to)).await?;
                conn.affected_rows()
            }
            _ => {
                let sql = format!("UPDATE IGNORE {table} SET k = ?, n = n + 1 WHERE part = ? AND k = ?");
                conn.exec_drop(sql, (to, part, from)).await?;
                conn.affected_rows()
            }
        };
    }
    conn.query_drop(if chance.u8(..10) == 0 { "ROLLBACK" } else { "COMMIT" }).await?;
    Ok(changed)
}
