//! Writes the plan's steps as SQL statements.
//!
//! The session is that of `apply::session`: utf8mb4, time zone +00:00, and a `sql_mode` with
//! NO_BACKSLASH_ESCAPES, so that in a quoted text only the quote itself is doubled.

pub mod condition;
mod json_expression;
mod literal;
mod statement;

pub use statement::{Dialect, SqlBatch};
