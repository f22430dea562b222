//! Whether topics are compacted: then a delete may be gone before it was read, and its tombstone soon after it, and nothing tells.

use std::time::Duration;

use rdkafka::admin::{AdminOptions, OwnedResourceSpecifier, ResourceSpecifier};
use strait_service::{Finding, Severity};

use super::Cluster;
use crate::error::{Error, Result};

const PATIENCE: Duration = Duration::from_secs(10);

/// # Errors
/// `Compacted`: one of them is. Faults of Kafka.
pub async fn ensure_none(cluster: &Cluster, topics: &[&str]) -> Result<Vec<Finding>> {
    if topics.is_empty() {
        return Ok(Vec::new());
    }
    let failed = |source| cluster.error("asking Kafka for the settings of topics", source);
    let admin = cluster.admin()?;
    let asked: Vec<_> = topics.iter().map(|topic| ResourceSpecifier::Topic(topic)).collect();
    let options = AdminOptions::new().request_timeout(Some(PATIENCE));
    let told = admin.describe_configs(&asked, &options).await.map_err(failed)?;
    let mut findings = Vec::new();
    for (topic, told) in topics.iter().zip(told) {
        let told = told.map_err(|code| code.to_string()).and_then(|told| {
            let is_it = matches!(&told.specifier, OwnedResourceSpecifier::Topic(name) if name == topic);
            let policy = told.get("cleanup.policy").and_then(|entry| entry.value.clone());
            policy.filter(|_| is_it).ok_or_else(|| "the broker tells no cleanup.policy of it".into())
        });
        match told {
            Ok(policy) if policy.contains("compact") => {
                return Err(Error::Compacted { topic: (*topic).to_owned(), policy, place: cluster.place() });
            }
            Ok(_) => {}
            Err(cause) => findings.push(Finding {
                check: "compacted".into(),
                severity: Severity::Warning,
                cause: format!(
                    "it cannot be told whether the topic {topic} is compacted ({cause}); if it is, deletes may be lost"
                ),
                place: cluster.place(),
                remedy: "allow the account DESCRIBE_CONFIGS on the topic".into(),
            }),
        }
    }
    Ok(findings)
}
