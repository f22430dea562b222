//! What MariaDB wants from a replica that asks for its binary log, and what of it the client library does not know.

use mysql_async::{Conn, prelude::Queryable as _};

use super::StartAt;
use crate::{
    binlog::{Checksum, EventHeader, EventType, RawEvent},
    server::Error,
};

/// A replica that knows GTID events: to any other one the server sends made-up QUERY events in their place.
const KNOWS_GTIDS: u8 = 4;

/// Readies the session for the dump command, which names no GTIDs at MariaDB. Whether the server is one.
pub(super) async fn prepare(conn: &mut Conn, start: &StartAt, place: &str) -> Result<bool, Error> {
    let version: Option<String> =
        conn.query_first("SELECT VERSION()").await.map_err(Error::query(place, "asking for the version"))?;
    if !version.unwrap_or_default().to_ascii_lowercase().contains("mariadb") {
        return Ok(false);
    }
    let set = match start {
        // Strict: a start that falls into a hole of the log is another history's, and refused.
        StartAt::Gtid(gtids) => format!(
            "SET @mariadb_slave_capability = {KNOWS_GTIDS}, @slave_gtid_strict_mode = 1, @slave_connect_state = '{}'",
            gtids.connect_state()
        ),
        StartAt::File { .. } => format!("SET @mariadb_slave_capability = {KNOWS_GTIDS}"),
    };
    conn.query_drop(set).await.map_err(Error::query(place, "preparing the session for the binary log"))?;
    Ok(true)
}

/// The first event of a stream, an artificial ROTATE, comes before the library can know that events end with a checksum.
/// MySQL leaves it out there, MariaDB does not. Four bytes at its end that are its CRC are no part of the file's name.
pub(super) fn without_checksum(mut event: RawEvent) -> RawEvent {
    let artificial = event.header.flags & EventHeader::ARTIFICIAL != 0 || event.header.log_pos == 0;
    if event.header.event_type != EventType::Rotate || !artificial {
        return event;
    }
    if let Some((body, stored)) = event.body.split_last_chunk::<{ Checksum::LENGTH }>() {
        let mut hasher = crc32fast::Hasher::new();
        hasher.update(&event.header.to_bytes());
        hasher.update(body);
        if hasher.finalize() == u32::from_le_bytes(*stored) {
            let length = body.len();
            event.body.truncate(length);
        }
    }
    event
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_a_checksum_is_taken_off() {
        let header = EventHeader {
            timestamp: 0,
            event_type: EventType::Rotate,
            server_id: 1,
            event_size: 44,
            log_pos: 0,
            flags: EventHeader::ARTIFICIAL,
        };
        let name = [&4_u64.to_le_bytes()[..], b"binlog.000001"].concat();
        let mut hasher = crc32fast::Hasher::new();
        hasher.update(&header.to_bytes());
        hasher.update(&name);
        let with = [&name[..], &hasher.finalize().to_le_bytes()].concat();
        let event = |body: &[u8]| RawEvent { header, body: body.to_vec().into(), inside_payload: false };
        assert_eq!(without_checksum(event(&with)).body, name);
        assert_eq!(without_checksum(event(&name)).body, name);
        assert_eq!(without_checksum(event(b"")).body, b""[..]);
    }
}
