//! Facts of MySQL that both processes need: the binlog and its rows, GTID sets, the catalog, preflight checks.
//!
//! `gtid`, `binlog`, `ddl`, `value`, `jsonb` and `charset` are pure: bytes in, values or errors out, no I/O and no
//! panic on any input. Everything that talks to a server is in the other modules, and only this crate knows
//! the MySQL client.

pub mod binlog;
pub mod catalog;
pub mod charset;
pub mod client;
pub mod ddl;
pub mod ensure;
mod error;
pub mod gtid;
pub mod jsonb;
pub mod server;
pub mod snapshot;
pub mod stream;
pub mod value;

pub use error::{Disposition, Error, Result};
