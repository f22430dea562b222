//! Preflight: everything that `run` needs, looked at before anything is changed. `check` prints all findings;
//! `run` makes the target's part of it at its first start, and each table's when its first record comes.

use std::sync::Arc;

use strait_mysql::{
    catalog::TableName,
    ensure::{TargetNeeds, check_target},
};
use strait_schemas::topics;
use strait_service::{Finding, Refusal as _, Severity, config::Settings as _, registry::Registry};

use crate::{
    config::{Config, DdlPolicy},
    error::{Error, Result},
    finding::from_mysql,
    kafka::{Cluster, inspect},
};

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
        schema_changes: config.ddl.policy == DdlPolicy::Apply || !config.ddl.apply.is_empty(),
        packet: PACKET,
    };
    let report = check_target(&config.server_options(), &needs).await;
    report.sorted().findings.into_iter().map(from_mysql).collect()
}

/// All findings of target, Kafka and registry; nothing is changed anywhere.
pub async fn check(config: Arc<Config>) -> Result<Vec<Finding>> {
    ensure_settings(&config)?;
    let in_background = Arc::clone(&config);
    let looked = tokio::task::spawn_blocking(move || kafka_and_registry(&in_background)).await;
    let (tables, mut findings) =
        looked.map_err(|error| Error::Task { cause: format!("the check broke off: {error}") })?;
    let mut all = target_findings(&config, tables).await;
    all.append(&mut findings);
    all.push(conflicts(&config));
    Ok(all)
}

/// The tables that the topics speak of, and what stands in the way of reading them.
fn kafka_and_registry(config: &Config) -> (Vec<TableName>, Vec<Finding>) {
    let (mut findings, mut tables) = (Vec::new(), Vec::new());
    let cluster = Cluster::new(config);
    let spine = topics::spine_topic(&config.prefix);
    match inspect(&cluster) {
        Ok(topics) if topics.contains(&spine) => tables = tables_of(&config.prefix, &topics),
        Ok(_) => findings.push(Finding {
            check: "spine".into(),
            severity: Severity::Warning,
            cause: format!("topic {spine} does not exist: no connector has published under this prefix yet"),
            place: cluster.place(),
            remedy: format!(
                "start the connector with --prefix {}; `run` waits for it. If it runs, compare prefix and brokers",
                config.prefix
            ),
        }),
        Err(error) => findings.push(finding("kafka", &error)),
    }
    if !config.registry.url.is_empty()
        && let Err(source) = Registry::new(&config.registry).and_then(|registry| registry.ping())
    {
        findings.push(finding("registry", &Error::RegistryClient { source }));
    }
    (tables, findings)
}

/// `prefix.database.table`; names with characters that topics cannot have are seen at their first record.
fn tables_of(prefix: &str, topics: &[String]) -> Vec<TableName> {
    topics
        .iter()
        .filter_map(|topic| topic.strip_prefix(prefix)?.strip_prefix('.')?.split_once('.'))
        .filter(|(database, _)| *database != PRIVATE_SCHEMA)
        .map(|(database, table)| TableName { database: database.into(), table: table.into() })
        .collect()
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

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn topics_name_tables() {
        let topics = ["p.shop.orders", "p.strait.spine", "p.transaction", "p", "px.shop.a", "p.a.b.c"];
        let tables = tables_of("p", &topics.map(String::from));
        let names: Vec<_> = tables.iter().map(|name| format!("{}/{}", name.database, name.table)).collect();
        assert_eq!(names, ["shop/orders", "a/b.c"]);
    }
}
