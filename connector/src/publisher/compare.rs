//! Whether these are the binary logs that were published from: the last transaction that was read before the start must
//! come again, and be what it was. Its GTID alone proves nothing: a source that lost its newest transactions gives
//! their numbers again.

use super::Publisher;
use crate::{Error, Result, current::Current};

impl Publisher {
    /// Whether this place is not before where the server's log ended when this run began.
    pub(super) fn is_past_start(&self, file: &str, pos: u64) -> bool {
        self.end_at_start.as_ref().is_none_or(|(end_file, end_pos)| {
            (file.len(), file, pos) >= (end_file.len(), end_file.as_str(), *end_pos)
        })
    }

    /// The last transaction that was read was in the log when this run began, so it must have come by now.
    pub(super) fn ensure_compared(&self, file: &str, pos: u64) -> Result<()> {
        let Some(expected) = &self.compare else { return Ok(()) };
        Err(Error::refused(
            format!(
                "the stream has passed the place of transaction {}, the last one that was published, and it was not there: these are not the \
                 binary logs that were published from",
                expected.gtid
            ),
            format!("{}, {file}:{pos}", self.source.place()),
            "binary logs that were deleted or put in by hand, or a restored backup, do this: readers of the topics may hold changes that the \
             source has not; make them equal again and start anew with another `prefix`",
        ))
    }

    /// The last transaction that was read before the start must still be what it was.
    pub(super) fn compare(
        &mut self,
        current: &Current,
        expected: &strait_schemas::Fingerprint,
    ) -> Result<()> {
        let found = current.fingerprint();
        if found == *expected {
            tracing::info!(
                gtid = found.gtid,
                "the last transaction that was read is unchanged at the source"
            );
            return Ok(());
        }
        Err(Error::refused(
            format!(
                "transaction {} is not the one that was published under this name: committed at {} us with {} bytes of rows (CRC {:08x}) then, \
                 at {} us with {} bytes (CRC {:08x}) now; the source has lost its newest transactions and given their numbers again",
                found.gtid,
                expected.commit_us,
                expected.row_bytes,
                expected.crc,
                found.commit_us,
                found.row_bytes,
                found.crc
            ),
            format!("{}, {}:{}", self.source.place(), current.head.file, current.head.pos),
            "a crash with sync_binlog other than 1, a restored backup or an unclean failover does this: readers of the topics hold changes \
             that the source has not; make them equal again and start anew with another `prefix`",
        ))
    }
}
