//! Preflight: everything that `run` needs, looked at before anything is changed. `check` prints all findings;
//! `run` makes the source's part of it once for each server that it meets, and refuses what would lose data.

use std::{sync::Arc, time::Duration};

use strait_mysql::{
    ensure::{self, SourceNeeds},
    gtid::GtidSet,
    server::ServerFacts,
    stream::StartAt,
};
use strait_schemas::{Position, topics};
use strait_service::{
    CancellationToken, Disposition, Finding, Refusal as _, Severity, config::Settings as _,
};
use tokio::runtime::Handle;

use crate::{
    Error, Result,
    config::{Config, PositionMode},
    filter::STRAIT,
    kafka::{self, Cluster, Purpose, Topics},
    schema_registry::SchemaRegistry,
    source::Source,
    start::Shared,
};

/// The name under which the preflight of the source says that it could not ask.
const COULD_NOT_ASK: &str = "source";
/// Some twenty questions to the source.
const PATIENCE: Duration = Duration::from_secs(60);

/// Settings that no start could work with.
pub fn ensure_settings(config: &Config) -> Result<()> {
    let findings: Vec<_> = config.validate().into_iter().filter(Finding::is_refusal).collect();
    if findings.is_empty() {
        Ok(())
    } else {
        Err(Error::Preflight { place: "the settings".into(), findings })
    }
}

/// The source's part, for `run`: once for each server.
pub fn ensure_source(shared: &Shared, source: &mut Source, facts: &ServerFacts) -> Result<()> {
    let mut passed = shared.preflight_passed.lock().unwrap_or_else(std::sync::PoisonError::into_inner);
    if passed.is_some() && *passed == facts.server_uuid {
        return Ok(());
    }
    let looking = async { Ok(source_findings(&shared.config, None).await) };
    let findings = source.wait_in_time(PATIENCE, "make the source's preflight", looking)?;
    let (refusals, warnings): (Vec<_>, Vec<_>) = findings.into_iter().partition(Finding::is_refusal);
    if let Some(unasked) = refusals.iter().find(|finding| finding.check == COULD_NOT_ASK) {
        return Err(Error::Restart { why: format!("the source's preflight broke off: {}", unasked.cause) });
    }
    for warning in warnings {
        tracing::warn!(
            check = warning.check,
            place = warning.place,
            remedy = warning.remedy,
            "{}",
            warning.cause
        );
    }
    if refusals.is_empty() {
        passed.clone_from(&facts.server_uuid);
        return Ok(());
    }
    Err(Error::Preflight { place: source.place(), findings: refusals })
}

/// All findings of source, Kafka and registry; nothing is changed anywhere.
pub async fn check(config: Arc<Config>) -> Result<Vec<Finding>> {
    ensure_settings(&config)?;
    let runtime = Handle::current();
    let in_background = Arc::clone(&config);
    let looked = tokio::task::spawn_blocking(move || kafka_and_registry(&in_background, runtime));
    let (mut findings, position) =
        looked.await.map_err(|error| Error::Restart { why: format!("the check broke off: {error}") })?;
    let start = position.as_ref().and_then(start_of);
    let mut all = source_findings(&config, start).await;
    all.append(&mut findings);
    Ok(all)
}

fn start_of(position: &Position) -> Option<StartAt> {
    match &position.gtid_set {
        Some(text) => text.parse::<GtidSet>().ok().map(StartAt::Gtid),
        None => Some(StartAt::File { file: position.file.clone(), pos: position.pos }),
    }
}

async fn source_findings(config: &Config, start: Option<StartAt>) -> Vec<Finding> {
    let mut databases = config.databases.include.clone();
    databases.push(STRAIT.to_owned());
    let needs = SourceNeeds { server_id: config.server_id(), start, databases };
    let report = ensure::check_source(&config.server_options(), &needs).await;
    let by_file = config.source.position == PositionMode::File;
    report.sorted().findings.into_iter().map(|finding| translated(finding, by_file)).collect()
}

/// Without GTIDs only source.position = "file" works.
fn translated(finding: ensure::Finding, by_file: bool) -> Finding {
    let stands_in_the_way = finding.check == "gtid_mode" && !by_file;
    let remedy = match stands_in_the_way {
        true => format!("{} Or, at that price, source.position = \"file\"", finding.remedy),
        false => finding.remedy,
    };
    let severity = match finding.severity {
        ensure::Severity::Warning if !stands_in_the_way => Severity::Warning,
        ensure::Severity::Warning | ensure::Severity::Refusal => Severity::Refusal,
    };
    Finding { check: finding.check.to_owned(), severity, cause: finding.cause, place: finding.place, remedy }
}

/// Findings about Kafka and the registry, and the stored position if there is one.
fn kafka_and_registry(config: &Config, runtime: Handle) -> (Vec<Finding>, Option<Position>) {
    let mut findings = Vec::new();
    let position = match look_at_kafka(config, runtime, &mut findings) {
        Ok(position) => position,
        Err(error) => {
            findings.push(finding("kafka", &error));
            None
        }
    };
    if let Err(error) = SchemaRegistry::new(config).and_then(|registry| registry.ping()) {
        findings.push(finding("registry", &error));
    }
    (findings, position)
}

fn look_at_kafka(config: &Config, runtime: Handle, findings: &mut Vec<Finding>) -> Result<Option<Position>> {
    let cluster = Cluster::new(config);
    cluster.ensure_options()?;
    let topics = Topics::new(&cluster, &config.topics, runtime, CancellationToken::new())?;
    topics.brokers()?;
    let mut look = |name: String, purpose: Purpose| match topics.inspect(&name, purpose) {
        Ok(exists) => exists.is_some(),
        Err(error) => {
            findings.push(finding("topics", &error.into()));
            false
        }
    };
    let position_exists = look(topics::position_topic(&config.prefix), Purpose::Position);
    look(topics::spine_topic(&config.prefix), Purpose::Spine);
    if config.publish.heartbeat_topic {
        look(topics::heartbeat_topic(&config.prefix), Purpose::Side);
    }
    if config.publish.transaction_metadata {
        look(topics::transaction_topic(&config.prefix), Purpose::Side);
    }
    // What the creation of a table's topic would meet.
    look(topics::data_topic(&config.prefix, "strait-check", "never-created"), Purpose::Data);
    for (topic, _) in topics.of_prefix(&config.prefix)? {
        if !topic.starts_with(&format!("{}.strait.", config.prefix))
            && topic != topics::transaction_topic(&config.prefix)
        {
            look(topic, Purpose::Data);
        }
    }
    if !position_exists {
        return Ok(None);
    }
    Ok(kafka::read_position(&cluster, &config.prefix, &CancellationToken::new())?)
}

fn finding(check: &str, error: &Error) -> Finding {
    let mut cause = error.to_string();
    let mut source = std::error::Error::source(error);
    while let Some(inner) = source {
        cause.push_str(": ");
        cause.push_str(&inner.to_string());
        source = inner.source();
    }
    let remedy = error.remedy().unwrap_or_else(|| match error.disposition() {
        Disposition::Retry => {
            "`run` tries again by itself; see whether the address and the network are right".into()
        }
        Disposition::Halt | Disposition::DeadLetter => "correct the configuration".into(),
    });
    Finding {
        check: check.to_owned(),
        severity: Severity::Refusal,
        cause,
        place: error.place().unwrap_or_default(),
        remedy,
    }
}
