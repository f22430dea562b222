//! SIGKILL at random instants of schema changes, for the sink and the target's server: each change is made exactly
//! once, and both sites are the same at the end, definitions and rows.
//!
//! Two of the tables are of one shape and change places again and again: made twice or not at all, the catalog looks
//! right and the rows are in the wrong table. The large one is altered by copying, which takes long enough to be hit.

use std::time::Duration;

use anyhow::{Context, Result};
use mysql_async::prelude::Queryable;

use crate::{Sites, SitesOptions, definitions::ensure_same_definitions, mysql::Flavor};

const DATABASE: &str = "changing";
const PATIENCE: Duration = Duration::from_mins(5);
const ROWS: u32 = 20_000;

#[derive(Debug, Clone, Copy)]
pub struct DdlKills {
    pub seed: u64,
    pub kills: u32,
    pub flavor: Flavor,
}

/// What the statements have made so far.
#[derive(Debug, Default)]
struct Made {
    next: u32,
    columns: Vec<u32>,
    copies: Vec<u32>,
}

impl DdlKills {
    pub async fn run(self) -> Result<String> {
        let options = SitesOptions { flavors: [self.flavor; 2], ..SitesOptions::with_databases([DATABASE]) };
        let sites = Sites::boot(&options).await?;
        sites.run_at_both(&[&format!("CREATE DATABASE {DATABASE}")]).await?;
        sites.start().await?;
        let done = self.change(&sites).await;
        let statements =
            done.with_context(|| format!("STRAIT_SEED={}; {}", self.seed, sites.last_words()))?;
        sites.stop().await?;
        Ok(format!("equal after {statements} schema changes and {} kills", self.kills))
    }

    async fn change(self, sites: &Sites) -> Result<u32> {
        let mut random = fastrand::Rng::with_seed(self.seed);
        let source = &sites.sites[0].servers.mysql;
        let mut conn = source.conn_to(DATABASE).await?;
        for statement in [
            "CREATE TABLE a (id INT PRIMARY KEY, v INT)".to_owned(),
            "CREATE TABLE b LIKE a".to_owned(),
            "CREATE TABLE large (id INT PRIMARY KEY, v INT, text VARCHAR(200))".to_owned(),
            match self.flavor {
                Flavor::MySql => format!("SET SESSION cte_max_recursion_depth = {ROWS}"),
                Flavor::MariaDb => format!("SET SESSION max_recursive_iterations = {ROWS}"),
            },
            format!(
                "INSERT INTO large WITH RECURSIVE n (i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM n WHERE i < {ROWS}) \
                 SELECT i, 0, REPEAT('x', 150) FROM n"
            ),
            "INSERT INTO a VALUES (0, 1)".to_owned(),
        ] {
            conn.query_drop(statement).await?;
        }
        sites.arrived(0, DATABASE, PATIENCE).await?;
        let (mut made, mut statements) = (Made::default(), 0);
        for number in 1..=self.kills {
            for _ in 0..random.u32(1..4) {
                for statement in next(&mut made, &mut random) {
                    conn.query_drop(&statement).await.context(statement)?;
                    statements += 1;
                }
            }
            kill(sites, &mut random).await.with_context(|| format!("kill {number}"))?;
            if random.u32(..4) == 0 {
                sites.arrived(0, DATABASE, PATIENCE).await?;
            }
        }
        sites.arrived(0, DATABASE, PATIENCE).await?;
        let target = &sites.sites[1].servers.mysql;
        ensure_same_definitions(source, target, &[DATABASE]).await?;
        sites.compare(&[DATABASE]).await?.ensure_equal()?;
        sites.nothing_repaired().await?;
        Ok(statements)
    }
}

/// A change of the schema, and rows that tell on which side of it they were written.
fn next(made: &mut Made, random: &mut fastrand::Rng) -> Vec<String> {
    made.next += 1;
    let number = made.next;
    let row = format!("INSERT INTO a VALUES ({number}, {number})");
    match random.u32(..8) {
        0 | 1 => vec!["RENAME TABLE a TO swapped, b TO a, swapped TO b".to_owned(), row],
        2 => {
            made.columns.push(number);
            vec![
                format!(
                    "ALTER TABLE large ADD COLUMN c{number} INT NOT NULL DEFAULT {number}, ALGORITHM=COPY"
                ),
                format!("UPDATE large SET c{number} = id WHERE id % 997 = 0"),
            ]
        }
        3 => match made.columns.pop() {
            Some(column) => vec![format!("ALTER TABLE large DROP COLUMN c{column}, ALGORITHM=COPY")],
            None => vec![row],
        },
        4 => vec!["TRUNCATE TABLE a".to_owned(), row],
        5 => {
            made.copies.push(number);
            vec![row, format!("CREATE TABLE copy{number} SELECT * FROM a")]
        }
        6 => match made.copies.pop() {
            Some(copy) => vec![format!("DROP TABLE copy{copy}")],
            None => vec![row],
        },
        _ => vec![
            format!("CREATE INDEX i{number} ON large (v)"),
            format!("UPDATE large SET v = v + 1 WHERE id = {number}"),
            format!("DROP INDEX i{number} ON large"),
        ],
    }
}

/// At an instant of the random one's choice; the server is waited for, the sink is not.
async fn kill(sites: &Sites, random: &mut fastrand::Rng) -> Result<()> {
    tokio::time::sleep(Duration::from_millis(random.u64(..600))).await;
    let there = &sites.sites[1];
    there.sink.running()?;
    if random.bool() {
        there.sink.kill9().await?;
        return there.sink.start();
    }
    there.servers.mysql.kill9().await?;
    there.servers.mysql.boot().await
}
