//! From the source's table to the target's: which columns, which types, what is refused.

mod catalog;
mod column_class;
mod convert;
mod mapping;
mod rows;
mod target;
mod time_text;
mod untyped;
mod width;

pub use catalog::{Found, TargetCatalog};
pub use column_class::ColumnClass;
pub use mapping::{MappedColumn, Mapping, Refused};
pub use target::{IndexId, Target, index_id};
pub use untyped::assumed_schema;
