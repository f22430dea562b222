//! The check of a sink that applies by key: the newest record of each topic is planned as `run` would, so what that would halt with is told
//! beforehand, with all tables at once.

use std::{collections::BTreeSet, sync::Arc};

use strait_mysql::server::connect_session;
use strait_service::{Finding, Severity, registry::Registry};

use super::{finding, own_source, target_findings};
use crate::{
    apply::session,
    config::Config,
    error::{Error, Result},
    kafka::{Cluster, Ends, KeyedRecord, Topics, ensure_none_compacted, inspect},
    keyed::{LaneRow, Mark, Part, Planner},
    planner::KnownTables,
    routes::Routes,
};

pub async fn check(config: &Arc<Config>) -> Vec<Finding> {
    let mut findings = target_findings(config, Vec::new()).await;
    let reaches_target = !findings.iter().any(|found| found.check == "target");
    let in_background = Arc::clone(config);
    let looked = tokio::task::spawn_blocking(move || newest(&in_background)).await;
    let newest = match looked {
        Ok((newest, more)) => {
            findings.extend(more);
            newest
        }
        Err(error) => {
            let error = Error::Task { cause: format!("the check broke off: {error}") };
            findings.push(finding("kafka", &error));
            Vec::new()
        }
    };
    let topics: BTreeSet<String> = newest.iter().map(|(part, _)| part.topic.to_string()).collect();
    let topics: Vec<&str> = topics.iter().map(String::as_str).collect();
    for topic in &topics {
        match ensure_none_compacted(&Cluster::new(config), &[topic]).await {
            Ok(found) => findings.extend(found),
            Err(error) => findings.push(finding("compacted", &error)),
        }
    }
    if reaches_target {
        match tables(config, newest).await {
            Ok(found) => findings.extend(found),
            Err(error) => findings.push(finding("table", &error)),
        }
        let in_background = Arc::clone(config);
        let position = tokio::task::spawn_blocking(move || {
            Ends::new(&in_background).and_then(|ends| ends.position(&in_background.prefix))
        });
        // That Kafka does not answer is said by now.
        if let Ok(Ok(Some(position))) = position.await {
            findings.extend(own_source(config, &position).await);
        }
    }
    findings.push(one_way(config));
    findings
}

/// The newest record of each topic. Blocking.
fn newest(config: &Config) -> (Vec<(Part, KeyedRecord)>, Vec<Finding>) {
    let (mut newest, mut findings) = (Vec::new(), Vec::new());
    let cluster = Cluster::new(config);
    let topics = Topics { prefix: config.prefix.clone(), named: config.keyed.topics.clone() };
    let chosen = inspect(&cluster).map(|all| topics.choose(&all));
    let (chosen, ends) = match chosen.and_then(|chosen| Ok((chosen, Ends::new(config)?))) {
        Ok(looked) => looked,
        Err(error) => return (newest, vec![finding("kafka", &error)]),
    };
    let missing = topics.named.iter().filter(|name| !chosen.contains(name)).cloned();
    let none = chosen.is_empty() && topics.named.is_empty();
    for name in missing.chain(none.then(|| format!("{}.DATABASE.TABLE", config.prefix))) {
        findings.push(Finding {
            check: "topic".into(),
            severity: Severity::Warning,
            cause: format!("there is no topic {name}, or none that this account may see"),
            place: cluster.place(),
            remedy: "compare prefix, keyed.topics and brokers; `run` waits for topics".into(),
        });
    }
    for topic in chosen {
        match ends.newest_of_any(&topic) {
            Ok(found) => {
                newest.extend(found.map(|(number, record)| (Part { topic: topic.into(), number }, record)));
            }
            Err(error) => findings.push(finding("topic", &error)),
        }
    }
    (newest, findings)
}

/// What `run` would refuse.
async fn tables(config: &Config, newest: Vec<(Part, KeyedRecord)>) -> Result<Vec<Finding>> {
    let mut findings = Vec::new();
    let mut conn = connect_session(&config.server_options(), &session(1)).await?;
    let routes = Arc::new(Routes::new(&config.route).map_err(|findings| Error::Preflight { findings })?);
    let limit = config.target.answer_timeout.duration();
    let apply = &config.apply;
    let tables =
        KnownTables::new(&mut conn, routes, apply.allow_triggers, apply.allow_narrower, limit).await?;
    let registry = match config.registry.url.is_empty() {
        true => None,
        false => Some(
            Registry::new(&config.registry)
                .map(Arc::new)
                .map_err(|source| Error::RegistryClient { source })?,
        ),
    };
    let mut planner = Planner::new(tables, registry, apply, config.keyed.allow.clone(), None);
    let mut said = BTreeSet::new();
    for (part, record) in newest {
        let row = LaneRow { epoch: 0, next_offset: -1, mark: Mark::default() };
        let Err(error) = planner.plan(&mut conn, &part, row, &[record]).await else { continue };
        let found = match error {
            Error::TableRefused { findings, .. } => findings,
            error => vec![finding(error.reason(), &error)],
        };
        // The registry's fault is the same for every topic.
        findings.extend(found.into_iter().filter(|found| said.insert(found.cause.clone())));
    }
    Ok(findings)
}

/// Said every time, so that nobody finds it out from the data.
fn one_way(config: &Config) -> Finding {
    Finding {
        check: "one_way".into(),
        severity: Severity::Warning,
        cause: "order = \"key\" is for one-way use: a connector beside the target takes what the sink writes for the target's own \
                changes, and schema changes, TRUNCATE and rows that the source deleted before a snapshot are not applied"
            .into(),
        place: format!("origin {}, sink {}", config.origin(), config.name()),
        remedy: "in two-way use: order = \"transaction\" at both sites".into(),
    }
}
