//! A Kafka cluster of this process: one node, or three that replicate.
//!
//! Each node has two doors for clients: LOCAL, and WAN, whose advertised address is a proxy's. A client
//! that came through the proxy is told the proxy's addresses for all nodes, so all it does stays on the
//! slow link, as between datacentres.

use std::collections::BTreeMap;
use std::fmt::Write as _;
use std::fs;
use std::path::PathBuf;
use std::sync::{Arc, Mutex};
use std::time::Duration;

use anyhow::{Context, Result, bail, ensure};
use base64::Engine as _;
use rdkafka::ClientConfig;
use rdkafka::admin::{AdminClient, AdminOptions, NewTopic, TopicReplication};
use rdkafka::client::DefaultClientContext;
use rdkafka::consumer::{BaseConsumer, Consumer};

use crate::child::{Child, Usage};
use crate::external;
use crate::install::KafkaFiles;
use crate::ports::free_port;
use crate::proxy::{Latency, Proxy};
use crate::run_dir::make_dir;

const START: Duration = Duration::from_secs(90);
const STOP: Duration = Duration::from_secs(30);

#[derive(Debug, Clone)]
pub struct KafkaOptions {
    /// Names its folders and logs.
    pub name: String,
    /// 1 or 3.
    pub nodes: usize,
    /// Of the link to the WAN door; `None`: no such door.
    pub wan: Option<Latency>,
    /// A node that was killed is back in 3 s instead of 13, but a starved one fences itself.
    pub fast_failover: bool,
    /// The compiler that the JVM needs to be fast, and more memory.
    pub fast_code: bool,
    /// Server properties, which win over the lab's.
    pub properties: BTreeMap<String, String>,
}

impl Default for KafkaOptions {
    fn default() -> Self {
        Self {
            name: "kafka".to_owned(),
            nodes: 1,
            wan: None,
            fast_failover: false,
            fast_code: false,
            properties: BTreeMap::new(),
        }
    }
}

impl KafkaOptions {
    pub fn named(name: impl Into<String>) -> Self {
        Self { name: name.into(), ..Self::default() }
    }

    #[must_use]
    pub fn wan(mut self, latency: Latency) -> Self {
        self.wan = Some(latency);
        self
    }

    #[must_use]
    pub fn property(mut self, key: impl Into<String>, value: impl Into<String>) -> Self {
        self.properties.insert(key.into(), value.into());
        self
    }
}

#[derive(Debug)]
pub struct Kafka {
    bootstrap: String,
    nodes: Vec<Node>,
    files: Option<KafkaFiles>,
    java_args: Vec<String>,
}

/// One broker, controller too.
#[derive(Debug)]
struct Node {
    id: usize,
    local: u16,
    wan: Option<Proxy>,
    wan_port: u16,
    controller: u16,
    directory_id: String,
    dir: PathBuf,
    child: Mutex<Option<Arc<Child>>>,
}

impl Kafka {
    /// Starts a new, empty cluster; or takes the one that `STRAIT_LAB_KAFKA` names.
    pub async fn start(options: KafkaOptions) -> Result<Self> {
        if let Some(bootstrap) = external::kafka() {
            ensure!(
                options.wan.is_none(),
                "STRAIT_LAB_KAFKA names running brokers, but a link with latency needs brokers that advertise it: unset it"
            );
            let kafka = Self { bootstrap, nodes: Vec::new(), files: None, java_args: Vec::new() };
            kafka.answering(Duration::from_secs(20)).await?;
            return Ok(kafka);
        }
        ensure!(
            matches!(options.nodes, 1 | 3),
            "a cluster of the lab has 1 or 3 nodes, not {}",
            options.nodes
        );
        let files = tokio::task::spawn_blocking(KafkaFiles::install).await?.context("install Kafka")?;
        let mut nodes = Vec::new();
        for id in 1..=options.nodes {
            nodes.push(Node::new(id, &options).await?);
        }
        let bootstrap =
            nodes.iter().map(|node| format!("127.0.0.1:{}", node.local)).collect::<Vec<_>>().join(",");
        let java_args = if options.fast_code {
            vec!["-Xmx1g".to_owned()]
        } else {
            vec!["-Xmx256m".to_owned(), "-XX:TieredStopAtLevel=1".to_owned()]
        };
        let kafka = Self { bootstrap, nodes, files: Some(files), java_args };
        kafka.format(&options).await?;
        for node in &kafka.nodes {
            kafka.spawn(node)?;
        }
        kafka.started().await?;
        Ok(kafka)
    }

    async fn format(&self, options: &KafkaOptions) -> Result<()> {
        let cluster_id = random_id();
        let controllers = (self.nodes.len() > 1).then(|| {
            let one =
                |node: &Node| format!("{}@127.0.0.1:{}:{}", node.id, node.controller, node.directory_id);
            self.nodes.iter().map(one).collect::<Vec<_>>().join(",")
        });
        let mut formats = Vec::new();
        for node in &self.nodes {
            let properties = node.dir.join("server.properties");
            fs::write(&properties, node.properties(&self.nodes, options))?;
            let (files, cluster_id, controllers) =
                (self.files()?.clone(), cluster_id.clone(), controllers.clone());
            formats.push(tokio::task::spawn_blocking(move || {
                files.format(&cluster_id, &properties, controllers.as_deref())
            }));
        }
        for format in formats {
            format.await?.context("format a broker's storage")?;
        }
        Ok(())
    }

    fn spawn(&self, node: &Node) -> Result<()> {
        let mut command = self.files()?.class("kafka.Kafka", &self.java_args);
        command.arg(node.dir.join("server.properties")).current_dir(&node.dir);
        let child = Child::spawn(&command, &node.dir.join("kafka.log"))?;
        *node.child.lock().expect("no one panics with it") = Some(Arc::new(child));
        Ok(())
    }

    async fn started(&self) -> Result<()> {
        let ended = async {
            loop {
                for node in &self.nodes {
                    let child = node.child()?;
                    if child.exited().is_some() {
                        bail!(
                            "broker {} ended at its start; its last words:\n{}",
                            node.id,
                            child.last_words()
                        );
                    }
                }
                tokio::time::sleep(Duration::from_millis(50)).await;
            }
        };
        tokio::select! {
            ended = ended => ended,
            started = self.answering(START) => started.with_context(|| {
                let words = self.nodes.iter().filter_map(|node| Some(node.child().ok()?.last_words()));
                format!("Kafka did not start; its last words:\n{}", words.collect::<Vec<_>>().join("\n"))
            }),
        }
    }

    /// Waits until all nodes are known to each of the listed ones, and the cluster takes topics.
    async fn answering(&self, at_most: Duration) -> Result<()> {
        let mut config = self.client();
        let expected = self.nodes.len().max(1);
        config.set("socket.connection.setup.timeout.ms", "2000").set("reconnect.backoff.max.ms", "100");
        tokio::task::spawn_blocking(move || {
            let client: BaseConsumer = config.create()?;
            let until = std::time::Instant::now() + at_most;
            loop {
                let seen = match client.fetch_metadata(None, Duration::from_millis(500)) {
                    Ok(metadata) if metadata.brokers().len() >= expected => return Ok(()),
                    Ok(metadata) => format!("{} of {expected} brokers", metadata.brokers().len()),
                    Err(error) => error.to_string(),
                };
                ensure!(std::time::Instant::now() < until, "not within {at_most:?}; last seen: {seen}");
            }
        })
        .await?
    }

    /// Of the LOCAL doors: "127.0.0.1:port[,...]".
    pub fn bootstrap(&self) -> &str {
        &self.bootstrap
    }

    /// Of the WAN doors, through the proxies.
    pub fn wan_bootstrap(&self) -> Result<String> {
        ensure!(self.links().next().is_some(), "this cluster was started without a WAN door");
        Ok(self.links().map(Proxy::address).collect::<Vec<_>>().join(","))
    }

    /// The links to the WAN doors, one a node.
    pub fn links(&self) -> impl Iterator<Item = &Proxy> {
        self.nodes.iter().filter_map(|node| node.wan.as_ref())
    }

    /// A client configuration with the LOCAL doors.
    pub fn client(&self) -> ClientConfig {
        let mut config = ClientConfig::new();
        config
            .set("bootstrap.servers", &self.bootstrap)
            .set("reconnect.backoff.ms", "20")
            .set("reconnect.backoff.max.ms", "500")
            .set("log_level", "2");
        config
    }

    /// Creates a topic and waits until its partitions have leaders.
    pub async fn create_topic(&self, name: &str, partitions: i32, config: &[(&str, &str)]) -> Result<()> {
        let admin: AdminClient<DefaultClientContext> = self.client().create()?;
        let replication = if self.nodes.len() == 3 { 3 } else { 1 };
        let mut topic = NewTopic::new(name, partitions, TopicReplication::Fixed(replication));
        for (key, value) in config {
            topic = topic.set(key, value);
        }
        let options = AdminOptions::new().operation_timeout(Some(Duration::from_secs(20)));
        let results = admin.create_topics([&topic], &options).await?;
        for result in results {
            result.map_err(|(topic, code)| anyhow::anyhow!("create topic {topic}: {code}"))?;
        }
        Ok(())
    }

    /// SIGKILL for one node, 0 being the first.
    pub async fn kill9(&self, node: usize) -> Result<()> {
        self.node(node)?.child()?.kill9().await
    }

    pub async fn stop(&self, node: usize) -> Result<()> {
        self.node(node)?.child()?.stop(STOP).await?;
        Ok(())
    }

    /// Starts a node that was stopped or killed, and waits until the cluster answers again.
    pub async fn boot(&self, node: usize) -> Result<()> {
        self.spawn(self.node(node)?)?;
        self.started().await
    }

    /// It keeps its connections and answers nothing.
    pub fn freeze(&self, node: usize) -> Result<()> {
        self.node(node)?.child()?.freeze()
    }

    /// The end of [`Kafka::freeze`].
    pub fn thaw(&self, node: usize) -> Result<()> {
        self.node(node)?.child()?.thaw()
    }

    pub fn usage(&self, node: usize) -> Result<Usage> {
        self.node(node)?.child()?.usage()
    }

    pub fn log(&self, node: usize) -> Result<PathBuf> {
        Ok(self.node(node)?.dir.join("kafka.log"))
    }

    fn node(&self, node: usize) -> Result<&Node> {
        self.nodes.get(node).with_context(|| match self.files {
            Some(_) => format!("the cluster has {} nodes, none numbered {node} from 0", self.nodes.len()),
            None => "the brokers come from STRAIT_LAB_KAFKA: the lab did not start them and cannot stop them"
                .to_owned(),
        })
    }

    fn files(&self) -> Result<&KafkaFiles> {
        self.files.as_ref().context("the brokers come from STRAIT_LAB_KAFKA")
    }
}

impl Node {
    async fn new(id: usize, options: &KafkaOptions) -> Result<Self> {
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

    fn child(&self) -> Result<Arc<Child>> {
        let child = self.child.lock().expect("no one panics with it");
        child.clone().with_context(|| format!("broker {} has never been started", self.id))
    }

    fn properties(&self, cluster: &[Node], options: &KafkaOptions) -> String {
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
fn random_id() -> String {
    let bytes = fastrand::u128(..).to_be_bytes();
    let id = base64::engine::general_purpose::URL_SAFE_NO_PAD.encode(bytes);
    if id.starts_with('-') { random_id() } else { id }
}
