//! A target's table and a sink of the test's own process, with the settings that it is given.

use std::{sync::Arc, time::Duration};

use anyhow::{Context as _, Result, bail};
use e2e::{
    Lab, MySql, Program, Strait,
    debezium::{Debezium, Form, Row},
    eventually,
    fake_source::FakeSource,
};
use mysql_async::prelude::Queryable;
use strait_service::{CancellationToken, Context, Secret};
use strait_sink::{
    Error,
    config::{Config, Order},
    run_with,
};
use tokio::task::JoinHandle;

pub const PATIENCE: Duration = Duration::from_mins(2);

/// A target's table, and a sink's settings for it.
pub struct Scene {
    pub server: &'static MySql,
    pub database: String,
    pub config: Config,
}

pub struct Running {
    pub stop: CancellationToken,
    pub context: Context,
    pub task: JoinHandle<Result<(), Error>>,
}

impl Scene {
    pub async fn new(tables: &[&str]) -> Result<Self> {
        let (server, kafka) = (Lab::shared().target().await?, Lab::shared().kafka().await?);
        let database = server.database("keyed").await?;
        let mut conn = server.conn_to(&database).await?;
        for &table in tables {
            conn.query_drop(table).await?;
        }
        let mut config = Config { order: Order::Key, ..Config::default() };
        config.target.host = server.host().into();
        config.target.port = server.port();
        config.target.user = server.user().into();
        config.target.password = server.password().map(Secret::new);
        config.kafka.brokers = kafka.bootstrap().into();
        config.apply.lanes = 2;
        Ok(Self { server, database, config })
    }

    pub async fn debezium(&mut self, form: Form) -> Result<Debezium> {
        let writer = Debezium::new(Lab::shared().kafka().await?, &self.database, form).await?;
        self.config.prefix.clone_from(&writer.prefix);
        Ok(writer)
    }

    pub async fn fake(&mut self) -> Result<FakeSource> {
        let writer = FakeSource::new(Lab::shared().kafka().await?, &self.database).await?;
        self.config.prefix.clone_from(&writer.prefix);
        Ok(writer)
    }

    pub fn start(&self) -> Running {
        let stop = CancellationToken::new();
        let context = Context::detached(stop.clone());
        let task = tokio::spawn(run_with(Arc::new(self.config.clone()), context.clone()));
        Running { stop, context, task }
    }

    /// The cause that it halts with.
    pub async fn halts(&self) -> Result<Error> {
        match tokio::time::timeout(PATIENCE, self.start().task).await.context("it halts")?? {
            Ok(()) => bail!("it ended without an error"),
            Err(error) => Ok(error),
        }
    }

    pub async fn run(&self, statement: &str) -> Result<()> {
        Ok(self.server.conn_to(&self.database).await?.query_drop(statement).await?)
    }

    /// A process of its own, in the group that all of them share.
    pub async fn process(&self, name: &str, more: &[(&str, &str)]) -> Result<Strait> {
        let port = self.server.port().to_string();
        let settings = [
            ("order", "key"),
            ("prefix", &self.config.prefix),
            ("target.host", self.server.host()),
            ("target.port", &port),
            ("target.user", self.server.user()),
            ("kafka.brokers", &self.config.kafka.brokers),
            ("kafka.options.session.timeout.ms", "6000"),
            ("apply.allow_triggers", "true"),
            ("target.lock_wait", "1m"),
        ];
        Strait::new(Program::Sink, name, settings.iter().chain(more).copied()).await
    }

    /// The condition of rows of its progress: by the primary key, as other tests hold rows of theirs.
    pub fn row(&self, condition: &str) -> String {
        format!("WHERE origin = '{}' AND sink = 'main' AND {condition}", self.config.prefix)
    }

    /// What the query shows, column by column, a row a text.
    pub async fn becomes(&self, query: &str, expected: &[&str]) -> Result<()> {
        eventually(PATIENCE, || async {
            let found = async {
                let mut conn = self.server.conn_to(&self.database).await?;
                anyhow::Ok(conn.query::<String, _>(query).await?)
            };
            match found.await {
                Ok(rows) if rows == expected => Ok(()),
                seen => Err(format!("{seen:?}")),
            }
        })
        .await
    }
}

impl Running {
    pub async fn stop(self) -> Result<()> {
        self.stop.cancel();
        Ok(tokio::time::timeout(Duration::from_secs(5), self.task).await.context("it ends in 5 s")???)
    }

    /// A counter's or gauge's value; -1: there is none.
    pub fn metric(&self, name: &str) -> f64 {
        let families = self.context.metrics.gather();
        let found = families.iter().find(|family| family.name() == name);
        let metric = found.and_then(|family| family.get_metric().first());
        metric.map_or(-1.0, |it| it.get_counter().get_value().max(it.get_gauge().get_value()))
    }
}

pub fn goods(id: i32, name: Option<&'static str>, price: i8) -> Row {
    Row { id, name, price, at: 1_709_210_096_123_456 }
}
