//! The sink's configuration. Five values have no default: the target, its password, Kafka, the registry and
//! the prefix; everything else is chosen so that a sink started with these five is right.

use std::{collections::BTreeMap, path::PathBuf};

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};
use strait_mysql::{
    ddl::Kind,
    gtid::GtidSet,
    server::{ServerOptions, Tls, TlsMode},
};
use strait_service::{
    Finding, Options, Period, Secret, Size,
    config::{Settings, refuse},
    http, log, registry, retry,
};

use crate::{ddl::is_never_applied, routes::Routes};

/// Everything a sink is told.
#[derive(Debug, Clone, Default, Serialize, Deserialize, JsonSchema)]
#[serde(default, deny_unknown_fields)]
pub struct Config {
    /// The connector's prefix: the first part of the names of the topics to apply.
    pub prefix: String,
    /// Name of the site whose changes these are, as it stands in `strait.lane`. Default: the prefix.
    pub origin: Option<String>,
    /// This sink's name: its progress hangs on (origin, name), so it is never changed, and never shared by two
    /// running sinks. Default: "main".
    pub name: Option<String>,
    /// "transaction": the source's transactions, whole and in their order, by one process. "key": the rows of each key in their order, by any
    /// number of processes that share the topics' partitions, of topics that Debezium wrote, too; one-way only (docs/operations.md).
    pub order: Order,
    pub keyed: Keyed,
    pub target: Target,
    pub kafka: Kafka,
    pub registry: registry::Config,
    pub route: Route,
    pub apply: Apply,
    pub snapshot: Snapshot,
    pub ddl: Ddl,
    /// Bound of the bytes of records read from Kafka and not yet applied: a part of the memory budget. About
    /// half as much again is held by the Kafka client.
    pub memory: Memory,
    pub retry: retry::Config,
    pub log: log::Config,
    pub http: http::Config,
}

#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "lowercase")]
pub enum Order {
    #[default]
    Transaction,
    Key,
}

/// What holds with `order = "key"` alone.
#[derive(Debug, Clone, Default, Serialize, Deserialize, JsonSchema)]
#[serde(default, deny_unknown_fields)]
pub struct Keyed {
    /// Tables are refused in which rows of different keys have to do with each other, as nothing orders them. These are applied to all the
    /// same: "foreign-keys" (nothing is checked; a parent's cascades are made when it goes), "unique-keys" (a value that changes hands is
    /// waited for, for a minute), "text-keys" (a primary key of which different texts may be equal at the target: no row may change its
    /// text to an equal one), "shared-tables" (several tables routed into one: no row may move from one to another).
    pub allow: Vec<Unordered>,
    /// The topics to apply, by name. Default: all of the prefix that hold rows.
    pub topics: Vec<String>,
}

/// Why rows of different keys have to do with each other.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "kebab-case")]
pub enum Unordered {
    ForeignKeys,
    UniqueKeys,
    TextKeys,
    SharedTables,
}

impl Unordered {
    pub const fn name(self) -> &'static str {
        match self {
            Self::ForeignKeys => "foreign-keys",
            Self::UniqueKeys => "unique-keys",
            Self::TextKeys => "text-keys",
            Self::SharedTables => "shared-tables",
        }
    }
}

/// The MySQL server to write to.
#[derive(Debug, Clone, Serialize, Deserialize, JsonSchema)]
#[serde(default, deny_unknown_fields)]
pub struct Target {
    /// Host name or address.
    pub host: String,
    /// TCP port.
    pub port: u16,
    /// Unix socket in place of host and port.
    pub socket: Option<PathBuf>,
    /// Account; it needs SELECT, INSERT, UPDATE, DELETE and TRIGGER on the applied tables and ALL on `strait`.*; for schema
    /// changes the rights to make them and REPLICATION_APPLIER; with SELECT on performance_schema it sees who holds a lock.
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
    /// Bounds logging in.
    pub connect_timeout: Period,
    /// A server that says nothing for so long to a statement or a COMMIT counts as lost; what became of it is
    /// found out by the start procedure.
    pub answer_timeout: Period,
    /// innodb_lock_wait_timeout of the lanes, in whole seconds. Where lock waits cannot be looked at, 1 s.
    pub lock_wait: Period,
}

impl Default for Target {
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
            connect_timeout: Period::seconds(10),
            answer_timeout: Period::seconds(60),
            lock_wait: Period::seconds(5),
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

/// The Kafka cluster to read from.
#[derive(Debug, Clone, Default, Serialize, Deserialize, JsonSchema)]
#[serde(default, deny_unknown_fields)]
pub struct Kafka {
    /// Bootstrap servers, "host:port" with commas between.
    pub brokers: String,
    /// librdkafka's own options, passed on as they are and last (so they win): security, sockets, ...
    pub options: Options,
}

/// Where rows go, if not to the table of the same name. Patterns are regular expressions over a whole name of the source's, upper and lower
/// case alike, a dot written `\\.`; $1 in what they lead to is their first group. Schema changes are made with the target's names
/// where that is sure to mean the same; otherwise the sink halts and shows them.
#[derive(Debug, Clone, Default, Serialize, Deserialize, JsonSchema)]
#[serde(default, deny_unknown_fields)]
pub struct Route {
    /// For a pattern of databases the target's database.
    pub databases: BTreeMap<String, String>,
    /// For a pattern of tables (`database\\.table`) the target's `database.table`. Several may lead to one, whose keys must then not meet: nothing
    /// but single rows is ever deleted there, not by a snapshot either.
    pub tables: BTreeMap<String, String>,
    /// For a pattern of columns (`database\\.table\\.column`, as the source names them) the column's name at the target.
    pub columns: BTreeMap<String, String>,
}

/// How rows are applied.
#[derive(Debug, Clone, Serialize, Deserialize, JsonSchema)]
#[serde(default, deny_unknown_fields)]
pub struct Apply {
    /// Where the very first start begins, after that progress is in the target: "first" (the oldest
    /// transaction in the topics), or a GTID set that the target already has (a backup's).
    pub start: String,
    /// Connections that apply in parallel. They commit in the source's order.
    pub lanes: u16,
    /// Source transactions are gathered to about so many rows a commit; under little load less.
    pub batch_rows: usize,
    /// And to about so many bytes.
    pub batch_bytes: Size,
    /// How rows are written: "sql"; "binlog" (as row events, by the statement BINLOG: faster, and cheaper for the server; the account needs
    /// REPLICATION_APPLIER, at MariaDB BINLOG REPLAY); "auto": "binlog" where the account may. What events cannot say is written in SQL all the same.
    pub path: ApplyPath,
    /// Write only the last state of a row that changes several times within a batch. With false every change
    /// is executed by itself, which an audit trigger at the target may want.
    pub fold: bool,
    /// Apply to tables with triggers that are not guarded by @strait_apply: each fires for what it has already
    /// done at the source.
    pub allow_triggers: bool,
    /// Apply to columns that have less room than the source's: a value that does not fit halts the sink when it comes. Without it such
    /// a table is refused before its first row.
    pub allow_narrower: bool,
    /// How often the offsets to begin reading at are saved. Only the length of a restart depends on it.
    pub offsets_interval: Period,
}

impl Default for Apply {
    fn default() -> Self {
        Self {
            start: "first".into(),
            lanes: 4,
            batch_rows: 1000,
            batch_bytes: Size::mib(2),
            path: ApplyPath::Sql,
            fold: true,
            allow_triggers: false,
            allow_narrower: false,
            offsets_interval: Period::seconds(5),
        }
    }
}

/// How rows are written.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "lowercase")]
pub enum ApplyPath {
    Auto,
    #[default]
    Sql,
    Binlog,
}

/// What becomes of the rows that a snapshot brings.
#[derive(Debug, Clone, Default, Serialize, Deserialize, JsonSchema)]
#[serde(default, deny_unknown_fields)]
pub struct Snapshot {
    /// "keep": a row that the target has stays as it is, and none is deleted: for a target that applications write to,
    /// too. "replace": the target's table is made equal to the source's, rows that it has not are deleted: for a target that
    /// nobody else writes to.
    pub rows: SnapshotRows,
    /// Leave tables that the target lacks to somebody else; a row of one then halts.
    pub leave_missing_tables: bool,
}

#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "lowercase")]
pub enum SnapshotRows {
    #[default]
    Keep,
    Replace,
}

/// What is done about schema changes of the source. Triggers, events, accounts and rights are never passed on: they are
/// logged.
#[derive(Debug, Clone, Serialize, Deserialize, JsonSchema)]
#[serde(default, deny_unknown_fields)]
pub struct Ddl {
    /// "apply": made at the target too, in the log's order. "ignore": logged only. "halt": the sink stops and shows the
    /// statement.
    pub policy: DdlPolicy,
    /// Kinds of statements that are applied whatever `policy` says, such as "optimize-table".
    pub apply: Vec<String>,
    /// Kinds that are only logged, such as "create-view".
    pub ignore: Vec<String>,
    /// Kinds that stop the sink, such as "drop-table" or "drop-database".
    pub halt: Vec<String>,
    /// A statement that runs for longer is ended and undone, and the sink halts. Nothing else is applied while it runs,
    /// so the lag grows by as much.
    pub timeout: Period,
}

impl Default for Ddl {
    fn default() -> Self {
        Self {
            policy: DdlPolicy::Apply,
            apply: Vec::new(),
            ignore: Vec::new(),
            halt: Vec::new(),
            timeout: Period::seconds(24 * 3600),
        }
    }
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "lowercase")]
pub enum DdlPolicy {
    Apply,
    Ignore,
    Halt,
}

/// The bound of what is queued.
#[derive(Debug, Clone, Serialize, Deserialize, JsonSchema)]
#[serde(default, deny_unknown_fields)]
pub struct Memory {
    /// Records of all partitions that wait to be applied.
    pub queues: Size,
    /// Records that the Kafka client has fetched ahead.
    pub fetched: Size,
}

impl Default for Memory {
    fn default() -> Self {
        Self { queues: Size::mib(24), fetched: Size::mib(12) }
    }
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
        let no_host = self.target.host.is_empty() && self.target.socket.is_none();
        refuse_if(
            self.prefix.is_empty(),
            "prefix",
            "no prefix is given",
            "the connector's: --prefix beijing",
        );
        refuse_if(no_host, "target.host", "no target is given", "--target mysql://user@host:3306");
        refuse_if(
            self.target.user.is_empty(),
            "target.user",
            "no account for the target is given",
            "--target mysql://user@host:3306",
        );
        refuse_if(
            self.kafka.brokers.is_empty(),
            "kafka.brokers",
            "no Kafka brokers are given",
            "--kafka host:9092",
        );
        for (key, name) in [("origin", self.origin()), ("name", self.name())] {
            refuse_if(
                name.is_empty() || name.chars().count() > 64,
                key,
                "the name must have 1 to 64 characters",
                "choose a short name",
            );
        }
        refuse_if(
            self.apply.lanes == 0 || self.apply.lanes > 64,
            "apply.lanes",
            "there must be 1 to 64 lanes",
            "apply.lanes = 4",
        );
        refuse_if(
            self.apply.batch_rows == 0,
            "apply.batch_rows",
            "a batch needs a row",
            "apply.batch_rows = 1000",
        );
        refuse_if(
            self.skip().is_none(),
            "apply.start",
            "it is neither \"first\" nor a GTID set",
            "apply.start = \"first\", or the gtid_executed that the target's backup was taken at",
        );
        for (key, kinds) in
            [("ddl.apply", &self.ddl.apply), ("ddl.ignore", &self.ddl.ignore), ("ddl.halt", &self.ddl.halt)]
        {
            for name in kinds {
                let known = Kind::from_name(name);
                refuse_if(
                    known.is_none(),
                    key,
                    &format!("\"{name}\" is no kind of statement"),
                    &format!(
                        "one of {}",
                        Kind::ALL.iter().map(|kind| kind.name()).collect::<Vec<_>>().join(", ")
                    ),
                );
                refuse_if(
                    key == "ddl.apply" && known.is_some_and(is_never_applied),
                    key,
                    &format!(
                        "\"{name}\" is never applied: triggers, events, accounts and rights are each site's own"
                    ),
                    "leave it out, and make such changes at the target by hand",
                );
            }
        }
        if self.order == Order::Key {
            findings.extend(self.refused_by_key());
        }
        findings.extend(Routes::new(&self.route).err().into_iter().flatten());
        findings
    }
}

/// What `order = "key"` rests on: only committed records, no start but where the target says, and a group that works as the reader does.
const KEYED_OPTIONS: [(&str, &str); 3] = [
    ("isolation.level", "read_committed"),
    ("auto.offset.reset", "error"),
    // Partitions are taken and given back one by one.
    ("partition.assignment.strategy", "cooperative-sticky"),
];

impl Config {
    /// Settings that `order = "key"` does not know.
    fn refused_by_key(&self) -> Vec<Finding> {
        let mut findings = Vec::new();
        if self.apply.start != "first" {
            findings.push(refuse(
                "apply.start",
                "transactions of a GTID set cannot be left out with order = \"key\", which knows none",
                "apply.start = \"first\"",
            ));
        }
        if self.apply.path == ApplyPath::Binlog {
            findings.push(refuse(
                "apply.path",
                "with order = \"key\" rows are written in SQL: events have no upsert",
                "apply.path = \"sql\"",
            ));
        }
        for (name, needed) in KEYED_OPTIONS {
            if self.kafka.options.iter().any(|(option, value)| option == name && value != needed) {
                findings.push(refuse(
                    &format!("kafka.options.{name}"),
                    format!("order = \"key\" works only with {name} = \"{needed}\""),
                    "leave it out",
                ));
            }
        }
        findings
    }

    pub fn origin(&self) -> &str {
        self.origin.as_deref().unwrap_or(&self.prefix)
    }

    pub fn name(&self) -> &str {
        self.name.as_deref().unwrap_or("main")
    }

    /// Transactions that the target has from elsewhere; `None`: the setting cannot be read.
    pub fn skip(&self) -> Option<GtidSet> {
        if self.apply.start == "first" { Some(GtidSet::default()) } else { self.apply.start.parse().ok() }
    }

    pub fn server_options(&self) -> ServerOptions {
        let target = &self.target;
        let mut options = ServerOptions::new(target.host.clone(), target.port, target.user.clone());
        if let Some(password) = &target.password {
            options = options.with_password(password.reveal());
        }
        if let Some(socket) = &target.socket {
            options = options.with_socket(socket);
        }
        options.connect_timeout = target.connect_timeout.duration();
        options.with_tls(Tls {
            mode: match target.tls {
                TlsChoice::Disabled => TlsMode::Disabled,
                TlsChoice::Preferred => TlsMode::Preferred,
                TlsChoice::Required => TlsMode::Required,
                TlsChoice::VerifyCa => TlsMode::VerifyCa,
                TlsChoice::VerifyIdentity => TlsMode::VerifyIdentity,
            },
            ca: target.tls_ca.clone(),
            certificate: target.tls_certificate.clone(),
            key: target.tls_key.clone(),
            server_name: None,
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn five_values() -> Config {
        Config {
            prefix: "beijing".into(),
            target: Target { host: "db".into(), user: "strait".into(), ..Target::default() },
            kafka: Kafka { brokers: "kafka:9092".into(), ..Kafka::default() },
            ..Config::default()
        }
    }

    #[test]
    fn five_values_are_enough() {
        assert_eq!(five_values().validate(), []);
    }

    #[test]
    fn each_missing_value_is_named() {
        type Spoil = fn(&mut Config);
        let cases: [(Spoil, &str); 13] = [
            (
                |c| {
                    c.order = Order::Key;
                    c.kafka.options = [("partition.assignment.strategy", "range")].into_iter().collect();
                },
                "setting kafka.options.partition.assignment.strategy",
            ),
            (|c| (c.order, c.apply.start) = (Order::Key, "a:1".into()), "setting apply.start"),
            (|c| (c.order, c.apply.path) = (Order::Key, ApplyPath::Binlog), "setting apply.path"),
            (
                |c| {
                    c.order = Order::Key;
                    c.kafka.options = [("isolation.level", "read_uncommitted")].into_iter().collect();
                },
                "setting kafka.options.isolation.level",
            ),
            (|c| c.prefix.clear(), "setting prefix"),
            (|c| c.target.host.clear(), "setting target.host"),
            (|c| c.target.user.clear(), "setting target.user"),
            (|c| c.kafka.brokers.clear(), "setting kafka.brokers"),
            (|c| c.apply.lanes = 0, "setting apply.lanes"),
            (|c| c.apply.start = "yesterday".into(), "setting apply.start"),
            (|c| c.name = Some(String::new()), "setting name"),
            (|c| c.ddl.halt = vec!["drop".into()], "setting ddl.halt"),
            (|c| c.ddl.apply = vec!["create-trigger".into()], "setting ddl.apply"),
        ];
        for (spoil, place) in cases {
            let mut config = five_values();
            spoil(&mut config);
            let findings = config.validate();
            assert!(findings.iter().any(|f| f.is_refusal() && f.place == place), "{place}: {findings:?}");
        }
    }
}
