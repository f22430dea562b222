//! When the Kafka transaction is committed: one rule for latency and throughput.
//!
//! As soon as nothing more waits, for then waiting gains nothing: under a light load every source
//! transaction is visible at once. While more waits, by time or by bytes: commits cost some ms each, and under
//! load they are spread over many transactions. What arrives during a commit waits for the next one, so
//! the batch grows by itself with the load.

use std::time::Duration;

#[derive(Debug, Clone, Copy)]
pub struct CommitRule {
    /// Under load, and inside a source transaction.
    pub interval: Duration,
    pub bytes: u64,
    /// Entries of the spine: what is held of each source transaction until the commit.
    pub parts: usize,
}

/// What the rule looks at.
#[derive(Debug, Clone, Copy)]
pub struct Load {
    /// Events wait to be looked at.
    pub more_waits: bool,
    /// The last event ended a source transaction (or none is under way).
    pub between: bool,
    /// Since the first record of the Kafka transaction.
    pub age: Duration,
    pub bytes: u64,
    pub parts: usize,
}

impl CommitRule {
    /// Asked only while there is something to commit.
    pub fn is_due(&self, load: &Load) -> bool {
        (!load.more_waits && load.between)
            || load.age >= self.interval
            || load.bytes >= self.bytes
            || load.parts >= self.parts
    }

    /// How long to wait for another event before asking again.
    pub fn patience(&self, age: Duration) -> Duration {
        self.interval.saturating_sub(age)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const RULE: CommitRule = CommitRule { interval: Duration::from_millis(200), bytes: 1000, parts: 10 };
    const BUSY: Load = Load { more_waits: true, between: true, age: Duration::ZERO, bytes: 1, parts: 1 };

    #[test]
    fn nothing_more_waits_means_commit_between_transactions_only() {
        assert!(RULE.is_due(&Load { more_waits: false, ..BUSY }));
        assert!(!RULE.is_due(&Load { more_waits: false, between: false, ..BUSY }));
        assert!(!RULE.is_due(&BUSY));
    }

    #[test]
    fn under_load_time_bytes_or_parts_decide_also_inside_a_transaction() {
        let inside = Load { between: false, ..BUSY };
        assert!(RULE.is_due(&Load { age: Duration::from_millis(200), ..inside }));
        assert!(RULE.is_due(&Load { bytes: 1000, ..inside }));
        assert!(RULE.is_due(&Load { parts: 10, ..inside }));
        assert!(!RULE.is_due(&Load { age: Duration::from_millis(199), ..inside }));
    }

    #[test]
    fn patience_ends_with_the_interval() {
        assert_eq!(RULE.patience(Duration::from_millis(150)), Duration::from_millis(50));
        assert_eq!(RULE.patience(Duration::from_secs(1)), Duration::ZERO);
    }
}
