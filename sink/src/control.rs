//! The control connection, and what goes on while the loop waits for something else: the connection is kept from
//! being ended as idle, the process is told to live, and a shutdown ends the waiting.

use std::{
    future::Future,
    time::{Duration, Instant},
};

use strait_mysql::{
    client::{Conn, Queryable, is_connection_lost},
    server::place_of,
};
use strait_service::{CancellationToken, Component};

use crate::error::{Error, Result, answered};

/// The connection is used at least this often: its wait_timeout is a minute.
const KEEP_ALIVE: Duration = Duration::from_secs(20);
const TICK: Duration = Duration::from_secs(1);

#[derive(Debug)]
pub struct Control {
    pub conn: Conn,
    used: Instant,
    /// A target that says nothing for so long counts as lost.
    limit: Duration,
    status: Component,
    stop: CancellationToken,
}

impl Control {
    pub fn new(conn: Conn, limit: Duration, status: Component, stop: CancellationToken) -> Self {
        Self { conn, used: Instant::now(), limit, status, stop }
    }

    /// To be called at least every second or so by a loop that does not wait.
    pub async fn keep_alive(&mut self) -> Result<()> {
        self.status.beat();
        if self.used.elapsed() < KEEP_ALIVE {
            return Ok(());
        }
        self.answered("an idle ping", async |conn| {
            conn.ping().await.map_err(|source| match is_connection_lost(&source) {
                true => Error::TargetLost { doing: "an idle ping".into(), place: place_of(conn), source },
                false => Error::target(conn, "an idle ping")(source),
            })
        })
        .await
    }

    /// What `work` gives on the connection, within the limit.
    pub async fn answered<T>(
        &mut self,
        doing: &str,
        work: impl AsyncFnOnce(&mut Conn) -> Result<T>,
    ) -> Result<T> {
        let done = answered(self.limit, place_of(&self.conn), doing, work(&mut self.conn)).await?;
        self.used = Instant::now();
        Ok(done)
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
