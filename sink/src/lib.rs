//! The target process: Kafka to MySQL.

pub mod error;
pub mod merge;

pub use error::{Error, Result};
