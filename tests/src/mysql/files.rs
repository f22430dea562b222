//! The programs of either flavor.

use std::path::{Path, PathBuf};
use std::process::Command;

use anyhow::{Context, Result, bail};

use super::Flavor;
use crate::install::{MariaDbFiles, MySqlFiles};

#[derive(Debug, Clone)]
pub enum Files {
    MySql(MySqlFiles),
    MariaDb(MariaDbFiles),
}

impl Files {
    pub async fn install(flavor: Flavor) -> Result<Self> {
        tokio::task::spawn_blocking(move || match flavor {
            Flavor::MySql => MySqlFiles::install().map(Self::MySql).context("install MySQL"),
            Flavor::MariaDb => MariaDbFiles::install().map(Self::MariaDb).context("install MariaDB"),
        })
        .await?
    }

    pub fn with_keyring(self, dir: &Path) -> Result<Self> {
        match self {
            Self::MySql(files) => files.with_keyring(dir).map(Self::MySql).context("make a keyring"),
            Self::MariaDb(_) => bail!("the lab has keyrings for MySQL alone"),
        }
    }

    pub fn server(&self) -> Command {
        match self {
            Self::MySql(files) => files.server(),
            Self::MariaDb(files) => files.server(),
        }
    }

    pub fn tool(&self, name: &str) -> Command {
        match self {
            Self::MySql(files) => files.tool(name),
            Self::MariaDb(files) => files.tool(name),
        }
    }

    pub fn template(&self) -> PathBuf {
        match self {
            Self::MySql(files) => files.template.clone(),
            Self::MariaDb(files) => files.template.clone(),
        }
    }
}
