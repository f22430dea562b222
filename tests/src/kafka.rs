//! A Kafka cluster of this process: one node, or three that replicate.
//!
//! Each node has two doors for clients: LOCAL, and WAN, whose advertised address is a proxy's. A client
//! that came through the proxy is told the proxy's addresses for all nodes, so all it does stays on the
//! slow link, as between datacentres.

mod node;
mod options;

use std::fs;
use std::path::PathBuf;
use std::sync::Arc;
use std::time::Duration;

use anyhow::{Context, Result, bail, ensure};
use rdkafka::admin::{
    AdminClient, AdminOptions, AlterConfig, NewPartitions, NewTopic, ResourceSpecifier, TopicReplication,
};
use rdkafka::client::DefaultClientContext;
use rdkafka::consumer::{BaseConsumer, Consumer};
use rdkafka::{ClientConfig, Offset, TopicPartitionList};

use crate::child::{Child, Usage};
use crate::external;
use crate::install::KafkaFiles;
use crate::proxy::Proxy;
use node::{Node, random_id};
pub use options::KafkaOptions;

const START: Duration = Duration::from_secs(90);
const STOP: Duration = Duration::from_secs(30);

#[derive(Debug)]
pub struct Kafka {
    bootstrap: String,
    nodes: Vec<Node>,
    files: Option<KafkaFiles>,
    java_args: Vec<String>,
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

    /// Gives a topic more partitions.
    pub async fn grow(&self, topic: &str, partitions: usize) -> Result<()> {
        let admin: AdminClient<DefaultClientContext> = self.client().create()?;
        let wish = NewPartitions::new(topic, partitions);
        let results = admin.create_partitions([&wish], &AdminOptions::new()).await?;
        results.into_iter().try_for_each(|result| match result {
            Ok(_) => Ok(()),
            Err((topic, code)) => bail!("give {topic} {partitions} partitions: {code}"),
        })
    }

    /// Changes a setting of a topic.
    pub async fn configure(&self, topic: &str, name: &str, value: &str) -> Result<()> {
        let admin: AdminClient<DefaultClientContext> = self.client().create()?;
        let change = AlterConfig::new(ResourceSpecifier::Topic(topic)).set(name, value);
        let results = admin.alter_configs([&change], &AdminOptions::new()).await?;
        results.into_iter().try_for_each(|result| match result {
            Ok(_) => Ok(()),
            Err((_, code)) => bail!("set {name} of {topic}: {code}"),
        })
    }

    /// Records before this offset go, as after their retention.
    pub async fn delete_records(&self, topic: &str, partition: i32, before: i64) -> Result<()> {
        let admin: AdminClient<DefaultClientContext> = self.client().create()?;
        let mut list = TopicPartitionList::new();
        list.add_partition_offset(topic, partition, Offset::Offset(before))?;
        let deleted = admin.delete_records(&list, &AdminOptions::new()).await?;
        deleted.elements().iter().try_for_each(|it| Ok(it.error()?))
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
