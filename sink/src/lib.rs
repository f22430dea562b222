//! The target process: it reads what a connector published and applies it to a MySQL server, each source
//! transaction exactly once, whole, and in the source's order.
//!
//! [`run`](run()) runs the start procedure (`checkpoint`) and, until a fault, the `pump`: `kafka` reads, `merge` puts the
//! transactions together again, `planner` makes batches of them, `apply` writes these in parallel lanes. Any fault drops all
//! state and begins again with the start procedure.

pub mod args;
pub mod config;
pub mod error;
mod row_events;

mod check;
mod control;
mod finding;
mod own_source;
mod pump;
mod run;

// In data-flow order: the log, the tables it is for, what is to be done, how it is written.
pub mod datum;
mod ddl;
mod decode;
mod kafka;
mod keyed;
pub mod merge;
pub mod plan;
mod planner;
mod routes;
mod snapshot;
pub mod sql;
pub mod table_map;
// Written by the lanes with the rows.
pub mod apply;
pub mod checkpoint;
mod private_schema;

mod metrics;

pub use args::Sink;
pub use check::check;
pub use error::{Error, Result};
pub use run::{run, run_with};
