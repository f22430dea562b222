//! A source with settings of its own, and a target.

use std::time::Duration;

use anyhow::{Result, ensure};
use e2e::{MySql, Site, Sites, SitesOptions};
use mysql_async::{Row, prelude::Queryable};

const SOON: Duration = Duration::from_secs(60);
const DATABASE: &str = "v";

pub struct OneWay {
    pub sites: Sites,
}

impl OneWay {
    /// Both servers with these options and tables, in a database `v`; all processes run.
    pub async fn start(args: &[&str], connector: &str, tables: &[&str]) -> Result<Self> {
        Self::start_with(Self::options(args, connector), tables).await
    }

    pub fn options(args: &[&str], connector: &str) -> SitesOptions {
        SitesOptions {
            mysql_args: args.iter().map(|&arg| arg.to_owned()).collect(),
            connector: connector.to_owned(),
            ..SitesOptions::with_databases([DATABASE])
        }
    }

    pub async fn start_with(options: SitesOptions, tables: &[&str]) -> Result<Self> {
        let sites = Sites::boot(&options).await?;
        let create = ["CREATE DATABASE v CHARACTER SET utf8mb4"];
        sites.run_at_both(&[&create[..], tables].concat()).await?;
        sites.start().await?;
        Ok(Self { sites })
    }

    pub fn site(&self) -> &Site {
        &self.sites.sites[0]
    }

    pub fn source(&self) -> &MySql {
        &self.site().servers.mysql
    }

    /// Runs statements at the source, on one connection, in the database.
    pub async fn run<S: AsRef<str>>(&self, statements: impl IntoIterator<Item = S>) -> Result<()> {
        let mut conn = self.source().conn_to(DATABASE).await?;
        for statement in statements {
            conn.query_drop(statement.as_ref()).await?;
        }
        let id = conn.id();
        conn.disconnect().await?;
        // What it prepared is anybody's once the server has noticed.
        let mut conn = self.source().conn().await?;
        let gone = format!("SELECT COUNT(*) FROM information_schema.processlist WHERE id = {id}");
        while conn.query_first::<u32, _>(&gone).await? != Some(0) {
            tokio::task::yield_now().await;
        }
        Ok(conn.disconnect().await?)
    }

    /// Everything arrives, so many rows, and nothing had to be made equal.
    pub async fn arrives(&self, rows: u64) -> Result<()> {
        let compared = self.sites.quiet(&[DATABASE], SOON).await?;
        ensure!(compared.equal(), "{compared}\n{}", self.sites.last_words());
        ensure!(compared.rows == rows, "{} rows\n{}", compared.rows, self.sites.last_words());
        self.sites.nothing_repaired().await
    }

    /// The connector halts with these words.
    pub async fn halts(&self, says: &[&str]) -> Result<()> {
        let connector = &self.site().connector;
        let status = connector.wait(SOON).await?;
        let words = connector.words()?;
        ensure!(status.code() == Some(1), "{words}");
        for what in says {
            ensure!(words.contains(what), "it does not say {what:?}:\n{words}");
        }
        Ok(())
    }

    /// Whether the source's newest log holds an event of that kind.
    pub async fn has_event(&self, kind: &str) -> Result<bool> {
        let mut conn = self.source().conn().await?;
        let logs: Vec<Row> = conn.query("SHOW BINARY LOGS").await?;
        let last: String = logs.last().and_then(|row| row.get(0)).unwrap_or_default();
        let events: Vec<Row> = conn.query(format!("SHOW BINLOG EVENTS IN '{last}'")).await?;
        Ok(events.iter().any(|row| row.get::<String, _>(2).is_some_and(|found| found == kind)))
    }
}
