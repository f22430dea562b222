//! What is logged as a statement: DDL takes a number, a change of rows in statement form is refused.

use std::time::Instant;

use strait_mysql::binlog::{EventType, QueryEvent, TransactionEnd, TransactionHead};

use super::Publisher;
use crate::{
    Error, Result,
    account_statement::tellable,
    current::{Current, Fate},
};

impl Publisher {
    pub(super) fn handle_ddl(
        &mut self,
        head: TransactionHead,
        query: &QueryEvent<'_>,
        end: &TransactionEnd,
    ) -> Result<()> {
        self.metrics.lag.behind();
        self.discard_chunks();
        self.state.idle_us = 0;
        let fate = self.fate_of(&head)?;
        let mut current = Current::new(head, fate);
        current.count(query.statement);
        match current.fate.clone() {
            Fate::Compared(expected) => return self.compare(&current, &expected),
            Fate::Resumed(_) => self.void_unfinished(current.head.commit_us),
            Fate::Undecided | Fate::Published | Fate::Looped => {}
        }
        if self.filter.publishes_statement(query) {
            let (database, statement) = (query.database_text(), tellable(&query.text()));
            tracing::info!(gtid = current.id, %database, statement = %excerpt(&statement), "DDL takes a number");
            self.numbering.ddl(&current.id, current.head.commit_us, &database, &statement);
        }
        self.finish(&current, end)
    }

    /// It may have changed what a chunk was read from.
    pub(super) fn discard_chunks(&self) {
        if let Some(snapshot) = &self.snapshot {
            snapshot.desk.discard_all();
        }
    }

    pub(super) fn handle_create_select(&mut self, query: &QueryEvent<'_>) {
        let publishes = self.filter.publishes_statement(query);
        let Some(current) = &mut self.state.current else { return };
        if publishes && matches!(current.fate, Fate::Undecided) {
            current.fate = Fate::Published;
            self.numbering.ddl(&current.id, current.head.commit_us, &query.database_text(), &query.text());
            self.state.pending_since.get_or_insert_with(Instant::now);
        }
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
