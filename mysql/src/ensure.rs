//! Preflight: what a server must be like before anything is streamed from it or applied to it. One function
//! a condition, each pure over facts already read where it can be; every finding says what is wrong, where,
//! and the command or setting that puts it right.

mod finding;
mod grants;
mod log;
mod position;
mod rights;
mod source;
mod tables;
mod target;

pub use finding::{Finding, Report, Severity, Verdict};
pub use grants::{Grants, read_grants};
pub use log::{
    ensure_flush_log, ensure_full_image, ensure_full_metadata, ensure_gtid_mode, ensure_log_bin,
    ensure_logged, ensure_order_commits, ensure_row_format, ensure_sync_binlog, ensure_whole_json,
};
pub use position::{ensure_executed, ensure_not_purged};
pub use rights::{ensure_replication_rights, ensure_server_id_free};
pub use source::{SourceNeeds, check_source};
pub use tables::{
    ensure_no_events, ensure_no_unguarded_triggers, ensure_table_rights, ensure_transactional_engine,
    guarded_trigger,
};
pub use target::{
    TargetNeeds, check_target, ensure_max_allowed_packet, ensure_strait_schema_rights, ensure_writable,
};
