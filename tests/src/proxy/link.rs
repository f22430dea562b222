//! One connection through the proxy: both directions in one task, until both have ended, one fails, or a
//! reset comes.

use std::io;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::Duration;

use bytes::BytesMut;
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::TcpStream;
use tokio::net::tcp::{ReadHalf, WriteHalf};
use tokio::sync::mpsc::UnboundedReceiver;
use tokio::time::sleep;
use tokio_util::sync::CancellationToken;

use super::queue::{Piece, Sender, queue};
use super::{Mode, Shared};

const PIECE: usize = 128 * 1024;

pub async fn run(mut client: TcpStream, shared: &Shared, reset: &CancellationToken) {
    // The kernel has said yes to the client at once; over a real link the handshake takes a round trip.
    let handshake = 2 * shared.latency.lock().expect("no one panics with it").one_way;
    let target = tokio::select! {
        (target, ()) = async { tokio::join!(TcpStream::connect(&shared.target), sleep(handshake)) } => target,
        () = reset.cancelled() => Err(io::ErrorKind::ConnectionReset.into()),
    };
    let Ok(mut target) = target else {
        let _ = client.set_zero_linger(); // an answer that cannot be taken for a server's own goodbye
        return;
    };
    let _ = client.set_nodelay(true);
    let _ = target.set_nodelay(true);
    let orderly = tokio::select! {
        result = forward(&mut client, &mut target, shared) => result.is_ok(),
        () = reset.cancelled() => false,
    };
    if !orderly {
        let _ = client.set_zero_linger();
        let _ = target.set_zero_linger();
    }
}

async fn forward(client: &mut TcpStream, target: &mut TcpStream, shared: &Shared) -> io::Result<()> {
    let (from_client, to_client) = client.split();
    let (from_target, to_target) = target.split();
    let (there, arriving_there) = queue();
    let (back, arriving_back) = queue();
    let counters = &shared.counters;
    tokio::try_join!(
        receive(from_client, there, shared),
        deliver(arriving_there, to_target, shared, &counters.to_target),
        receive(from_target, back, shared),
        deliver(arriving_back, to_client, shared, &counters.from_target),
    )?;
    Ok(())
}

async fn receive(mut from: ReadHalf<'_>, queue: Sender, shared: &Shared) -> io::Result<()> {
    let mut buffer = BytesMut::with_capacity(PIECE);
    loop {
        buffer.reserve(PIECE / 2);
        let size = from.read_buf(&mut buffer).await?;
        let latency = *shared.latency.lock().expect("no one panics with it");
        queue.push(buffer.split().freeze(), latency.one_way).await;
        if size == 0 {
            return Ok(());
        }
    }
}

async fn deliver(
    mut pieces: UnboundedReceiver<Piece>,
    mut to: WriteHalf<'_>,
    shared: &Shared,
    count: &AtomicU64,
) -> io::Result<()> {
    let mut mode = shared.mode.subscribe();
    while let Some(piece) = pieces.recv().await {
        tokio::time::sleep_until(piece.due).await;
        if mode.wait_for(|mode| *mode == Mode::Open).await.is_err() {
            return Ok(());
        }
        if piece.bytes.is_empty() {
            to.shutdown().await?;
            continue;
        }
        // Before the write: who has received them may look at the count.
        count.fetch_add(piece.bytes.len() as u64, Ordering::Relaxed);
        to.write_all(&piece.bytes).await?;
        if let rate @ 1.. = shared.rate.load(Ordering::Relaxed) {
            sleep(Duration::from_secs_f64(piece.bytes.len() as f64 / rate as f64)).await;
        }
    }
    Ok(())
}

#[cfg(test)]
mod tests;
