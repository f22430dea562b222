//! The target process: Kafka to MySQL.

pub mod error;
// In data-flow order.
pub mod merge;
// Written by the lanes with the rows.
pub mod apply;
pub mod checkpoint;
pub mod private_schema;

pub use error::{Error, Result};
