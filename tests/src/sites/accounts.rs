//! The accounts of our processes, with no more rights than the manual asks for.

use anyhow::Result;

use crate::mysql::MySql;

pub const CONNECTOR: &str = "repl";
pub const SINK: &str = "strait";
pub const PASSWORD: &str = "lab";

/// Outside the binary log: each server has its own.
pub async fn create(server: &MySql) -> Result<()> {
    let account = |user: &str| format!("CREATE USER {user}@'%' IDENTIFIED BY '{PASSWORD}'");
    server
        .run([
            "SET SESSION sql_log_bin = 0".to_owned(),
            account(CONNECTOR),
            format!("GRANT SELECT, REPLICATION SLAVE, REPLICATION CLIENT ON *.* TO {CONNECTOR}@'%'"),
            account(SINK),
            format!("GRANT SELECT, INSERT, UPDATE, DELETE, TRIGGER ON *.* TO {SINK}@'%'"),
            format!("GRANT ALL ON strait.* TO {SINK}@'%'"),
        ])
        .await
}
