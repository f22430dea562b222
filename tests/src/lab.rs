//! The servers that all tests of one process share: booted at first use, each at most once. A test keeps
//! apart from the others by a database, topics and names of its own ([`fresh_name`]).

use anyhow::Result;
use tokio::sync::OnceCell;

use crate::kafka::{Kafka, KafkaOptions};
use crate::mysql::{MySql, MySqlOptions};
use crate::registry::{Registry, RegistryOptions};

pub use crate::mysql::fresh_name;

#[derive(Debug, Default)]
pub struct Lab {
    mysql: OnceCell<MySql>,
    target: OnceCell<MySql>,
    kafka: OnceCell<Kafka>,
    registry: OnceCell<Registry>,
}

static SHARED: Lab = Lab {
    mysql: OnceCell::const_new(),
    target: OnceCell::const_new(),
    kafka: OnceCell::const_new(),
    registry: OnceCell::const_new(),
};

impl Lab {
    /// The one of this process. Nothing is booted yet.
    pub fn shared() -> &'static Self {
        &SHARED
    }

    /// A server to read from, or the only one.
    pub async fn mysql(&self) -> Result<&MySql> {
        self.mysql.get_or_try_init(|| MySql::start(MySqlOptions::named("mysql"))).await
    }

    /// A second server, to apply to.
    pub async fn target(&self) -> Result<&MySql> {
        self.target.get_or_try_init(|| MySql::start(MySqlOptions::named("target"))).await
    }

    pub async fn kafka(&self) -> Result<&Kafka> {
        self.kafka.get_or_try_init(|| Kafka::start(KafkaOptions::named("kafka"))).await
    }

    pub async fn registry(&self) -> Result<&Registry> {
        self.registry.get_or_try_init(|| Registry::start(RegistryOptions::named("registry"))).await
    }
}
