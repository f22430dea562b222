//! The binlog: from the server's bytes to transactions and rows.
//!
//! In data-flow order: [`RawEvent::parse`] checks length and CRC of one event; [`expand`] opens compressed
//! transactions; [`Framer::step`] finds where transactions begin and end and keeps the table maps;
//! [`RowsEvent::rows`] decodes row images into [`ColumnValue`](crate::value::ColumnValue)s that borrow from the event.

mod compressed;
pub mod encode;
mod error;
mod event_type;
mod expand;
mod format_description;
mod framer;
mod gtid_event;
mod heartbeat;
mod mariadb_gtid;
mod query;
mod raw;
mod reader;
mod rotate;
mod rows;
mod statement;
mod table_map;
mod table_maps;
mod xa;

pub use error::{Error, Result};
pub use event_type::EventType;
pub use expand::{Expand, expand};
pub use format_description::FormatDescription;
pub use framer::{Framer, Step, TransactionEnd, TransactionHead};
pub use gtid_event::GtidEvent;
pub use mariadb_gtid::{Alter, MariaDbGtidEvent};
pub use query::QueryEvent;
pub use raw::{Checksum, EventHeader, RawEvent};
pub(crate) use reader::Reader;
pub use rows::{LoggedRows, RowIter, RowsEvent, RowsKind, row_flags, unsupported_type};
pub use table_map::{BINARY_COLLATION, ColumnDef, ColumnType, GeometryKind, KeyPart, TableMap};
pub use xa::Xid;
