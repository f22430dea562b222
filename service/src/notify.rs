//! systemd's notifications; all of it does nothing when `NOTIFY_SOCKET` is absent.

use tokio_util::sync::CancellationToken;

use crate::status::Status;

/// Tells READY=1 once the board is ready, STATUS= as it changes, WATCHDOG=1 at half the interval only while
/// the board is live, STOPPING=1 at the end.
pub async fn run(status: Status, stop: CancellationToken) {
    let _ = (status, stop);
    todo!()
}
