//! SIGTERM and SIGINT: the first asks to settle, the second ends at once, and a hard limit ends what hangs.
//!
//! The listener has a thread and a runtime of its own: whatever blocks the process's runtime cannot keep the
//! process from ending in time.

use std::{future::pending, io, process, sync::mpsc, thread, time::Duration};

use tokio::signal::unix::{Signal, SignalKind, signal};
use tokio_util::sync::CancellationToken;

use crate::status::Status;

/// The signals' listener.
#[derive(Debug)]
pub struct Shutdown {
    token: CancellationToken,
}

impl Shutdown {
    /// From the first signal to the forced end; below the 5 s that the process promises, also on a busy machine.
    pub const LIMIT: Duration = Duration::from_secs(4);

    /// Catches both signals from now on. `status` tells, at the limit, what the process still waited for.
    pub fn listen(status: &Status) -> io::Result<Self> {
        let token = CancellationToken::new();
        let (ready, registered) = mpsc::sync_channel(1);
        let (listener, status) = (token.clone(), status.clone());
        thread::Builder::new().name("signals".to_owned()).spawn(move || {
            let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build();
            let listen = |runtime: tokio::runtime::Runtime| {
                let signals = runtime.block_on(async { Signals::register() });
                (runtime, signals)
            };
            match runtime.map(listen) {
                Ok((runtime, Ok(signals))) => {
                    let _ = ready.send(Ok(()));
                    runtime.block_on(run(signals, listener, status));
                }
                Ok((_, Err(error))) | Err(error) => {
                    let _ = ready.send(Err(error));
                }
            }
        })?;
        registered.recv().map_err(io::Error::other)??;
        Ok(Self { token })
    }

    pub fn token(&self) -> CancellationToken {
        self.token.clone()
    }
}

struct Signals {
    terminate: Signal,
    interrupt: Signal,
}

impl Signals {
    fn register() -> io::Result<Self> {
        Ok(Self { terminate: signal(SignalKind::terminate())?, interrupt: signal(SignalKind::interrupt())? })
    }

    async fn next(&mut self) -> &'static str {
        tokio::select! {
            Some(()) = self.terminate.recv() => "SIGTERM",
            Some(()) = self.interrupt.recv() => "SIGINT",
            // Both streams live as long as the runtime; this arm only completes the match.
            else => pending().await,
        }
    }
}

async fn run(mut signals: Signals, token: CancellationToken, status: Status) {
    let signal = signals.next().await;
    tracing::info!(signal, limit = ?Shutdown::LIMIT, "settling what is in flight, then ending");
    token.cancel();
    tokio::select! {
        signal = signals.next() => tracing::warn!(signal, "second signal: ending at once, unsettled"),
        () = tokio::time::sleep(Shutdown::LIMIT) => {
            let unfinished = status.unfinished().join("; ");
            tracing::error!(limit = ?Shutdown::LIMIT, unfinished, "not settled in time: ending by force");
        }
    }
    // What was not settled is settled by the next start: positions and rows are only ever committed together.
    process::exit(1);
}
