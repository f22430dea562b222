//! Topic names, as Debezium's default topic naming strategy makes them, and those of our own two topics.

/// Replaces what Kafka does not allow in a topic name by `_`, as Debezium does.
pub fn sanitise(name: &str) -> String {
    name.chars()
        .map(|c| if c.is_ascii_alphanumeric() || matches!(c, '.' | '_' | '-') { c } else { '_' })
        .collect()
}

/// `<prefix>.<database>.<table>`: the changes of one table.
pub fn data_topic(prefix: &str, database: &str, table: &str) -> String {
    sanitise(&format!("{prefix}.{database}.{table}"))
}

/// `<prefix>`: DDL, in Debezium's form.
pub fn schema_change_topic(prefix: &str) -> String {
    sanitise(prefix)
}

/// `<prefix>.transaction`: Debezium's BEGIN and END records.
pub fn transaction_topic(prefix: &str) -> String {
    sanitise(&format!("{prefix}.transaction"))
}

/// `__debezium-heartbeat.<prefix>`.
pub fn heartbeat_topic(prefix: &str) -> String {
    sanitise(&format!("__debezium-heartbeat.{prefix}"))
}

/// `<prefix>.strait.spine`: the log of transactions, one partition.
pub fn spine_topic(prefix: &str) -> String {
    sanitise(&format!("{prefix}.strait.spine"))
}

/// `<prefix>.strait.position`: where the connector stands, one partition, compacted.
pub fn position_topic(prefix: &str) -> String {
    sanitise(&format!("{prefix}.strait.position"))
}
