//! How the source writes its binary log.

use super::{Finding, Verdict};
use crate::server::ServerFacts;

macro_rules! todo_checks {
    ($($name:ident),*) => { $(pub fn $name(facts: &ServerFacts) -> Verdict { let _ = facts; let _: Option<Finding> = None; todo!() })* };
}
todo_checks!(
    ensure_log_bin,
    ensure_row_format,
    ensure_full_image,
    ensure_full_metadata,
    ensure_whole_json,
    ensure_gtid_mode,
    ensure_sync_binlog,
    ensure_flush_log,
    ensure_order_commits
);

/// A database must be in the binary log.
pub fn ensure_logged(facts: &ServerFacts, database: &str) -> Verdict {
    let _ = (facts, database);
    todo!()
}
