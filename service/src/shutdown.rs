//! SIGTERM and SIGINT: the first asks to settle, the second ends at once, and a hard limit ends what hangs.

use std::time::Duration;

use tokio_util::sync::CancellationToken;

use crate::status::Status;

/// The signals' listener.
#[derive(Debug)]
pub struct Shutdown {
    token: CancellationToken,
}

impl Shutdown {
    /// From the first signal to the forced end; below the 5 s that the process promises.
    pub const LIMIT: Duration = Duration::from_millis(4500);

    /// Listens on a thread of its own, so that a stuck runtime cannot keep the process alive.
    pub fn listen(status: &Status) -> Self {
        let _ = status;
        todo!()
    }

    pub fn token(&self) -> CancellationToken {
        self.token.clone()
    }
}
