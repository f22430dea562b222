//! The binlog: from the server's bytes to transactions and rows.
//!
//! In data-flow order: [`RawEvent::parse`] checks length and CRC of one event; [`expand`] opens compressed
//! transactions; [`Framer::step`] finds where transactions begin and end and keeps the table maps;
//! [`RowsEvent::rows`] decodes row images into [`ColumnValue`](crate::value::ColumnValue)s that borrow from the event.

mod error;
mod event_type;
mod expand;
mod format_description;
mod framer;
mod gtid_event;
mod query;
mod raw;
mod rows;
mod table_map;

pub use error::{Error, Result};
pub use event_type::EventType;
pub use expand::{Expand, expand};
pub use format_description::FormatDescription;
pub use framer::{Framer, Step, TransactionEnd, TransactionHead, Xid};
pub use gtid_event::GtidEvent;
pub use query::QueryEvent;
pub use raw::{Checksum, EventHeader, RawEvent};
pub use rows::{RowIter, RowsEvent, RowsKind, row_flags};
pub use table_map::{ColumnDef, ColumnType, GeometryKind, KeyPart, TableMap};
