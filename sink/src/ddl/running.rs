//! One statement on a connection of its own, watched from a second one.

use std::{
    sync::atomic::{AtomicBool, Ordering},
    time::{Duration, Instant},
};

use strait_mysql::{
    client::{ClientError, Conn, Queryable, Row, code, is_connection_lost, server_code, text},
    ddl::Kind,
    gtid::Gtid,
    server::{Flavor, ServerOptions, connect_session, place_of},
};
use strait_schemas::Ddl;
use strait_service::Component;

use super::{
    At, failed,
    gtid::{has_executed, is_chosen, take},
    read,
    session::imitate,
    source_of,
};
use crate::{
    apply::session,
    error::{Error, Result},
    metrics::Metrics,
};

/// Between looks at what the statement is doing.
const LOOK: Duration = Duration::from_secs(1);
/// A look that takes longer is given up.
const LOOK_LIMIT: Duration = Duration::from_secs(5);
const LOCK_WAIT_S: u32 = 50;
const UNKNOWN_TABLE: u16 = 1051;
/// Unknown ALGORITHM, unknown LOCK, not together, not supported, not supported for a reason, too many changes made at once, too large
/// for one made at once.
const NOT_THIS_WAY: [u16; 7] = [1800, 1801, 1221, 1845, 1846, 4092, 4093];
/// "The user specified as a definer does not exist".
const NO_SUCH_DEFINER: u16 = 1449;

#[derive(Debug)]
pub struct Running {
    conn: Conn,
    server: ServerOptions,
    at: At,
}

impl Running {
    pub async fn open(server: &ServerOptions, at: &At) -> Result<Self> {
        let conn = connect_session(server, &session(LOCK_WAIT_S)).await?;
        Ok(Self { conn, server: server.clone(), at: at.clone() })
    }

    pub fn conn(&mut self) -> &mut Conn {
        &mut self.conn
    }

    pub fn connection_id(&self) -> u64 {
        u64::from(self.conn.id())
    }

    /// Makes the session like the source's. `target`: the server's flavor.
    pub async fn prepare(&mut self, ddl: &Ddl, target: Flavor) -> Result<()> {
        let Some(session) = &ddl.session else { return Ok(()) };
        let flavors = [source_of(ddl.session.as_ref()), target];
        let imitated = imitate(&mut self.conn, ddl, session, flavors).await;
        imitated.map_err(|source| failed(ddl, &self.at, place_of(&self.conn), source))
    }

    /// Runs the statement under the GTID (empty: under the server's own), within the limit; the seconds that it took.
    pub async fn execute(
        mut self,
        ddl: &Ddl,
        gtid: &str,
        limit: Duration,
        status: &Component,
        metrics: &Metrics,
    ) -> Result<f64> {
        let begun = Instant::now();
        let watch = Watch {
            server: self.server.clone(),
            connection: self.connection_id(),
            what: format!("{} ({}: {})", ddl.kind, self.at, super::policy::excerpt(ddl)),
            status: status.clone(),
            metrics: metrics.clone(),
        };
        let place = place_of(&self.conn);
        // Set before the statement is ended: its connection may tell of that first.
        let too_long = AtomicBool::new(false);
        let ran = tokio::select! {
            biased;
            ran = run(&mut self.conn, gtid, ddl) => Some(ran),
            () = watch.look_on(begun, limit, &too_long) => None,
        };
        metrics.ddl_running_seconds.set(0.0);
        let ended = too_long.load(Ordering::Relaxed);
        match ran {
            Some(Ok(warnings)) => self.note(ddl, warnings).await,
            Some(Err(_)) | None if ended => {
                let statement = super::policy::excerpt(ddl);
                return Err(Error::DdlTimeout { statement, at: self.at.to_string(), place, limit });
            }
            None => return Err(Error::Task { cause: "a schema change was not watched to its end".into() }),
            Some(Err(source)) if is_connection_lost(&source) => {
                return Err(Error::TargetLost { doing: "running a schema change".into(), place, source });
            }
            Some(Err(source)) if has_dropped(ddl, gtid, &source) => {
                tracing::warn!(at = %self.at, statement = super::policy::excerpt(ddl), %source, "the other tables are dropped");
            }
            // Whatever the statement left open goes with the connection, and so does the hold on the GTID.
            Some(Err(source)) => return Err(failed(ddl, &self.at, place, source)),
        }
        if is_chosen(gtid) && !has_executed(&mut self.conn, gtid).await? {
            // A statement that changed nothing and was not logged: the number is used up all the same.
            self.conn
                .query_drop("COMMIT")
                .await
                .map_err(Error::target(&self.conn, "COMMIT of a schema change"))?;
        }
        Ok(begun.elapsed().as_secs_f64())
    }

    /// What the server remarks on a statement that it has run.
    async fn note(&mut self, ddl: &Ddl, warnings: u16) {
        if warnings == 0 {
            return;
        }
        let rows: Vec<Row> = self.conn.query("SHOW WARNINGS").await.unwrap_or_default();
        for row in rows {
            let number = text(&row, 1).unwrap_or_default();
            let message = text(&row, 2).unwrap_or_default();
            if number == NO_SUCH_DEFINER.to_string() {
                tracing::warn!(
                    at = %self.at, statement = super::policy::excerpt(ddl), message,
                    "its definer does not exist at the target: whoever uses it gets an error; CREATE USER there, or redefine it"
                );
            } else {
                tracing::debug!(at = %self.at, number, message, "the target's remark on a schema change");
            }
        }
    }
}

/// MariaDB drops the tables that are there before it says that others are not, and logs it: so it was at the source, and
/// in any case none of them is there now. (MySQL drops none.)
fn has_dropped(ddl: &Ddl, gtid: &str, source: &ClientError) -> bool {
    let at_mariadb = matches!(gtid.parse(), Ok(Gtid::Domain(_)));
    at_mariadb && ddl.kind == Kind::DropTable.name() && server_code(source) == Some(UNKNOWN_TABLE)
}

/// The rows of CREATE TABLE ... SELECT come as records: only the table is created here.
fn statement(ddl: &Ddl) -> Vec<u8> {
    let mut sql = ddl.sql().to_vec();
    if let Some(words) = read(ddl).rows_follow {
        sql.drain(words);
    }
    sql
}

/// Without what the source's server was asked for: how a table was changed there, as that table was, may not be possible
/// here. `None`: nothing was asked for.
fn undemanding(ddl: &Ddl) -> Option<Vec<u8>> {
    let demands = read(ddl).demands;
    // It makes no table from rows, so nothing else is to be taken out.
    let mut sql = (!demands.is_empty()).then(|| ddl.sql().to_vec())?;
    for value in demands.into_iter().rev() {
        sql.splice(value, *b"DEFAULT");
    }
    Some(sql)
}

/// The number of warnings. As it was made at the source if that can be done, so that both tables stay alike inside, too: a
/// partition, say, is only exchanged with a table that was changed in the same ways.
async fn run(conn: &mut Conn, gtid: &str, ddl: &Ddl) -> Result<u16, ClientError> {
    match (run_once(conn, gtid, statement(ddl)).await, undemanding(ddl)) {
        (Err(source), Some(sql)) if is_of_the_way(&source) => {
            tracing::debug!(%source, "the target changes the table in its own way");
            // What the parser refuses keeps the GTID, and another may not be taken (error 1790).
            conn.query_drop("ROLLBACK").await?;
            run_once(conn, gtid, sql).await
        }
        (ran, _) => ran,
    }
}

/// The server cannot change the table in the way that it was asked for, and has not begun to.
fn is_of_the_way(source: &ClientError) -> bool {
    server_code(source).is_some_and(|code| NOT_THIS_WAY.contains(&code))
}

/// Some statements answer with rows, where an error may be among them.
async fn run_once(conn: &mut Conn, gtid: &str, statement: Vec<u8>) -> Result<u16, ClientError> {
    if !gtid.is_empty() {
        take(conn, gtid).await?;
    }
    let result = conn.query_iter(statement).await?;
    result.drop_result().await?;
    Ok(conn.get_warnings())
}

/// Says what the statement is doing, and ends it when its time is over.
struct Watch {
    server: ServerOptions,
    connection: u64,
    what: String,
    status: Component,
    metrics: Metrics,
}

impl Watch {
    /// Returns when the time is over and the statement was asked to end. (That the server lives, the control connection
    /// sees.)
    async fn look_on(self, begun: Instant, limit: Duration, too_long: &AtomicBool) {
        let mut conn: Option<Conn> = None;
        loop {
            tokio::time::sleep(LOOK).await;
            let seconds = begun.elapsed();
            self.metrics.ddl_running_seconds.set(seconds.as_secs_f64());
            if conn.is_none() {
                conn = tokio::time::timeout(LOOK_LIMIT, connect_session(&self.server, &session(1)))
                    .await
                    .ok()
                    .and_then(Result::ok);
            }
            let doing = match &mut conn {
                Some(open) => {
                    tokio::time::timeout(LOOK_LIMIT, doing(open, self.connection)).await.ok().flatten()
                }
                None => None,
            };
            if doing.is_none() {
                conn = None;
            }
            self.status.waiting(format!(
                "{} has been running for {} s{}",
                self.what,
                seconds.as_secs(),
                doing.filter(|doing| !doing.is_empty()).map(|doing| format!(": {doing}")).unwrap_or_default()
            ));
            if seconds >= limit {
                too_long.store(true, Ordering::Relaxed);
                if let Some(open) = &mut conn {
                    // Without an answer the connection is dropped, and the next start ends what is left of it.
                    let kill = open.query_drop(format!("KILL {}", self.connection));
                    let _ = tokio::time::timeout(LOOK_LIMIT, kill).await;
                }
                return;
            }
        }
    }
}

/// What the server says that the connection is doing, with the share done where it counts that (the consumer
/// `events_stages_current` of performance_schema). None: it cannot be asked.
async fn doing(conn: &mut Conn, connection: u64) -> Option<String> {
    let state = format!("SELECT STATE FROM information_schema.PROCESSLIST WHERE ID = {connection}");
    let state: Option<Option<String>> = match conn.query_first(state).await {
        Ok(state) => state,
        Err(error) => {
            tracing::debug!(%error, "looking at a running schema change failed");
            return None;
        }
    };
    let state = state.flatten().unwrap_or_default();
    let stage = format!(
        "SELECT CONCAT(s.EVENT_NAME, ', ', ROUND(100 * s.WORK_COMPLETED / s.WORK_ESTIMATED), ' % done') \
         FROM performance_schema.events_stages_current s JOIN performance_schema.threads t USING (THREAD_ID) \
         WHERE t.PROCESSLIST_ID = {connection} AND s.WORK_ESTIMATED > 0"
    );
    match conn.query_first::<String, _>(stage).await {
        Ok(Some(stage)) => Some(stage),
        Ok(None) => Some(state),
        Err(error) if server_code(&error) == Some(code::TABLE_ACCESS_DENIED) => Some(state),
        Err(_) => Some(state),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_table_whose_rows_follow_is_created_alone() {
        let ddl = |statement| Ddl::shown("d", statement);
        let options =
            ddl("CREATE TABLE `t` (`i` int) START TRANSACTION ENGINE=InnoDB COMMENT='START TRANSACTION'");
        assert_eq!(
            statement(&options),
            b"CREATE TABLE `t` (`i` int)  ENGINE=InnoDB COMMENT='START TRANSACTION'"
        );
        let other = ddl("CREATE TABLE t (i INT COMMENT ' START TRANSACTION')");
        assert_eq!(statement(&other), other.sql());
    }

    #[test]
    fn how_the_source_went_about_it_is_no_demand_here() {
        let made = |sql| match undemanding(&Ddl::shown("d", sql)) {
            Some(undemanding) => String::from_utf8(undemanding).expect("UTF-8"),
            None => String::new(),
        };
        assert_eq!(
            made("ALTER TABLE t LOCK=NONE, DROP COLUMN a, ALGORITHM = instant"),
            "ALTER TABLE t LOCK=DEFAULT, DROP COLUMN a, ALGORITHM = DEFAULT"
        );
        assert_eq!(
            made("CREATE INDEX i ON t (a) ALGORITHM INPLACE"),
            "CREATE INDEX i ON t (a) ALGORITHM DEFAULT"
        );
        assert_eq!(made("DROP INDEX i ON t LOCK NONE"), "DROP INDEX i ON t LOCK DEFAULT");
        for same in [
            "ALTER TABLE t ADD algorithm INT COMMENT 'ALGORITHM=INPLACE', ALGORITHM=COPY",
            "ALTER ALGORITHM=MERGE VIEW v AS SELECT 1",
        ] {
            assert_eq!(made(same), "", "{same}");
        }
    }
}
