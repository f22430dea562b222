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

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_are_debeziums_and_sanitised() {
        assert_eq!(data_topic("dc1", "shop", "orders"), "dc1.shop.orders");
        assert_eq!(data_topic("dc-1", "my shop", "größe$"), "dc-1.my_shop.gr__e_");
        assert_eq!(transaction_topic("dc1"), "dc1.transaction");
        assert_eq!(heartbeat_topic("dc1"), "__debezium-heartbeat.dc1");
        assert_eq!(schema_change_topic("dc1"), "dc1");
        assert_eq!(spine_topic("dc1"), "dc1.strait.spine");
        assert_eq!(position_topic("dc1"), "dc1.strait.position");
    }
}
