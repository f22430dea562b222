//! The tables of a server as its own dictionary describes them.

mod columns;
mod foreign_keys;
mod indexes;
mod query;
mod table;
mod triggers;

pub use columns::{Column, Generated};
pub use foreign_keys::{ForeignKey, Rule};
pub use indexes::{Index, IndexPart};
pub(crate) use query::{ask, field, number};
pub use query::{list_special_tables, list_tables, read_table, read_tables};
pub use table::{Table, TableName};
pub use triggers::{ScheduledEvent, Trigger, TriggerEvent, TriggerTiming, read_events};
