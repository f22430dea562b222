//! What a connector has published is deleted once it was measured: many rounds would not fit on the disk.

use std::time::Duration;

use anyhow::Result;
use rdkafka::{
    admin::{AdminClient, AdminOptions},
    client::DefaultClientContext,
    metadata::MetadataTopic,
};

use crate::Kafka;

/// Deletes all topics of a prefix that is no part of another's.
pub async fn delete(kafka: &Kafka, prefix: &str) -> Result<()> {
    let admin: AdminClient<DefaultClientContext> = kafka.client().create()?;
    let metadata =
        tokio::task::block_in_place(|| admin.inner().fetch_metadata(None, Duration::from_secs(20)))?;
    let names = metadata.topics().iter().map(MetadataTopic::name);
    let names: Vec<&str> = names.filter(|name| name.contains(prefix)).collect();
    let options = AdminOptions::new().operation_timeout(Some(Duration::from_secs(20)));
    for deleted in admin.delete_topics(&names, &options).await? {
        deleted.map_err(|(topic, code)| anyhow::anyhow!("delete topic {topic}: {code}"))?;
    }
    Ok(())
}
