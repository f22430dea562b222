//! A lane's connection: how it is set up, and one statement on it.

use std::{borrow::Cow, future::Future, sync::Arc, time::Duration};

use strait_mysql::{
    client::{ClientError, Conn, Queryable, Row, code, is_connection_lost, server_code},
    server::{ServerOptions, Session, connect_session, place_of},
};

use super::work::{Computed, Expect, OnDuplicate, OnMissing, Statement};
use crate::{
    error::{Error, Result},
    row_events::{Definitions, SET_CLOCK_FREE},
    table_map::Target,
};

/// `sql_mode` of a session. Without ERROR_FOR_DIVISION_BY_ZERO, NO_ZERO_DATE and NO_ZERO_IN_DATE.
const STRICT: &str = "STRICT_ALL_TABLES,STRICT_TRANS_TABLES,NO_AUTO_VALUE_ON_ZERO,ALLOW_INVALID_DATES,NO_BACKSLASH_ESCAPES,\
                      NO_ENGINE_SUBSTITUTION";
const LENIENT: &str = "NO_AUTO_VALUE_ON_ZERO,ALLOW_INVALID_DATES,NO_BACKSLASH_ESCAPES,NO_ENGINE_SUBSTITUTION";

/// Session of a lane or of the control connection.
///
/// Zero dates, invalid dates and explicit zeros of AUTO_INCREMENT columns are values like any other here; what
/// does not fit is an error, never cut. `@strait_apply` is what a guarded trigger looks at. wait_timeout ends
/// the session of a sink whose machine vanished.
///
/// MariaDB's CHECKs are the source's affair (what is in `/*M! */` MariaDB alone reads): it may hold rows that violate them, for a JSON
/// column that is added has no bytes in the old rows, and sessions may turn them off. Its own replicas do not look at them. MySQL
/// holds no such rows, and has no such setting.
pub fn session(lock_wait_s: u32) -> Session {
    Session {
        found_rows: true,
        database: None,
        setup: vec![
            "SET NAMES utf8mb4".into(),
            format!("SET SESSION sql_mode = '{STRICT}'"),
            // As a statement: MariaDB before 11.1 has the variable under another name.
            "SET SESSION TRANSACTION ISOLATION LEVEL READ COMMITTED".into(),
            "SET SESSION time_zone = '+00:00', autocommit = 1, wait_timeout = 60, sql_safe_updates = 0, unique_checks = 1, foreign_key_checks = 1 \
             /*M! , check_constraint_checks = 0 */"
                .into(),
            format!("SET SESSION innodb_lock_wait_timeout = {lock_wait_s}"),
            "SET @strait_apply = 1".into(),
        ],
        program: Some("strait-sink".into()),
    }
}

/// What one statement did.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Done {
    AsExpected,
    /// The row was missing, or there already: it is as the source's now, but somebody else wrote here.
    Repaired,
}

#[derive(Debug)]
pub struct LaneSession {
    conn: Conn,
    foreign_key_checks: bool,
    /// An event has set the session's clock: NOW() stands still at its time, and the log has that, too.
    clock_is_set: bool,
    /// How long the server may be silent, at each statement of a text, before the connection counts as lost.
    answer_timeout: Duration,
}

impl LaneSession {
    pub async fn open(options: &ServerOptions, lock_wait_s: u32, answer_timeout: Duration) -> Result<Self> {
        // A DELETE with an alias wants a default database, even where every name is qualified (error 1046).
        let session = Session { database: Some("strait".into()), ..session(lock_wait_s) };
        let conn = connect_session(options, &session).await?;
        Ok(Self { conn, foreign_key_checks: true, clock_is_set: false, answer_timeout })
    }

    pub fn connection_id(&self) -> u64 {
        u64::from(self.conn.id())
    }

    /// Runs a text and gives the rows it matched, all its statements together.
    pub async fn run(&mut self, sql: &[u8], doing: &str) -> Result<u64> {
        if std::mem::take(&mut self.clock_is_set) {
            let sql = [SET_CLOCK_FREE.as_bytes(), b";", sql].concat();
            return self.run_as_it_is(&sql, doing).await;
        }
        self.run_as_it_is(sql, doing).await
    }

    async fn run_as_it_is(&mut self, sql: &[u8], doing: &str) -> Result<u64> {
        let ran = run_text(&mut self.conn, sql, self.answer_timeout).await;
        ran.map_err(|fault| self.failed(doing, fault))
    }

    /// Whether these tables still are what events were made for. They stay so until the transaction ends.
    pub async fn fit(&mut self, definitions: &Definitions, targets: &[Arc<Target>]) -> Result<bool> {
        let question = definitions.question(targets);
        let asked = within(self.answer_timeout, result_sets(&mut self.conn, &question)).await;
        let sets = match asked {
            Ok(sets) => sets,
            // A table that is not there any more, say: SQL will tell.
            Err(Fault::Client(error)) if server_code(&error).is_some() => return Ok(false),
            Err(fault) => return Err(self.failed("looking at the definitions of tables", fault)),
        };
        let text =
            |set: usize, column: usize| -> Option<String> { sets.get(set)?.first()?.get_opt(column)?.ok() };
        // Settings that change what events do.
        if text(0, 0).is_none_or(|settings| !settings.is_empty()) {
            return Ok(false);
        }
        for (at, target) in targets.iter().enumerate() {
            let Some(shown) = text(2 + 2 * at, 1) else { return Ok(false) };
            if !definitions.fits(&mut self.conn, target, &shown).await? {
                return Ok(false);
            }
        }
        Ok(true)
    }

    fn failed(&self, doing: &str, fault: Fault) -> Error {
        let (doing, place) = (doing.to_owned(), place_of(&self.conn));
        match fault {
            Fault::Silent => Error::TargetSilent { doing, place, limit: self.answer_timeout },
            Fault::Client(source) if is_connection_lost(&source) => {
                Error::TargetLost { doing, place, source }
            }
            Fault::Client(source) => Error::Target { doing, place, source },
        }
    }

    /// Executes a statement of a batch. `evidence`: everything before has committed and nothing is folded, so a
    /// duplicate or a missing row is real.
    pub async fn execute(&mut self, statement: &Statement, evidence: bool) -> Result<Done> {
        if self.foreign_key_checks != statement.foreign_key_checks {
            let set = format!("SET foreign_key_checks = {}", u8::from(statement.foreign_key_checks));
            self.run(set.as_bytes(), &set).await?;
            self.foreign_key_checks = statement.foreign_key_checks;
        }
        let computed = statement.computed.as_ref().filter(|_| evidence);
        if statement.is_events {
            let ran = self.run_as_it_is(&statement.sql, &statement.what).await;
            self.clock_is_set = true;
            return match ran {
                Ok(_) => Ok(Done::AsExpected),
                Err(Error::Target { source, .. }) => Err(applying(statement, source)),
                Err(error) => Err(error),
            };
        }
        match self.write(&statement.sql, statement, computed).await {
            Ok(matched) => self.check_matched(statement, matched, evidence).await,
            Err(Error::Target { source, .. }) if is_duplicate(&source) && evidence => {
                self.settle_duplicate(statement, source).await
            }
            Err(Error::Target { source, .. }) => Err(applying(statement, source)),
            Err(error) => Err(error),
        }
    }

    /// Runs a text of the statement. With the strict mode off the server changes what does not fit, and warns: an
    /// ENUM's invalid value and a column without one, which are why it is off, have their warnings; any other is of a value that
    /// is not the source's.
    async fn write(&mut self, sql: &[u8], statement: &Statement, computed: Option<&Computed>) -> Result<u64> {
        let matched = match (self.run(sql, &statement.what).await, computed) {
            (Err(Error::Target { source, .. }), Some(computed)) if is_of_value(&source) => {
                let sql = match server_code(&source) {
                    // Of one row alone nobody may write it but who says IGNORE; what else that passes over, the row tells.
                    Some(code::BAD_NULL) => ignoring(sql),
                    _ => sql.into(),
                };
                self.write_computed(&sql, statement, computed, source).await?
            }
            (ran, _) => ran?,
        };
        let Some(invalid) = &statement.invalid else { return Ok(matched) };
        let asked = within(self.answer_timeout, warnings(&mut self.conn)).await;
        let (count, warnings) =
            asked.map_err(|fault| self.failed("looking at the warnings of a row", fault))?;
        match (unexpected(count, &warnings, invalid), computed) {
            (None, _) => Ok(matched),
            // It may be of a computed column.
            (Some(_), Some(Computed::Row(row))) if self.finds(row).await? => Ok(matched),
            (Some(warning), _) => Err(Error::ValueChanged {
                statement: statement.what.to_string(),
                warning,
                place: statement.place.clone(),
            }),
        }
    }

    /// Without the strict mode, where only what the server computes may have been refused.
    async fn write_computed(
        &mut self,
        sql: &[u8],
        statement: &Statement,
        computed: &Computed,
        refused: ClientError,
    ) -> Result<u64> {
        let set = |mode: &str| format!("SET SESSION sql_mode = '{mode}'");
        self.run(set(LENIENT).as_bytes(), "turning the strict mode off").await?;
        let written = self.run(sql, &statement.what).await;
        self.run(set(STRICT).as_bytes(), "turning the strict mode on").await?;
        let written = written?;
        if let Computed::Row(row) = computed {
            // What IGNORE has passed over may stand there from elsewhere.
            if written == 0 || !self.finds(row).await? {
                return Err(applying(statement, refused));
            }
            tracing::warn!(table = %statement.table, place = %statement.place, %refused, "what the server computes of a row was written without the strict mode");
        }
        Ok(written)
    }

    async fn finds(&mut self, row: &[u8]) -> Result<bool> {
        let asked = within(self.answer_timeout, self.conn.query_first::<u8, _>(row)).await;
        let found = asked.map_err(|fault| self.failed("looking at a row that was written", fault))?;
        Ok(found.is_some())
    }

    async fn check_matched(&mut self, statement: &Statement, matched: u64, evidence: bool) -> Result<Done> {
        match statement.expect {
            Expect::Rows(expected) if matched < expected => {}
            Expect::Any | Expect::Rows(_) => return Ok(Done::AsExpected),
        }
        match statement.on_missing.as_ref().filter(|_| evidence) {
            Some(OnMissing::Write(insert)) => {
                self.write(insert, statement, statement.computed.as_ref())
                    .await
                    .map_err(|error| with_place(statement, error))?;
                Ok(repaired(
                    statement,
                    "a row that the source changed was missing at the target: written anew",
                ))
            }
            Some(OnMissing::Gone) => {
                Ok(repaired(statement, "a row that the source deleted was missing at the target already"))
            }
            None => Err(Error::Drift {
                table: statement.table.to_string(),
                cause: format!("{} found no such row", statement.what),
                place: statement.place.clone(),
            }),
        }
    }

    async fn settle_duplicate(&mut self, statement: &Statement, source: ClientError) -> Result<Done> {
        let (update, computed) = match &statement.on_duplicate {
            Some(OnDuplicate::Write(update)) => (update, statement.computed.as_ref()),
            Some(OnDuplicate::Keep(update)) => (update, Some(&Computed::Nothing)),
            None => return Err(applying(statement, source)),
        };
        let matched =
            self.write(update, statement, computed).await.map_err(|error| with_place(statement, error))?;
        if matched == 0 {
            return Err(Error::Drift {
                table: statement.table.to_string(),
                cause: format!("another row holds its unique value ({source})"),
                place: statement.place.clone(),
            });
        }
        Ok(repaired(statement, "a row that the source inserted was at the target already: made the source's"))
    }

    /// Always explicit: error 1205 undoes only its statement, and a BEGIN would then commit the half batch.
    pub async fn rollback(&mut self) -> Result<()> {
        self.run(b"ROLLBACK", "ROLLBACK").await.map(|_| ())
    }

    pub async fn ping(&mut self) -> Result<()> {
        let answer = within(self.answer_timeout, self.conn.ping()).await;
        answer.map_err(|fault| self.failed("an idle ping", fault))
    }

    pub async fn close(self) {
        // The session has nothing open: how it ends does not matter.
        let _ = tokio::time::timeout(Duration::from_millis(500), self.conn.disconnect()).await;
    }
}

/// Why a statement did not end well.
enum Fault {
    Silent,
    Client(ClientError),
}

async fn within<T>(limit: Duration, work: impl Future<Output = Result<T, ClientError>>) -> Result<T, Fault> {
    match tokio::time::timeout(limit, work).await {
        Ok(done) => done.map_err(Fault::Client),
        Err(_) => Err(Fault::Silent),
    }
}

/// Each statement of the text has the whole time: how many share it is no measure of the server's health.
async fn run_text(conn: &mut Conn, sql: &[u8], limit: Duration) -> Result<u64, Fault> {
    let mut result = within(limit, conn.query_iter(sql)).await?;
    let mut matched = result.affected_rows();
    while !result.is_empty() {
        within(limit, result.for_each(drop)).await?;
        matched += result.affected_rows();
    }
    within(limit, result.drop_result()).await?;
    Ok(matched)
}

/// The rows of each statement of a text.
async fn result_sets(conn: &mut Conn, sql: &str) -> Result<Vec<Vec<Row>>, ClientError> {
    let mut result = conn.query_iter(sql).await?;
    let mut sets = Vec::new();
    while !result.is_empty() {
        sets.push(result.collect().await?);
    }
    Ok(sets)
}

type Warning = (String, u16, String);

/// How many there were, and those that the server has kept: max_error_count of them.
async fn warnings(conn: &mut Conn) -> Result<(usize, Vec<Warning>), ClientError> {
    let count: Option<usize> = conn.query_first("SHOW COUNT(*) WARNINGS").await?;
    Ok((count.unwrap_or_default(), conn.query("SHOW WARNINGS").await?))
}

/// The first warning that is not of an invalid value in one of these columns. The text names the column between
/// quotes, in whichever language.
fn unexpected(count: usize, warnings: &[Warning], invalid: &[Arc<str>]) -> Option<String> {
    if warnings.len() < count {
        return Some(format!("{count} warnings, of which max_error_count keeps {}", warnings.len()));
    }
    let is_expected = |number: u16, text: &str| {
        matches!(number, code::DATA_TRUNCATED | code::NO_DEFAULT_FOR_FIELD)
            && invalid.iter().any(|column| text.contains(&format!("'{column}'")))
    };
    let found = warnings.iter().find(|(_, number, text)| !is_expected(*number, text));
    found.map(|(level, number, text)| format!("{level} {number}: {text}"))
}

fn applying(statement: &Statement, source: ClientError) -> Error {
    Error::Apply { statement: statement.what.to_string(), place: statement.place.clone(), source }
}

fn with_place(statement: &Statement, error: Error) -> Error {
    match error {
        Error::Target { source, .. } => applying(statement, source),
        other => other,
    }
}

fn ignoring(sql: &[u8]) -> Cow<'_, [u8]> {
    match sql.strip_prefix(b"INSERT ") {
        Some(rest) => [b"INSERT IGNORE ", rest].concat().into(),
        None => sql.into(),
    }
}

/// A value does not fit, says the strict mode.
fn is_of_value(source: &ClientError) -> bool {
    let codes = [
        code::BAD_NULL,
        code::OUT_OF_RANGE,
        code::DATA_TRUNCATED,
        code::TRUNCATED_WRONG_VALUE,
        code::WRONG_VALUE_FOR_FIELD,
        code::DATA_TOO_LONG,
        code::WRONG_VALUE_FOR_TYPE,
        code::DATETIME_OVERFLOW,
    ];
    server_code(source).is_some_and(|code| codes.contains(&code))
}

fn is_duplicate(source: &ClientError) -> bool {
    server_code(source) == Some(code::DUPLICATE_ENTRY)
}

fn repaired(statement: &Statement, what: &str) -> Done {
    if statement.pending {
        return Done::AsExpected;
    }
    tracing::warn!(table = %statement.table, place = %statement.place, "{what}");
    Done::Repaired
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_an_invalid_value_of_its_column_is_expected() {
        let warned = |number, text: &str| vec![("Warning".to_owned(), number, text.to_owned())];
        let invalid = ["state".into()];
        let expected = warned(1265, "Data truncated for column 'state' at row 1");
        assert_eq!(unexpected(1, &expected, &invalid), None);
        let left_out = warned(1364, "Field 'state' doesn't have a default value");
        assert_eq!(unexpected(1, &left_out, &invalid), None);
        assert_eq!(unexpected(0, &[], &invalid), None);
        assert!(unexpected(1, &[], &invalid).is_some(), "one that is not shown");
        let other = warned(1265, "Data truncated for column 'name' at row 1");
        assert_eq!(
            unexpected(1, &other, &invalid).as_deref(),
            Some("Warning 1265: Data truncated for column 'name' at row 1")
        );
        assert!(
            unexpected(1, &warned(1264, "Out of range value for column 'state' at row 1"), &invalid)
                .is_some()
        );
        assert!(unexpected(1, &expected, &[]).is_some());
    }
}
