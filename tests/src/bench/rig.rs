//! The servers of one scenario: a source, a target with the same settings, Kafka and a registry; and Strait's processes between them.
//!
//! The broker and the registry have a second door, through proxies that play a long link ([`Rig::far`]).

use anyhow::{Context, Result};
use mysql_async::{Opts, prelude::Queryable};

use super::{
    contents::Contents,
    load::{self, Table},
};
use crate::{
    Kafka, KafkaOptions, Latency, MySql, MySqlOptions, Program, Proxy, Registry, RegistryOptions, Strait,
    proxy::Traffic, run_dir,
};

pub struct Rig {
    pub source: MySql,
    pub target: MySql,
    pub kafka: Kafka,
    pub registry: Registry,
    registry_link: Proxy,
    tables: Vec<Table>,
}

/// Settings by their dotted names. What a scenario adds wins over the rig's own; an empty value takes the rig's away.
pub type Settings = Vec<(&'static str, String)>;

impl Rig {
    /// Boots all of it, with these tables on each server.
    pub async fn start(tables: &[Table]) -> Result<Self> {
        let kafka = KafkaOptions { fast_code: true, ..KafkaOptions::named("kafka") }.wan(Latency::NONE);
        let (source, target, kafka, registry) = tokio::try_join!(
            server("source", tables),
            server("target", tables),
            Kafka::start(kafka),
            Registry::start(RegistryOptions::named("registry")),
        )?;
        let registry_link = Proxy::start(registry.address(), Latency::NONE).await?;
        Ok(Self { source, target, kafka, registry, registry_link, tables: tables.to_vec() })
    }

    pub fn tables(&self) -> &[Table] {
        &self.tables
    }

    /// The latency of the second doors from now on.
    pub fn set_latency(&self, latency: Latency) {
        self.links().for_each(|link| link.set_latency(latency));
    }

    /// The second doors' way to Kafka and the registry, for a process at the other site.
    pub fn far(&self) -> Result<Settings> {
        let registry = self.registry.url().replace(&self.registry.address(), &self.registry_link.address());
        Ok(vec![("kafka.brokers", self.kafka.wan_bootstrap()?), ("registry.url", registry)])
    }

    /// What has passed through the second doors.
    pub fn traffic(&self) -> Traffic {
        self.links().map(Proxy::traffic).fold(Traffic::default(), |sum, traffic| Traffic {
            to_target: sum.to_target + traffic.to_target,
            from_target: sum.from_target + traffic.from_target,
            connections: sum.connections + traffic.connections,
        })
    }

    fn links(&self) -> impl Iterator<Item = &Proxy> {
        self.kafka.links().chain([&self.registry_link])
    }

    /// A connector of `source`, one of the servers, which publishes what was logged after `after`. It is not started yet.
    pub async fn connector(
        &self,
        source: &MySql,
        prefix: &str,
        after: &str,
        extra: Settings,
    ) -> Result<Strait> {
        let mut settings = vec![
            ("prefix", prefix.to_owned()),
            ("source.host", source.host().to_owned()),
            ("source.port", source.port().to_string()),
            ("source.user", source.user().to_owned()),
            ("source.start", if after.is_empty() { "earliest".to_owned() } else { after.to_owned() }),
            ("database.exclude.list", format!("generator, base, {}", load::MANY_DATABASE)),
        ];
        settings.extend(self.near());
        Strait::new(Program::Connector, prefix, laid_over(settings, extra)).await
    }

    /// A sink at `target`, one of the servers. It is not started yet.
    pub async fn sink(&self, target: &MySql, prefix: &str, name: &str, extra: Settings) -> Result<Strait> {
        let mut settings = vec![
            ("prefix", prefix.to_owned()),
            ("name", name.to_owned()),
            ("target.host", target.host().to_owned()),
            ("target.port", target.port().to_string()),
            ("target.user", target.user().to_owned()),
        ];
        settings.extend(self.near());
        Strait::new(Program::Sink, name, laid_over(settings, extra)).await
    }

    fn near(&self) -> Settings {
        vec![
            ("kafka.brokers", self.kafka.bootstrap().to_owned()),
            ("registry.url", self.registry.url().to_owned()),
        ]
    }

    /// Refuses a benchmark whose result is wrong: all its tables must be equal at both.
    pub async fn ensure_equal(&self, one: &MySql, other: &MySql) -> Result<()> {
        Contents::of(one, &self.tables).await?.ensure_same(&Contents::of(other, &self.tables).await?)
    }

    /// Ends all servers and gives their disk space back, for the next scenario.
    pub fn end(self) -> Result<()> {
        drop(self);
        run_dir::clear()
    }
}

fn laid_over(mut settings: Settings, extra: Settings) -> Settings {
    for (key, value) in extra {
        settings.retain(|(known, _)| *known != key);
        if !value.is_empty() {
            settings.push((key, value));
        }
    }
    settings
}

/// A server with these tables; it could be source, target or replica. It has memory and redo log enough that flushing is not
/// what is measured.
pub async fn server(name: &str, tables: &[Table]) -> Result<MySql> {
    let options = MySqlOptions { buffer_pool: "1G".to_owned(), ..MySqlOptions::named(name) }
        .args(["--innodb-redo-log-capacity=1G", "--innodb-log-buffer-size=64M"]);
    let server = MySql::start(options).await?;
    load::create_schema(&opts(&server), tables).await?;
    load::create_generator(&opts(&server)).await?;
    Ok(server)
}

pub fn opts(server: &MySql) -> Opts {
    server.opts().into()
}

/// What a server has executed.
pub async fn executed(server: &MySql) -> Result<String> {
    let mut conn = server.conn().await?;
    let set: Option<String> = conn.query_first("SELECT @@GLOBAL.gtid_executed").await?;
    Ok(set.context("no gtid_executed")?.replace('\n', ""))
}

/// Begins a new binary log file; its name.
pub async fn new_log_file(server: &MySql) -> Result<String> {
    let mut conn = server.conn().await?;
    conn.query_drop("FLUSH BINARY LOGS").await?;
    let status: Option<mysql_async::Row> = conn.query_first("SHOW BINARY LOG STATUS").await?;
    let file = status.and_then(|row| row.get(0));
    file.with_context(|| format!("SHOW BINARY LOG STATUS shows no file at {}", server.address()))
}
