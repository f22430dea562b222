//! systemd's notifications (Type=notify); all of it does nothing when `NOTIFY_SOCKET` is absent.
//!
//! READY=1 is sent once, when the board is ready for the first time. Until then the start's time limit is
//! extended as long as the process lives: a peer that is down at boot must not make systemd kill what only waits
//! for it. WATCHDOG=1 is sent only while the board is live, so a hung component leads to a restart.

use std::time::Duration;

use sd_notify::NotifyState;
use tokio_util::sync::CancellationToken;

use crate::status::Status;

const TICK: Duration = Duration::from_secs(1);
/// What each tick asks for before READY; systemd's default limit is 90 s.
const START_EXTENSION: Duration = Duration::from_secs(30);

/// Notifies until `stop`, then says STOPPING=1.
pub async fn run(status: Status, stop: CancellationToken) {
    if std::env::var_os("NOTIFY_SOCKET").is_none() {
        return;
    }
    // At half the interval, as systemd's manual advises; never slower than the status line needs.
    let tick = sd_notify::watchdog_enabled().map_or(TICK, |watchdog| (watchdog / 2).min(TICK));
    let mut ticks = tokio::time::interval(tick);
    let mut notifier = Notifier { ready: false, shown: String::new() };
    while stop.run_until_cancelled(ticks.tick()).await.is_some() {
        notifier.tick(&status);
    }
    send(&[NotifyState::Stopping]);
}

struct Notifier {
    ready: bool,
    shown: String,
}

impl Notifier {
    fn tick(&mut self, status: &Status) {
        let live = status.not_live().is_empty();
        if live {
            // Without a watchdog systemd ignores it.
            send(&[NotifyState::Watchdog]);
        }
        if !self.ready && status.not_ready().is_empty() {
            self.ready = true;
            send(&[NotifyState::Ready]);
        } else if !self.ready && live {
            send(&[NotifyState::ExtendTimeoutUsec(START_EXTENSION.as_micros() as u32)]);
        }
        // A line break would end the field.
        let summary = status.summary().replace('\n', " ");
        if summary != self.shown {
            send(&[NotifyState::Status(&summary)]);
            self.shown = summary;
        }
    }
}

fn send(state: &[NotifyState<'_>]) {
    if let Err(error) = sd_notify::notify(state) {
        tracing::debug!(%error, "systemd cannot be notified");
    }
}
