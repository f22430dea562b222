//! XA transactions: those without rows of published tables pass, others are refused.

use strait_mysql::binlog::{TransactionEnd, TransactionHead, Xid};

use super::Publisher;
use crate::{Error, Result, current::Fate, progress::transaction_id};

impl Publisher {
    /// Rows of a prepared transaction may still be rolled back.
    pub(super) fn handle_xa_prepare(&mut self, xid: &Xid, end: &TransactionEnd) -> Result<()> {
        let Some(current) = self.state.current.take() else {
            return Err(Error::Restart { why: "the end of a transaction that did not begin".into() });
        };
        if let Fate::Compared(expected) = &current.fate {
            // It was read before, and did not halt us.
            self.progress.leave_xid_out(xid);
            return self.compare(&current, expected);
        }
        if self.numbering.current().is_some() || matches!(current.fate, Fate::Resumed(_) | Fate::Looped) {
            return Err(xa_refused("XA PREPARE", &current.id, &self.source.place(), end));
        }
        self.progress.leave_xid_out(xid);
        self.finish(&current, end)
    }

    pub(super) fn handle_xa_commit(
        &mut self,
        head: TransactionHead,
        xid: &Xid,
        end: &TransactionEnd,
    ) -> Result<()> {
        // Its rows passed when it was prepared, perhaps before a window was opened.
        self.discard_chunks();
        let left_out = self.progress.forget_xid(xid);
        let compared =
            self.compare.as_ref().is_some_and(|fingerprint| fingerprint.gtid == transaction_id(&head));
        if !left_out && !compared {
            return Err(xa_refused("XA COMMIT", &transaction_id(&head), &self.source.place(), end));
        }
        self.handle_without_rows(head, end)
    }
}

fn xa_refused(what: &str, id: &str, server: &str, end: &TransactionEnd) -> Error {
    Error::refused(
        format!("{what}: XA transactions are not supported, and this one has rows of published tables"),
        format!("{server}, transaction {id}, ending at {}:{}", end.file, end.pos),
        "let applications commit in one phase; what is logged already can be passed only by a new start: make the readers equal and use \
         another `prefix`",
    )
}
