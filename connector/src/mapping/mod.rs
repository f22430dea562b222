//! From MySQL's terms to the wire's: a table map becomes the schema that its rows are published with, and
//! each row image the values of that schema. Every value is mapped as Debezium maps it; what that mapping
//! cannot carry is repeated exactly for the header `strait.exact`, so nothing is ever lost.

mod modes;
mod table;
mod time;
mod value;
mod zero;

pub use modes::Types;
pub use table::{Unmappable, map_table};
pub use value::{RowMapper, Unreadable};

#[cfg(test)]
pub use value::tests;
