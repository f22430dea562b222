//! The first record of a partition goes alone.
//!
//! A broker that knows nothing of a producer takes whatever sequence number comes first. So if the first batch for a
//! partition is refused for a moment (its broker does not lead it yet, or no longer: NOT_LEADER_OR_FOLLOWER), and the
//! second, sent behind it, finds the broker ready, the second is appended. librdkafka concludes from that success that
//! the first must have been appended before it ("implicitly acked", `rd_kafka_dr_implicit_ack`): its records are lost,
//! and reported as delivered. That happens where a topic was created just now, for KRaft tells a partition's
//! leader before that broker is ready to serve it.
//!
//! So nothing follows the first record of a partition until it is acknowledged. From then on the broker knows the
//! producer, and refuses what comes out of order. It forgets who has not written for `producer.id.expiration.ms` (a
//! day): a partition that was not written for a quarter of an hour is taken as new.
//!
//! Times are counted in *drains*: moments at which every record handed over before was acknowledged. A Kafka
//! transaction ends with one, so a partition that gets one record a transaction never waits.

use std::{
    sync::{
        Arc,
        atomic::{AtomicU64, Ordering::Relaxed},
    },
    time::{Duration, Instant},
};

/// After so long, to twice as long, without a record a partition is taken as new.
const FORGOTTEN: Duration = Duration::from_secs(15 * 60);

/// For each partition of a topic: twice the number of drains at its last record, plus one if that was the first one
/// and is not known to be acknowledged; 0: none was sent.
#[derive(Debug, Clone)]
pub struct Written(Arc<[AtomicU64]>);

impl Written {
    pub fn new(partitions: i32) -> Self {
        Self((0..partitions).map(|_| AtomicU64::new(0)).collect())
    }
}

/// A producer's count of drains.
#[derive(Debug)]
pub struct FirstRecords {
    drains: u64,
    /// Partitions last written at fewer drains than this are taken as new.
    known_from: u64,
    /// What `known_from` will be, and since when.
    next: (u64, Instant),
}

impl FirstRecords {
    pub fn new(now: Instant) -> Self {
        Self { drains: 1, known_from: 1, next: (1, now) }
    }

    /// Whether a record for the partition may be handed over now; if not, only after a drain.
    #[must_use]
    pub fn may_send(&self, written: &Written, partition: i32) -> bool {
        // A partition that the topic was not known to have is left to the client to judge.
        let Some(last) = usize::try_from(partition).ok().and_then(|at| written.0.get(at)) else {
            return true;
        };
        let now = self.drains * 2;
        let before = last.load(Relaxed);
        if before == now {
            return true;
        }
        if before == now + 1 {
            return false;
        }
        let is_known = before / 2 >= self.known_from;
        last.store(if is_known { now } else { now + 1 }, Relaxed);
        true
    }

    /// All records handed over so far are acknowledged.
    pub fn drained(&mut self, now: Instant) {
        self.drains += 1;
        let (number, since) = self.next;
        if now.saturating_duration_since(since) >= FORGOTTEN {
            self.known_from = number;
            self.next = (self.drains, now);
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_the_first_record_of_a_partition_goes_alone() {
        let now = Instant::now();
        let (mut first, written) = (FirstRecords::new(now), Written::new(2));
        assert!(first.may_send(&written, 0));
        assert!(first.may_send(&written, 1));
        assert!(!first.may_send(&written, 0));
        assert!(!first.may_send(&written, 1));
        first.drained(now);
        for _ in 0..3 {
            assert!(first.may_send(&written, 0) && first.may_send(&written, 1));
        }
        first.drained(now);
        assert!(first.may_send(&written, 0) && first.may_send(&written, 0));
    }

    #[test]
    fn a_partition_that_rested_for_long_is_new_again() {
        let began = Instant::now();
        let (mut first, written) = (FirstRecords::new(began), Written::new(2));
        assert!(first.may_send(&written, 0) && first.may_send(&written, 1));
        for minute in 1..=90 {
            first.drained(began + Duration::from_secs(60 * minute));
            assert!(first.may_send(&written, 0) && first.may_send(&written, 0), "written each minute");
        }
        assert!(first.may_send(&written, 1));
        assert!(!first.may_send(&written, 1), "not written for an hour and a half");
    }
}
