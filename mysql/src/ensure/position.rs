//! Whether the log still has what comes after a position.

use mysql_async::{Conn, Row, prelude::Queryable};

use super::{Finding, Verdict};
use crate::{
    Result,
    client::{code, server_code, text},
    gtid::GtidSet,
    server::{Error, ServerFacts},
    stream::StartAt,
};

const SNAPSHOT: &str = "take a new snapshot, or restore the missing binary logs; and keep them longer than the longest stop \
     (binlog_expire_logs_seconds)";

/// What comes after `start` must still be in the binary log.
pub async fn ensure_not_purged(conn: &mut Conn, facts: &ServerFacts, start: &StartAt) -> Result<Verdict> {
    match start {
        StartAt::Gtid(set) => Ok(ensure_gtids_not_purged(facts, set, &facts.purged()?)),
        StartAt::File { file, .. } if file.is_empty() => Ok(Ok(())),
        StartAt::File { file, pos } => ensure_file_there(conn, facts, file, *pos).await,
    }
}

fn ensure_gtids_not_purged(facts: &ServerFacts, start: &GtidSet, purged: &GtidSet) -> Verdict {
    let missing = purged.beyond(start);
    if missing.is_empty() {
        return Ok(());
    }
    Err(Finding::refusal(
        "not_purged",
        &facts.place,
        format!(
            "the server has purged {} transactions that come after the start: {missing}",
            missing.count()
        ),
        SNAPSHOT,
    ))
}

async fn ensure_file_there(conn: &mut Conn, facts: &ServerFacts, file: &str, pos: u64) -> Result<Verdict> {
    let rows: Vec<Row> = match conn.query("SHOW BINARY LOGS").await {
        Ok(rows) => rows,
        // Log off or no right to look: both are findings of their own.
        Err(error)
            if matches!(
                server_code(&error),
                Some(code::NO_BINARY_LOGGING | code::SPECIFIC_ACCESS_DENIED)
            ) =>
        {
            return Ok(Ok(()));
        }
        Err(error) => return Err(Error::query(&facts.place, "listing the binary logs")(error).into()),
    };
    let size = rows
        .iter()
        .find(|row| text(row, 0).as_deref() == Some(file))
        .map(|row| text(row, 1).and_then(|size| size.parse::<u64>().ok()).unwrap_or(u64::MAX));
    Ok(match size {
        Some(size) if pos <= size => Ok(()),
        Some(size) => Err(Finding::refusal(
            "not_purged",
            &facts.place,
            format!("the start {file}:{pos} lies beyond the end of that file ({size} bytes)"),
            "it is another server's position, or the server lost the end of its log in a crash: take a new snapshot",
        )),
        None => Err(Finding::refusal(
            "not_purged",
            &facts.place,
            format!("the server has no binary log {file} (any more)"),
            SNAPSHOT,
        )),
    })
}

/// What was published must have happened on this server: otherwise it is another server, or it has lost
/// its newest transactions in a failover or a crash. (The dump command itself looks at GTIDs of the server's
/// own uuid only.)
pub fn ensure_executed(facts: &ServerFacts, start: &StartAt) -> Result<Verdict> {
    let StartAt::Gtid(start) = start else { return Ok(Ok(())) };
    let mut unknown = start.clone();
    unknown.subtract(&facts.executed()?);
    if unknown.is_empty() {
        return Ok(Ok(()));
    }
    Ok(Err(Finding::refusal(
        "executed",
        &facts.place,
        format!(
            "{} transactions before the start never happened on this server: {unknown}. It is another server, or it \
             lost its newest transactions in a failover, a crash or a restore",
            unknown.count()
        ),
        "connect to the server that has them; if they are lost for good, take a new snapshot",
    )))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::ensure::facts_for_tests;

    const UUID: &str = "3e11fa47-71ca-11e1-9e33-c80aa9429562";

    #[test]
    fn purged_transactions_after_the_start_are_named() {
        let facts = facts_for_tests();
        let start: GtidSet = format!("{UUID}:1-5").parse().unwrap();
        let purged: GtidSet = format!("{UUID}:1-7").parse().unwrap();
        let finding = ensure_gtids_not_purged(&facts, &start, &purged).unwrap_err();
        assert!(finding.cause.contains("purged 2 transactions"), "{finding}");
        assert!(finding.cause.contains(&format!("{UUID}:6-7")), "{finding}");
        assert_eq!(ensure_gtids_not_purged(&facts, &purged, &start), Ok(()));
    }

    #[test]
    fn a_start_beyond_what_happened_is_refused() {
        let mut facts = facts_for_tests();
        facts.gtid_executed = format!("{UUID}:1-5");
        let at = |set: &str| StartAt::Gtid(format!("{UUID}:{set}").parse().unwrap());
        assert_eq!(ensure_executed(&facts, &at("1-5")).unwrap(), Ok(()));
        let finding = ensure_executed(&facts, &at("1-6")).unwrap().unwrap_err();
        assert!(finding.cause.contains(&format!("{UUID}:6")), "{finding}");
    }

    #[test]
    fn of_mariadb_another_servers_numbers_prove_nothing() {
        let mut facts = facts_for_tests();
        facts.gtid_executed = "0-1-100,0-2-110".into();
        let start = |set: &str| set.parse::<GtidSet>().unwrap();
        assert_eq!(ensure_executed(&facts, &StartAt::Gtid(start("0-1-100,0-2-105"))).unwrap(), Ok(()));
        let lost = ensure_executed(&facts, &StartAt::Gtid(start("0-1-105"))).unwrap().unwrap_err();
        assert!(lost.cause.contains("0-1-105"), "{lost}");
        assert_eq!(ensure_gtids_not_purged(&facts, &start("0-2-105"), &start("0-1-90")), Ok(()));
        assert!(ensure_gtids_not_purged(&facts, &start("0-1-80"), &start("0-1-90")).is_err());
    }
}
