//! Under semi-synchronous replication with AFTER_SYNC a transaction is in the binary log, and with us, before
//! the server has committed it, and a failover at that moment loses it. Published all the same, every failover
//! would find the log ahead of the server. So there a Kafka transaction is committed only once the server has
//! executed what is in it.
//!
//! MariaDB has no set of executed GTIDs, but tells up to where in its log a snapshot sees: the same by place.

use std::time::{Duration, Instant};

use strait_mysql::{
    binlog::TransactionEnd,
    gtid::{Gtid, GtidSet},
    server::ServerFacts,
};
use strait_service::Component;

use crate::{Error, Result, config::When, source::Source};

/// Shorter than Kafka's transaction timeout: the Kafka transaction is open meanwhile.
const PATIENCE: Duration = Duration::from_secs(40);
const STEP: Duration = Duration::from_secs(1);
/// Between two looks at MariaDB, where nothing can be waited for.
const LOOK: Duration = Duration::from_millis(10);

/// Semi-synchronous replication may be turned on while we stream.
const LOOK_AGAIN: Duration = Duration::from_secs(10);

#[derive(Debug)]
pub struct ExecutedGate {
    when: When,
    waits: bool,
    looked: Instant,
    pending: GtidSet,
    /// Of MariaDB: where the last that was added ends.
    pending_end: Option<TransactionEnd>,
}

impl ExecutedGate {
    pub fn new(when: When, facts: &ServerFacts) -> Self {
        Self {
            when,
            waits: gates(when, facts),
            looked: Instant::now(),
            pending: GtidSet::new(),
            pending_end: None,
        }
    }

    /// A transaction is about to be covered by the position.
    pub fn add(&mut self, gtid: Option<&Gtid>, end: &TransactionEnd) {
        if self.waits
            && let Some(gtid) = gtid
        {
            self.pending.add(gtid);
            if matches!(gtid, Gtid::Domain(_)) {
                self.pending_end = Some(end.clone());
            }
        }
    }

    /// Waits until the server has executed all that was added.
    pub fn pass(&mut self, source: &mut Source, status: &Component) -> Result<()> {
        self.look_again(source)?;
        if self.pending.is_empty() {
            return Ok(());
        }
        let began = Instant::now();
        while !self.is_executed(source)? {
            status.waiting(format!(
                "waiting for the source to execute {}: it is in the binary log but not committed (no acknowledgement by a semi-synchronous replica)",
                self.pending
            ));
            if began.elapsed() > PATIENCE {
                return Err(Error::Restart {
                    why: format!(
                        "the source has not executed {} within {} s",
                        self.pending,
                        PATIENCE.as_secs()
                    ),
                });
            }
        }
        self.pending = GtidSet::new();
        self.pending_end = None;
        Ok(())
    }
}

impl ExecutedGate {
    /// Waits a little where the answer is no.
    fn is_executed(&self, source: &mut Source) -> Result<bool> {
        let Some(end) = &self.pending_end else { return source.has_executed(&self.pending, STEP) };
        let (file, pos) = source.committed_place()?;
        let executed = (file.len(), &*file, pos) >= (end.file.len(), &*end.file, end.pos);
        if !executed {
            source.pause(LOOK)?;
        }
        Ok(executed)
    }

    fn look_again(&mut self, source: &mut Source) -> Result<()> {
        if self.when == When::Auto && self.looked.elapsed() >= LOOK_AGAIN {
            self.waits = gates(self.when, &source.facts()?);
            self.looked = Instant::now();
        }
        Ok(())
    }
}

fn gates(when: When, facts: &ServerFacts) -> bool {
    match when {
        When::Immediately => false,
        When::Executed => true,
        When::Auto => {
            facts.gtids_on()
                && facts.semi_sync.as_ref().is_some_and(|semi_sync| semi_sync.enabled && semi_sync.after_sync)
        }
    }
}
