//! Triggers and scheduled events: statements of the server's own that write rows.

use std::collections::HashMap;

use mysql_async::Conn;

use super::{
    TableName,
    query::{Scope, ask, by_table, field, in_databases},
};
use crate::Result;

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum TriggerTiming {
    Before,
    After,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum TriggerEvent {
    Insert,
    Update,
    Delete,
}

#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Trigger {
    /// In the table's database.
    pub name: String,
    pub table: TableName,
    pub timing: TriggerTiming,
    pub event: TriggerEvent,
    /// The statement after FOR EACH ROW.
    pub body: String,
    /// `user@host`, without quotes.
    pub definer: String,
    /// The `sql_mode` it was created under and runs under.
    pub sql_mode: String,
}

/// An event of the server's scheduler that is enabled.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ScheduledEvent {
    pub database: String,
    pub name: String,
    pub body: String,
    pub definer: String,
}

impl TriggerTiming {
    pub fn as_sql(self) -> &'static str {
        match self {
            Self::Before => "BEFORE",
            Self::After => "AFTER",
        }
    }
}

impl TriggerEvent {
    pub fn as_sql(self) -> &'static str {
        match self {
            Self::Insert => "INSERT",
            Self::Update => "UPDATE",
            Self::Delete => "DELETE",
        }
    }
}

/// Triggers by table. The server shows those of tables on which the account has the TRIGGER right.
pub(super) async fn read(conn: &mut Conn, scope: &Scope) -> Result<HashMap<String, Vec<Trigger>>> {
    let sql = format!(
        "SELECT EVENT_OBJECT_TABLE, TRIGGER_NAME, EVENT_OBJECT_SCHEMA, ACTION_TIMING, EVENT_MANIPULATION, \
         ACTION_STATEMENT, DEFINER, SQL_MODE FROM information_schema.TRIGGERS WHERE {} \
         ORDER BY ACTION_TIMING, EVENT_MANIPULATION, ACTION_ORDER",
        scope.matches("EVENT_OBJECT_SCHEMA", "EVENT_OBJECT_TABLE")
    );
    let rows = ask(conn, "reading triggers", sql).await?;
    Ok(by_table(&rows, |row| Trigger {
        name: field(row, 1),
        table: TableName::new(field(row, 2), field(row, 0)),
        timing: if field(row, 3) == "BEFORE" { TriggerTiming::Before } else { TriggerTiming::After },
        event: match field(row, 4).as_str() {
            "INSERT" => TriggerEvent::Insert,
            "UPDATE" => TriggerEvent::Update,
            _ => TriggerEvent::Delete,
        },
        body: field(row, 5),
        definer: field(row, 6),
        sql_mode: field(row, 7),
    }))
}

/// Enabled events of the given databases (all but the server's own where none is given). The server shows
/// those of databases on which the account has the EVENT right.
pub async fn read_events(conn: &mut Conn, databases: &[String]) -> Result<Vec<ScheduledEvent>> {
    let sql = format!(
        "SELECT EVENT_SCHEMA, EVENT_NAME, EVENT_DEFINITION, DEFINER FROM information_schema.EVENTS \
         WHERE STATUS = 'ENABLED' AND EVENT_SCHEMA {} ORDER BY EVENT_SCHEMA, EVENT_NAME",
        in_databases(databases)
    );
    let rows = ask(conn, "reading events", sql).await?;
    let event = |row| ScheduledEvent {
        database: field(row, 0),
        name: field(row, 1),
        body: field(row, 2),
        definer: field(row, 3),
    };
    Ok(rows.iter().map(event).collect())
}
