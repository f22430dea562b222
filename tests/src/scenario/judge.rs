//! What every scenario ends with: both sites equal, and each site's published log exactly what was born there.

use std::time::Duration;

use anyhow::{Context, Result};
use mysql_async::{Row, prelude::Queryable};
use strait_mysql::gtid::GtidSet;

use crate::{
    MySql, eventually,
    oracle::{BinlogReader, Counts, Keys, LoggedTransaction, PositionReader, PublishedLog},
    sites::{Site, Sites},
};

const PATIENCE: Duration = Duration::from_mins(1);

/// Where judging begins: the server's log from here on. Taken before the connector's first start.
#[derive(Debug)]
pub struct LogStart {
    file: String,
}

impl LogStart {
    /// Begins a new log file at the server.
    pub async fn mark(server: &MySql) -> Result<Self> {
        let mut conn = server.conn().await?;
        conn.query_drop("FLUSH BINARY LOGS").await?;
        let status: Option<Row> = conn.query_first("SHOW BINARY LOG STATUS").await?;
        let file = status.and_then(|row| row.get(0)).context("SHOW BINARY LOG STATUS shows no file")?;
        conn.disconnect().await?;
        Ok(Self { file })
    }

    /// All transactions since then, with the leading columns of each row.
    pub async fn transactions(&self, server: &MySql, columns: usize) -> Result<Vec<LoggedTransaction>> {
        let tool = server.tool("mysqlbinlog").await?;
        let reader = BinlogReader::new(tool, &self.file).keep_columns(columns);
        let read = move || {
            let mut logged = Vec::new();
            reader.read(|transaction| logged.push(transaction))?;
            anyhow::Ok(logged)
        };
        tokio::task::spawn_blocking(read)
            .await?
            .with_context(|| format!("reading the log of {}", server.address()))
    }
}

/// Both sites, from their first start to the verdict.
#[derive(Debug)]
pub struct Judge {
    starts: [LogStart; 2],
}

impl Judge {
    /// Before any process of the sites has been started.
    pub async fn before_start(sites: &Sites) -> Result<Self> {
        let [first, second] = &sites.sites;
        Ok(Self {
            starts: [
                LogStart::mark(&first.servers.mysql).await?,
                LogStart::mark(&second.servers.mysql).await?,
            ],
        })
    }

    /// The transactions of one site, 0 or 1.
    pub async fn transactions(
        &self,
        sites: &Sites,
        site: usize,
        columns: usize,
    ) -> Result<Vec<LoggedTransaction>> {
        self.starts[site].transactions(&sites.sites[site].servers.mysql, columns).await
    }

    /// The writers have stopped: both sites must become equal in these databases, and the published logs be right. The counts of each site.
    pub async fn verdict(&self, sites: &Sites, databases: &[&str]) -> Result<[Counts; 2]> {
        let judged = self.judge(sites, databases).await;
        if judged.is_ok() {
            return judged;
        }
        let pages = statuses(sites).await;
        judged.with_context(|| format!("{}\nthe processes' status:\n{pages}", sites.last_words()))
    }

    async fn judge(&self, sites: &Sites, databases: &[&str]) -> Result<[Counts; 2]> {
        sites.quiet(databases, PATIENCE).await?.ensure_equal()?;
        let first = self.verify_log(sites, 0, databases).await?;
        Ok([first, self.verify_log(sites, 1, databases).await?])
    }

    async fn verify_log(&self, sites: &Sites, number: usize, databases: &[&str]) -> Result<Counts> {
        let site = &sites.sites[number];
        published_all(site).await?;
        let keys = keys(&site.servers.mysql, databases).await?;
        let columns = keys.values().flatten().max().map_or(0, |last| last + 1);
        let logged = self.transactions(sites, number, columns).await?;
        let (bootstrap, prefix) = (site.servers.kafka.bootstrap().to_owned(), site.servers.name.clone());
        let log = tokio::task::spawn_blocking(move || PublishedLog::read(&bootstrap, &prefix)).await??;
        log.verify(&logged, &keys).with_context(|| format!("the log that {} published", site.servers.name))
    }
}

/// What each process says it is doing.
async fn statuses(sites: &Sites) -> String {
    let mut pages = String::new();
    for process in sites.processes() {
        let page = match process.status().await {
            Ok(page) => page.to_string(),
            Err(error) => format!("{error:#}"),
        };
        pages.push_str(&[process.name(), ": ", &page, "\n"].concat());
    }
    pages
}

/// The tables of these databases, with the positions of their primary keys' columns.
async fn keys(server: &MySql, databases: &[&str]) -> Result<Keys> {
    let mut conn = server.conn().await?;
    let mut keys = Keys::new();
    for database in databases {
        let columns: Vec<(String, usize, bool)> = conn
            .exec(
                "SELECT table_name, ordinal_position - 1, column_key = 'PRI' FROM information_schema.columns \
                 WHERE table_schema = ?",
                (database,),
            )
            .await?;
        for (table, position, is_key) in columns {
            let key = keys.entry(format!("{database}.{table}")).or_default();
            if is_key {
                key.push(position);
            }
        }
    }
    conn.disconnect().await?;
    Ok(keys)
}

/// Waits until the connector's position has passed everything that its server has executed: only then is what is
/// missing from the topics missing, and what came back through a sink would have shown.
pub async fn published_all(site: &Site) -> Result<()> {
    published(site.servers.kafka.bootstrap(), &site.servers.name, &site.servers.mysql).await.with_context(
        || format!("{} has not published everything; {}", site.connector.name(), site.connector.last_words()),
    )
}

/// As [`published_all`], for any connector.
pub async fn published(bootstrap: &str, prefix: &str, source: &MySql) -> Result<()> {
    let mut conn = source.conn().await?;
    let executed: Option<String> = conn.query_first("SELECT @@GLOBAL.gtid_executed").await?;
    let executed: GtidSet = executed.unwrap_or_default().parse().context("gtid_executed")?;
    let mut reader = PositionReader::new(bootstrap, prefix)?;
    eventually(PATIENCE, || {
        let seen = tokio::task::block_in_place(|| look(&mut reader, &executed));
        std::future::ready(seen)
    })
    .await
}

fn look(reader: &mut PositionReader, executed: &GtidSet) -> Result<(), String> {
    let position = reader.latest(Duration::from_millis(100)).map_err(|error| format!("{error:#}"))?;
    let position = position.ok_or("no position yet")?;
    let published = position.gtid_set.as_deref().unwrap_or_default();
    let set: GtidSet = published.parse().map_err(|error| format!("{published}: {error}"))?;
    if set.contains_set(executed) {
        Ok(())
    } else {
        Err(format!("published {published}, executed {executed}"))
    }
}
