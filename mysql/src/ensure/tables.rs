//! What the tables that rows are applied to must be like.

use super::{Finding, Grants};
use crate::{
    catalog::{ScheduledEvent, Table, TableName, Trigger},
    server::ServerFacts,
};

/// Rows and the checkpoint must commit together.
pub fn ensure_transactional_engine(place: &str, tables: &[Table]) -> Vec<Finding> {
    todo!()
}

/// A trigger fires again for applied rows, whose own effects arrive as rows too.
pub fn ensure_no_unguarded_triggers(place: &str, tables: &[Table]) -> Vec<Finding> {
    todo!()
}

/// The statements that put the guard into a trigger.
pub fn guarded_trigger(trigger: &Trigger) -> String {
    todo!()
}

/// Enabled events that write applied tables do so at both sites.
pub fn ensure_no_events(
    facts: &ServerFacts,
    tables: &[TableName],
    events: &[ScheduledEvent],
) -> Vec<Finding> {
    todo!()
}

/// SELECT, INSERT, UPDATE and DELETE on each table.
pub fn ensure_table_rights(place: &str, grants: &Grants, tables: &[TableName]) -> Vec<Finding> {
    todo!()
}
