//! Preflight: everything that `run` needs, looked at before anything is changed. `check` prints all findings;
//! `run` makes the source's part of it once for each server that it meets, and refuses what would lose data.

mod shaping;

use std::{future::Future, pin::pin, sync::Arc, time::Duration};

use strait_mysql::{
    ensure::{self, SourceNeeds},
    gtid::GtidSet,
    server::{ServerFacts, connect, read_facts},
    stream::StartAt,
};
use strait_schemas::{Position, topics};
use strait_service::{
    CancellationToken, Disposition, Finding, Refusal as _, Severity, config::Settings as _,
};
use tokio::runtime::Handle;

use crate::{
    Error, Result,
    config::{Config, PositionMode, SnapshotMode},
    filter::{Filter, STRAIT},
    first_place,
    kafka::{self, Cluster, Purpose, Topics},
    schema_registry::SchemaRegistry,
    snapshot,
    source::Source,
    start::{Shared, ensure_nothing_published},
};

/// The name under which the preflight of the source says that it could not ask.
const COULD_NOT_ASK: &str = "source";
/// Some twenty questions to the source.
const PATIENCE: Duration = Duration::from_secs(60);
/// For a cluster that does not answer at all; somebody sits before a `check`.
const KAFKA_PATIENCE: Duration = Duration::from_secs(8);
/// A look that the terminal hears of.
const NOTICEABLE: Duration = Duration::from_millis(1500);

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
    let cluster = Cluster::new(&config);
    let kafka = told(|| kafka_in_words(&cluster), look_at_kafka_aside(&config, &cluster));
    let registry =
        told(|| format!("the schema registry at {}", config.registry.url), look_at_registry(&config));
    let (kafka, registry) = tokio::join!(kafka, registry);
    let (mut findings, stored) = kafka?;
    findings.append(&mut registry?);
    let place = config.server_options().place();
    let mut all = told(|| format!("the source {place}"), look_at_source(&config, &stored)).await;
    all.append(&mut findings);
    Ok(all)
}

/// Says on standard error what is being looked at, where that takes longer: a terminal that stays empty tells nothing.
async fn told<T>(what: impl Fn() -> String, looking: impl Future<Output = T>) -> T {
    let mut looking = pin!(looking);
    match tokio::time::timeout(NOTICEABLE, &mut looking).await {
        Ok(result) => result,
        Err(_) => {
            eprintln!("still looking at {}", what());
            looking.await
        }
    }
}

/// With the client's last complaint, if it has one.
fn kafka_in_words(cluster: &Cluster) -> String {
    let complaint = cluster.logged().complaint().map(|complaint| format!(" ({complaint})"));
    format!("Kafka at {}{}", cluster.brokers(), complaint.unwrap_or_default())
}

/// Kafka's client and the registry's block.
async fn aside<T: Send + 'static>(looking: impl FnOnce() -> T + Send + 'static) -> Result<T> {
    let looked = tokio::task::spawn_blocking(looking).await;
    looked.map_err(|error| Error::Restart { why: format!("the check broke off: {error}") })
}

/// What is known of the stored position.
enum Stored {
    /// Kafka could not be asked.
    Unknown,
    None,
    Position(Box<Position>),
}

async fn look_at_source(config: &Config, stored: &Stored) -> Vec<Finding> {
    let start = match stored {
        Stored::Position(position) => start_of(position),
        Stored::None | Stored::Unknown => None,
    };
    let mut findings = source_findings(config, start).await;
    if matches!(stored, Stored::None) {
        findings.extend(first_place_finding(config).await);
    }
    findings
}

/// What the very first start would refuse of `source.start`. A source that cannot be asked has a finding already.
async fn first_place_finding(config: &Config) -> Option<Finding> {
    let mut conn = connect(&config.server_options()).await.ok()?;
    let facts = read_facts(&mut conn).await.ok()?;
    if let Err(refused) = first_place::resolve(&config.source, &facts) {
        return Some(finding("start", &refused, &facts.place));
    }
    let with_rows = config.snapshot_begins() && config.snapshot.mode != SnapshotMode::SchemaOnly;
    if !with_rows || !config.writes_watermarks(facts.flavor) {
        return None;
    }
    let refused = snapshot::write_watermark(&mut conn, &facts.place).await.err()?;
    Some(finding("snapshot", &refused, &facts.place))
}

fn start_of(position: &Position) -> Option<StartAt> {
    match &position.gtid_set {
        Some(text) => text.parse::<GtidSet>().ok().map(StartAt::Gtid),
        None => Some(StartAt::File { file: position.file.clone(), pos: position.pos }),
    }
}

async fn source_findings(config: &Config, start: Option<StartAt>) -> Vec<Finding> {
    let named = Filter::new(config).ok().and_then(|filter| filter.named_databases()).unwrap_or_default();
    let snapshot = config.snapshot_begins().then(|| named.clone());
    let mut databases = named;
    databases.push(STRAIT.to_owned());
    let needs = SourceNeeds { server_id: config.server_id(), start, databases, snapshot };
    let report = ensure::check_source(&config.server_options(), &needs).await;
    let by_file = config.source.position == PositionMode::File;
    let mut findings: Vec<Finding> =
        report.sorted().findings.into_iter().map(|finding| translated(finding, by_file)).collect();
    findings.extend(shaping::look(config).await);
    findings
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

async fn look_at_registry(config: &Arc<Config>) -> Result<Vec<Finding>> {
    let config = Arc::clone(config);
    aside(move || {
        let looked = SchemaRegistry::new(&config).and_then(|registry| registry.ping());
        let place = format!("schema registry {}", config.registry.url);
        looked.err().map(|error| finding("registry", &error, &place)).into_iter().collect()
    })
    .await
}

/// Findings about Kafka, and the stored position if there is one.
async fn look_at_kafka_aside(config: &Arc<Config>, cluster: &Cluster) -> Result<(Vec<Finding>, Stored)> {
    let (config, cluster, runtime) = (Arc::clone(config), cluster.clone(), Handle::current());
    aside(move || {
        let mut findings = Vec::new();
        let stored = look_at_kafka(&config, &cluster, runtime, &mut findings).unwrap_or_else(|error| {
            findings.push(finding("kafka", &error, &place_of(&cluster)));
            Stored::Unknown
        });
        (findings, stored)
    })
    .await
}

fn place_of(cluster: &Cluster) -> String {
    format!("Kafka at {}", cluster.brokers())
}

fn look_at_kafka(
    config: &Config,
    cluster: &Cluster,
    runtime: Handle,
    findings: &mut Vec<Finding>,
) -> Result<Stored> {
    cluster.ensure_options()?;
    let stop = CancellationToken::new();
    let topics = Topics::new(cluster, &config.topics, runtime, stop.clone())?;
    let position = topics::position_topic(&config.prefix);
    kafka::wait_for_answer(cluster, &position, KAFKA_PATIENCE, &stop, |_, _| {})?;
    let mut look = |name: String, purpose: Purpose| match topics.inspect(&name, purpose) {
        Ok(exists) => exists.is_some(),
        Err(error) => {
            findings.push(finding("topics", &error.into(), &place_of(cluster)));
            false
        }
    };
    let position_exists = look(position, Purpose::Position);
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
    if position_exists && let Some(position) = kafka::read_position(cluster, &config.prefix, &stop)? {
        return Ok(Stored::Position(Box::new(position)));
    }
    ensure_nothing_published(config, cluster, &topics, &stop)?;
    Ok(Stored::None)
}

/// `place`: where the error itself does not say it.
fn finding(check: &str, error: &Error, place: &str) -> Finding {
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
        place: error.place().unwrap_or_else(|| place.to_owned()),
        remedy,
    }
}
