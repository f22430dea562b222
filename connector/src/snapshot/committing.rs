//! XA transactions whose commit was streamed from MariaDB, and that a consistent snapshot may not see yet.
//!
//! MariaDB commits in the engine within the order of its log, so that a snapshot sees exactly what lies before its place; but not XA
//! COMMIT, which the engine does a moment after it is logged (10.11: one snapshot in 250 was without an XA COMMIT before its place,
//! while one was committed after the other). XA RECOVER lists the transaction until the engine has done it. So a snapshot that is begun
//! when none of these is listed any more sees all of them.

use std::sync::{Arc, Mutex, PoisonError};

use strait_mysql::{binlog::Xid, client::ClientError, client::Conn, server::read_prepared_xids};

/// While nobody reads, nobody asks: these are the newest.
const MOST: usize = 1000;

/// Shared by the publisher and the readers.
#[derive(Debug, Clone, Default)]
pub struct Committing(Arc<Mutex<Vec<Xid>>>);

impl Committing {
    fn with<T>(&self, work: impl FnOnce(&mut Vec<Xid>) -> T) -> T {
        work(&mut self.0.lock().unwrap_or_else(PoisonError::into_inner))
    }

    /// Its commit has been streamed.
    pub fn add(&self, xid: &Xid) {
        self.with(|xids| {
            if xids.len() >= MOST {
                xids.remove(0);
            }
            xids.push(xid.clone());
        });
    }

    /// It is prepared anew, so the one before is gone.
    pub fn remove(&self, xid: &Xid) {
        self.with(|xids| xids.retain(|other| other != xid));
    }

    /// Asks the server: whether the engine has done all of them.
    pub async fn is_over(&self, conn: &mut Conn) -> Result<bool, ClientError> {
        let before = self.with(|xids| xids.clone());
        if before.is_empty() {
            return Ok(true);
        }
        let listed = read_prepared_xids(conn).await?;
        Ok(self.settle(&before, &listed))
    }

    /// Those that were there before the list was asked for, and are not in it, are done.
    fn settle(&self, before: &[Xid], listed: &[Xid]) -> bool {
        self.with(|xids| xids.retain(|xid| listed.contains(xid) || !before.contains(xid)));
        !before.iter().any(|xid| listed.contains(xid))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn xid(number: u32) -> Xid {
        Xid { format_id: 1, global: number.to_be_bytes().to_vec(), branch: Vec::new() }
    }

    #[test]
    fn a_commit_is_over_when_a_list_that_was_asked_for_later_is_without_it() {
        let committing = Committing::default();
        committing.add(&xid(1));
        committing.add(&xid(2));
        let before = committing.with(|xids| xids.clone());
        // It came after the list was asked for: that it is not listed says nothing.
        committing.add(&xid(3));
        assert!(!committing.settle(&before, &[xid(2), xid(9)]), "2 is still listed");
        let before = committing.with(|xids| xids.clone());
        assert_eq!(before, [xid(2), xid(3)]);
        assert!(committing.settle(&before, &[xid(9)]), "9 is merely prepared");
        assert!(committing.with(|xids| xids.is_empty()));
    }

    #[test]
    fn an_identifier_that_is_used_again_is_not_waited_for() {
        let committing = Committing::default();
        committing.add(&xid(1));
        committing.remove(&xid(1));
        assert!(committing.with(|xids| xids.is_empty()));
        (0..2 * MOST as u32).for_each(|number| committing.add(&xid(number)));
        assert_eq!(committing.with(|xids| xids.len()), MOST);
    }
}
