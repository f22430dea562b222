//! What is logged as a statement: DDL takes a number, a change of rows in statement form is refused.

use std::time::Instant;

use strait_mysql::{
    binlog::{EventType, QueryEvent, TransactionEnd, TransactionHead},
    ddl::Text,
};
use strait_schemas::{Ddl, Snapshot};

use super::Publisher;
use crate::{
    Error, Result,
    current::{Current, Fate},
    ddl, intents,
    reader::now_us,
};

/// The id of utf8mb4_general_ci.
const UTF8: u16 = 45;

impl Publisher {
    pub(super) fn handle_ddl(
        &mut self,
        head: TransactionHead,
        query: &QueryEvent<'_>,
        seconds: u32,
        end: &TransactionEnd,
    ) -> Result<()> {
        self.metrics.lag.behind();
        self.discard_chunks();
        self.signals.forget_announced();
        self.state.idle_us = 0;
        let fate = self.fate_of(&head)?;
        let mut current = Current::new(head, fate);
        current.count(query.statement);
        match current.fate.clone() {
            Fate::Compared(expected) => return self.compare(&current, &expected),
            Fate::Resumed(_) => self.void_unfinished(current.head.commit_us),
            Fate::Undecided | Fate::Published | Fate::Looped => {}
        }
        let (sql, database) = (String::from_utf8_lossy(query.statement), query.database_text());
        let statement = Text { sql: &sql, database: &database };
        let ours = intents::origin_of(&self.progress.intents, &current.head, statement);
        if ours.is_some_and(|origin| self.filter.skips_origin(origin)) {
            current.fate = Fate::Looped;
        } else if let Some(told) = self.told(query, seconds) {
            tracing::info!(
                gtid = current.id, kind = told.kind, database = told.database, statement = %excerpt(&told.statement),
                "a schema change takes a number"
            );
            self.publish_schema_change(&told, &current.head)?;
            self.numbering.ddl(&current.id, current.head.commit_us, told);
        }
        self.finish(&current, end)?;
        self.follow_names(query)
    }

    /// It may have changed what a chunk was read from.
    pub(super) fn discard_chunks(&self) {
        if let Some(snapshot) = &self.snapshot {
            snapshot.desk.discard_all();
        }
    }

    /// The table is created and filled in one transaction: its rows follow under the same number.
    pub(super) fn handle_create_select(&mut self, query: &QueryEvent<'_>, seconds: u32) -> Result<()> {
        self.discard_chunks();
        let mut query = query.clone();
        if let Some([client, connection, _]) = &mut query.charset {
            // The server has written the statement itself, in its own charset, whatever the session's is.
            (*client, *connection) = (UTF8, UTF8);
        }
        let told = self.told(&query, seconds);
        let Some(current) = &mut self.state.current else { return Ok(()) };
        if let Some(told) = told
            && matches!(current.fate, Fate::Undecided)
        {
            current.fate = Fate::Published;
            current.creates = true;
            let head = current.head.clone();
            self.numbering.ddl(&current.id, head.commit_us, told.clone());
            self.state.pending_since.get_or_insert_with(Instant::now);
            self.publish_schema_change(&told, &head)?;
        }
        Ok(())
    }

    /// For Debezium's consumers.
    fn publish_schema_change(&mut self, told: &Ddl, head: &TransactionHead) -> Result<()> {
        let Some(changes) = &mut self.schema_changes else { return Ok(()) };
        let gtid = head.gtid.as_ref().map(ToString::to_string);
        let origin = strait_schemas::Source {
            ts_us: head.commit_us,
            snapshot: Snapshot::False,
            server_id: head.server_id,
            gtid: gtid.as_deref(),
            file: &head.file,
            pos: head.pos,
            row: 0,
            thread: head.thread.map(u64::from),
            query: None,
        };
        changes.send(told, origin, now_us() / 1000, &mut self.source, &mut self.topics, &mut self.producer)
    }

    /// The statement for the log. None: all that it changes is left out.
    fn told(&self, query: &QueryEvent<'_>, seconds: u32) -> Option<Ddl> {
        let statement = ddl::read(query, self.flavor);
        let left_out = ddl::is_left_out(&statement, &query.database_text(), &self.filter)
            .unwrap_or_else(|| !self.filter.publishes_statement(query));
        (!left_out).then(|| ddl::told(query, &statement, (self.flavor, seconds), &self.filter))
    }

    pub(super) fn statement_form(&self, event: EventType, statement: &str) -> Error {
        let id = self.state.current.as_ref().map_or("(none)", |current| current.id.as_str());
        Error::refused(
            format!("a change is logged as a statement, not as rows ({event}): {}", excerpt(statement)),
            format!(
                "{}, transaction {id}, {}:{}",
                self.source.place(),
                self.framer.file(),
                self.framer.pos()
            ),
            "set binlog_format=ROW at the source, also in the sessions and accounts that change it (they need SYSTEM_VARIABLES_ADMIN or \
             SESSION_VARIABLES_ADMIN for that: revoke it); what is logged already can be passed only by a new start: make the readers \
             equal and use another `prefix`",
        )
    }
}

/// The beginning of a statement, on one line.
fn excerpt(statement: &str) -> String {
    const LONGEST: usize = 200;
    let mut text: String =
        statement.chars().take(LONGEST).map(|c| if c.is_control() { ' ' } else { c }).collect();
    if text.len() < statement.len() {
        text.push_str("...");
    }
    text
}
