//! Triggers and scheduled events: statements of the server's own that write rows.

use mysql_async::Conn;

use super::TableName;
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
    pub definer: String,
}

/// An event of the server's scheduler that is enabled.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ScheduledEvent {
    pub database: String,
    pub name: String,
    pub body: String,
    pub definer: String,
}

/// Enabled events of the given databases (all but the server's own where none is given).
pub async fn read_events(conn: &mut Conn, databases: &[String]) -> Result<Vec<ScheduledEvent>> {
    todo!()
}
