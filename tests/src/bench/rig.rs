//! The servers of a benchmark: a source, a target, a replica of MySQL's own with the same settings, Kafka and a registry.

use anyhow::{Context, Result, ensure};
use mysql_async::{Opts, prelude::Queryable};

use super::load;
use crate::{Kafka, KafkaOptions, Latency, MySql, MySqlOptions, Proxy, Registry, RegistryOptions};

pub struct Rig {
    pub source: MySql,
    pub target: MySql,
    pub replica: MySql,
    pub kafka: Kafka,
    pub registry: Registry,
    /// The registry as it is seen through the slow link.
    pub far_registry: Proxy,
}

impl Rig {
    /// Boots all of it, with the benchmark's tables on each server.
    pub async fn start() -> Result<Self> {
        let kafka = KafkaOptions { fast_code: true, ..KafkaOptions::named("kafka") }.wan(Latency::WAN);
        let (source, target, replica, kafka, registry) = tokio::try_join!(
            MySql::start(roomy("source")),
            MySql::start(roomy("target")),
            MySql::start(roomy("replica")),
            Kafka::start(kafka),
            Registry::start(RegistryOptions::named("registry")),
        )?;
        for server in [&source, &target, &replica] {
            load::create_schema(&opts(server)).await?;
        }
        load::create_generator(&opts(&source)).await?;
        let far_registry = Proxy::start(registry.address(), Latency::WAN).await?;
        Ok(Self { source, target, replica, kafka, registry, far_registry })
    }

    /// What the source has executed.
    pub async fn executed(&self) -> Result<String> {
        let mut conn = self.source.conn().await?;
        let set: Option<String> = conn.query_first("SELECT @@GLOBAL.gtid_executed").await?;
        Ok(set.context("no gtid_executed")?.replace('\n', ""))
    }

    /// Begins a new binary log file at `server`; its name.
    pub async fn new_log_file(&self, server: &MySql) -> Result<String> {
        let mut conn = server.conn().await?;
        conn.query_drop("FLUSH BINARY LOGS").await?;
        let status: Option<mysql_async::Row> = conn.query_first("SHOW BINARY LOG STATUS").await?;
        status.and_then(|row| row.get(0)).context("SHOW BINARY LOG STATUS shows no file")
    }

    /// Refuses a benchmark whose result is wrong: `table` must be equal at the source and at `other`.
    pub async fn compare(&self, table: &str, other: &MySql) -> Result<()> {
        let source = checksum(&self.source, table).await?;
        let there = checksum(other, table).await?;
        ensure!(
            source == there,
            "{table} differs: {source:?} at the source, {there:?} at {}",
            other.address()
        );
        Ok(())
    }
}

async fn checksum(server: &MySql, table: &str) -> Result<(u64, u64)> {
    let mut conn = server.conn().await?;
    let sql = format!("CHECKSUM TABLE {}.{table}", load::DATABASE);
    let (_, sum): (String, u64) =
        conn.query_first(sql).await?.with_context(|| format!("no such table: {table}"))?;
    let count: Option<u64> =
        conn.query_first(format!("SELECT COUNT(*) FROM {}.{table}", load::DATABASE)).await?;
    Ok((sum, count.unwrap_or_default()))
}

pub fn opts(server: &MySql) -> Opts {
    server.opts().into()
}

/// Enough memory and redo log that flushing dirty pages is not what is measured; the same for all three.
fn roomy(name: &str) -> MySqlOptions {
    MySqlOptions { buffer_pool: "1G".to_owned(), ..MySqlOptions::named(name) }
        .args(["--innodb-redo-log-capacity=1G", "--innodb-log-buffer-size=64M"])
}
