//! How the source writes its binary log. Pure over the server's facts. Settings are put right with
//! `SET PERSIST`, which holds over a restart, where the server has it.

use super::{Finding, Severity, Verdict, finding::set};
use crate::server::ServerFacts;

/// Without a binary log there is nothing to stream.
pub fn ensure_log_bin(facts: &ServerFacts) -> Verdict {
    if facts.log_bin {
        return Ok(());
    }
    Err(Finding::refusal(
        "log_bin",
        &facts.place,
        "the binary log is off",
        "start the server with log_bin = binlog (in [mysqld]; MySQL has it on unless skip-log-bin is given)",
    ))
}

/// Statements cannot be turned into rows: only their rows are worth streaming.
pub fn ensure_row_format(facts: &ServerFacts) -> Verdict {
    setting(
        facts,
        "binlog_format",
        facts.binlog_format.as_deref(),
        "ROW",
        "changes are logged as statements, not as rows",
    )
}

/// A change event has all columns before and after. Without them our own sink does with what it is told.
pub fn ensure_full_image(facts: &ServerFacts) -> Verdict {
    let because = "rows are logged without their unchanged columns: other readers find null or zero there, with the names in the header \
                   strait.absent; the sink cannot write a row anew that is missing at the target; and two sites cannot write to each other";
    setting(facts, "binlog_row_image", facts.binlog_row_image.as_deref(), "FULL", because)
        .map_err(|finding| Finding { severity: Severity::Warning, ..finding })
}

/// Names, keys and ENUM labels come from the log itself: a table's definition of now says nothing about
/// rows of an hour ago.
pub fn ensure_full_metadata(facts: &ServerFacts) -> Verdict {
    setting(
        facts,
        "binlog_row_metadata",
        facts.binlog_row_metadata.as_deref(),
        "FULL",
        "the log does not name columns, keys and ENUM labels",
    )
}

/// JSON columns are logged whole, or can be made whole.
pub fn ensure_whole_json(facts: &ServerFacts) -> Verdict {
    let full = facts.binlog_row_image.as_deref().is_none_or(|image| image.eq_ignore_ascii_case("FULL"));
    match facts.binlog_row_value_options.as_deref() {
        None | Some("") => Ok(()),
        Some(_) if full => Ok(()),
        Some(options) => Err(Finding::refusal(
            "binlog_row_value_options",
            &facts.place,
            format!(
                "binlog_row_value_options = {options}: updates of JSON columns are logged as differences, and without binlog_row_image = FULL \
                 not what they are to"
            ),
            format!(
                "{} sessions that are open keep the old value",
                set(facts, "binlog_row_value_options", "''")
            ),
        )),
    }
}

/// GTIDs are optional, at a price.
pub fn ensure_gtid_mode(facts: &ServerFacts) -> Verdict {
    if facts.gtids_on() {
        return Ok(());
    }
    let mode = facts.gtid_mode.as_deref().unwrap_or("not known");
    Err(Finding::warning(
        "gtid_mode",
        &facts.place,
        format!(
            "gtid_mode = {mode}: the stream is followed by file and position, which mean something on this server \
             only. Lost with it: going on at another server after a failover, and noticing that a restored or \
             crashed server no longer has, or has once more under the same place, what was published"
        ),
        "SET PERSIST enforce_gtid_consistency = ON; SET PERSIST gtid_mode = OFF_PERMISSIVE; SET PERSIST gtid_mode = \
         ON_PERMISSIVE; wait for SHOW STATUS LIKE 'Ongoing_anonymous_transaction_count' to be 0; SET PERSIST \
         gtid_mode = ON;",
    ))
}

/// At MariaDB a reader goes on after the last GTID of each domain: a smaller number that came later would never be read.
pub fn ensure_gtid_strict_mode(facts: &ServerFacts) -> Verdict {
    match facts.gtid_strict_mode {
        None | Some(true) => Ok(()),
        Some(false) => Err(Finding::warning(
            "gtid_strict_mode",
            &facts.place,
            "gtid_strict_mode = OFF: a session may give a GTID with a number that its domain has passed already; the \
             connector then halts",
            set(facts, "gtid_strict_mode", "ON"),
        )),
    }
}

/// What was streamed must survive a crash of the server.
pub fn ensure_sync_binlog(facts: &ServerFacts) -> Verdict {
    match facts.sync_binlog {
        None | Some(1) => Ok(()),
        Some(value) => Err(Finding::warning(
            "sync_binlog",
            &facts.place,
            format!(
                "sync_binlog = {value}: after a crash of its machine the server may have forgotten transactions that \
                 were streamed already, and give their GTIDs to others; the connector then halts"
            ),
            set(facts, "sync_binlog", "1"),
        )),
    }
}

/// The same for the engine's own log.
pub fn ensure_flush_log(facts: &ServerFacts) -> Verdict {
    match facts.flush_log_at_trx_commit {
        None | Some(1) => Ok(()),
        Some(value) => Err(Finding::warning(
            "innodb_flush_log_at_trx_commit",
            &facts.place,
            format!(
                "innodb_flush_log_at_trx_commit = {value}: after a crash, transactions of the last second may be \
                 missing from the tables"
            ),
            set(facts, "innodb_flush_log_at_trx_commit", "1"),
        )),
    }
}

/// Commits happen in the order of the log: snapshots rest on it.
pub fn ensure_order_commits(facts: &ServerFacts) -> Verdict {
    match facts.binlog_order_commits {
        None | Some(true) => Ok(()),
        Some(false) => Err(Finding::warning(
            "binlog_order_commits",
            &facts.place,
            "binlog_order_commits = OFF: a transaction may become visible before those ahead of it in the log, so a \
             snapshot could miss some",
            set(facts, "binlog_order_commits", "ON"),
        )),
    }
}

/// A database must be in the binary log. That of the sink above all: without its rows, what it applied would
/// be taken for changes born here, and sent round for ever.
pub fn ensure_logged(facts: &ServerFacts, database: &str) -> Verdict {
    let Some(log) = &facts.binlog else { return Ok(()) };
    let same = |name: &String| match facts.lower_case_table_names {
        0 => name == database,
        _ => name.eq_ignore_ascii_case(database),
    };
    let (option, fix) = if log.ignore_db.iter().any(same) {
        ("binlog_ignore_db", format!("take {database} out of binlog_ignore_db"))
    } else if !log.do_db.is_empty() && !log.do_db.iter().any(same) {
        ("binlog_do_db", format!("add binlog_do_db = {database}, or take all binlog_do_db out"))
    } else {
        return Ok(());
    };
    Err(Finding::refusal(
        "logged_databases",
        &facts.place,
        format!("changes of database {database} are kept out of the binary log by {option}"),
        format!("{fix} in the server's configuration, and restart it"),
    ))
}

fn setting(
    facts: &ServerFacts,
    name: &'static str,
    value: Option<&str>,
    wanted: &str,
    effect: &str,
) -> Verdict {
    match value {
        // A version that has no such setting any more knows only the one way.
        None => Ok(()),
        Some(value) if value.eq_ignore_ascii_case(wanted) => Ok(()),
        Some(value) => Err(Finding::refusal(
            name,
            &facts.place,
            format!("{name} = {value}: {effect}"),
            format!(
                "{} then reconnect the applications: sessions that are open keep the old value",
                set(facts, name, wanted)
            ),
        )),
    }
}
