//! Whether a server of MariaDB that crashed in the middle of a schema change has completed it.
//!
//! MariaDB keeps a log of its own of a statement under way (10.6 and later, "Atomic DDL"). When it comes up it undoes the statement, or
//! completes it and writes it to the binary log then, if it was not there yet: under the server's own server_id, in the file that it
//! begins, before anybody can connect (`is_completion_of`). So the statement took effect exactly if it stands at the beginning of a
//! file under a number that was not given before it was begun.

use strait_mysql::{
    client::{Conn, Queryable, Row, code, quote_text, server_code},
    ddl::{Text, is_completion_of},
    gtid::{DomainGtid, Gtid},
};

use super::intent::Intent;
use crate::error::{Error, Result};

/// Files that are looked at, from the newest on: the server, or somebody, may have begun others since.
const FILES: usize = 8;
/// Nothing of others comes before what a server logs when it comes up.
const EVENTS: usize = 50;

/// `None`: the account may not look at the binary log, or there are too many files.
pub async fn has_recovered(conn: &mut Conn, intent: &Intent) -> Result<Option<bool>> {
    let Ok(Gtid::Domain(least)) = intent.gtid.parse() else { return Ok(None) };
    let sql = String::from_utf8_lossy(&intent.statement);
    let begun = Text { sql: &sql, database: &intent.database };
    let files = match conn.query::<Row, _>("SHOW BINARY LOGS").await {
        Ok(files) => files,
        Err(error) if server_code(&error) == Some(code::SPECIFIC_ACCESS_DENIED) => return Ok(None),
        Err(source) => return Err(Error::target(conn, "listing the binary logs")(source)),
    };
    for file in files.iter().rev().take(FILES).filter_map(|row| row.get::<String, _>(0)) {
        let sql = format!("SHOW BINLOG EVENTS IN {} LIMIT {EVENTS}", quote_text(&file));
        let events: Vec<Row> =
            conn.query(sql).await.map_err(Error::target(conn, "looking at a binary log's beginning"))?;
        let events = events.iter().filter_map(|row| Some((row.get(2)?, row.get(5)?)));
        if stands_in(events, &least, begun) {
            return Ok(Some(true));
        }
    }
    Ok((files.len() <= FILES).then_some(false))
}

/// Type and text of events, as SHOW BINLOG EVENTS shows them.
fn stands_in(events: impl Iterator<Item = (String, String)>, least: &DomainGtid, begun: Text<'_>) -> bool {
    let mut is_new = false;
    for (kind, info) in events {
        match kind.as_str() {
            "Gtid" => {
                let gtid = info.split(' ').find_map(|word| word.parse().ok());
                is_new = matches!(gtid, Some(Gtid::Domain(gtid)) if gtid.domain == least.domain && gtid.number >= least.number);
            }
            "Query" if is_new => {
                let used = info.strip_prefix("use `").and_then(|rest| rest.split_once("`; "));
                let (database, sql) = used.unwrap_or(("", &info));
                if is_completion_of(Text { sql, database: &database.replace("``", "`") }, begun) {
                    return true;
                }
            }
            _ => {}
        }
    }
    false
}

#[cfg(test)]
mod tests {
    use super::*;

    fn stands(events: &[(&str, &str)], statement: &str) -> bool {
        let least = DomainGtid { domain: 0, server: 1 << 31, number: 36 };
        let events = events.iter().map(|(kind, info)| ((*kind).to_owned(), (*info).to_owned()));
        stands_in(events, &least, Text { sql: statement, database: "d" })
    }

    #[test]
    fn a_statement_counts_that_was_logged_after_it_was_begun() {
        let alter = "ALTER TABLE large ADD COLUMN c INT";
        let begun = [("Format_desc", "Server ver"), ("Gtid_list", "[0-7-35]")];
        let logged = |gtid| {
            [&begun[..], &[("Gtid", gtid), ("Query", "use `d`; ALTER TABLE large ADD COLUMN c INT")]].concat()
        };
        assert!(stands(&logged("GTID 0-7-36 ddl"), alter));
        assert!(!stands(&logged("GTID 0-7-35 ddl"), alter), "an older one of the same text");
        assert!(!stands(&logged("GTID 1-7-36 ddl"), alter), "another domain");
        assert!(!stands(&logged("GTID 0-7-36 ddl"), "ALTER TABLE large ADD COLUMN d INT"));
        assert!(!stands(&begun, alter));
    }
}
