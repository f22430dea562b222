//! The side connection to the source: facts, the catalog, and what the server has executed. Blocking, to be
//! used from the publisher's thread; ended early by a shutdown.

use std::{future::Future, time::Duration};

use strait_mysql::{
    binlog::{LoggedRows, Xid},
    catalog::{self, Table, TableName},
    client::{Conn, Queryable as _},
    gtid::GtidSet,
    server::{ServerFacts, ServerOptions, connect, read_binlog_files, read_facts, read_snapshot_place},
    stream::{self, LogPlace, PreparedRows},
};
use strait_service::{CancellationToken, Component};
use tokio::runtime::Handle;

use crate::{Error, Result};

/// For an answer on the side connection. A connection that was cut without a word would be waited for until the kernel
/// gives it up, after a quarter of an hour.
const ANSWER: Duration = Duration::from_secs(30);
/// How often what takes long says so.
const SAYING: Duration = Duration::from_secs(5);
const REREAD: &str = "read the rows of an XA transaction again";

pub struct Source {
    options: ServerOptions,
    runtime: Handle,
    stop: CancellationToken,
    conn: Option<Conn>,
}

impl Source {
    pub fn new(options: ServerOptions, runtime: Handle, stop: CancellationToken) -> Self {
        Self { options, runtime, stop, conn: None }
    }

    /// How messages name the server.
    pub fn place(&self) -> String {
        self.options.place()
    }

    /// Runs a future to its end, unless the shutdown comes first.
    pub fn wait_for<T>(&self, future: impl Future<Output = Result<T>>) -> Result<T> {
        self.runtime.block_on(async {
            tokio::select! {
                biased;
                () = self.stop.cancelled() => Err(Error::Stopped),
                result = future => result,
            }
        })
    }

    /// As [`Source::wait_for`], but for a limited time; `attempted` follows "could not".
    pub fn wait_in_time<T>(
        &self,
        limit: Duration,
        attempted: &str,
        future: impl Future<Output = Result<T>>,
    ) -> Result<T> {
        self.wait_for(async {
            tokio::time::timeout(limit, future).await.unwrap_or_else(|_| {
                Err(Error::Restart {
                    why: format!(
                        "no answer from {} within {} s: could not {attempted}",
                        self.place(),
                        limit.as_secs_f32()
                    ),
                })
            })
        })
    }

    /// A connection that was put away by an earlier call, or a new one. It is kept only after success: after
    /// an error or a shutdown its state is unknown.
    fn with_conn<T>(
        &mut self,
        attempted: &'static str,
        work: impl AsyncFnOnce(&mut Conn) -> Result<T, strait_mysql::Error>,
    ) -> Result<T> {
        let place = self.place();
        let failed = |source| Error::Source { attempted, place: place.clone(), source };
        let kept = self.conn.take();
        let (conn, result) = self.wait_in_time(ANSWER, attempted, async {
            let mut conn = match kept {
                Some(conn) => conn,
                None => connect(&self.options).await.map_err(&failed)?,
            };
            let result = work(&mut conn).await.map_err(&failed)?;
            Ok((conn, result))
        })?;
        self.conn = Some(conn);
        Ok(result)
    }

    pub fn facts(&mut self) -> Result<ServerFacts> {
        self.with_conn("read the server's settings", async |conn| read_facts(conn).await)
    }

    /// The binary logs that the server still has.
    pub fn binlog_files(&mut self) -> Result<Vec<String>> {
        self.with_conn("list the binary logs", async |conn| read_binlog_files(conn).await)
    }

    pub fn table(&mut self, database: &str, table: &str) -> Result<Option<Table>> {
        let name = TableName::new(database, table);
        self.with_conn("look a table up in the catalog", async |conn| catalog::read_table(conn, &name).await)
    }

    /// The table, if it is one of the [special](crate::special_tables) ones.
    pub fn special_table(&mut self, database: &str, table: &str) -> Result<Option<(TableName, String)>> {
        let attempted = "look a table's kind up in the catalog";
        let all = self.with_conn(attempted, async |conn| catalog::list_special_tables(conn).await)?;
        Ok(all.into_iter().find(|(name, _)| name.database == database && name.table == table))
    }

    /// File and position in the binary log up to which MariaDB has committed, in its engines too. A snapshot tells them:
    /// `gtid_binlog_pos` has what is only logged as well.
    pub fn committed_place(&mut self) -> Result<(String, u64)> {
        let place = self.place();
        let answer = self
            .with_conn("ask how far the source has committed", async |conn| Ok(snapshot_place(conn).await))?;
        let attempted = "ask how far the source has committed";
        let found = answer.map_err(|source| {
            self.conn = None;
            Error::Sql { attempted, place: place.clone(), source }
        })?;
        found.ok_or_else(|| Error::Restart { why: format!("{place} does not tell how far it has committed") })
    }

    /// As [`find_prepared`](strait_mysql::stream::find_prepared); says meanwhile that it goes on.
    pub fn find_prepared(
        &self,
        server_uuid: &str,
        xid: &Xid,
        file: &str,
        end: Option<u64>,
        status: &Component,
    ) -> Result<Option<LogPlace>> {
        let text = format!("looking for XA transaction {xid} in {file}");
        let finding = stream::find_prepared(&self.options, named(server_uuid), xid, file, end);
        self.wait_saying(status, &text, "look for a prepared XA transaction", finding)
    }

    /// Opens the rows of a prepared XA transaction, to be read beside the stream.
    pub fn prepared_rows(&self, server_uuid: &str, at: &LogPlace) -> Result<PreparedRows> {
        let opening = PreparedRows::open(&self.options, named(server_uuid), at);
        self.wait_for(async { opening.await.map_err(|source| self.failed(REREAD, source)) })
    }

    /// The next of them.
    pub fn next_prepared(&self, rows: &mut PreparedRows, status: &Component) -> Result<Option<LoggedRows>> {
        self.wait_saying(status, "reading the rows of an XA transaction again", REREAD, rows.next())
    }

    fn failed(&self, attempted: &'static str, source: strait_mysql::Error) -> Error {
        Error::Source { attempted, place: self.place(), source }
    }

    /// As [`Source::wait_for`] something that may take long.
    fn wait_saying<T>(
        &self,
        status: &Component,
        text: &str,
        attempted: &'static str,
        future: impl Future<Output = Result<T, strait_mysql::Error>>,
    ) -> Result<T> {
        self.wait_for(async {
            tokio::pin!(future);
            loop {
                match tokio::time::timeout(SAYING, &mut future).await {
                    Ok(result) => return result.map_err(|source| self.failed(attempted, source)),
                    Err(_) => status.waiting(text),
                }
            }
        })
    }

    /// Lets a moment pass between two looks.
    pub fn pause(&self, length: Duration) -> Result<()> {
        self.wait_for(async {
            tokio::time::sleep(length).await;
            Ok(())
        })
    }

    /// Whether the server has executed all of `set`; waits for it up to `patience` (whole seconds).
    pub fn has_executed(&mut self, set: &GtidSet, patience: Duration) -> Result<bool> {
        let statement = format!("SELECT WAIT_FOR_EXECUTED_GTID_SET('{set}', {})", patience.as_secs().max(1));
        let place = self.place();
        let answer = self.with_conn("ask for gtid_executed", async |conn| {
            Ok(conn.query_first::<i64, _>(statement).await)
        })?;
        match answer {
            Ok(answer) => Ok(answer == Some(0)),
            Err(source) => {
                self.conn = None;
                Err(Error::Sql { attempted: "wait for gtid_executed", place, source })
            }
        }
    }
}

/// Of a server that has an identity.
fn named(server_uuid: &str) -> Option<&str> {
    Some(server_uuid).filter(|uuid| !uuid.is_empty())
}

async fn snapshot_place(conn: &mut Conn) -> Result<Option<(String, u64)>, strait_mysql::client::ClientError> {
    conn.query_drop("START TRANSACTION WITH CONSISTENT SNAPSHOT").await?;
    let place = read_snapshot_place(conn).await?;
    conn.query_drop("ROLLBACK").await?;
    Ok(place)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_answer_that_never_comes_names_the_server() {
        let runtime = tokio::runtime::Runtime::new().expect("a runtime");
        let options = ServerOptions::new("db1", 3306, "repl");
        let source = Source::new(options, runtime.handle().clone(), CancellationToken::new());
        let never = std::future::pending::<Result<()>>();
        let error = source.wait_in_time(Duration::from_millis(1), "read", never).expect_err("no answer");
        assert!(matches!(&error, Error::Restart { why } if why.contains("repl@db1:3306")), "{error}");
    }
}
