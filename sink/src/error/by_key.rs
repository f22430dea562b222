//! The ways out of what stops the applying by key.

use super::Error;

impl Error {
    pub(super) fn keyed_remedy(&self) -> Option<String> {
        Some(match self {
            Self::OtherCluster { .. } => {
                "point kafka.brokers at the cluster that was read before; or give the sink another `name`, to apply the topics of \
                 this one from their beginnings (each row's last state comes last)"
                    .into()
            }
            Self::OffsetGone { topic, partition, first, .. } => format!(
                "the topic's retention has passed over it, or the topic was made anew: take a snapshot of the table and go on \
                 from where the log begins: UPDATE strait.keyed_lane SET next_offset = {first}, seq = 0, attempt = 0 WHERE \
                 origin = '<origin>' AND sink = '<name>' AND topic = '{topic}' AND part = {partition}"
            ),
            Self::StaleAttempt { .. } => {
                "a mirror copies without isolation.level = read_committed, or two connectors publish under one prefix: let it \
                 read committed records only; then take a snapshot of the table"
                    .into()
            }
            Self::TruncateByKey { table, place } => format!(
                "let the writer leave them out (Debezium: skipped.operations = t); for this one, once the topic's other \
                 partitions are applied up to it: TRUNCATE {table} at the target, then UPDATE strait.keyed_lane SET \
                 next_offset = {} WHERE origin = '<origin>' AND sink = '<name>' AND topic = '{}' AND part = {}",
                place.offset + 1,
                place.topic,
                place.partition
            ),
            _ => return None,
        })
    }
}
