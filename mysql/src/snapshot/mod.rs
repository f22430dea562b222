//! Reading tables by SELECT, in pieces by key, as the values that the binlog would carry.
//!
//! A table's shape is put together from the catalog so that it equals the TABLE_MAP that the server would log: what is
//! compiled for one serves the other, and a row read here is mapped like a row of the log.

mod columns;
mod labels;
mod query;
mod row;
mod shape;

pub use columns::column as column_of;
pub use query::{KeyColumn, KeyValue, key_literal, key_range};
pub use row::{SelectedRow, Unexpected, key_values};
pub use shape::{Shape, read_shape};
