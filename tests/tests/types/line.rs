//! Two servers, Kafka and a registry between them.

use std::time::Duration;

use anyhow::{Context, Result};
use e2e::{
    Flavor, Kafka, KafkaOptions, MySql, MySqlOptions, Program, Registry, RegistryOptions, Strait,
    types::Modes,
};

const READY: Duration = Duration::from_mins(1);

pub struct Line {
    pub source: MySql,
    pub target: MySql,
    pub kafka: Kafka,
    pub registry: Registry,
}

impl Line {
    pub async fn boot(source: Flavor, target: Flavor) -> Result<Self> {
        let server = |flavor, name| MySql::start(MySqlOptions { flavor, ..MySqlOptions::named(name) });
        let (source, target, kafka, registry) = tokio::try_join!(
            server(source, "source"),
            server(target, "target"),
            Kafka::start(KafkaOptions::named("kafka")),
            Registry::start(RegistryOptions::named("registry")),
        )?;
        Ok(Self { source, target, kafka, registry })
    }

    /// Both processes for one database, which is the prefix, too; started.
    pub async fn processes(
        &self,
        database: &str,
        snapshot: &str,
        format: &str,
        modes: &Modes,
    ) -> Result<(Strait, Strait)> {
        let ends = format!(
            "prefix = '{database}'\n[kafka]\nbrokers = '{}'\n[registry]\nurl = '{}'\n",
            self.kafka.bootstrap(),
            self.registry.url()
        );
        let server = |role: &str, server: &MySql| {
            format!(
                "[{role}]\nhost = '{}'\nport = {}\nuser = '{}'\n",
                server.host(),
                server.port(),
                server.user()
            )
        };
        let source = server("source", &self.source);
        let connector = format!(
            "{ends}{source}[database.include]\nlist = '{database}'\n[snapshot]\nmode = '{snapshot}'\n[schema]\nformat = '{format}'\n{}",
            settings(modes)
        );
        let sink = format!("{ends}{}", server("target", &self.target));
        let connector = Strait::configured(
            Program::Connector,
            &format!("{database}-connector"),
            toml::from_str(&connector)?,
        )
        .await?;
        let sink =
            Strait::configured(Program::Sink, &format!("{database}-sink"), toml::from_str(&sink)?).await?;
        connector.start_ready(READY).await.context("the connector")?;
        sink.start_ready(READY).await.context("the sink")?;
        Ok((connector, sink))
    }
}

/// The connector's section for Debezium's options; none for its defaults.
fn settings(modes: &Modes) -> String {
    if *modes == Modes::default() {
        return String::new();
    }
    format!(
        "[types]\ndecimal_handling_mode = '{}'\nbinary_handling_mode = '{}'\nbigint_unsigned_handling_mode = '{}'\ntime_precision_mode = '{}'\n",
        modes.decimal, modes.binary, modes.bigint, modes.time
    )
}
