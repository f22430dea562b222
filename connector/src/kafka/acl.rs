//! What the connector's Kafka user must be allowed, as commands. docs/operations.md shows the same ones.

use strait_schemas::topics;

/// For one prefix: its topics, Debezium's topics of heartbeats and of schema changes, which are named otherwise, and the
/// transactional id.
pub fn commands(brokers: &str, prefix: &str, transactional_id: &str) -> String {
    const TOPIC: &str =
        "--operation Write --operation Create --operation Describe --operation DescribeConfigs";
    let add = format!("kafka-acls.sh --bootstrap-server {brokers} --add --allow-principal User:NAME");
    let heartbeat = topics::heartbeat_topic(prefix);
    format!(
        "{add} --operation Read {TOPIC} --topic {prefix}. --resource-pattern-type prefixed\n\
         {add} {TOPIC} --topic {heartbeat}\n\
         {add} {TOPIC} --topic {prefix}\n\
         {add} --operation Read {TOPIC} --topic {prefix}-signal\n\
         {add} --operation Write --operation Describe --transactional-id {transactional_id}"
    )
}
