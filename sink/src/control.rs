//! The control connection, and what goes on while the loop waits for something else: it is looked whether another
//! sink has taken over (which also keeps the connection from being ended as idle), the process is told to live,
//! and a shutdown ends the waiting.

use std::{
    future::Future,
    sync::Arc,
    time::{Duration, Instant},
};

use strait_mysql::{client::Conn, server::place_of};
use strait_service::{CancellationToken, Component};

use crate::{
    checkpoint::Claim,
    error::{Result, answered},
};

/// A sink that another has taken over from would else learn of it at its next write, which may be hours off.
const BETWEEN_LOOKS: Duration = Duration::from_secs(2);
const TICK: Duration = Duration::from_secs(1);

/// Whose lanes must still be at the epoch that this process set.
#[derive(Debug)]
pub struct Fence {
    pub origin: String,
    pub sink: String,
    pub claim: Arc<Claim>,
}

#[derive(Debug)]
pub struct Control {
    pub conn: Conn,
    fence: Fence,
    looked: Instant,
    /// A target that says nothing for so long counts as lost.
    limit: Duration,
    status: Component,
    stop: CancellationToken,
}

impl Control {
    pub fn new(
        conn: Conn,
        limit: Duration,
        fence: Fence,
        status: Component,
        stop: CancellationToken,
    ) -> Self {
        Self { conn, fence, looked: Instant::now(), limit, status, stop }
    }

    /// To be called at least every second or so by a loop that does not wait.
    ///
    /// # Errors
    /// `Fenced`; faults of the connection.
    pub async fn keep_alive(&mut self) -> Result<()> {
        self.status.beat();
        if self.looked.elapsed() < BETWEEN_LOOKS {
            return Ok(());
        }
        let Self { conn, fence, limit, .. } = self;
        let doing = "looking whether another sink has taken over";
        let place = place_of(conn);
        let held = fence.claim.ensure_held(conn, &fence.origin, &fence.sink);
        answered(*limit, place, doing, held).await?;
        self.looked = Instant::now();
        Ok(())
    }

    /// What `work` gives on the connection, within the limit.
    pub async fn answered<T>(
        &mut self,
        doing: &str,
        work: impl AsyncFnOnce(&mut Conn) -> Result<T>,
    ) -> Result<T> {
        answered(self.limit, place_of(&self.conn), doing, work(&mut self.conn)).await
    }

    /// What `work` gives; `None`: the shutdown came first, and `work` was dropped wherever it was. For what may
    /// take long with nothing wrong: a lane may wait for somebody else's lock for hours.
    pub async fn wait_for<T>(&mut self, work: impl Future<Output = Result<T>>) -> Result<Option<T>> {
        tokio::pin!(work);
        loop {
            tokio::select! {
                biased;
                () = self.stop.cancelled() => return Ok(None),
                done = &mut work => return done.map(Some),
                () = tokio::time::sleep(TICK) => {}
            }
            self.keep_alive().await?;
        }
    }
}
