//! Who has taken over: what `strait.lane` tells of the sink that raised the epoch, and what the target tells of its
//! connection. Seen by whoever was taken over from, which learns of it sooner from here than from a connection
//! that was ended under it.

use std::{
    collections::BTreeSet,
    fmt,
    sync::{
        Mutex, PoisonError,
        atomic::{AtomicU64, Ordering},
    },
};

use strait_mysql::{
    client::{Conn, Queryable, is_connection_lost, params},
    server::place_of,
};
use strait_schemas::Seq;

use crate::error::{Error, Result};

/// The epoch that this process last set, and its connections. Rows above it are another process's, which has taken
/// over: whoever took them back would be taken over from in turn, and so on without end. Kept through all restarts
/// within the process.
#[derive(Debug, Default)]
pub struct Claim {
    epoch: AtomicU64,
    connections: Mutex<BTreeSet<u64>>,
}

/// The sink that has taken over, as far as it is known.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Successor {
    pub epoch: u64,
    /// `None`: it has not noted its connections yet.
    pub connection: Option<u64>,
    /// Account and address of that connection; `None`: it is closed by now, or hidden from this account.
    pub client: Option<String>,
}

impl fmt::Display for Successor {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, " with epoch {}", self.epoch)?;
        match (self.connection, &self.client) {
            (Some(connection), Some(client)) => write!(f, ", by {client}, connection {connection}"),
            (Some(connection), None) => write!(f, ", by connection {connection}, which is closed by now"),
            (None, _) => Ok(()),
        }
    }
}

impl Claim {
    /// Noted before the COMMIT that sets it, whose answer may be lost.
    pub fn note(&self, epoch: u64) {
        self.epoch.store(epoch, Ordering::Relaxed);
    }

    /// Connections of this process that stand in `strait.lane`, until the successor writes its own there.
    pub fn note_connections(&self, connections: impl IntoIterator<Item = u64>) {
        self.connections.lock().unwrap_or_else(PoisonError::into_inner).extend(connections);
    }

    /// # Errors
    /// `Fenced`, with all that is known of the successor; faults of the connection.
    pub async fn ensure_held(&self, conn: &mut Conn, origin: &str, sink: &str) -> Result<()> {
        const DOING: &str = "looking whether another sink has taken over";
        let place = place_of(conn);
        let failed = |source| match is_connection_lost(&source) {
            true => Error::TargetLost { doing: DOING.into(), place: place.clone(), source },
            false => Error::Target { doing: DOING.into(), place: place.clone(), source },
        };
        let epoch = self.epoch.load(Ordering::Relaxed);
        if epoch == 0 {
            return Ok(());
        }
        let row: Option<(u16, u64, u64, u64)> = conn
            .exec_first(
                "SELECT lane, epoch, seq, connection_id FROM strait.lane WHERE origin = :origin AND sink = :sink \
                 AND epoch > :epoch ORDER BY lane LIMIT 1",
                params! { "origin" => origin, "sink" => sink, "epoch" => epoch },
            )
            .await
            .map_err(failed)?;
        let Some((lane, above, seq, connection)) = row else { return Ok(()) };
        let is_noted = connection != 0
            && !self.connections.lock().unwrap_or_else(PoisonError::into_inner).contains(&connection);
        let connection = is_noted.then_some(connection);
        let client = match connection {
            Some(connection) => conn
                .exec_first(
                    "SELECT CONCAT(USER, ' from ', HOST) FROM information_schema.PROCESSLIST WHERE ID = ?",
                    (connection,),
                )
                .await
                .map_err(failed)?,
            None => None,
        };
        Err(Error::Fenced {
            lane,
            epoch,
            seq: Seq::from_raw(seq),
            successor: Some(Successor { epoch: above, connection, client }),
            place: format!("table strait.lane at {place}, origin {origin}, sink {sink}"),
        })
    }
}

#[cfg(test)]
mod tests {
    use super::Successor;

    #[test]
    fn what_is_known_of_it_is_said() {
        let said = |connection, client: Option<&str>| {
            Successor { epoch: 3, connection, client: client.map(str::to_owned) }.to_string()
        };
        assert_eq!(
            said(Some(57), Some("strait from 10.0.0.5:4711")),
            " with epoch 3, by strait from 10.0.0.5:4711, connection 57"
        );
        assert_eq!(said(Some(57), None), " with epoch 3, by connection 57, which is closed by now");
        assert_eq!(said(None, None), " with epoch 3");
    }
}
