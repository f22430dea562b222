//! Random rows in a schema full of foreign keys, Zabbix's: parents that are deleted with all below them, rows that name
//! rows of their own table, sessions that check nothing. MySQL's log tells what a key has done, MariaDB's does not.

use std::{
    path::Path,
    time::{Duration, Instant},
};

use anyhow::{Context, Result};
use mysql_async::{Conn, prelude::Queryable};

use super::{Begin, DATABASE, Random, Writer, chance::Rng, chance::seldom, kill, same, snapshot_published};
use crate::{Sites, install, mysql::Flavor, run_dir::make_dir};

#[derive(Debug, Clone, Copy)]
pub struct ForeignKeys {
    pub seed: u64,
    pub flavor: Flavor,
    pub begin: Begin,
    pub duration: Duration,
}

impl ForeignKeys {
    pub async fn run(self) -> Result<String> {
        let Self { seed, flavor, begin, duration } = self;
        let sites = Random { seed, flavor, begin, duration }.boot().await?;
        let file = make_dir("foreign_keys")?.join("statements.sql");
        let (rounds, rows) = self.write(&sites, &file).await.with_context(|| {
            format!("STRAIT_SEED={seed} {flavor:?} {begin:?}, {}\n{}", file.display(), sites.last_words())
        })?;
        sites.stop().await?;
        Ok(format!("STRAIT_SEED={seed}: equal {rounds} times; {rows} rows at the end"))
    }

    async fn write(&self, sites: &Sites, file: &Path) -> Result<(u32, u64)> {
        let source = &sites.sites[0].servers.mysql;
        let mut conn = source.conn_to(DATABASE).await?;
        if self.begin == Begin::Empty {
            sites.start().await?;
        }
        create(&mut conn).await?;
        let mut writer = Writer::open(source, DATABASE, self.seed, file).await?;
        // Parents have rows before their children ask for them.
        for _ in 0..3 {
            writer.fill().await?;
        }
        if self.begin == Begin::Snapshot {
            sites.start().await?;
        }
        let mut chance = Rng::with_seed(self.seed);
        let end = Instant::now() + self.duration;
        let mut rounds = 0;
        while Instant::now() < end {
            for _ in 0..300 {
                if seldom(&mut chance, 50) {
                    let checks = u8::from(chance.bool());
                    writer.run(&format!("SET foreign_key_checks = {checks}")).await?;
                }
                writer.change_rows().await?;
                if seldom(&mut chance, 300) {
                    kill(sites, &mut chance).await?;
                }
            }
            if self.begin == Begin::Snapshot {
                snapshot_published(sites).await?;
            }
            same(sites).await?;
            rounds += 1;
        }
        Ok((rounds, count(&mut conn).await?))
    }
}

/// Zabbix's tables and keys, without its triggers, which stand between them.
async fn create(conn: &mut Conn) -> Result<()> {
    let folder = tokio::task::spawn_blocking(install::zabbix).await??;
    let schema = std::fs::read_to_string(folder.join("schema.sql"))?;
    let (tables, rest) = schema.split_once("DELIMITER $$").context("triggers")?;
    let (_, keys) = rest.split_once("DELIMITER ;").context("the triggers' end")?;
    let statements = [tables, keys].into_iter().flat_map(|text| text.split(";\n"));
    for statement in statements.filter(|statement| !statement.trim().is_empty()) {
        conn.query_drop(statement).await.with_context(|| statement.to_owned())?;
    }
    Ok(())
}

async fn count(conn: &mut Conn) -> Result<u64> {
    let tables: Vec<String> = conn.query("SHOW TABLES").await?;
    let mut rows = 0;
    for table in tables {
        rows +=
            conn.query_first::<u64, _>(format!("SELECT COUNT(*) FROM `{table}`")).await?.unwrap_or_default();
    }
    Ok(rows)
}

/// Both servers, with and without a snapshot, 3 minutes each.
pub async fn long(seed: u64) -> Result<String> {
    let duration = Duration::from_mins(3);
    for flavor in [Flavor::MySql, Flavor::MariaDb] {
        for begin in [Begin::Snapshot, Begin::Empty] {
            println!("{}", ForeignKeys { seed, flavor, begin, duration }.run().await?);
        }
    }
    Ok("4 runs".to_owned())
}
