//! One broker of a cluster: its ports, its folder, its configuration.

use std::collections::BTreeMap;
use std::fmt::Write as _;
use std::path::PathBuf;
use std::sync::{Arc, Mutex};

use anyhow::{Context, Result};
use base64::Engine as _;

use super::KafkaOptions;
use crate::child::Child;
use crate::ports::free_port;
use crate::proxy::Proxy;
use crate::run_dir::make_dir;

/// One broker, controller too.
#[derive(Debug)]
pub struct Node {
    pub id: usize,
    pub local: u16,
    pub wan: Option<Proxy>,
    wan_port: u16,
    pub controller: u16,
    pub directory_id: String,
    pub dir: PathBuf,
    pub child: Mutex<Option<Arc<Child>>>,
}

impl Node {
    pub async fn new(id: usize, options: &KafkaOptions) -> Result<Self> {
        let wan_port = free_port()?;
        let wan = match options.wan {
            Some(latency) => Some(Proxy::start(format!("127.0.0.1:{wan_port}"), latency).await?),
            None => None,
        };
        Ok(Self {
            id,
            local: free_port()?,
            wan,
            wan_port,
            controller: free_port()?,
            directory_id: random_id(),
            dir: make_dir(&options.name)?,
            child: Mutex::new(None),
        })
    }

    pub fn child(&self) -> Result<Arc<Child>> {
        let child = self.child.lock().expect("no one panics with it");
        child.clone().with_context(|| format!("broker {} has never been started", self.id))
    }

    pub fn properties(&self, cluster: &[Node], options: &KafkaOptions) -> String {
        let (local, wan, controller) = (self.local, self.wan_port, self.controller);
        let advertised = self.wan.as_ref().map_or(wan, Proxy::port);
        let quorum = cluster.iter().map(|node| format!("127.0.0.1:{}", node.controller)).collect::<Vec<_>>();
        let copies = cluster.len().to_string();
        let at_least = if cluster.len() == 3 { "2" } else { "1" };
        let (heartbeat, session) = if options.fast_failover { ("200", "1000") } else { ("500", "4000") };
        let mut properties = BTreeMap::from([
            ("process.roles", "broker,controller".to_owned()),
            ("node.id", self.id.to_string()),
            (
                "listeners",
                format!(
                    "LOCAL://127.0.0.1:{local},WAN://127.0.0.1:{wan},CONTROLLER://127.0.0.1:{controller}"
                ),
            ),
            ("advertised.listeners", format!("LOCAL://127.0.0.1:{local},WAN://127.0.0.1:{advertised}")),
            (
                "listener.security.protocol.map",
                "LOCAL:PLAINTEXT,WAN:PLAINTEXT,CONTROLLER:PLAINTEXT".to_owned(),
            ),
            ("inter.broker.listener.name", "LOCAL".to_owned()),
            ("controller.listener.names", "CONTROLLER".to_owned()),
            ("controller.quorum.bootstrap.servers", quorum.join(",")),
            ("log.dirs", self.dir.join("data").display().to_string()),
            ("default.replication.factor", copies.clone()),
            ("min.insync.replicas", at_least.to_owned()),
            ("offsets.topic.replication.factor", copies.clone()),
            ("transaction.state.log.replication.factor", copies.clone()),
            ("transaction.state.log.min.isr", at_least.to_owned()),
            ("share.coordinator.state.topic.replication.factor", copies),
            ("share.coordinator.state.topic.min.isr", at_least.to_owned()),
            ("offsets.topic.num.partitions", "4".to_owned()),
            ("transaction.state.log.num.partitions", "4".to_owned()),
            ("share.coordinator.state.topic.num.partitions", "1".to_owned()),
            ("auto.create.topics.enable", "false".to_owned()),
            ("group.initial.rebalance.delay.ms", "0".to_owned()),
            ("log.cleaner.dedupe.buffer.size", "4194304".to_owned()),
            ("broker.heartbeat.interval.ms", heartbeat.to_owned()),
            ("broker.session.timeout.ms", session.to_owned()),
        ]);
        for (key, value) in &options.properties {
            properties.insert(key, value.clone());
        }
        properties.iter().fold(String::new(), |mut text, (key, value)| {
            let _ = writeln!(text, "{key}={value}");
            text
        })
    }
}

/// Kafka's ids are 16 bytes in base64 for URLs; its own generator avoids a leading dash, too.
pub fn random_id() -> String {
    let bytes = fastrand::u128(..).to_be_bytes();
    let id = base64::engine::general_purpose::URL_SAFE_NO_PAD.encode(bytes);
    if id.starts_with('-') { random_id() } else { id }
}
