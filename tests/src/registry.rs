//! A schema registry of this process, which speaks Confluent's API.

use std::path::PathBuf;
use std::sync::{Arc, Mutex};
use std::time::Duration;

use anyhow::{Context, Result, bail};

use crate::child::Child;
use crate::external;
use crate::http;
use crate::install::RegistryFiles;
use crate::ports::free_port;
use crate::run_dir::make_dir;

const START: Duration = Duration::from_secs(90);
const STOP: Duration = Duration::from_secs(30);

#[derive(Debug, Clone, Default)]
pub struct RegistryOptions {
    /// Names its folder and log.
    pub name: Option<String>,
    /// Keeps schemas in this Kafka (bootstrap servers), so that they survive a restart; else in memory.
    pub kafka: Option<String>,
}

impl RegistryOptions {
    pub fn named(name: impl Into<String>) -> Self {
        Self { name: Some(name.into()), ..Self::default() }
    }
}

#[derive(Debug)]
pub struct Registry {
    url: String,
    own: Option<Own>,
}

#[derive(Debug)]
struct Own {
    port: u16,
    dir: PathBuf,
    files: RegistryFiles,
    kafka: Option<String>,
    child: Mutex<Option<Arc<Child>>>,
}

impl Registry {
    /// Starts a new, empty registry; or takes the one that `STRAIT_LAB_REGISTRY` names.
    pub async fn start(options: RegistryOptions) -> Result<Self> {
        if let Some(url) = external::registry() {
            http::ok(&format!("{url}/subjects")).await.context("ask STRAIT_LAB_REGISTRY for its subjects")?;
            return Ok(Self { url, own: None });
        }
        let files =
            tokio::task::spawn_blocking(RegistryFiles::install).await?.context("install the registry")?;
        let dir = make_dir(options.name.as_deref().unwrap_or("registry"))?;
        let port = free_port()?;
        let own = Own { port, dir, files, kafka: options.kafka, child: Mutex::new(None) };
        let registry = Self { url: format!("http://127.0.0.1:{port}{}", Self::PATH), own: Some(own) };
        registry.boot().await?;
        Ok(registry)
    }

    /// Where Confluent's API begins.
    pub const PATH: &str = "/apis/ccompat/v7";

    /// "http://127.0.0.1:port/apis/ccompat/v7"
    pub fn url(&self) -> &str {
        &self.url
    }

    /// "127.0.0.1:port", for a proxy.
    pub fn address(&self) -> String {
        let rest = self.url.trim_start_matches("http://");
        rest.split('/').next().unwrap_or(rest).to_owned()
    }

    /// Starts it after a stop or a kill.
    pub async fn boot(&self) -> Result<()> {
        let own = self.own()?;
        let storage = own.kafka.iter().flat_map(|kafka| {
            [
                "-Dapicurio.storage.kind=kafkasql".to_owned(),
                format!("-Dapicurio.kafkasql.bootstrap.servers={kafka}"),
            ]
        });
        let mut command = own.files.server(own.port, &storage.collect::<Vec<_>>());
        let child = Child::spawn(command.current_dir(&own.dir), &own.dir.join("registry.log"))?;
        let child = Arc::new(child);
        *own.child.lock().expect("no one panics with it") = Some(Arc::clone(&child));
        let subjects = format!("{}/subjects", self.url);
        let answered = async {
            while http::ok(&subjects).await.is_err() {
                tokio::time::sleep(Duration::from_millis(50)).await;
            }
        };
        let started = tokio::select! {
            () = answered => true,
            _ = child.wait(START) => false,
        };
        if !started {
            bail!("the registry did not start ({}); its last words:\n{}", self.url, child.last_words());
        }
        Ok(())
    }

    pub async fn stop(&self) -> Result<()> {
        self.child()?.stop(STOP).await?;
        Ok(())
    }

    pub async fn kill9(&self) -> Result<()> {
        self.child()?.kill9().await
    }

    pub fn freeze(&self) -> Result<()> {
        self.child()?.freeze()
    }

    pub fn thaw(&self) -> Result<()> {
        self.child()?.thaw()
    }

    fn own(&self) -> Result<&Own> {
        self.own.as_ref().context("the registry comes from STRAIT_LAB_REGISTRY: the lab did not start it")
    }

    fn child(&self) -> Result<Arc<Child>> {
        let child = self.own()?.child.lock().expect("no one panics with it");
        child.clone().context("it has never been started")
    }
}
