//! What a server says about itself. Read in three round trips, whatever its version and flavour: a variable
//! that a server does not know is simply absent.

use mysql_async::{Conn, Row, prelude::Queryable};

use crate::{Error, Result};

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Flavor {
    Mysql,
    MariaDb,
}

/// A place in the binary log: the next event is written at `pos` of `file`.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct BinlogPlace {
    pub file: String,
    pub pos: u64,
    /// `binlog_do_db` and `binlog_ignore_db` as the server shows them (empty: every database is logged).
    pub do_db: Vec<String>,
    pub ignore_db: Vec<String>,
}

/// Semi-synchronous replication at its source side.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct SemiSync {
    pub enabled: bool,
    /// `AFTER_SYNC`: transactions are in the binary log, and streamed, before the engine commits them.
    pub after_sync: bool,
}

/// Facts of a connected server. `None`: the server has no such variable, or the account may not see it.
#[derive(Debug, Clone)]
pub struct ServerFacts {
    /// How messages name the server: `user@host:port`.
    pub place: String,
    pub version: String,
    pub version_number: (u16, u16, u16),
    pub flavor: Flavor,
    /// MySQL only.
    pub server_uuid: Option<String>,
    pub server_id: u32,
    /// MySQL only: ON, OFF, ON_PERMISSIVE, OFF_PERMISSIVE.
    pub gtid_mode: Option<String>,
    /// As the server prints it; on MariaDB `gtid_binlog_pos`.
    pub gtid_executed: String,
    /// As the server prints it; empty on MariaDB.
    pub gtid_purged: String,
    pub log_bin: bool,
    pub binlog_format: Option<String>,
    pub binlog_row_image: Option<String>,
    pub binlog_row_metadata: Option<String>,
    pub binlog_row_value_options: Option<String>,
    pub binlog_order_commits: Option<bool>,
    pub sync_binlog: Option<u64>,
    pub flush_log_at_trx_commit: Option<u64>,
    pub semi_sync: Option<SemiSync>,
    pub max_allowed_packet: u64,
    pub read_only: bool,
    pub super_read_only: bool,
    pub lower_case_table_names: u8,
    pub event_scheduler: bool,
    /// `None`: the binary log is off, or the account may not ask (REPLICATION CLIENT).
    pub binlog: Option<BinlogPlace>,
}

impl ServerFacts {
    pub fn gtids_on(&self) -> bool {
        match self.flavor {
            Flavor::Mysql => self.gtid_mode.as_deref() == Some("ON"),
            Flavor::MariaDb => true,
        }
    }
}

/// Reads the facts of the server behind `conn`.
pub async fn read_facts(conn: &mut Conn) -> Result<ServerFacts> {
    todo!()
}
