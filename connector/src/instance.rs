//! This process among those that may publish under a prefix. The last to start owns it: it fences the others off, and
//! they must not fence it off in turn when they start again after a fault, or the two would take turns for ever.
//!
//! An instance is superseded if a position of a later attempt, by another instance, follows one that it has committed
//! itself. The attempt alone does not tell: a commit of our own may be in the log though its answer was lost. And before
//! its first commit an instance is the later one itself.

use std::time::{Duration, Instant};

use strait_schemas::Position;

use crate::{
    Error,
    kafka::{self, Cluster},
    start::Shared,
};

/// Between the fence and its first commit a later instance looks at the source, the topics and the registry.
const FIRST_COMMIT: Duration = Duration::from_secs(5);
const LOOK: Duration = Duration::from_millis(200);

/// A name that no other process has.
pub fn name() -> String {
    format!("{:016x}", fastrand::u64(..))
}

/// An error if `stored` tells of a later instance.
pub fn ensure_latest(shared: &Shared, stored: &Position) -> Result<(), kafka::Error> {
    // Nothing committed yet: 0, and no position has that.
    let ours = u32::try_from(shared.metrics.attempt.get()).unwrap_or(0);
    if ours == 0 || stored.attempt <= ours || stored.instance == *shared.instance {
        return Ok(());
    }
    Err(kafka::Error::Superseded {
        brokers: shared.config.kafka.brokers.clone(),
        transactional_id: shared.config.transactional_id(),
        attempt: stored.attempt,
    })
}

/// Who has ended this one's session: waits a little until a later instance shows itself. `error` if none does, for
/// then it was a pause of our own. Blocking.
pub fn who_ended_it(shared: &Shared, error: Error) -> Error {
    let began = Instant::now();
    let cluster = Cluster::new(&shared.config);
    loop {
        if let Ok(Some(stored)) = kafka::read_position(&cluster, &shared.config.prefix, &shared.stop)
            && let Err(superseded) = ensure_latest(shared, &stored)
        {
            return superseded.into();
        }
        if began.elapsed() > FIRST_COMMIT || shared.stop.is_cancelled() {
            return error;
        }
        std::thread::sleep(LOOK);
    }
}
