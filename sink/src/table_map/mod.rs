//! From the source's table to the target's: which columns, which types, what is refused.

mod catalog;
mod column_class;
mod convert;
mod mapping;
mod rows;
mod target;
mod untyped;

pub use catalog::{Found, TargetCatalog};
pub use column_class::ColumnClass;
pub use mapping::{KeyIndex, MappedColumn, Mapping, Refused};
pub use target::{IndexId, Parent, Target};
pub use untyped::assumed_schema;
