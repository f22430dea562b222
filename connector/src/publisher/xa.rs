//! XA transactions: published where they are committed, and never where they are rolled back.
//!
//! The log has the rows under the transaction that prepares them; XA COMMIT and XA ROLLBACK are transactions of their own, later, and
//! name the identifier alone. So rows of an XA transaction are held back, also from the windows of a snapshot, until it is known what
//! becomes of them:
//! - `XA COMMIT ... ONE PHASE`: they are published as any other's, under their own GTID. It is logged like a prepared one, so
//!   this is known at its end only.
//! - XA PREPARE: the position notes where the log has them. XA COMMIT publishes them as its own rows, under its GTID, and they go
//!   the way of all rows from there: loop test, windows, split and resumption. XA ROLLBACK forgets them.
//!
//! Held rows are in memory as far as there is room (`crate::held`), else they are read from the log again, after a restart too.
//! Where even their place is not known (prepared before the first start, or at a server that was replaced by this one), the logs are
//! looked through, newest first. If the file is purged, the connector halts: what follows would lack those changes.
//!
//! Rows are published by the table's definition when they were logged, which is the one at the commit: the prepared
//! transaction holds its tables' metadata locks (MySQL) or their locks in InnoDB (MariaDB), so no DDL comes in between.
//!
//! For a snapshot the transaction is its commit. A SELECT does not see prepared rows, and XA COMMIT is logged before the engine commits, as
//! any other, and in `gtid_executed` afterwards: the argument in `crate::snapshot` holds with the commit's GTID and place.

use std::sync::Arc;

use strait_mysql::{
    binlog::{LoggedRows, RawEvent, RowsEvent, TableMap, TransactionEnd, TransactionHead, Xid},
    server::Flavor,
    stream::LogPlace,
};
use strait_schemas::PreparedXid;

use super::Publisher;
use crate::{
    Error, Result,
    current::{Current, Fate},
    held::HeldRows,
    intents, loop_test,
    progress::KnownXid,
};

impl Publisher {
    /// Rows of an XA transaction follow.
    pub(super) fn handle_xa_begin(&mut self, head: TransactionHead) -> Result<()> {
        self.handle_begin(head)?;
        if let Some(current) = &mut self.state.current {
            current.held = Some(HeldRows::new());
            current.is_xa = true;
        }
        Ok(())
    }

    pub(super) fn is_holding(&self) -> bool {
        self.state.current.as_ref().is_some_and(|current| current.held.is_some())
    }

    pub(super) fn hold_rows(
        &mut self,
        table: Arc<TableMap>,
        event: &RawEvent,
        rows: &RowsEvent<'_>,
        pos: u64,
    ) {
        let matters = self.filter.publishes(&table.database, &table.table)
            || self.signals.is_table(&table)
            || intents::is_intent_table(&table)
            || loop_test::is_lane_table(&table);
        if let Some(current) = &mut self.state.current {
            current.count(rows.images);
            if let Some(held) = &mut current.held {
                held.add(table, event, pos, matters);
            }
        }
    }

    /// `XA COMMIT ... ONE PHASE`.
    pub(super) fn handle_xa_one_phase(&mut self, end: &TransactionEnd) -> Result<()> {
        let Some(current) = &mut self.state.current else { return Err(unbegun()) };
        let held = current.held.take().unwrap_or_default();
        if matches!(current.fate, Fate::Compared(_)) || !held.matter {
            return self.handle_commit(end);
        }
        let (row_bytes, crc) = (current.row_bytes(), current.crc());
        let place = LogPlace { file: current.head.file.to_string(), pos: current.head.pos };
        current.count_anew();
        match held.into_rows() {
            Some(rows) => self.publish_held(rows, None)?,
            None => {
                self.publish_logged(&place, None)?;
                self.ensure_same_rows(row_bytes, crc, &place)?;
            }
        }
        self.handle_commit(end)
    }

    pub(super) fn handle_xa_prepare(&mut self, xid: &Xid, end: &TransactionEnd) -> Result<()> {
        let Some(mut current) = self.state.current.take() else { return Err(unbegun()) };
        let held = current.held.take().unwrap_or_default();
        self.readers.committing.remove(xid);
        if let Fate::Compared(expected) = &current.fate {
            // It is noted already.
            self.state.prepared.keep(xid, held);
            return self.compare(&current, expected);
        }
        if let Fate::Resumed(_) = current.fate {
            // It was begun as if it were committed in one phase.
            return self.give_up_resuming(&current);
        }
        if held.matter {
            self.progress.prepare_xid(xid, &current.head, &current.fingerprint());
        } else {
            self.progress.leave_xid_out(xid);
        }
        self.state.prepared.keep(xid, held);
        self.complete(&current, end);
        Ok(())
    }

    pub(super) fn handle_xa_commit(
        &mut self,
        head: TransactionHead,
        xid: &Xid,
        end: &TransactionEnd,
    ) -> Result<()> {
        let before = LogPlace { file: head.file.to_string(), pos: head.pos };
        self.handle_begin(head)?;
        if self.flavor == Flavor::MariaDb {
            self.readers.committing.add(xid);
        }
        let Some(current) = &mut self.state.current else { return Err(unbegun()) };
        current.is_xa = true;
        if !matches!(current.fate, Fate::Compared(_)) {
            self.publish_prepared(xid, &before)?;
        }
        self.progress.forget_xid(xid);
        if let Some(current) = &mut self.state.current {
            // What is compared at the next start is what the log has here.
            current.count_anew();
        }
        self.handle_commit(end)
    }

    pub(super) fn handle_xa_rollback(
        &mut self,
        head: TransactionHead,
        xid: &Xid,
        end: &TransactionEnd,
    ) -> Result<()> {
        drop(self.state.prepared.take(xid));
        self.progress.forget_xid(xid);
        self.handle_without_rows(head, end)
    }

    fn publish_prepared(&mut self, xid: &Xid, before: &LogPlace) -> Result<()> {
        let known = self.progress.xid(xid);
        // They are the commit's: their own place is long past, perhaps in another file.
        let at = Some(before.pos);
        if let Some(rows) = self.state.prepared.take(xid) {
            return self.publish_held(rows, at);
        }
        let prepared = match known {
            KnownXid::LeftOut => return Ok(()),
            KnownXid::Prepared(prepared) => Some(prepared),
            KnownXid::Unknown => None,
        };
        match prepared {
            Some(PreparedXid { file, pos, row_bytes, crc, gtid, .. }) if !file.is_empty() => {
                if !self.source.binlog_files()?.contains(&file) {
                    return Err(self.purged(xid, &format!("transaction {gtid} in {file}, which is purged")));
                }
                let place = LogPlace { file, pos };
                self.publish_logged(&place, at)?;
                self.ensure_same_rows(row_bytes, crc, &place)
            }
            _ => {
                let Some(place) = self.find_prepared(xid, before)? else {
                    return Err(self.purged(xid, "in no binary log that the server still has"));
                };
                self.publish_logged(&place, at)
            }
        }
    }

    /// Looks through the logs up to `before`, the newest first.
    fn find_prepared(&mut self, xid: &Xid, before: &LogPlace) -> Result<Option<LogPlace>> {
        // It takes its time, and a Kafka transaction must not be open for so long.
        if self.has_pending() {
            self.commit(true)?;
        }
        let mut files = self.source.binlog_files()?;
        files.retain(|file| (file.len(), file.as_str()) <= (before.file.len(), before.file.as_str()));
        for file in files.iter().rev() {
            tracing::info!(%xid, file, "looking for the rows of an XA transaction that was prepared before");
            let end = (*file == before.file).then_some(before.pos);
            let server = self.progress.server_uuid.as_str();
            let found = self.source.find_prepared(server, xid, file, end, &self.status)?;
            if found.is_some() {
                return Ok(found);
            }
        }
        Ok(None)
    }

    /// `at`: where other readers are told that the rows are; `None`: where they are.
    fn publish_held(&mut self, rows: Vec<LoggedRows>, at: Option<u64>) -> Result<()> {
        rows.into_iter().try_for_each(|logged| self.publish_one(&logged, at))
    }

    /// Reads the rows of the XA transaction that begins at this place again.
    fn publish_logged(&mut self, place: &LogPlace, at: Option<u64>) -> Result<()> {
        if self.has_pending() {
            self.commit(true)?;
        }
        tracing::debug!(file = place.file, pos = place.pos, "reading the rows of an XA transaction again");
        let mut reading = self.source.prepared_rows(&self.progress.server_uuid, place)?;
        while let Some(logged) = self.source.next_prepared(&mut reading, &self.status)? {
            self.publish_one(&logged, at)?;
        }
        Ok(())
    }

    fn publish_one(&mut self, logged: &LoggedRows, at: Option<u64>) -> Result<()> {
        let rows = logged.rows().map_err(|source| self.undecodable(&logged.event, source))?;
        self.handle_rows(&logged.table, &rows, at.unwrap_or(logged.pos))?;
        self.status.beat();
        if self.has_pending() && self.is_due(true) {
            self.commit(true)?;
        }
        Ok(())
    }

    /// What was read again must be what was read before.
    fn ensure_same_rows(&self, row_bytes: u64, crc: u32, place: &LogPlace) -> Result<()> {
        let Some(current) = &self.state.current else { return Err(unbegun()) };
        if (current.row_bytes(), current.crc()) == (row_bytes, crc) {
            return Ok(());
        }
        Err(Error::refused(
            format!(
                "the XA transaction is not the one that was read before: it had {row_bytes} bytes of rows (CRC {crc:08x}), and has {} (CRC {:08x})",
                current.row_bytes(),
                current.crc()
            ),
            format!("{}, transaction {}, {}:{}", self.source.place(), current.id, place.file, place.pos),
            "the binary log was changed or damaged: make the readers equal and start anew with another `prefix`",
        ))
    }

    fn purged(&self, xid: &Xid, why: &str) -> Error {
        let current = self.state.current.as_ref();
        let (id, place) = current.map_or_else(Default::default, |Current { id, head, .. }| {
            (id.as_str(), format!("{}:{}", head.file, head.pos))
        });
        Error::refused(
            format!(
                "XA COMMIT {xid}: the rows that it commits are not in the binary log any more: they were prepared as {why}"
            ),
            format!("{}, transaction {id}, {place}", self.source.place()),
            "readers of the topics lack these changes: make them equal and start anew with another `prefix`; keep binary logs for longer than \
             an XA transaction may stay prepared (binlog_expire_logs_seconds; XA RECOVER lists those that are)",
        )
    }
}

fn unbegun() -> Error {
    Error::Restart { why: "the end of a transaction that did not begin".into() }
}
