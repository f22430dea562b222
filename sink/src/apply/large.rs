//! A transaction larger than a batch, streamed through one lane in one transaction of the target.

use tokio::sync::mpsc;

use super::{Applier, Stamp, Task, lane::Chunk};
use crate::error::{Error, Result};

/// Given chunk by chunk; commits only at `commit`. Dropped before that, the transaction does not commit, and
/// the applier is of no use any more.
#[derive(Debug)]
pub struct LargeTransaction<'a> {
    applier: &'a mut Applier,
    give: mpsc::Sender<Chunk>,
}

impl<'a> LargeTransaction<'a> {
    pub(super) fn new(applier: &'a mut Applier, give: mpsc::Sender<Chunk>) -> Self {
        Self { applier, give }
    }

    /// Writes a chunk; waits while the one before is not done (at most two are in memory).
    ///
    /// # Errors
    /// What the lane met.
    pub async fn write(&mut self, chunk: Task) -> Result<()> {
        self.send(Chunk::Rows(chunk)).await
    }

    /// Commits the transaction, and waits until it is at the target. `stamp`: when it was committed at the source.
    ///
    /// # Errors
    /// What the lane met.
    pub async fn commit(mut self, stamp: Stamp) -> Result<()> {
        self.send(Chunk::End(stamp)).await?;
        self.applier.drain().await
    }

    async fn send(&mut self, chunk: Chunk) -> Result<()> {
        if self.give.send(chunk).await.is_ok() {
            return Ok(());
        }
        // The lane has ended: its error is the answer.
        self.applier.drain().await?;
        Err(Error::Task { cause: "the lane of a large transaction has ended".into() })
    }
}
