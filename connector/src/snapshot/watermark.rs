//! Step 2 at a MySQL without GTIDs, which nobody can ask what its engines have committed: the reader commits a row of its own.
//!
//! Argument: with `binlog_order_commits` the engines commit in the order of the binary log. All that was streamed before the
//! row was written stands before it there, so when the row is committed that is, too. The variable can be set at any time,
//! so it is looked at each time.

use strait_mysql::client::{Conn, Queryable as _, server_code};

use crate::{Error, Result};

/// Each reader has a row of its own, mostly, so that none waits for another's.
const WRITE: &str = "INSERT INTO strait.watermark (reader, written) VALUES (CONNECTION_ID() % 64, UTC_TIMESTAMP(6)) \
     ON DUPLICATE KEY UPDATE written = UTC_TIMESTAMP(6)";

const REMEDY: &str = "CREATE DATABASE IF NOT EXISTS strait; \
     CREATE TABLE strait.watermark (reader INT UNSIGNED PRIMARY KEY, written DATETIME(6) NOT NULL); \
     GRANT INSERT, UPDATE ON strait.watermark TO the account; or set gtid_mode = ON and source.position = \"gtid\", which needs \
     neither; or snapshot.mode = \"never\"";

/// Afterwards a SELECT sees everything that was streamed before.
pub async fn write(conn: &mut Conn, place: &str) -> Result<()> {
    let failed = |source| match server_code(&source) {
        Some(_) => Error::refused(
            format!("without GTIDs a snapshot must write to strait.watermark, and cannot: {source}"),
            place,
            REMEDY,
        ),
        None => Error::Sql { attempted: "write to strait.watermark", place: place.to_owned(), source },
    };
    // The readers' sessions are read-only but for this one transaction.
    conn.query_drop("SET TRANSACTION READ WRITE").await.map_err(failed)?;
    conn.query_drop(WRITE).await.map_err(failed)?;
    let ordered: Option<bool> =
        conn.query_first("SELECT @@GLOBAL.binlog_order_commits").await.map_err(failed)?;
    if ordered == Some(true) {
        return Ok(());
    }
    Err(Error::refused(
        "binlog_order_commits is OFF: a row that is committed says nothing of those before it in the binary log, as a snapshot \
         without GTIDs must know",
        place,
        "SET PERSIST binlog_order_commits = ON",
    ))
}
