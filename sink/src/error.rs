//! What can go wrong in a sink, what the process does about it, and how it explains itself.
//!
//! Retry: the whole session is dropped and begun again from the checkpoint. Halt: going on would lose or
//! invent rows, so the process ends with the cause, the record's coordinates and the remedy. There is no
//! third way: the log is ordered, so no record can be set aside.

mod by_key;
mod schema_change;
mod table;

use std::{fmt, future::Future, sync::Arc, time::Duration};

use strait_mysql::{
    client::{ClientError, Conn, code, is_connection_lost, server_code, server_message},
    server::place_of,
};
use strait_schemas::Seq;
use strait_service::{Disposition, Finding, Refusal, registry::RegistryError};

use crate::checkpoint::Successor;

pub type Result<T, E = Error> = std::result::Result<T, E>;

/// Where a record is, for messages.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Place {
    pub topic: Arc<str>,
    pub partition: i32,
    pub offset: i64,
    pub seq: Seq,
    pub index: u32,
    pub gtid: Arc<str>,
}

impl fmt::Display for Place {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self { topic, partition, offset, seq, index, gtid } = self;
        if seq.raw() == 0 {
            // Another writer's.
            return write!(f, "topic {topic} partition {partition} offset {offset}, transaction {gtid}");
        }
        write!(
            f,
            "topic {topic} partition {partition} offset {offset}, seq {seq} record {index}, transaction {gtid}"
        )
    }
}

#[derive(Debug, thiserror::Error)]
pub enum Error {
    // The log.
    #[error("the spine jumps from seq {after} to {found}: transactions between them are lost")]
    SpineGap { after: String, found: Seq, topic: String, offset: i64 },
    #[error("the spine no longer reaches back to where this sink begins: its oldest entry is seq {oldest}")]
    SpineTruncated { oldest: Seq, topic: String, offset: i64 },
    #[error("the spine contradicts itself at seq {seq}: {cause}")]
    SpineConflict { seq: Seq, cause: String, topic: String, offset: i64 },
    #[error("seq {seq} was given again while its records were being read")]
    Superseded { seq: Seq },
    #[error("generation {generation} begins in the spine without a full snapshot")]
    GenerationWithoutSnapshot { generation: u16, topic: String, offset: i64 },
    #[error(
        "a snapshot brings {table} anew, after a gap in the log or because its rows were numbered before all had come: to keep the \
         rows that are there would keep what is wrong"
    )]
    GapKept { table: String, place: String },
    #[error("a spine entry cannot be read")]
    SpineEntry { topic: String, offset: i64, source: strait_schemas::Error },
    #[error("record {index} of seq {seq} is missing: the partition already holds seq {found}")]
    RecordGap { seq: Seq, index: u32, found: String, topic: String, partition: i32, offset: i64 },
    #[error("the record's strait.seq header is {cause}")]
    Header { cause: String, topic: String, partition: i32, offset: i64 },

    // By key.
    #[error("another process has taken over the partition: its epoch is no longer {epoch}")]
    PartitionLost { topic: String, partition: i32, epoch: u64, offset: i64, place: String },
    #[error("the offsets in the target are of the Kafka cluster {expected}, and this one is {found}")]
    OtherCluster { found: String, expected: String, place: String },
    #[error(
        "the log has {first} to {end}, and the target's row says to go on at {offset}: records are gone, or it is another log"
    )]
    OffsetGone { topic: String, partition: i32, offset: i64, first: i64, end: i64 },
    #[error(
        "records that were applied were never committed: a record of attempt {attempt} contradicts attempt {applied}"
    )]
    StaleAttempt { attempt: u32, applied: u32, place: Place },
    #[error("a truncate of {table} has no place among the rows of other partitions")]
    TruncateByKey { table: String, place: Place },
    #[error(
        "the topic has {found} partitions, and had {known}: records of one key may lie in two of them, which nothing orders"
    )]
    PartitionsChanged { topic: String, known: i32, found: i32, row: String, place: String },
    #[error(
        "the topic's keys have another form ({form}) than before ({known}): records of one key may lie in two partitions"
    )]
    KeyFormChanged { form: String, known: String, row: String, place: Place },
    #[error(
        "the topic is compacted ({policy}), and a delete that is compacted away before it was read leaves its row for ever"
    )]
    Compacted { topic: String, policy: String, place: String },

    // Kafka and the registry.
    #[error("{doing} failed")]
    Kafka { doing: &'static str, place: String, source: rdkafka::error::KafkaError },
    /// The client's own error is not kept: it quotes the value, which may be a password.
    #[error("the Kafka client refuses a setting: {cause}")]
    KafkaSetting { setting: String, cause: String },
    #[error("the Kafka client gave up")]
    KafkaFatal { place: String, source: rdkafka::error::KafkaError },
    #[error("{doing} did not end within {seconds} s")]
    KafkaSilent { doing: &'static str, place: String, seconds: u64 },
    #[error("the schema of a record cannot be had")]
    Registry { place: Place, source: RegistryError },
    #[error("the schema registry cannot be used")]
    RegistryClient { source: RegistryError },

    // Records and tables.
    #[error("a record cannot be decoded")]
    Decode { place: Place, source: strait_schemas::Error },
    #[error("the records are flat JSON in the form of {format}, which tells too little to apply them")]
    ForeignFormat { format: &'static str, place: Place },
    #[error("a record of an update or delete has no image of the row before it")]
    NoImage { place: Place },
    #[error("{setting} cannot be followed: {cause}")]
    Route { setting: String, cause: String },
    #[error("table {table} does not exist at the target")]
    MissingTable { table: String, place: Place },
    #[error(
        "table {table} has no key, and holds rows at the target: those of the snapshot cannot be told from them"
    )]
    NotEmpty { table: String, place: String },
    #[error("table {table} has no key at the target that tells its rows apart, as {key} does at the source")]
    NoKey { table: String, key: String, place: Place },
    #[error("table {table} has no column `{column}` at the target")]
    MissingColumn { table: String, column: String, column_type: String, place: Place },
    #[error("column `{column}` of {table} at the target needs a value, and the source has no such column")]
    UnfilledColumn { table: String, column: String, place: Place },
    #[error(
        "column `{column}` of {table} is {target} at the target and cannot take the source's {source_type}"
    )]
    ColumnType { table: String, column: String, target: String, source_type: String, place: Place },
    #[error(
        "column `{column}` of {table} is {target} at the target and has less room than the source's {source_type}"
    )]
    ColumnRoom { table: String, column: String, target: String, source_type: String, place: Place },
    #[error(
        "column `{column}` of {table} is {target} at the target, and the records carry no types: what a value of it \
         means cannot be told"
    )]
    UntypedColumn { table: String, column: String, target: String, place: Place },
    #[error("the value of column `{column}` of {table} cannot be written: {cause}")]
    Value { table: String, column: String, cause: String, place: Place },
    #[error("table {table} cannot be applied to")]
    TableRefused { table: String, findings: Vec<Finding>, place: Place },

    // The target.
    #[error("the target cannot be used")]
    Mysql(#[from] strait_mysql::Error),
    #[error("{doing} failed at the target")]
    Target { doing: String, place: String, source: ClientError },
    #[error("the connection to the target was lost while {doing}")]
    TargetLost { doing: String, place: String, source: ClientError },
    #[error("the target has not answered for {} s while {doing}", .limit.as_secs_f32())]
    TargetSilent { doing: String, place: String, limit: Duration },
    #[error("a row cannot be applied: {statement}")]
    Apply { statement: String, place: Place, source: ClientError },
    #[error("the target changes a value of a row ({statement}): {warning}")]
    ValueChanged { statement: String, warning: String, place: Place },
    #[error("the row differs at the target: {cause}")]
    Drift { table: String, cause: String, place: Place },
    #[error("a row of {table} needs a statement of {bytes} bytes, the target takes {limit}")]
    RowTooLarge { table: String, bytes: usize, limit: usize, place: Place },
    #[error(
        "another sink has taken over{}: lane {lane} is no longer at epoch {epoch}, seq {seq}",
        .successor.as_ref().map(ToString::to_string).unwrap_or_default()
    )]
    Fenced { lane: u16, epoch: u64, seq: Seq, successor: Option<Successor>, place: String },
    #[error(
        "the target has lost a commit: lane {lane} is at seq {found}, lane {witness} has seen it at {seen}"
    )]
    CommitLost { lane: u16, found: Seq, witness: u16, seen: Seq, place: String },
    #[error("column {column} of {table} holds {found:?}, which this version did not write")]
    Checkpoint { table: &'static str, column: &'static str, found: String },
    #[error("a schema change failed at the target: {statement}")]
    Ddl { statement: String, at: String, place: String, source: ClientError },
    #[error("a schema change of the source is not made here: {why}: {statement}")]
    DdlHalted { why: String, kind: &'static str, statement: String, at: String },
    #[error("a schema change has not ended within {} s, and was ended: {statement}", .limit.as_secs_f32())]
    DdlTimeout { statement: String, at: String, place: String, limit: Duration },
    #[error("{cause}")]
    DdlUncertain { cause: String, at: String, place: String },
    #[error("the preflight refuses")]
    Preflight { findings: Vec<Finding> },
    #[error("the setting {setting} cannot be used: {cause}")]
    Setting { setting: &'static str, cause: String },
    #[error("a task of the sink ended unexpectedly: {cause}")]
    Task { cause: String },
}

impl Error {
    /// For `map_err`: what was attempted at the target.
    pub fn target(conn: &Conn, doing: impl Into<String>) -> impl FnOnce(ClientError) -> Self {
        let (place, doing) = (place_of(conn), doing.into());
        move |source| Self::Target { doing, place, source }
    }

    /// Whether nothing is known of what became of the last statement.
    pub fn is_target_lost(&self) -> bool {
        matches!(self, Self::TargetLost { .. } | Self::TargetSilent { .. })
    }

    /// Whether a sink that took over may be behind it: that one ends the connections of this one.
    pub fn may_be_fenced(&self) -> bool {
        self.is_target_lost()
            || matches!(self, Self::Fenced { .. } | Self::Target { .. } | Self::Apply { .. } | Self::Mysql(_))
    }

    pub fn disposition(&self) -> Disposition {
        match self {
            Self::Superseded { .. }
            | Self::PartitionLost { .. }
            | Self::Kafka { .. }
            | Self::KafkaFatal { .. }
            | Self::KafkaSilent { .. }
            | Self::TargetLost { .. }
            | Self::TargetSilent { .. }
            | Self::Task { .. } => Disposition::Retry,
            Self::Mysql(error) => match error.disposition() {
                strait_mysql::Disposition::Retry => Disposition::Retry,
                strait_mysql::Disposition::DeadLetter | strait_mysql::Disposition::Halt => {
                    if mysql_code(error).is_some_and(is_passing) {
                        Disposition::Retry
                    } else {
                        Disposition::Halt
                    }
                }
            },
            Self::Target { source, .. } | Self::Apply { source, .. } | Self::Ddl { source, .. } => {
                if is_connection_lost(source) || server_code(source).is_some_and(is_passing) {
                    Disposition::Retry
                } else {
                    Disposition::Halt
                }
            }
            Self::Registry { source, .. } | Self::RegistryClient { source } => source.disposition(),
            Self::SpineGap { .. }
            | Self::OtherCluster { .. }
            | Self::OffsetGone { .. }
            | Self::StaleAttempt { .. }
            | Self::TruncateByKey { .. }
            | Self::PartitionsChanged { .. }
            | Self::KeyFormChanged { .. }
            | Self::Compacted { .. }
            | Self::KafkaSetting { .. }
            | Self::SpineTruncated { .. }
            | Self::SpineConflict { .. }
            | Self::GenerationWithoutSnapshot { .. }
            | Self::GapKept { .. }
            | Self::SpineEntry { .. }
            | Self::RecordGap { .. }
            | Self::Header { .. }
            | Self::Decode { .. }
            | Self::NoImage { .. }
            | Self::ForeignFormat { .. }
            | Self::MissingTable { .. }
            | Self::NotEmpty { .. }
            | Self::NoKey { .. }
            | Self::MissingColumn { .. }
            | Self::UnfilledColumn { .. }
            | Self::ColumnType { .. }
            | Self::ColumnRoom { .. }
            | Self::UntypedColumn { .. }
            | Self::Value { .. }
            | Self::TableRefused { .. }
            | Self::ValueChanged { .. }
            | Self::Drift { .. }
            | Self::RowTooLarge { .. }
            | Self::Fenced { .. }
            | Self::CommitLost { .. }
            | Self::Checkpoint { .. }
            | Self::DdlHalted { .. }
            | Self::DdlTimeout { .. }
            | Self::DdlUncertain { .. }
            | Self::Preflight { .. }
            | Self::Route { .. }
            | Self::Setting { .. } => Disposition::Halt,
        }
    }

    /// A bounded name of the fault, for metrics.
    pub fn reason(&self) -> &'static str {
        match self {
            Self::Kafka { .. } | Self::KafkaFatal { .. } | Self::KafkaSilent { .. } => "kafka",
            Self::Registry { .. } | Self::RegistryClient { .. } => "registry",
            Self::TargetLost { .. } | Self::TargetSilent { .. } => "connection_lost",
            Self::Target { source, .. } | Self::Apply { source, .. } | Self::Ddl { source, .. } => {
                match server_code(source) {
                    Some(code::OPTION_PREVENTS_STATEMENT | READ_ONLY_MODE) => "target_read_only",
                    Some(_) if is_disk_full(source) => "target_disk_full",
                    Some(code::LOCK_WAIT_TIMEOUT | code::DEADLOCK) => "lock",
                    Some(_) => "statement",
                    None => "connection_lost",
                }
            }
            Self::Mysql(_) => "target",
            Self::Superseded { .. } => "superseded",
            Self::PartitionLost { .. } => "fenced",
            _ => "other",
        }
    }
}

/// Running in read-only mode.
const READ_ONLY_MODE: u16 = 1836;
/// The system's error number is in the text: 28 is "no space left on device".
const FILE_WRITE_FAILED: u16 = 3;
const FILE_WRITE_ERROR: u16 = 1026;
const ENGINE_ERROR: u16 = 1030;
/// "Multi-statement transaction required more than 'max_binlog_cache_size' bytes of storage".
const TRANSACTION_CACHE_FULL: u16 = 1197;
/// "The total number of locks exceeds the lock table size".
const LOCK_TABLE_FULL: u16 = 1206;

/// Whether the target has no room: on a disk, or in a tablespace that may not grow.
fn is_disk_full(source: &ClientError) -> bool {
    match server_code(source) {
        Some(code::DISK_FULL | code::RECORD_FILE_FULL) => true,
        Some(FILE_WRITE_FAILED | FILE_WRITE_ERROR | ENGINE_ERROR) => {
            let text = server_message(source).unwrap_or_default();
            ["error 28", "errno: 28", "rrcode: 28", "No space left"].iter().any(|sign| text.contains(sign))
        }
        _ => false,
    }
}

/// Refusals of the server that end by themselves or by an operator's hand, with nothing lost by waiting:
/// read-only, disk full, locks of somebody else, too many connections, a statement that was killed.
pub fn is_passing(number: u16) -> bool {
    matches!(
        number,
        code::OPTION_PREVENTS_STATEMENT
            | READ_ONLY_MODE
            | code::DISK_FULL
            | code::RECORD_FILE_FULL
            | FILE_WRITE_FAILED
            | FILE_WRITE_ERROR
            | ENGINE_ERROR
            | 1037 | 1038 | 1041 // out of memory
            | 1040 | 1203 // too many connections
            | code::LOCK_WAIT_TIMEOUT
            | code::DEADLOCK
            | code::QUERY_INTERRUPTED
            | 1180 // got an error during COMMIT
            | 3572 // NOWAIT
            | 3100 | 3101 // a plugin (group replication) rolled the transaction back
    )
}

fn mysql_code(error: &strait_mysql::Error) -> Option<u16> {
    match error {
        strait_mysql::Error::Server(
            strait_mysql::server::Error::Query { source, .. }
            | strait_mysql::server::Error::Connect { source, .. },
        ) => server_code(source),
        _ => None,
    }
}

impl Refusal for Error {
    fn place(&self) -> Option<String> {
        Some(match self {
            Self::SpineGap { topic, offset, .. }
            | Self::SpineTruncated { topic, offset, .. }
            | Self::SpineConflict { topic, offset, .. }
            | Self::GenerationWithoutSnapshot { topic, offset, .. }
            | Self::SpineEntry { topic, offset, .. } => format!("topic {topic} partition 0 offset {offset}"),
            Self::RecordGap { topic, partition, offset, .. }
            | Self::Header { topic, partition, offset, .. } => {
                format!("topic {topic} partition {partition} offset {offset}")
            }
            Self::GapKept { place, .. } => place.clone(),
            Self::OffsetGone { topic, partition, offset, .. } => {
                format!("topic {topic} partition {partition} offset {offset}")
            }
            Self::PartitionsChanged { topic, place, .. } | Self::Compacted { topic, place, .. } => format!("topic {topic}, {place}"),
            Self::PartitionLost { topic, partition, offset, place, .. } => {
                format!("topic {topic} partition {partition} offset {offset}, {place}")
            }
            Self::KafkaSetting { setting, .. } => format!("setting {setting}"),
            Self::Kafka { place, .. }
            | Self::KafkaFatal { place, .. }
            | Self::KafkaSilent { place, .. }
            | Self::Target { place, .. }
            | Self::NotEmpty { place, .. }
            | Self::TargetLost { place, .. }
            | Self::TargetSilent { place, .. }
            | Self::Fenced { place, .. }
            | Self::OtherCluster { place, .. }
            | Self::CommitLost { place, .. } => place.clone(),
            Self::Registry { place, .. }
            | Self::Decode { place, .. }
            | Self::NoImage { place }
            | Self::StaleAttempt { place, .. }
            | Self::TruncateByKey { place, .. }
            | Self::KeyFormChanged { place, .. }
            | Self::ForeignFormat { place, .. }
            | Self::MissingTable { place, .. }
            | Self::NoKey { place, .. }
            | Self::MissingColumn { place, .. }
            | Self::UnfilledColumn { place, .. }
            | Self::ColumnType { place, .. }
            | Self::ColumnRoom { place, .. }
            | Self::UntypedColumn { place, .. }
            | Self::Value { place, .. }
            | Self::TableRefused { place, .. }
            | Self::Apply { place, .. }
            | Self::ValueChanged { place, .. }
            | Self::RowTooLarge { place, .. } => place.to_string(),
            Self::Ddl { at, place, .. } | Self::DdlTimeout { at, place, .. } | Self::DdlUncertain { at, place, .. } => {
                format!("{at}, at {place}")
            }
            Self::DdlHalted { at, .. } => at.clone(),
            Self::Drift { table, place, .. } => format!("table {table}, {place}"),
            Self::Checkpoint { table, .. } => format!("table {table} at the target"),
            Self::Superseded { .. }
            | Self::RegistryClient { .. }
            // Its own words name the server.
            | Self::Mysql(_)
            | Self::Preflight { .. }
            | Self::Route { .. }
            | Self::Setting { .. }
            | Self::Task { .. } => return None,
        })
    }

    fn remedy(&self) -> Option<String> {
        Some(match self {
            Self::SpineGap { .. } | Self::SpineTruncated { .. } | Self::RecordGap { .. } => {
                "the topics' retention has passed over it, or a copy of them lost records: take a new snapshot \
                 of the target, and keep the topics longer than the sink's longest stop (retention.ms, \
                 retention.bytes); data topics must not be compacted"
                    .into()
            }
            Self::SpineConflict { .. } => CONFLICT_REMEDY.into(),
            Self::GenerationWithoutSnapshot { .. } => GENERATION_REMEDY.into(),
            Self::GapKept { .. } => GAP_REMEDY.into(),
            Self::OtherCluster { .. }
            | Self::OffsetGone { .. }
            | Self::StaleAttempt { .. }
            | Self::PartitionsChanged { .. }
            | Self::KeyFormChanged { .. }
            | Self::Compacted { .. }
            | Self::TruncateByKey { .. } => return self.keyed_remedy(),
            Self::SpineEntry { .. } => "run the sink in the version of the connector, or a newer one".into(),
            Self::Header { .. } => HEADER_REMEDY.into(),
            Self::Registry { .. } | Self::RegistryClient { .. } => {
                "check registry.url and its credentials; a schema's id must be known to the registry \
                 that the connector uses, or to a copy that keeps ids"
                    .into()
            }
            Self::Decode { .. } | Self::NoImage { .. } => RECORD_REMEDY.into(),
            Self::MissingTable { .. }
            | Self::NotEmpty { .. }
            | Self::NoKey { .. }
            | Self::MissingColumn { .. }
            | Self::UnfilledColumn { .. }
            | Self::ColumnType { .. }
            | Self::ColumnRoom { .. } => return self.table_remedy(),
            Self::ForeignFormat { .. } => FOREIGN_REMEDY.into(),
            Self::UntypedColumn { .. } => UNTYPED_REMEDY.into(),
            Self::Value { .. } | Self::ValueChanged { .. } => "make the column's type at the target that of the source".into(),
            Self::TableRefused { findings, .. } => {
                findings.iter().map(|f| format!("{}: {}", f.cause, f.remedy)).collect::<Vec<_>>().join("\n")
            }
            Self::Drift { .. } => {
                "the target was written to by somebody else: compare the row at both sites and correct the one \
                 at the target; the sink goes on from this record when it is started again"
                    .into()
            }
            Self::RowTooLarge { bytes, .. } => {
                format!("at the target: SET PERSIST max_allowed_packet = {}, then start again", packet_for(*bytes))
            }
            Self::Fenced { .. } => {
                "two sinks run under one name: keep one of them, and see to it that nothing starts the other again; \
                 or give one a `name` of its own, if it is to apply everything from the beginning elsewhere"
                    .into()
            }
            Self::CommitLost { .. } => {
                "the target failed over to a server that lacks a commit: restore it from a backup and start with \
                 start = the backup's GTID set under a new sink.name"
                    .into()
            }
            Self::Checkpoint { .. } => "was the row written by a newer version, or by hand? Restore it".into(),
            Self::Ddl { .. } | Self::DdlHalted { .. } | Self::DdlTimeout { .. } | Self::DdlUncertain { .. } => {
                return self.ddl_remedy();
            }
            Self::Target { source, .. } | Self::Apply { source, .. } => return target_remedy(source),
            Self::TargetSilent { .. } => SILENT_REMEDY.into(),
            Self::Setting { .. } => "see docs/configuration.md".into(),
            Self::Route { setting, .. } => format!("correct {setting}, so that one route at most is about each name"),
            Self::KafkaSetting { setting, .. } => format!(
                "correct {setting}; the names under kafka.options and what they take are librdkafka's \
                 (CONFIGURATION.md there)"
            ),
            Self::Kafka { .. } | Self::KafkaFatal { .. } | Self::KafkaSilent { .. } => KAFKA_REMEDY.into(),
            Self::Superseded { .. }
            | Self::PartitionLost { .. }
            | Self::Mysql(_)
            | Self::TargetLost { .. }
            | Self::Preflight { .. }
            | Self::Task { .. } => return None,
        })
    }

    fn findings(&self) -> Option<&[Finding]> {
        match self {
            Self::Preflight { findings } => Some(findings),
            _ => None,
        }
    }
}

const HEADER_REMEDY: &str = "only topics written by strait-connector can be applied in transaction order (others by order = \"key\"): check \
     `prefix`, and that nothing else writes to them (a mirror must copy headers)";
const RECORD_REMEDY: &str = "was it written by strait-connector or Debezium (its envelope, not flattened), with binlog_row_image = FULL at the \
     source? Look at it with: kcat -C -t TOPIC -p PARTITION -o OFFSET -c 1";
const SILENT_REMEDY: &str = "is the server overloaded, or the link to it cut? A statement that rightly takes longer (a row of a large table without \
     a primary key is found by a full scan) needs a primary key, or a greater target.answer_timeout";

const CONFLICT_REMEDY: &str = "two connectors publish under one prefix, or a mirror copies without isolation.level = \
                 read_committed: stop the one too many, or let the mirror read committed records only";
const GENERATION_REMEDY: &str = "the connector has begun anew without a snapshot, so changes in between are unknown: take a \
                 snapshot, then start the sink with start = the snapshot's GTID set under a new sink.name";
const GAP_REMEDY: &str = "snapshot.rows = \"replace\" makes the target's tables equal to the source's (rows that only the target has \
                          are deleted); set it back to \"keep\" when the snapshot has come";
const UNTYPED_REMEDY: &str = "let the connector send types: schema.format = \"avro\" or \"json\"; the sink reads what follows \
     under a new prefix, as what was sent stays without them";
const FOREIGN_REMEDY: &str = "those topics are for others: let a second connector, with a prefix of its own, publish with schema.format = \"avro\" or \
                              \"json\", and the sink read that prefix";
const KAFKA_REMEDY: &str = "check kafka.brokers, that the brokers run, and the account's ACLs (READ on the data and spine topics, READ \
                            on the group)";

/// The next power of two with room: what to set max_allowed_packet to.
fn packet_for(bytes: usize) -> usize {
    (bytes + bytes / 4).next_power_of_two().clamp(64 << 20, 1 << 30)
}

fn target_remedy(source: &ClientError) -> Option<String> {
    Some(match server_code(source)? {
        code::OPTION_PREVENTS_STATEMENT | READ_ONLY_MODE => {
            "SET GLOBAL read_only = OFF (super_read_only too) at the target, or point the sink at the writable \
             server; it tries again by itself"
                .into()
        }
        _ if is_disk_full(source) => {
            "the target has no space left: free some on its disks (SHOW BINARY LOGS, tmpdir), or let its tablespace \
             grow (innodb_data_file_path with :autoextend); the sink tries again by itself"
                .into()
        }
        FILE_WRITE_FAILED | FILE_WRITE_ERROR | ENGINE_ERROR => {
            "the target's storage fails: see its error log; the sink tries again by itself".into()
        }
        code::LOCK_WAIT_TIMEOUT | code::DEADLOCK => {
            "another client of the target holds the lock: SELECT * FROM sys.innodb_lock_waits shows who, KILL ends \
             it; the sink tries again by itself"
                .into()
        }
        TRANSACTION_CACHE_FULL => {
            "the transaction is larger than the target's binary log may gather: SET PERSIST max_binlog_cache_size \
             (and max_binlog_stmt_cache_size) to a greater value, then start again"
                .into()
        }
        LOCK_TABLE_FULL => {
            "the transaction's locks do not fit in the target's memory: SET PERSIST innodb_buffer_pool_size to a \
             greater value, then start again"
                .into()
        }
        code::ACCESS_DENIED | code::ACCESS_DENIED_DATABASE | code::TABLE_ACCESS_DENIED
        | code::COLUMN_ACCESS_DENIED | code::SPECIFIC_ACCESS_DENIED => {
            "grant the sink's account SELECT, INSERT, UPDATE, DELETE on the applied tables and ALL ON strait.*"
                .into()
        }
        code::ROW_IS_REFERENCED | code::NO_REFERENCED_ROW => {
            "the target's rows differ from the source's: compare parent and child at both sites, correct the \
             target, then start again"
                .into()
        }
        code::BAD_FIELD | code::NO_SUCH_TABLE => {
            "the target's table was altered while the sink ran: make it fit the source's, then start again".into()
        }
        code::INVALID_CHARACTER_STRING => {
            "a value's bytes are no text of its column's character set (an ALTER may have cut it), and no server takes such from \
             SQL: correct it at the source, and load the target anew"
                .into()
        }
        code::PACKET_TOO_LARGE => "raise max_allowed_packet at the target, then start again".into(),
        _ => match server_message(source) {
            Some(message) if message.contains("read-only") || message.contains("read only") => {
                "make the target writable".into()
            }
            _ => "compare the table's definition at both sites, and the row's".into(),
        },
    })
}

/// Waits for the target's answer, but not for ever: behind a frozen link a connection never ends by itself.
pub async fn answered<T>(
    limit: Duration,
    place: String,
    doing: &str,
    work: impl Future<Output = Result<T>>,
) -> Result<T> {
    tokio::time::timeout(limit, work)
        .await
        .unwrap_or_else(|_| Err(Error::TargetSilent { doing: doing.to_owned(), place, limit }))
}
