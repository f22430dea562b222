//! Two sites as they stand in two datacentres: each with a MySQL, a broker and a registry, a connector
//! beside its source, and a sink beside its target that reads the other site's broker and registry over
//! the WAN.

pub mod accounts;
mod arrival;

use std::time::Duration;

use anyhow::{Context, Result, ensure};
use toml::{Table, Value};

use crate::compare::{Comparison, compare, quiet};
use crate::kafka::{Kafka, KafkaOptions};
use crate::mysql::{Flavor, MySql, MySqlOptions};
use crate::proxy::{Latency, Proxy, Traffic};
use crate::registry::{Registry, RegistryOptions};
use crate::shop;
use crate::strait::{Program, Strait};

/// A fair chance on a machine that is busy with many servers.
const READY: Duration = Duration::from_mins(1);

/// What differs between the tests that boot two sites.
#[derive(Debug, Clone)]
pub struct SitesOptions {
    pub names: [String; 2],
    /// What is kept equal: the accounts of our processes have rights on these alone.
    pub databases: Vec<String>,
    pub latency: Latency,
    /// Of each site's server.
    pub flavors: [Flavor; 2],
    /// For both servers; they win over the lab's.
    pub mysql_args: Vec<String>,
    /// Both servers have one.
    pub keyrings: bool,
    /// For both brokers.
    pub kafka: KafkaOptions,
    /// Registries that survive a kill keep their schemas in their site's Kafka.
    pub durable_registries: bool,
    /// TOML that is laid over the connectors' and the sinks' configurations.
    pub connector: String,
    pub sink: String,
}

impl Default for SitesOptions {
    fn default() -> Self {
        Self {
            names: ["beijing".to_owned(), "shenzhen".to_owned()],
            databases: vec![shop::DATABASE.to_owned()],
            latency: Latency::WAN,
            flavors: [Flavor::MySql; 2],
            mysql_args: Vec::new(),
            keyrings: false,
            kafka: KafkaOptions::default(),
            durable_registries: false,
            connector: String::new(),
            sink: String::new(),
        }
    }
}

impl SitesOptions {
    pub fn with_databases<D: Into<String>>(databases: impl IntoIterator<Item = D>) -> Self {
        Self { databases: databases.into_iter().map(Into::into).collect(), ..Self::default() }
    }
}

/// The servers of one site, and how the other site reaches them.
#[derive(Debug)]
pub struct Servers {
    pub name: String,
    pub mysql: MySql,
    pub kafka: Kafka,
    pub registry: Registry,
    /// The other site's way to this registry; its ways to the brokers are [`Kafka::links`].
    pub registry_link: Proxy,
}

/// A site: its servers and its two processes.
#[derive(Debug)]
pub struct Site {
    pub servers: Servers,
    /// Publishes this site's changes.
    pub connector: Strait,
    /// Applies the other site's changes here.
    pub sink: Strait,
}

#[derive(Debug)]
pub struct Sites {
    pub sites: [Site; 2],
}

impl Servers {
    async fn boot(number: usize, options: &SitesOptions) -> Result<Self> {
        let name = options.names[number].clone();
        let named = MySqlOptions::named(format!("{name}-mysql"));
        let mysql = MySqlOptions { flavor: options.flavors[number], keyring: options.keyrings, ..named }
            // Two sites that insert into the same tables must never draw the same number.
            .args([
                "--auto-increment-increment=2".to_owned(),
                format!("--auto-increment-offset={}", number + 1),
            ])
            .args(options.mysql_args.clone());
        let kafka = KafkaOptions {
            name: format!("{name}-kafka"),
            wan: Some(options.latency),
            ..options.kafka.clone()
        };
        let (mysql, (kafka, registry)) = tokio::try_join!(MySql::start(mysql), async {
            let kafka = Kafka::start(kafka).await?;
            let storage = options.durable_registries.then(|| kafka.bootstrap().to_owned());
            let registry = RegistryOptions { name: Some(format!("{name}-registry")), kafka: storage };
            Ok((kafka, Registry::start(registry).await?))
        })
        .with_context(|| format!("boot the servers of {name}"))?;
        accounts::create(&mysql, &options.databases)
            .await
            .with_context(|| format!("create the accounts at {name}"))?;
        let registry_link = Proxy::start(registry.address(), options.latency).await?;
        Ok(Self { name, mysql, kafka, registry, registry_link })
    }

    /// Everything that the other site's sink sees of this one.
    pub fn links(&self) -> impl Iterator<Item = &Proxy> {
        self.kafka.links().chain([&self.registry_link])
    }

    /// What has passed between the sites on behalf of this one's readers.
    pub fn traffic(&self) -> Traffic {
        self.links().map(Proxy::traffic).fold(Traffic::default(), |sum, traffic| Traffic {
            to_target: sum.to_target + traffic.to_target,
            from_target: sum.from_target + traffic.from_target,
            connections: sum.connections + traffic.connections,
        })
    }

    async fn connector(&self, overlay: &str) -> Result<Strait> {
        let mut config = Table::new();
        set(&mut config, "prefix", self.name.as_str());
        set(&mut config, "source.host", self.mysql.host());
        set(&mut config, "source.port", i64::from(self.mysql.port()));
        set(&mut config, "source.user", accounts::CONNECTOR);
        set(&mut config, "source.password", accounts::PASSWORD);
        set(&mut config, "kafka.brokers", self.kafka.bootstrap());
        set(&mut config, "registry.url", self.registry.url());
        // What both sites had before they were joined is made equal by the tests themselves.
        set(&mut config, "snapshot.mode", "never");
        lay_over(&mut config, toml::from_str(overlay).context("the connector's overlay")?);
        Strait::configured(Program::Connector, &format!("{}-connector", self.name), config).await
    }

    /// The sink beside `self` for what `origin` publishes.
    async fn sink(&self, origin: &Self, overlay: &str) -> Result<Strait> {
        let mut config = Table::new();
        set(&mut config, "prefix", origin.name.as_str());
        set(&mut config, "target.host", self.mysql.host());
        set(&mut config, "target.port", i64::from(self.mysql.port()));
        set(&mut config, "target.user", accounts::SINK);
        set(&mut config, "target.password", accounts::PASSWORD);
        set(&mut config, "kafka.brokers", origin.kafka.wan_bootstrap()?);
        let registry = format!("http://{}{}", origin.registry_link.address(), Registry::PATH);
        set(&mut config, "registry.url", registry);
        lay_over(&mut config, toml::from_str(overlay).context("the sink's overlay")?);
        Strait::configured(Program::Sink, &format!("{}-sink", self.name), config).await
    }
}

impl Sites {
    /// Boots all servers at once and writes all configurations; none of our processes runs yet.
    pub async fn boot(options: &SitesOptions) -> Result<Self> {
        let (first, second) =
            tokio::try_join!(Box::pin(Servers::boot(0, options)), Box::pin(Servers::boot(1, options)))?;
        let processes = (
            (first.connector(&options.connector).await?, first.sink(&second, &options.sink).await?),
            (second.connector(&options.connector).await?, second.sink(&first, &options.sink).await?),
        );
        let site = |servers, (connector, sink)| Site { servers, connector, sink };
        Ok(Self { sites: [site(first, processes.0), site(second, processes.1)] })
    }

    /// Starts all four processes, connectors first, and waits until they are ready.
    pub async fn start(&self) -> Result<()> {
        let [first, second] = &self.sites;
        tokio::try_join!(first.connector.start_ready(READY), second.connector.start_ready(READY))?;
        tokio::try_join!(first.sink.start_ready(READY), second.sink.start_ready(READY))?;
        Ok(())
    }

    /// SIGTERM to all four, at once; each must end in time and with success.
    pub async fn stop(&self) -> Result<()> {
        futures_util::future::try_join_all(self.processes().map(Strait::stop)).await?;
        Ok(())
    }

    /// Connector, sink, connector, sink.
    pub fn processes(&self) -> impl Iterator<Item = &Strait> {
        self.sites.iter().flat_map(|site| [&site.connector, &site.sink])
    }

    /// All links of the WAN, in both directions.
    pub fn links(&self) -> impl Iterator<Item = &Proxy> {
        self.sites.iter().flat_map(|site| site.servers.links())
    }

    /// Runs statements at both sites outside their binary logs: what both had before they were joined.
    pub async fn run_at_both(&self, statements: &[&str]) -> Result<()> {
        for site in &self.sites {
            site.servers.mysql.run(["SET SESSION sql_log_bin = 0"].iter().chain(statements)).await?;
        }
        Ok(())
    }

    /// Compares both sites now.
    pub async fn compare(&self, databases: &[&str]) -> Result<Comparison> {
        compare(&self.sites[0].servers.mysql, &self.sites[1].servers.mysql, databases).await
    }

    /// Waits until both sites are equal, or until nothing has moved for `patience`; the last comparison.
    pub async fn quiet(&self, databases: &[&str], patience: Duration) -> Result<Comparison> {
        quiet(&self.sites[0].servers.mysql, &self.sites[1].servers.mysql, databases, patience).await
    }

    /// No sink has met a row that was not as the source's history says. Equal ends do not show that: the sink makes such rows equal.
    pub async fn nothing_repaired(&self) -> Result<()> {
        for site in 0..self.sites.len() {
            self.nothing_repaired_at(site).await?;
        }
        Ok(())
    }

    pub async fn nothing_repaired_at(&self, site: usize) -> Result<()> {
        let sink = &self.sites[site].sink;
        let repaired = sink.metrics().await?.sum("strait_sink_repaired_total");
        let repaired = repaired.context("strait_sink_repaired_total")?;
        ensure!(repaired == 0.0, "{} repaired {repaired} rows", sink.name());
        Ok(())
    }

    /// The last words of all four processes: for the message of a failed test.
    pub fn last_words(&self) -> String {
        self.processes()
            .map(|process| format!("--- {}\n{}", process.name(), process.last_words()))
            .collect::<Vec<_>>()
            .join("\n")
    }
}

/// Sets a dotted key.
fn set(config: &mut Table, key: &str, value: impl Into<Value>) {
    match key.split_once('.') {
        None => drop(config.insert(key.to_owned(), value.into())),
        Some((section, rest)) => {
            let section = config.entry(section).or_insert_with(|| Table::new().into());
            set(section.as_table_mut().expect("the lab's own keys are sections"), rest, value);
        }
    }
}

/// Sections are merged, all else is replaced.
pub(crate) fn lay_over(config: &mut Table, overlay: Table) {
    for (key, value) in overlay {
        match (config.get_mut(&key), value) {
            (Some(Value::Table(section)), Value::Table(over)) => lay_over(section, over),
            (_, value) => drop(config.insert(key, value)),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_overlay_replaces_values_and_merges_sections() {
        let mut config = Table::new();
        set(&mut config, "kafka.brokers", "here");
        set(&mut config, "kafka.linger", "1ms");
        lay_over(
            &mut config,
            toml::from_str("kafka.linger = '5ms'\n[publish]\ninterval = '1s'").expect("TOML"),
        );
        let expected: Table =
            toml::from_str("[kafka]\nbrokers = 'here'\nlinger = '5ms'\n[publish]\ninterval = '1s'")
                .expect("TOML");
        assert_eq!(config, expected);
    }
}
