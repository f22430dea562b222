//! The connector's configuration. Five values have no default: the source, its password, Kafka, the
//! registry and the prefix; everything else is chosen so that a connector started with these five is right.

use std::{collections::BTreeMap, path::PathBuf, time::Duration};

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};
use strait_mysql::server::{Flavor, ServerOptions, Tls, TlsMode};
use strait_service::{
    Finding, List, Options, Period, Secret, Size,
    config::{Settings, refuse},
    http, log, registry, retry,
};

use crate::{filter::Filter, first_place, mapping::Types, routing::Routing};

/// Everything a connector is told.
#[derive(Debug, Clone, Default, Serialize, Deserialize, JsonSchema)]
#[serde(default, deny_unknown_fields)]
pub struct Config {
    /// First part of every topic name, and the connector's identity: its position and its transactional id
    /// hang on it, so it is never changed and never shared. At most 64 of the characters a-z A-Z 0-9 . _ -
    pub prefix: String,
    /// Name of the site whose changes these are, for the header `strait.origin`. Default: the prefix.
    pub site: Option<String>,
    pub source: Source,
    /// Which databases are published. The server's own (mysql, sys, information_schema, performance_schema) and `strait` never are.
    pub database: Choice,
    /// Which tables are published: names of the form `database.table`.
    pub table: Choice,
    pub column: Column,
    pub rows: Rows,
    pub kafka: Kafka,
    pub topics: Topics,
    pub registry: registry::Config,
    pub schema: Schema,
    pub types: Types,
    pub publish: Publish,
    pub snapshot: Snapshot,
    pub signal: Signal,
    pub retry: retry::Config,
    pub log: log::Config,
    pub http: http::Config,
}

/// The MySQL server to stream from.
#[derive(Debug, Clone, Serialize, Deserialize, JsonSchema)]
#[serde(default, deny_unknown_fields)]
pub struct Source {
    /// Host name or address.
    pub host: String,
    /// TCP port.
    pub port: u16,
    /// Unix socket in place of host and port.
    pub socket: Option<PathBuf>,
    /// Account; it needs REPLICATION SLAVE and REPLICATION CLIENT, and SELECT where a table has no primary key.
    pub user: String,
    /// The account's password.
    pub password: Option<Secret>,
    /// Encryption of the connection: "disabled", "preferred", "required", "verify-ca" or "verify-identity".
    pub tls: TlsChoice,
    /// PEM file of the certificate authorities that sign the server's certificate.
    pub tls_ca: Option<PathBuf>,
    /// PEM file of the client's certificate, for accounts that REQUIRE X509.
    pub tls_certificate: Option<PathBuf>,
    /// PEM file of the client's key.
    pub tls_key: Option<PathBuf>,
    /// Replica id shown to the server; no other replica of it may use the same. Default: a number between
    /// 1,000,000,000 and 1,999,999,999 made from the prefix.
    pub server_id: Option<u32>,
    /// How the place in the binary log is kept: "gtid", or "file" (file and position) for a server with
    /// GTIDs off. With "file" a failover to another server cannot be followed, and nobody can tell whether
    /// the server still has everything that was published.
    pub position: PositionMode,
    /// Where the very first start begins, after that the position is in Kafka: "now", "earliest" (what the
    /// server still has), or a GTID set that the readers of the topics already have ("file:position", such
    /// as "binlog.000003:157", with position = "file").
    pub start: String,
    /// The server says so often that it has nothing to send; three times this without a word and the
    /// connection is given up (longer at the next try, for a large event over a slow link is silence, too). Bounds the lag that is shown for an idle source.
    pub heartbeat: Period,
    /// Bounds logging in.
    pub connect_timeout: Period,
    /// How long to wait for the server to execute what was already streamed from it, before a crash that
    /// lost transactions is assumed.
    pub executed_timeout: Period,
    /// Compress the connection (zlib): for a slow link to the source.
    pub compress: bool,
}

impl Default for Source {
    fn default() -> Self {
        Self {
            host: String::new(),
            port: 3306,
            socket: None,
            user: String::new(),
            password: None,
            tls: TlsChoice::Preferred,
            tls_ca: None,
            tls_certificate: None,
            tls_key: None,
            server_id: None,
            position: PositionMode::Gtid,
            start: "now".into(),
            heartbeat: Period::seconds(1),
            connect_timeout: Period::seconds(10),
            executed_timeout: Period::seconds(60),
            compress: false,
        }
    }
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "kebab-case")]
pub enum TlsChoice {
    Disabled,
    Preferred,
    Required,
    VerifyCa,
    VerifyIdentity,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "lowercase")]
pub enum PositionMode {
    Gtid,
    File,
}

/// What is published, by name: Debezium's lists of regular expressions. Each matches a whole name, upper and lower case
/// alike; a dot in a name is written `\\.`, or as it is, which means any character. Given as a list, or as one text with commas between.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(default, deny_unknown_fields)]
pub struct Choice {
    pub include: Lists,
    pub exclude: Lists,
}

/// One of the two may be set.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(default, deny_unknown_fields)]
pub struct Lists {
    /// Patterns of names: of databases, `database.table`, `database.table.column`. Include: only these, all if there are none. Exclude: not these.
    pub list: List,
}

/// Which columns are published, and as what. Never a column of the key that rows are found by: that is refused.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(default, deny_unknown_fields)]
pub struct Column {
    pub include: Lists,
    pub exclude: Lists,
    /// Columns of characters that are published as something else: `with.10.chars` (so many asterisks) or
    /// `hash.v2.SHA-256.with.salt.<salt>` (or SHA-512), each with a list of patterns. NULL stays NULL.
    pub mask: BTreeMap<String, List>,
    /// Columns of characters of which the beginning is published: `to.20.chars`, with a list of patterns.
    pub truncate: BTreeMap<String, List>,
}

/// Which rows are published.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(default, deny_unknown_fields)]
pub struct Rows {
    /// For a pattern of tables (`database\\.table`) a condition as in SQL's WHERE, on the row's own columns. An update that brings a
    /// row to where it holds is published as its creation, one that takes it away as its deletion.
    pub filter: BTreeMap<String, String>,
}

/// The Kafka cluster to publish to.
#[derive(Debug, Clone, Serialize, Deserialize, JsonSchema)]
#[serde(default, deny_unknown_fields)]
pub struct Kafka {
    /// Bootstrap servers, "host:port" with commas between.
    pub brokers: String,
    /// Compression of the record batches: "none", "lz4", "snappy", "gzip". lz4 costs the least.
    pub compression: String,
    /// Records wait so long for others to share a request with. Part of every record's latency.
    pub linger: Period,
    /// Bound of the bytes that wait for Kafka's acknowledgement: a part of the memory budget.
    pub buffer: Size,
    /// Bound of the number of records that wait for Kafka's acknowledgement; each costs some 300 bytes
    /// beside its own.
    pub buffer_records: u32,
    /// A record that is not acknowledged within this ends the Kafka transaction, and everything starts again.
    pub delivery_timeout: Period,
    /// Kafka gives up a transaction whose connector is silent for so long; until then readers wait. Between
    /// the delivery timeout and the broker's transaction.max.timeout.ms.
    pub transaction_timeout: Period,
    /// librdkafka's own options, passed on as they are and last (so they win): security, sockets, ...
    pub options: Options,
}

impl Default for Kafka {
    fn default() -> Self {
        Self {
            brokers: String::new(),
            compression: "lz4".into(),
            linger: Period::millis(1),
            buffer: Size::mib(8),
            buffer_records: 10_000,
            delivery_timeout: Period::seconds(30),
            transaction_timeout: Period::seconds(60),
            options: Options::default(),
        }
    }
}

/// How missing topics are created.
#[derive(Debug, Clone, Serialize, Deserialize, JsonSchema)]
#[serde(default, deny_unknown_fields)]
pub struct Topics {
    /// Create topics that do not exist; with false a missing one halts the connector with the command.
    pub create: bool,
    /// Partitions of a data topic. Bounds how far its reading can be spread; order by transaction holds
    /// whatever the number.
    pub partitions: u32,
    /// Replicas of each partition; without it the broker's default.replication.factor.
    pub replication: Option<u16>,
    /// For a pattern of tables (`database\\.table`) what follows the prefix and a dot in its topic's name; $1 is the pattern's first
    /// group. Two tables never share a topic.
    pub names: BTreeMap<String, String>,
    /// For a pattern of tables the columns that choose the partition, which must be part of the key: so that the rows of one
    /// customer, say, lie in one partition. Not set: the whole key.
    pub partition_by: BTreeMap<String, List>,
    /// How long data and spine are kept; without it the broker's own. A sink that is away for longer must
    /// be loaded anew.
    pub retention: Option<Period>,
}

impl Default for Topics {
    fn default() -> Self {
        let (names, partition_by) = (BTreeMap::new(), BTreeMap::new());
        Self { create: true, partitions: 4, replication: None, names, partition_by, retention: None }
    }
}

/// How rows are written.
#[derive(Debug, Clone, Serialize, Deserialize, JsonSchema)]
#[serde(default, deny_unknown_fields)]
pub struct Schema {
    /// "avro" (schemas in the registry), "json" (the schema in each record) or "json-schemaless": Debezium's envelope. "maxwell" or "canal":
    /// their flat JSON, for consumers that read it already; our own sink does not.
    pub format: Format,
    /// "none": the connector sets its own subjects to NONE, for an ALTER has already happened when it is
    /// seen. "keep": the registry's own level holds, and a schema that it refuses halts the connector.
    pub compatibility: Compatibility,
    /// Debezium's schema-change records on the topic <prefix> (its include.schema.changes). Our own sink does not need
    /// them.
    pub changes: bool,
}

impl Default for Schema {
    fn default() -> Self {
        Self { format: Format::default(), compatibility: Compatibility::default(), changes: true }
    }
}

#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "kebab-case")]
pub enum Format {
    #[default]
    Avro,
    Json,
    JsonSchemaless,
    Maxwell,
    Canal,
}

impl Format {
    /// Whether it is another tool's form of a row, not Debezium's envelope.
    pub fn is_flat(self) -> bool {
        matches!(self, Self::Maxwell | Self::Canal)
    }
}

#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "lowercase")]
pub enum Compatibility {
    #[default]
    None,
    Keep,
}

/// Rows that the source held before it was streamed from.
#[derive(Debug, Clone, Serialize, Deserialize, JsonSchema)]
#[serde(default, deny_unknown_fields)]
pub struct Snapshot {
    /// At the very first start with source.start = "now": "initial" publishes the rows that are there, while the
    /// stream goes on; "schema-only" the tables' definitions only; "never" nothing. It needs SELECT on what is
    /// published; where source.position = "file" is MySQL, also the table strait.watermark, which the refusal tells how to
    /// make. "when-needed" (with GTIDs) is "initial", and brings everything anew, in a new generation of the log, when the
    /// source has purged binary logs that were not read yet; the others halt then.
    pub mode: SnapshotMode,
    /// Tables that are read at the same time, each on a connection of its own.
    pub readers: u16,
    /// Most rows of a chunk; how many it has is found by the time that reading them takes.
    pub chunk_rows: u32,
    /// Most bytes of a chunk in memory; one row may exceed it alone. Each reader holds up to three.
    pub chunk_bytes: Size,
}

impl Default for Snapshot {
    fn default() -> Self {
        Self { mode: SnapshotMode::Initial, readers: 2, chunk_rows: 5_000, chunk_bytes: Size::mib(2) }
    }
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "kebab-case")]
pub enum SnapshotMode {
    Initial,
    WhenNeeded,
    Never,
    SchemaOnly,
}

/// How an operator asks a running connector for something: snapshots of tables, above all. Debezium's signals.
#[derive(Debug, Clone, Default, Serialize, Deserialize, JsonSchema)]
#[serde(default, deny_unknown_fields)]
pub struct Signal {
    pub data: SignalTable,
    pub kafka: SignalTopic,
}

#[derive(Debug, Clone, Default, Serialize, Deserialize, JsonSchema)]
#[serde(default, deny_unknown_fields)]
pub struct SignalTable {
    /// Table of the source, `database.table`, whose inserted rows (id, type, data: three columns of characters) are
    /// signals. Default: none.
    pub collection: Option<String>,
}

#[derive(Debug, Clone, Default, Serialize, Deserialize, JsonSchema)]
#[serde(default, deny_unknown_fields)]
pub struct SignalTopic {
    /// Topic whose records with the key <prefix> are signals; `strait-connector snapshot` writes there. It has one
    /// partition. Default: <prefix>-signal
    pub topic: Option<String>,
}

/// When transactions become visible to readers.
#[derive(Debug, Clone, Serialize, Deserialize, JsonSchema)]
#[serde(default, deny_unknown_fields)]
pub struct Publish {
    /// "auto": at once, but under semi-synchronous AFTER_SYNC only once the server has executed the
    /// transaction, so that a failover never lacks what was published. "immediately" or "executed" settle it.
    pub when: When,
    /// Under load a Kafka transaction is committed this often; without load as soon as nothing more waits.
    pub interval: Period,
    /// Under load a Kafka transaction is committed after so many bytes of records.
    pub bytes: Size,
    /// Bound of the bytes read from the source and not yet looked at. One event may exceed it alone.
    pub channel: Size,
    /// Debezium's transaction block in each envelope, and its topic <prefix>.transaction.
    pub transaction_metadata: bool,
    /// Debezium's heartbeat topic __debezium-heartbeat.<prefix>, written while the source is idle.
    pub heartbeat_topic: bool,
    /// Transactions that our own sink wrote are not published again where their origin is one of these
    /// sites; empty: whatever the origin. In a chain A -> B -> C the connector at B names C only.
    pub skip_origins: List,
    /// How often an idle connector says so in the spine, and the longest time by which the stored position
    /// lags when only filtered transactions pass.
    pub heartbeat_interval: Period,
}

impl Default for Publish {
    fn default() -> Self {
        Self {
            when: When::Auto,
            interval: Period::millis(200),
            bytes: Size::mib(32),
            channel: Size::mib(4),
            transaction_metadata: false,
            heartbeat_topic: true,
            skip_origins: List::default(),
            heartbeat_interval: Period::seconds(1),
        }
    }
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "lowercase")]
pub enum When {
    Auto,
    Immediately,
    Executed,
}

impl Settings for Config {
    fn log(&self) -> &log::Config {
        &self.log
    }
    fn http(&self) -> &http::Config {
        &self.http
    }

    /// What no start could work with.
    fn validate(&self) -> Vec<Finding> {
        let mut findings = Vec::new();
        let mut refuse_if = |wrong: bool, key: &str, cause: &str, remedy: &str| {
            if wrong {
                findings.push(refuse(key, cause, remedy));
            }
        };
        let plain = |c: char| c.is_ascii_alphanumeric() || matches!(c, '.' | '_' | '-');
        refuse_if(
            self.prefix.is_empty(),
            "prefix",
            "no prefix is given",
            "choose a short name for this source: --prefix beijing",
        );
        refuse_if(
            self.prefix.len() > 64 || !self.prefix.chars().all(plain),
            "prefix",
            "the prefix cannot be part of a topic name",
            "use at most 64 of the characters a-z A-Z 0-9 . _ -",
        );
        let no_host = self.source.host.is_empty() && self.source.socket.is_none();
        refuse_if(no_host, "source.host", "no source is given", "--source mysql://user@host:3306");
        refuse_if(
            self.source.user.is_empty(),
            "source.user",
            "no account for the source is given",
            "--source mysql://user@host:3306",
        );
        refuse_if(
            self.kafka.brokers.is_empty(),
            "kafka.brokers",
            "no Kafka brokers are given",
            "--kafka host:9092",
        );
        refuse_if(
            self.schema.format == Format::Avro && self.registry.url.is_empty(),
            "registry.url",
            "Avro needs a schema registry, and none is given",
            "--registry http://host:8081, or schema.format = \"json\"",
        );
        refuse_if(
            self.topics.partitions == 0,
            "topics.partitions",
            "a topic needs a partition",
            "topics.partitions = 4",
        );
        refuse_if(
            self.kafka.transaction_timeout < self.kafka.delivery_timeout,
            "kafka.transaction_timeout",
            "Kafka would give up transactions whose records may still be delivered",
            "make it longer than kafka.delivery_timeout",
        );
        refuse_if(
            self.source.position == PositionMode::File && self.publish.when == When::Executed,
            "publish.when",
            "without GTIDs the server cannot say whether it has executed a transaction",
            "publish.when = \"immediately\", or turn GTIDs on and use source.position = \"gtid\"",
        );
        if let Err((cause, remedy)) = first_place::ensure_form(&self.source) {
            findings.push(refuse("source.start", cause, remedy));
        }
        findings.extend(Filter::new(self).err().into_iter().flatten());
        findings.extend(Routing::new(&self.topics).err().into_iter().flatten());
        findings
    }
}

impl Config {
    /// Whether a very first start begins a snapshot: not where the readers are said to have something already.
    pub fn snapshot_begins(&self) -> bool {
        self.snapshot.mode != SnapshotMode::Never && self.source.start.trim() == "now"
    }

    /// Whether a snapshot writes rows to `strait.watermark` at the source: at a MySQL without GTIDs.
    pub fn writes_watermarks(&self, flavor: Flavor) -> bool {
        flavor == Flavor::Mysql && self.source.position == PositionMode::File
    }

    /// Where signals are read from.
    pub fn signal_topic(&self) -> String {
        self.signal.kafka.topic.clone().unwrap_or_else(|| format!("{}-signal", self.prefix))
    }

    /// The header `strait.origin` of changes made at the source itself.
    pub fn site(&self) -> &str {
        self.site.as_deref().unwrap_or(&self.prefix)
    }

    pub fn server_id(&self) -> u32 {
        self.source
            .server_id
            .unwrap_or_else(|| 1_000_000_000 + crc32fast::hash(self.prefix.as_bytes()) % 1_000_000_000)
    }

    pub fn transactional_id(&self) -> String {
        format!("strait-connector-{}", self.prefix)
    }

    pub fn server_options(&self) -> ServerOptions {
        let source = &self.source;
        let mut options = ServerOptions::new(source.host.clone(), source.port, source.user.clone());
        if let Some(password) = &source.password {
            options = options.with_password(password.reveal());
        }
        if let Some(socket) = &source.socket {
            options = options.with_socket(socket);
        }
        options.connect_timeout = source.connect_timeout.duration();
        options.compress = source.compress;
        options.with_tls(Tls {
            mode: match source.tls {
                TlsChoice::Disabled => TlsMode::Disabled,
                TlsChoice::Preferred => TlsMode::Preferred,
                TlsChoice::Required => TlsMode::Required,
                TlsChoice::VerifyCa => TlsMode::VerifyCa,
                TlsChoice::VerifyIdentity => TlsMode::VerifyIdentity,
            },
            ca: source.tls_ca.clone(),
            certificate: source.tls_certificate.clone(),
            key: source.tls_key.clone(),
            server_name: None,
        })
    }

    pub fn heartbeat(&self) -> Duration {
        self.source.heartbeat.duration()
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use strait_service::Endpoint;

    fn five_values() -> Config {
        Config {
            prefix: "beijing".into(),
            source: Source { host: "db".into(), user: "repl".into(), ..Source::default() },
            kafka: Kafka { brokers: "kafka:9092".into(), ..Kafka::default() },
            registry: registry::Config {
                url: Endpoint::new("http://registry:8081"),
                ..registry::Config::default()
            },
            ..Config::default()
        }
    }

    #[test]
    fn five_values_are_enough() {
        assert_eq!(five_values().validate(), []);
    }

    #[test]
    fn each_missing_or_wrong_value_is_named_with_its_remedy() {
        let cases: [(fn(&mut Config), &str, &str); 7] = [
            (|c| c.prefix.clear(), "setting prefix", "--prefix"),
            (|c| c.prefix = "a b".into(), "setting prefix", "characters"),
            (|c| c.source.host.clear(), "setting source.host", "--source"),
            (|c| c.source.user.clear(), "setting source.user", "--source"),
            (|c| c.kafka.brokers.clear(), "setting kafka.brokers", "--kafka"),
            (|c| c.registry.url = Endpoint::default(), "setting registry.url", "--registry"),
            (|c| c.source.start = "garbage".into(), "setting source.start", "\"earliest\""),
        ];
        for (spoil, place, remedy) in cases {
            let mut config = five_values();
            spoil(&mut config);
            let findings = config.validate();
            assert_eq!(findings.len(), 1, "{place}");
            assert!(findings[0].is_refusal() && findings[0].place == place, "{findings:?}");
            assert!(findings[0].remedy.contains(remedy), "{findings:?}");
        }
    }

    #[test]
    fn the_server_id_is_stable_and_settable() {
        let mut config = five_values();
        let made = config.server_id();
        assert_eq!(made, five_values().server_id());
        assert!((1_000_000_000..2_000_000_000).contains(&made));
        config.source.server_id = Some(7);
        assert_eq!(config.server_id(), 7);
    }
}
