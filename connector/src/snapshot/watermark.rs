//! Step 2 at a MySQL without GTIDs, which nobody can ask what its engines have committed: the reader commits a row of its own.
//!
//! Argument: with `binlog_order_commits` the engines commit in the order of the binary log. All that was streamed before the
//! row was written stands before it there, so when the row is committed that is, too. The variable can be set at any time,
//! so it is looked at each time.

use strait_mysql::client::{Conn, Queryable as _, code, server_code};

use crate::{Error, Result};

/// Each reader has a row of its own, mostly, so that none waits for another's; and each server its own, for where one replicates
/// another both write. A row that did not change would not be logged.
const WRITE: &str = "INSERT INTO strait.watermark (server, reader, n) VALUES (@@server_uuid, CONNECTION_ID() % 64, 1) \
     ON DUPLICATE KEY UPDATE n = n + 1";

const REMEDY: &str = "CREATE DATABASE IF NOT EXISTS strait; \
     CREATE TABLE IF NOT EXISTS strait.watermark (server CHAR(36), reader INT UNSIGNED, n BIGINT UNSIGNED NOT NULL, PRIMARY KEY (server, reader)); \
     GRANT SELECT, INSERT, UPDATE ON strait.watermark TO the account; or set gtid_mode = ON and source.position = \"gtid\", which needs \
     neither; or snapshot.mode = \"never\"";

/// What is so until somebody mends it: the table or a right is missing, or the server is for reading only.
const LASTING: [u16; 7] = [
    code::ACCESS_DENIED_DATABASE,
    code::UNKNOWN_DATABASE,
    code::BAD_FIELD,
    code::TABLE_ACCESS_DENIED,
    code::COLUMN_ACCESS_DENIED,
    code::NO_SUCH_TABLE,
    code::OPTION_PREVENTS_STATEMENT,
];

/// Afterwards a SELECT sees everything that was streamed before.
pub async fn write(conn: &mut Conn, place: &str) -> Result<()> {
    let failed = |source| match server_code(&source) {
        Some(number) if LASTING.contains(&number) => Error::refused(
            format!("without GTIDs a snapshot must write to strait.watermark, and cannot: {source}"),
            place,
            REMEDY,
        ),
        _ => Error::Sql { attempted: "write to strait.watermark", place: place.to_owned(), source },
    };
    conn.query_drop("SET SESSION autocommit = 1").await.map_err(failed)?;
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
