//! What mends a schema change that was not made.

use strait_mysql::client::{ClientError, code, server_code};

use super::Error;

impl Error {
    /// Of a schema change that was not made.
    pub(super) fn ddl_remedy(&self) -> Option<String> {
        Some(match self {
            Self::Ddl { source, at, .. } => failed_ddl_remedy(source, at),
            Self::DdlHalted { kind, .. } => format!(
                "make the change at the target by hand, if it is meant for both, then start once with --set ddl.ignore={kind}, \
                 and take that out again when the change is passed; ddl.apply and ddl.ignore settle a kind for good"
            ),
            Self::DdlTimeout { .. } => {
                "it waits for a table that somebody holds (SELECT * FROM sys.schema_table_lock_waits), or takes long: raise \
                 ddl.timeout and start again"
                    .into()
            }
            Self::DdlUncertain { .. } => {
                "look whether it took effect (SHOW CREATE TABLE at both sites), then UPDATE strait.ddl SET outcome = 'ran' (or \
                 'not-run') in that row, and start again; GRANT REPLICATION_APPLIER (MariaDB: BINLOG REPLAY, BINLOG MONITOR) ON *.* TO the sink's account lets the \
                 server tell it"
                    .into()
            }
            _ => return None,
        })
    }
}

/// A schema change that failed is undone, or was never begun: the sink makes it again at its next start.
fn failed_ddl_remedy(source: &ClientError, at: &str) -> String {
    // A snapshot makes what is missing, whatever ddl.ignore says.
    let pass = match at.contains("snapshot=") {
        true => "start again: a snapshot makes only what is not there",
        false => "start once with the statement's kind in ddl.ignore",
    };
    match server_code(source) {
        Some(
            code::ACCESS_DENIED_DATABASE
            | code::TABLE_ACCESS_DENIED
            | code::COLUMN_ACCESS_DENIED
            | code::SPECIFIC_ACCESS_DENIED,
        ) => "GRANT CREATE, ALTER, DROP, INDEX, REFERENCES, CREATE VIEW, SHOW VIEW, CREATE ROUTINE, ALTER ROUTINE, EXECUTE ON that \
              database's tables to the sink's account; for a definer that is another account SET_ANY_DEFINER ON *.*, and SYSTEM_USER \
              too if that one has it, ALLOW_NONEXISTENT_DEFINER if it does not exist here (MariaDB: SET USER); then start again. docs/operations.md has all rights in one place"
            .into(),
        Some(code::NO_ROUTINE_CREATION) => {
            "SET PERSIST log_bin_trust_function_creators = ON (MariaDB: SET GLOBAL, and in its configuration) at the target, then start again"
                .into()
        }
        Some(code::UNKNOWN_DATABASE) => "CREATE DATABASE it at the target, then start again".into(),
        Some(code::UNKNOWN_COLLATION) => format!(
            "the target has no such collation: make the database or table there by hand with one of its own, then {pass}"
        ),
        _ => format!(
            "the target differs from the source, or somebody has made the change there already: make both alike and start again, or, if \
             it is there, {pass}"
        ),
    }
}
