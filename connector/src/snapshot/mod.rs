//! Snapshot: the rows that a table held already, brought into the log while the stream goes on. No table is locked, and
//! nothing is written at a source that has GTIDs.
//!
//! A table is read in chunks by its key. For each chunk:
//! 1. The publisher opens a *window*, between two transactions: from now on it notes the keys of the table's rows
//!    that pass. All that has been streamed until now is the set S.
//! 2. The reader waits until the server's `gtid_executed` holds S, and only then reads.
//! 3. The reader reads the rows with one SELECT, and afterwards asks where the binary log ends: the place H.
//! 4. When the stream has passed H, between two transactions, the chunk goes into the log without the rows whose keys
//!    are in the window.
//!
//! MariaDB has no set of what its engines have committed, but a consistent snapshot tells the place in the binary log up
//! to which it sees exactly everything: there 2 takes snapshots until one lies behind all that was streamed, and its place
//! is H. Only XA COMMIT is an exception there, for which there is a way of its own (`committing`).
//!
//! MySQL without GTIDs (`source.position = "file"`) tells neither: there 2 is a row of the reader's own (`watermark`), the only
//! thing that is ever written at a source.
//!
//! A reader knows in 2 more than S that its SELECT will see: `gtid_executed`, what lies before its consistent snapshot, or before
//! its row. Of that the window notes nothing: the chunk shows it, with all that foreign keys did. So what a window must tell is what
//! was committed while the reader read, however far the stream is behind, and the shorter it reads, the less that is.
//!
//! Argument. A transaction enters `gtid_executed` after the engine has committed it, and is written to the binary
//! log before. Let T be a transaction that touches key k of the chunk, and k be in no window.
//! - T was streamed before the window opened: it is in S, so the SELECT sees it. This is what 2 is for: a
//!   transaction may be streamed long before any SELECT sees it (semi-sync, or merely a busy server), and its row
//!   would be lost if the chunk, which comes after it in the log, brought the older one.
//! - T is streamed after the chunk is published: then it lies behind H in the binary log. If it was visible to the
//!   SELECT it was written to the log before H was asked for: a contradiction. So the SELECT did not see it, and the
//!   log has it after the chunk, as it should be.
//! - T is streamed in between: k is in the window, or T is in what the SELECT saw for certain, and the chunk has k as T left it.
//!
//! A chunk is read again from the last published one where that would not hold: after DDL, where the effects of a foreign key
//! are not logged, and after any reconnect, since then windows and chunks are gone with the run. How far each table has come
//! is in the position. A prepared XA transaction counts where it is committed, and its rows pass there (`crate::publisher`).
//!
//! Two writings of one key that the table's collation calls equal have different bytes, but both images of a change are
//! noted, so the one that the SELECT saw is among them.

mod adapt;
mod begin;
mod cascade;
mod committing;
mod definition;
mod desk;
mod keys;
mod moment;
mod plan;
mod reader;
mod watermark;
mod window;

use strait_mysql::client::{ClientError, code, server_code};

use crate::Error;

pub use begin::{Begun, begin, look, try_conditions};
pub use committing::Committing;
pub use definition::{create_database, create_table};
pub use desk::{Desk, LogPlace, ReadChunk, Streamed};
pub use keys::to_wire;
pub use plan::{Definition, Listing};
pub use reader::{Portion, ReaderOptions, Work, read};
pub use watermark::write as write_watermark;
pub use window::Window;

/// A right that is missing stays so until somebody grants it; any other fault is worth another try.
fn failed(attempted: &'static str, place: &str, source: ClientError) -> Error {
    let denied = [code::TABLE_ACCESS_DENIED, code::COLUMN_ACCESS_DENIED, code::ACCESS_DENIED_DATABASE];
    match server_code(&source) {
        Some(number) if denied.contains(&number) => Error::refused(
            format!("the source does not let its account {attempted}: {source}"),
            place,
            "GRANT SELECT ON the database to the account; or leave the table out (table.exclude.list), or snapshot.mode = \"never\"",
        ),
        _ => Error::Sql { attempted, place: place.to_owned(), source },
    }
}
