//! Preflight: everything that `run` needs, looked at before anything is changed. `check` prints all findings;
//! `run` makes the target's part of it at its first start, and each table's when its first record comes.

mod keyed;
mod lock_waits;
mod tables;

use std::sync::Arc;

use strait_mysql::{
    catalog::TableName,
    ensure::{TargetNeeds, check_target},
    server::connect,
};
use strait_schemas::{Position, topics};
use strait_service::{Finding, Refusal as _, Severity, config::Settings as _, registry::Registry};

use crate::{
    checkpoint::ServerRun,
    config::{Config, DdlPolicy, Order},
    error::{Error, Result, answered},
    finding::from_mysql,
    kafka::{Cluster, Ends, TableChange, data_topics, inspect},
    own_source::OwnSource,
    row_events,
};
use tables::DataTopic;

/// Statements are kept below this where rows allow it.
const PACKET: u64 = 4 << 20;
const PRIVATE_SCHEMA: &str = "strait";

/// Settings that no start could work with.
pub fn ensure_settings(config: &Config) -> Result<()> {
    let findings: Vec<_> = config.validate().into_iter().filter(Finding::is_refusal).collect();
    if findings.is_empty() { Ok(()) } else { Err(Error::Preflight { findings }) }
}

/// What the target says, for `tables` as well.
pub async fn target_findings(config: &Config, tables: Vec<TableName>) -> Vec<Finding> {
    let needs = TargetNeeds {
        schema: PRIVATE_SCHEMA.into(),
        tables,
        allow_triggers: config.apply.allow_triggers,
        schema_changes: config.order == Order::Transaction
            && (config.ddl.policy == DdlPolicy::Apply || !config.ddl.apply.is_empty()),
        packet: PACKET,
    };
    let report = check_target(&config.server_options(), &needs).await;
    report.sorted().findings.into_iter().map(from_mysql).collect()
}

/// All findings of target, Kafka and registry; nothing is changed anywhere.
pub async fn check(config: Arc<Config>) -> Result<Vec<Finding>> {
    ensure_settings(&config)?;
    if config.order == Order::Key {
        return Ok(keyed::check(&config).await);
    }
    let in_background = Arc::clone(&config);
    let looked = tokio::task::spawn_blocking(move || kafka_and_registry(&in_background)).await;
    let Looked { topics, changes, position, registry, mut findings } =
        looked.map_err(|error| Error::Task { cause: format!("the check broke off: {error}") })?;
    // Each of these asks the target by itself: what one cannot be told is no reason to keep silent about the others.
    let (names, missing) = match tables::look(&config, registry, topics, changes).await {
        Ok(found) => found,
        Err(error) => (Vec::new(), vec![finding("table", &error)]),
    };
    let mut all = target_findings(&config, names).await;
    if all.iter().any(|found| found.check == "target") {
        // It cannot be asked at all, and that is said.
        all.append(&mut findings);
        return Ok(all);
    }
    all.extend(missing);
    all.extend(lock_waits::look(&config).await);
    all.extend(rows_as_events(&config).await);
    if let Some(position) = position {
        all.extend(own_source(&config, &position).await);
    }
    all.append(&mut findings);
    all.push(conflicts(&config));
    Ok(all)
}

/// What Kafka and the registry show.
#[derive(Default)]
struct Looked {
    topics: Vec<DataTopic>,
    changes: Vec<TableChange>,
    position: Option<Position>,
    registry: Option<Arc<Registry>>,
    /// What stands in the way of reading them.
    findings: Vec<Finding>,
}

fn kafka_and_registry(config: &Config) -> Looked {
    let mut looked = Looked::default();
    let cluster = Cluster::new(config);
    let spine = topics::spine_topic(&config.prefix);
    match inspect(&cluster) {
        Ok(topics) if topics.contains(&spine) => {
            let data = data_topics(&config.prefix, &topics);
            (looked.topics, looked.findings) = tables::read_newest(config, &data);
            match Ends::new(config).and_then(|ends| ends.position(&config.prefix)) {
                Ok(position) => looked.position = position,
                Err(error) => looked.findings.push(finding("position", &error)),
            }
            match Ends::new(config).and_then(|ends| ends.table_changes(&config.prefix)) {
                Ok(changes) => looked.changes = changes,
                Err(error) => looked.findings.push(finding("spine", &error)),
            }
        }
        Ok(_) => looked.findings.push(Finding {
            check: "spine".into(),
            severity: Severity::Warning,
            cause: format!("topic {spine} does not exist: no connector has published under this prefix yet"),
            place: cluster.place(),
            remedy: format!(
                "start the connector with --prefix {}; `run` waits for it. If it runs, compare prefix and brokers",
                config.prefix
            ),
        }),
        Err(error) => looked.findings.push(finding("kafka", &error)),
    }
    if !config.registry.url.is_empty() {
        let registry =
            Registry::new(&config.registry).and_then(|registry| registry.ping().map(|()| registry));
        match registry {
            Ok(registry) => looked.registry = Some(Arc::new(registry)),
            Err(source) => {
                looked.findings.push(finding("registry", &Error::RegistryClient { source }));
                // What is in Avro cannot be read, which is said by that.
                let is_avro = |topic: &DataTopic| topic.newest.as_ref().is_some_and(tables::is_avro);
                looked.topics.retain(|topic| !is_avro(topic));
            }
        }
    }
    looked
}

/// Whether rows may be written as `apply.path` says.
async fn rows_as_events(config: &Config) -> Vec<Finding> {
    let server = config.server_options();
    let limit = server.connect_timeout + config.target.answer_timeout.duration();
    let asked = async {
        let mut conn = connect(&server).await?;
        row_events::choose(&mut conn, config.apply.path).await
    };
    match answered(limit, server.place(), row_events::ASKING, asked).await {
        Ok(_) => Vec::new(),
        Err(Error::Preflight { findings }) => findings,
        Err(error) => vec![finding("apply.path", &error)],
    }
}

/// Whether the target is the server that the connector reads.
async fn own_source(config: &Arc<Config>, position: &Position) -> Option<Finding> {
    let server = config.server_options();
    let limit = server.connect_timeout + config.target.answer_timeout.duration();
    let identified = async {
        let mut conn = connect(&server).await?;
        ServerRun::read(&mut conn).await
    };
    match answered(limit, server.place(), "reading the server's identity", identified).await {
        Ok(target) => OwnSource { config: Arc::clone(config), target_uuid: target.uuid }.refusal(position),
        Err(error) => Some(finding("own_source", &error)),
    }
}

/// Said every time, so that nobody finds it out from the data.
fn conflicts(config: &Config) -> Finding {
    Finding {
        check: "conflicts".into(),
        severity: Severity::Warning,
        cause:
            "in two-way use, concurrent changes of one row at both sites still diverge: conflicts are not \
                handled yet"
                .into(),
        place: format!("origin {}, sink {}", config.origin(), config.name()),
        remedy: "write each row at one site only, and keep new ids apart (auto_increment_increment = 2, \
                 auto_increment_offset = 1 and 2)"
            .into(),
    }
}

fn finding(check: &str, error: &Error) -> Finding {
    let mut cause = error.to_string();
    let mut source = std::error::Error::source(error);
    while let Some(inner) = source {
        cause.push_str(": ");
        cause.push_str(&inner.to_string());
        source = inner.source();
    }
    Finding {
        check: check.to_owned(),
        severity: Severity::Refusal,
        cause,
        place: error.place().unwrap_or_default(),
        remedy: error.remedy().unwrap_or_else(|| "see docs/operations.md".into()),
    }
}
