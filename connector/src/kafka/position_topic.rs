//! Reading the position back: the newest record of our key that a reader of committed records sees.
//!
//! The topic is compacted, but its newest segment never is, so it is read from near its end, in steps that
//! grow backwards until a record of our key is found. The end is what a read_committed consumer calls the
//! end of the partition, and it is final: `init_transactions` came before, so no transaction of an older
//! instance is still open.

use std::time::{Duration, Instant};

use rdkafka::{
    Message as _, Offset, TopicPartitionList,
    consumer::{BaseConsumer, Consumer as _},
    error::KafkaError,
    types::RDKafkaErrorCode as Code,
};
use strait_schemas::{Position, SnapshotPlan, topics};
use strait_service::CancellationToken;

use super::{Cluster, Error, Result, error::code, logged::Logged};

/// How long one look at a topic may take.
const PATIENCE: Duration = Duration::from_secs(30);
const POLL: Duration = Duration::from_millis(100);

/// The last committed position of this prefix; `None`: there is none.
pub fn read_position(cluster: &Cluster, prefix: &str, stop: &CancellationToken) -> Result<Option<Position>> {
    read_last(cluster, prefix, &Position::key(prefix), stop, Position::decode)
}

/// The plan of the snapshot under way; `None`: there is none.
pub fn read_snapshot_plan(
    cluster: &Cluster,
    prefix: &str,
    stop: &CancellationToken,
) -> Result<Option<SnapshotPlan>> {
    read_last(cluster, prefix, &SnapshotPlan::key(prefix), stop, SnapshotPlan::decode)
}

/// The last committed record of a key, unless it is a tombstone.
fn read_last<T>(
    cluster: &Cluster,
    prefix: &str,
    key: &[u8],
    stop: &CancellationToken,
    decode: impl Fn(&[u8]) -> strait_schemas::Result<T>,
) -> Result<Option<T>> {
    let topic = topics::position_topic(prefix);
    let consumer = cluster.consumer()?;
    let (low, high) = watermarks(cluster, &consumer, &topic, 0)?;
    let mut span = 64;
    loop {
        let from = (high - span).max(low);
        if let Some((offset, value)) = last_of_key(cluster, &consumer, &topic, from, key, stop)? {
            return decode(&value).map(Some).map_err(|source| Error::Position { topic, offset, source });
        }
        if from <= low {
            return Ok(None);
        }
        span *= 16;
    }
}

fn watermarks(
    cluster: &Cluster,
    consumer: &BaseConsumer<Logged>,
    topic: &str,
    partition: i32,
) -> Result<(i64, i64)> {
    consumer
        .fetch_watermarks(topic, partition, PATIENCE)
        .map_err(|source| cluster.error(format!("ask for the end of topic {topic}"), source))
}

/// The newest record of `key` at or after `from`.
fn last_of_key(
    cluster: &Cluster,
    consumer: &BaseConsumer<Logged>,
    topic: &str,
    from: i64,
    key: &[u8],
    stop: &CancellationToken,
) -> Result<Option<(i64, Vec<u8>)>> {
    assign(cluster, consumer, topic, &[(0, Offset::Offset(from))])?;
    let mut found = None;
    read_to_end(cluster, consumer, topic, 1, stop, |offset, record_key, value| {
        if record_key == Some(key)
            && let Some(value) = value
        {
            found = Some((offset, value.to_vec()));
        }
        true
    })?;
    Ok(found)
}

/// Whether a reader finds nothing in this topic, nor ever did: records that were removed by age count too.
pub fn is_empty_log(
    cluster: &Cluster,
    topic: &str,
    partitions: i32,
    stop: &CancellationToken,
) -> Result<bool> {
    let consumer = cluster.consumer()?;
    for partition in 0..partitions {
        if watermarks(cluster, &consumer, topic, partition)?.0 > 0 {
            return Ok(false);
        }
    }
    let all: Vec<_> = (0..partitions).map(|partition| (partition, Offset::Beginning)).collect();
    assign(cluster, &consumer, topic, &all)?;
    let mut empty = true;
    read_to_end(cluster, &consumer, topic, partitions, stop, |_, _, _| {
        empty = false;
        false
    })?;
    Ok(empty)
}

fn assign(
    cluster: &Cluster,
    consumer: &BaseConsumer<Logged>,
    topic: &str,
    places: &[(i32, Offset)],
) -> Result<()> {
    let mut list = TopicPartitionList::new();
    for (partition, offset) in places {
        list.add_partition_offset(topic, *partition, *offset)
            .map_err(|source| cluster.error(format!("choose where to read topic {topic}"), source))?;
    }
    consumer.assign(&list).map_err(|source| cluster.error(format!("read topic {topic}"), source))
}

/// Shows each record until all assigned partitions have ended, or the visitor has seen enough (false).
fn read_to_end(
    cluster: &Cluster,
    consumer: &BaseConsumer<Logged>,
    topic: &str,
    partitions: i32,
    stop: &CancellationToken,
    mut visit: impl FnMut(i64, Option<&[u8]>, Option<&[u8]>) -> bool,
) -> Result<()> {
    let mut ended = 0;
    let began = Instant::now();
    while ended < partitions {
        if stop.is_cancelled() {
            return Err(Error::Stopped);
        }
        if began.elapsed() > PATIENCE {
            return Err(cluster.timed_out(format!("show the end of topic {topic}"), PATIENCE));
        }
        match consumer.poll(POLL) {
            None => {}
            Some(Ok(message)) if visit(message.offset(), message.key(), message.payload()) => {}
            Some(Ok(_)) => return Ok(()),
            Some(Err(KafkaError::PartitionEOF(_))) => ended += 1,
            // The client asks for the coordinator of a group that is not used.
            Some(Err(source)) if code(&source) == Some(Code::GroupAuthorizationFailed) => {}
            Some(Err(source)) => {
                let error = cluster.error(format!("read topic {topic}"), source);
                if error.disposition() == strait_service::Disposition::Halt {
                    return Err(error);
                }
                tracing::debug!(%error, topic, "reading a topic: trying on");
            }
        }
    }
    Ok(())
}
