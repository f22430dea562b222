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
                "let the writer leave them out (Debezium: skipped.operations = t). This one: pass over it (UPDATE strait.keyed_lane \
                 SET next_offset = {} WHERE origin = '<origin>' AND sink = '<name>' AND topic = '{}' AND part = {}), start again, let \
                 the lag reach 0, then delete at the target the rows of {table} that the source has not (compare both; or stop the \
                 writer, let the lag reach 0, TRUNCATE {table} at the target and take a snapshot of it)",
                place.offset + 1,
                place.topic,
                place.partition
            ),
            Self::PartitionsChanged { found, row, .. } => format!(
                "if the writer was stopped and all was applied before the number changed: UPDATE strait.keyed_topic SET partitions = \
                 {found} WHERE {row}, start the sinks, then the writer. {ANEW}"
            ),
            Self::KeyFormChanged { form, row, .. } => format!(
                "if all records of the form before were applied when this one came: UPDATE strait.keyed_topic SET key_forms = \
                 CONCAT(key_forms, ',{form}') WHERE {row}, and start again. {ANEW}"
            ),
            Self::Compacted { topic, .. } => format!(
                "kafka-configs.sh --alter --entity-type topics --entity-name {topic} --add-config cleanup.policy=delete, with a retention \
                 longer than the sink's longest stop; where rows may have gone while it was compacted, compare the table"
            ),
            _ => return None,
        })
    }
}

/// Where it is not known that nothing was overtaken.
const ANEW: &str = "Otherwise do the same, let the lag reach 0, and bring the table anew: stop the writer, TRUNCATE it at the target, take a \
                    snapshot of it";
