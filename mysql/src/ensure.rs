//! Preflight: what a server must be like before anything is streamed from it or applied to it. One function
//! a condition, each pure over facts already read where it can be; every finding says what is wrong, where,
//! and the command or setting that puts it right.

mod finding;
mod grants;
mod gtid_choice;
mod log;
mod position;
mod rights;
mod schema_rights;
mod source;
mod tables;
mod target;
mod words;

pub use finding::{Finding, Report, Severity, Verdict};
pub use grants::{Grants, read_grants};
pub use gtid_choice::{ensure_gtid_choice, may_choose_gtids};
pub use log::{
    ensure_flush_log, ensure_full_image, ensure_full_metadata, ensure_gtid_mode, ensure_gtid_strict_mode,
    ensure_log_bin, ensure_logged, ensure_order_commits, ensure_row_format, ensure_sync_binlog,
    ensure_whole_json,
};
pub use position::{ensure_executed, ensure_not_purged};
pub use rights::{ensure_replication_rights, ensure_server_id_free, ensure_snapshot_rights};
pub use schema_rights::ensure_schema_rights;
pub use source::{SourceNeeds, check_source};
pub use tables::{
    GUARD, ensure_no_events, ensure_no_unguarded_triggers, ensure_table_rights, ensure_transactional_engine,
    ensure_triggers_visible, guarded_trigger, is_guarded,
};
pub use target::{
    TargetNeeds, check_target, check_target_tables, ensure_max_allowed_packet, ensure_strait_schema_rights,
    ensure_writable,
};

/// A server with nothing wrong.
#[cfg(test)]
fn facts_for_tests() -> crate::server::ServerFacts {
    use crate::server::{Flavor, ServerFacts};
    ServerFacts {
        place: "u@h:3306".to_owned(),
        version: "9.7.4".to_owned(),
        version_number: (9, 7, 4),
        flavor: Flavor::Mysql,
        server_uuid: None,
        server_id: 1,
        gtid_mode: Some("ON".to_owned()),
        gtid_executed: String::new(),
        gtid_purged: String::new(),
        log_bin: true,
        binlog_format: Some("ROW".to_owned()),
        binlog_row_image: Some("FULL".to_owned()),
        binlog_row_metadata: Some("FULL".to_owned()),
        binlog_row_value_options: Some(String::new()),
        gtid_strict_mode: None,
        binlog_order_commits: Some(true),
        sync_binlog: Some(1),
        flush_log_at_trx_commit: Some(1),
        semi_sync: None,
        max_allowed_packet: 64 << 20,
        read_only: false,
        super_read_only: false,
        lower_case_table_names: 0,
        event_scheduler: false,
        binlog: None,
    }
}
