//! Pieces of a stream under way, with the time each is due, bounded by their bytes.

use std::sync::Arc;
use std::time::Duration;

use bytes::Bytes;
use tokio::sync::{OwnedSemaphorePermit, Semaphore, mpsc};
use tokio::time::Instant;

/// At 18 ms one way this lets 1.7 GB/s through: no limit in practice.
const CAPACITY: usize = 32 * 1024 * 1024;

/// A piece of the stream; no bytes: the sender's end of it.
pub struct Piece {
    pub due: Instant,
    pub bytes: Bytes,
    _space: Option<OwnedSemaphorePermit>,
}

pub struct Sender {
    space: Arc<Semaphore>,
    pieces: mpsc::UnboundedSender<Piece>,
}

pub fn queue() -> (Sender, mpsc::UnboundedReceiver<Piece>) {
    let (pieces, receiver) = mpsc::unbounded_channel();
    (Sender { space: Arc::new(Semaphore::new(CAPACITY)), pieces }, receiver)
}

impl Sender {
    /// Waits for space. Due counts from when the bytes came in, not from when there was space.
    pub async fn push(&self, bytes: Bytes, delay: Duration) {
        let due = Instant::now() + delay;
        let size = bytes.len().min(CAPACITY) as u32;
        let space = Arc::clone(&self.space).acquire_many_owned(size).await.ok();
        let _ = self.pieces.send(Piece { due, bytes, _space: space });
    }
}
