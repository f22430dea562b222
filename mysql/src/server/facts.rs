//! What a server says about itself. A variable that a server does not know is simply absent, whatever its
//! version and flavour.
//!
//! `SHOW GLOBAL VARIABLES` is cut at 1,024 characters a value, so the GTID sets are selected on their own.

use std::collections::HashMap;

use mysql_async::{Conn, Row, prelude::Queryable};

use super::{
    Error,
    connect::place_of,
    identity::{self, identity},
};
use crate::{
    Result,
    client::{code, quote_text, server_code, text},
    gtid::GtidSet,
};

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
    /// `binlog_do_db` and `binlog_ignore_db` (both empty: every database is logged).
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

/// Facts of a connected server. `None`: it has no such variable, or the account may not see it.
#[derive(Debug, Clone)]
pub struct ServerFacts {
    /// How messages name the server: `user@host:port`.
    pub place: String,
    pub version: String,
    pub version_number: (u16, u16, u16),
    pub flavor: Flavor,
    /// Tells this server from others; of MariaDB what stands for it (see `read_identity`).
    pub server_uuid: Option<String>,
    pub server_id: u32,
    /// MySQL only: ON, OFF, ON_PERMISSIVE, OFF_PERMISSIVE.
    pub gtid_mode: Option<String>,
    /// As the server prints it; on MariaDB `gtid_binlog_state` and `gtid_slave_pos`: the last of each server of a domain.
    pub gtid_executed: String,
    /// As the server prints it; on MariaDB where the oldest binary log begins.
    pub gtid_purged: String,
    pub log_bin: bool,
    pub binlog_format: Option<String>,
    pub binlog_row_image: Option<String>,
    pub binlog_row_metadata: Option<String>,
    pub binlog_row_value_options: Option<String>,
    /// MariaDB only: numbers of a domain only grow.
    pub gtid_strict_mode: Option<bool>,
    /// MySQL only; MariaDB always does.
    pub binlog_order_commits: Option<bool>,
    pub sync_binlog: Option<u64>,
    pub flush_log_at_trx_commit: Option<u64>,
    /// `None`: the plugin is not there.
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
    /// Whether every transaction has a GTID.
    pub fn gtids_on(&self) -> bool {
        match self.flavor {
            Flavor::Mysql => self.gtid_mode.as_deref() == Some("ON"),
            Flavor::MariaDb => true,
        }
    }

    /// `gtid_executed`, parsed.
    pub fn executed(&self) -> Result<GtidSet> {
        Ok(self.gtid_executed.parse()?)
    }

    /// `gtid_purged`, parsed.
    pub fn purged(&self) -> Result<GtidSet> {
        Ok(self.gtid_purged.parse()?)
    }
}

const VARIABLES: &str = "'gtid_mode', 'gtid_strict_mode', 'log_bin', 'binlog_format', 'binlog_row_image', \
     'binlog_row_metadata', 'binlog_row_value_options', 'binlog_order_commits', 'sync_binlog', \
     'innodb_flush_log_at_trx_commit', 'rpl_semi_sync_source_enabled', 'rpl_semi_sync_source_wait_point', \
     'rpl_semi_sync_master_enabled', 'rpl_semi_sync_master_wait_point', 'max_allowed_packet', 'read_only', \
     'super_read_only', 'lower_case_table_names', 'event_scheduler', 'version'";

/// Reads the facts of the server behind `conn`.
pub async fn read_facts(conn: &mut Conn) -> Result<ServerFacts> {
    let place = place_of(conn);
    let variables = Variables::read(conn, &place).await?;
    let version = variables.required("version")?;
    let flavor =
        if version.to_ascii_lowercase().contains("mariadb") { Flavor::MariaDb } else { Flavor::Mysql };
    let (gtid_executed, gtid_purged) = read_gtids(conn, &place, flavor).await?;
    let binlog = read_binlog_place(conn).await?;
    Ok(ServerFacts {
        version_number: version_number(&version),
        flavor,
        server_uuid: identity(&variables.values),
        server_id: variables.number("server_id")?,
        gtid_mode: variables.optional("gtid_mode"),
        gtid_executed,
        gtid_purged,
        log_bin: variables.switch("log_bin").unwrap_or(false),
        binlog_format: variables.optional("binlog_format"),
        binlog_row_image: variables.optional("binlog_row_image"),
        binlog_row_metadata: variables.optional("binlog_row_metadata"),
        binlog_row_value_options: variables.optional("binlog_row_value_options"),
        gtid_strict_mode: variables.switch("gtid_strict_mode"),
        binlog_order_commits: variables.switch("binlog_order_commits"),
        sync_binlog: variables.optional_number("sync_binlog")?,
        flush_log_at_trx_commit: variables.optional_number("innodb_flush_log_at_trx_commit")?,
        semi_sync: variables.semi_sync(),
        max_allowed_packet: variables.number("max_allowed_packet")?,
        read_only: variables.switch("read_only").unwrap_or(false),
        super_read_only: variables.switch("super_read_only").unwrap_or(false),
        lower_case_table_names: variables.number("lower_case_table_names")?,
        event_scheduler: variables.switch("event_scheduler").unwrap_or(false),
        binlog,
        version,
        place,
    })
}

struct Variables<'a> {
    place: &'a str,
    values: HashMap<String, String>,
}

impl<'a> Variables<'a> {
    async fn read(conn: &mut Conn, place: &'a str) -> Result<Self> {
        let rows: Vec<Row> = conn
            .query(format!(
                "SHOW GLOBAL VARIABLES WHERE Variable_name IN ({VARIABLES}, {})",
                identity::VARIABLES
            ))
            .await
            .map_err(Error::query(place, "reading the server's variables"))?;
        let values =
            rows.iter().filter_map(|row| Some((text(row, 0)?.to_ascii_lowercase(), text(row, 1)?))).collect();
        Ok(Self { place, values })
    }

    fn optional(&self, name: &str) -> Option<String> {
        self.values.get(name).cloned()
    }

    fn required(&self, name: &str) -> Result<String> {
        self.optional(name).ok_or_else(|| self.not_understood(name, "nothing"))
    }

    fn optional_number<N: std::str::FromStr>(&self, name: &str) -> Result<Option<N>> {
        self.values
            .get(name)
            .map(|value| value.parse().map_err(|_| self.not_understood(name, value)))
            .transpose()
    }

    fn number<N: std::str::FromStr>(&self, name: &str) -> Result<N> {
        self.optional_number(name)?.ok_or_else(|| self.not_understood(name, "nothing"))
    }

    fn switch(&self, name: &str) -> Option<bool> {
        self.values.get(name).map(|value| value.eq_ignore_ascii_case("ON") || value == "1")
    }

    fn semi_sync(&self) -> Option<SemiSync> {
        let enabled = self
            .switch("rpl_semi_sync_source_enabled")
            .or_else(|| self.switch("rpl_semi_sync_master_enabled"))?;
        let wait_point = self
            .values
            .get("rpl_semi_sync_source_wait_point")
            .or_else(|| self.values.get("rpl_semi_sync_master_wait_point"));
        Some(SemiSync {
            enabled,
            after_sync: wait_point.is_none_or(|point| point.eq_ignore_ascii_case("AFTER_SYNC")),
        })
    }

    fn not_understood(&self, name: &str, found: &str) -> crate::Error {
        Error::Answer { place: self.place.to_owned(), name: name.to_owned(), found: found.to_owned() }.into()
    }
}

async fn read_gtids(conn: &mut Conn, place: &str, flavor: Flavor) -> Result<(String, String)> {
    let query = match flavor {
        Flavor::Mysql => "SELECT @@GLOBAL.gtid_executed, @@GLOBAL.gtid_purged".to_owned(),
        Flavor::MariaDb => {
            let oldest = oldest_binlog(conn, place).await?;
            // At MariaDB a replica that was made from a backup has in gtid_slave_pos what its log never had.
            format!(
                "SELECT CONCAT_WS(',', NULLIF(@@GLOBAL.gtid_binlog_state, ''), NULLIF(@@GLOBAL.gtid_slave_pos, '')), \
                 BINLOG_GTID_POS({}, 4)",
                quote_text(&oldest)
            )
        }
    };
    let row: Option<Row> =
        conn.query_first(query).await.map_err(Error::query(place, "reading the GTID sets"))?;
    let column = |index| row.as_ref().and_then(|row| text(row, index)).unwrap_or_default();
    Ok((column(0), column(1)))
}

/// Empty: the log is off, or the account may not ask.
async fn oldest_binlog(conn: &mut Conn, place: &str) -> Result<String> {
    match conn.query_first::<Row, _>("SHOW BINARY LOGS").await {
        Ok(row) => Ok(row.and_then(|row| text(&row, 0)).unwrap_or_default()),
        Err(error)
            if matches!(
                server_code(&error),
                Some(code::NO_BINARY_LOGGING | code::SPECIFIC_ACCESS_DENIED)
            ) =>
        {
            Ok(String::new())
        }
        Err(error) => Err(Error::query(place, "listing the binary logs")(error).into()),
    }
}

/// Where the binary log stands; `None` if it is off or the account has no REPLICATION CLIENT.
pub async fn read_binlog_place(conn: &mut Conn) -> Result<Option<BinlogPlace>> {
    let place = place_of(conn);
    let mut answer = conn.query_first::<Row, _>("SHOW BINARY LOG STATUS").await;
    if let Err(error) = &answer
        && server_code(error) == Some(code::PARSE_ERROR)
    {
        // The name before MySQL 8.2, and MariaDB's.
        answer = conn.query_first::<Row, _>("SHOW MASTER STATUS").await;
    }
    let row = match answer {
        Ok(row) => row,
        Err(error) if server_code(&error) == Some(code::SPECIFIC_ACCESS_DENIED) => return Ok(None),
        Err(error) => return Err(Error::query(&place, "reading the binary log's position")(error).into()),
    };
    let Some(row) = row else { return Ok(None) };
    let file = text(&row, 0).unwrap_or_default();
    let pos = text(&row, 1).unwrap_or_default();
    let pos = pos.parse().map_err(|_| Error::Answer {
        place: place.clone(),
        name: "SHOW BINARY LOG STATUS".to_owned(),
        found: pos.clone(),
    })?;
    Ok(Some(BinlogPlace { file, pos, do_db: names(text(&row, 2)), ignore_db: names(text(&row, 3)) }))
}

/// File and position in the binary log up to which MariaDB has committed, in its engines too, as of the consistent
/// snapshot that `conn` has just begun. `None`: it does not tell. (`gtid_binlog_pos` and SHOW BINARY LOG STATUS have
/// what is only logged as well.)
pub async fn read_snapshot_place(conn: &mut Conn) -> Result<Option<(String, u64)>, mysql_async::Error> {
    let rows: Vec<Row> = conn.query("SHOW STATUS LIKE 'binlog\\_snapshot\\_%'").await?;
    let value = |name: &str| {
        rows.iter()
            .find(|row| text(row, 0).is_some_and(|found| found.eq_ignore_ascii_case(name)))
            .and_then(|row| text(row, 1))
    };
    let pos = value("binlog_snapshot_position").and_then(|pos| pos.parse().ok());
    Ok(value("binlog_snapshot_file").filter(|file| !file.is_empty()).zip(pos))
}

/// The binary logs that the server still has, the oldest first.
pub async fn read_binlog_files(conn: &mut Conn) -> Result<Vec<String>> {
    let place = place_of(conn);
    let rows: Vec<Row> =
        conn.query("SHOW BINARY LOGS").await.map_err(Error::query(&place, "listing the binary logs"))?;
    Ok(rows.iter().filter_map(|row| text(row, 0)).collect())
}

fn names(list: Option<String>) -> Vec<String> {
    list.unwrap_or_default().split(',').filter(|name| !name.is_empty()).map(str::to_owned).collect()
}

/// "9.7.4-2", "10.11.19-MariaDB-log": the leading numbers.
fn version_number(version: &str) -> (u16, u16, u16) {
    let mut parts = version
        .split(|c: char| !c.is_ascii_digit())
        .map(|part| part.parse::<u16>().unwrap_or(0))
        .chain([0, 0, 0]);
    let mut part = || parts.next().unwrap_or(0);
    (part(), part(), part())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn versions_are_split_into_numbers() {
        assert_eq!(version_number("9.7.4-2"), (9, 7, 4));
        assert_eq!(version_number("10.11.19-MariaDB-log"), (10, 11, 19));
        assert_eq!(version_number("8.4"), (8, 4, 0));
        assert_eq!(version_number(""), (0, 0, 0));
    }

    #[test]
    fn lists_of_databases_are_split() {
        assert_eq!(names(Some("a,b".to_owned())), ["a", "b"]);
        assert!(names(Some(String::new())).is_empty());
        assert!(names(None).is_empty());
    }
}
