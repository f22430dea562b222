//! How long to rest between two Kafka transactions.
//!
//! A commit is answered when it is decided; the broker writes its markers into the partitions afterwards. A
//! transaction begun before that is refused (CONCURRENT_TRANSACTIONS), and librdkafka tries again after 20 ms, a
//! constant of its own (rdkafka_txnmgr.c). Waiting for the few milliseconds that the markers take is cheaper.
//!
//! How many they are depends on the broker and its load, and the refusal itself is not told. So it is learnt: a
//! small transaction that took much longer than the quickest ones was refused, and the rest grows; each that was
//! not lets it shrink a little. It settles where about one in twenty is refused. It begins at its longest, for who is
//! always refused cannot tell.

use std::time::{Duration, Instant};

/// Longer by so much is refused: most of librdkafka's pause of 20 ms.
const REFUSED: Duration = Duration::from_millis(15);
const GROWTH: Duration = Duration::from_millis(2);
const SHRINKAGE: Duration = Duration::from_micros(100);
const LONGEST: Duration = Duration::from_millis(15);
/// Sending more than this takes time of its own.
const SMALL_BYTES: u64 = 64 << 10;

#[derive(Debug)]
pub struct Rest {
    length: Duration,
    quickest: Duration,
    until: Instant,
}

impl Rest {
    pub fn new() -> Self {
        Self { length: LONGEST, quickest: Duration::MAX, until: Instant::now() }
    }

    /// What is left of it.
    pub fn left(&self, now: Instant) -> Duration {
        self.until.saturating_duration_since(now)
    }

    /// A Kafka transaction of so many bytes has been committed, so long after it began.
    pub fn begin(&mut self, now: Instant, took: Duration, bytes: u64) {
        if bytes <= SMALL_BYTES {
            self.learn(took);
        }
        self.until = now + self.length;
    }

    fn learn(&mut self, took: Duration) {
        // The quickest is forgotten slowly: the way to the broker may have become longer.
        self.quickest = took.min(self.quickest.saturating_add(self.quickest / 128));
        self.length = if took >= self.quickest.saturating_add(REFUSED) {
            (self.length + GROWTH).min(LONGEST)
        } else {
            self.length.saturating_sub(SHRINKAGE)
        };
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const QUICK: Duration = Duration::from_millis(4);
    const PAUSE: Duration = Duration::from_millis(20);

    /// A broker that refuses what begins less than `markers` after the last commit; the rest it leads to, and how
    /// many of the last hundred transactions were refused.
    fn settle(markers: Duration, way: Duration) -> (Duration, usize) {
        let mut rest = Rest::new();
        let mut now = Instant::now();
        let mut refused = Vec::new();
        for _ in 0..1000 {
            let is_refused = rest.left(now) < markers;
            refused.push(is_refused);
            let took = way + QUICK + if is_refused { PAUSE } else { Duration::ZERO };
            now += took;
            rest.begin(now, took, 1000);
        }
        (rest.length, refused[900..].iter().filter(|is_refused| **is_refused).count())
    }

    #[test]
    fn it_settles_just_above_what_the_markers_take() {
        for (markers, way) in [(0, 0), (3, 0), (8, 0), (3, 40)] {
            let (length, refused) = settle(Duration::from_millis(markers), Duration::from_millis(way));
            assert!(length <= Duration::from_millis(markers) + GROWTH, "{length:?} for {markers} ms");
            assert!(refused <= 6, "{refused} of 100 refused with markers of {markers} ms");
        }
    }

    #[test]
    fn it_is_bounded_and_large_transactions_teach_nothing() {
        let (length, _) = settle(Duration::from_secs(1), Duration::ZERO);
        assert_eq!(length, Duration::ZERO, "always refused is a long way, not a refusal");
        let mut rest = Rest::new();
        let now = Instant::now();
        rest.begin(now, QUICK, 1000);
        for _ in 0..100 {
            rest.begin(now, QUICK + PAUSE, 1000);
        }
        assert!(rest.length <= LONGEST);
        let before = rest.length;
        rest.begin(now, Duration::from_secs(1), SMALL_BYTES + 1);
        assert_eq!(rest.length, before);
    }
}
