//! The target process: Kafka to MySQL.

pub mod error;
mod finding;
// In data-flow order: the log, the tables it is for, what is to be done, how it is written.
pub mod datum;
pub mod decode;
pub mod merge;
pub mod plan;
pub mod planner;
pub mod sql;
pub mod table_map;
// Written by the lanes with the rows.
pub mod apply;
pub mod checkpoint;
pub mod private_schema;

pub use error::{Error, Result};
