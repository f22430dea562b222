//! Telling the schema changes that our own sink makes from everybody else's.
//!
//! A schema change cannot begin with a row of `strait.lane`: it is a transaction of its own. So the sink first
//! commits what it is about to run to `strait.ddl`, with the GTID that it runs under (of MariaDB: with the server_id of
//! our own, and the least number), or, on a server without GTIDs, with its connection. The statement that then comes under that GTID (or from that connection) is the sink's. The
//! intent ends when a lane of the same sink shows that the change's number is behind it: until then the sink may run
//! it a second time, after a crash, from another connection, which it notes first. MariaDB may complete it itself when it comes up
//! after a crash of its own (`is_completion_of`): what it logs then, as the server's own, is the sink's all the same.

use std::collections::BTreeMap;

use strait_mysql::{
    binlog::{TableMap, TransactionHead},
    ddl::{Text, is_completion_of},
    gtid::Gtid,
    value::ColumnValue,
};
use strait_schemas::{DdlIntent, Seq};

use crate::{
    filter::STRAIT,
    loop_test::{BadMark, LaneRow, lossy, number, text},
};

const DDL: &str = "ddl";
/// The connection of what a server does when it comes up.
const RECOVERY: u32 = 0;

pub fn is_intent_table(map: &TableMap) -> bool {
    map.database == STRAIT && map.table == DDL
}

/// Where the columns of `strait.ddl` are in its row images.
#[derive(Debug, Clone, Copy)]
pub struct IntentColumns {
    origin: usize,
    sink: usize,
    seq: usize,
    gtid: usize,
    connection: usize,
    database: usize,
    statement: usize,
}

impl IntentColumns {
    pub fn of(map: &TableMap) -> Result<Self, BadMark> {
        let place = |name| map.column(name).ok_or(BadMark::NoColumn(name));
        Ok(Self {
            origin: place("origin")?,
            sink: place("sink")?,
            seq: place("seq")?,
            gtid: place("gtid")?,
            connection: place("connection_id")?,
            database: place("database_name")?,
            statement: place("statement")?,
        })
    }

    /// `origin/sink`, and what it is about to run.
    pub fn read(&self, row: &[ColumnValue<'_>]) -> Result<(String, DdlIntent), BadMark> {
        let (origin, sink) = (text(row, self.origin, "origin")?, text(row, self.sink, "sink")?);
        let gtid = text(row, self.gtid, "gtid")?;
        let (database, statement) = match gtid.parse() {
            Ok(Gtid::Domain(_)) => {
                (text(row, self.database, "database_name")?, lossy(row, self.statement, "statement")?)
            }
            _ => (String::new(), String::new()),
        };
        let (seq, connection) =
            (number(row, self.seq, "seq")?, number(row, self.connection, "connection_id")?);
        let intent = DdlIntent { seq: Seq::from_raw(seq), gtid, connection, database, statement };
        Ok((format!("{origin}/{sink}"), intent))
    }
}

/// A lane has committed: what it was about to run before is behind it.
pub fn settle(intents: &mut BTreeMap<String, DdlIntent>, row: &LaneRow) {
    if let Some((sink, _)) = row.key.rsplit_once('/')
        && intents.get(sink).is_some_and(|intent| intent.seq <= row.mark.seq)
    {
        intents.remove(sink);
    }
}

/// The origin of the sink that runs this schema change.
pub fn origin_of<'a>(
    intents: &'a BTreeMap<String, DdlIntent>,
    head: &TransactionHead,
    statement: Text<'_>,
) -> Option<&'a str> {
    let is_its = |intent: &DdlIntent| match (&head.gtid, intent.gtid.is_empty()) {
        (_, true) => head.thread.is_some_and(|thread| u64::from(thread) == intent.connection),
        (Some(gtid), false) => is_under(gtid, &intent.gtid) || is_completed(intent, gtid, head, statement),
        (None, false) => false,
    };
    let (sink, _) = intents.iter().find(|(_, intent)| is_its(intent))?;
    sink.rsplit_once('/').map(|(origin, _)| origin)
}

/// Whether MariaDB has completed it after a crash, under its own server_id.
fn is_completed(intent: &DdlIntent, gtid: &Gtid, head: &TransactionHead, logged: Text<'_>) -> bool {
    let (Gtid::Domain(gtid), Ok(Gtid::Domain(least))) = (gtid, intent.gtid.parse()) else { return false };
    head.thread == Some(RECOVERY)
        && (gtid.domain == least.domain && gtid.number >= least.number)
        && is_completion_of(logged, Text { sql: &intent.statement, database: &intent.database })
}

/// Whether a GTID is what an intent says: the very one; of MariaDB that one or, with its server_id, a greater number.
fn is_under(gtid: &Gtid, intended: &str) -> bool {
    match (gtid, intended.parse()) {
        (Gtid::Domain(gtid), Ok(Gtid::Domain(least))) => {
            (gtid.domain, gtid.server) == (least.domain, least.server) && gtid.number >= least.number
        }
        (gtid, Ok(intended)) => *gtid == intended,
        (_, Err(_)) => false,
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use strait_schemas::LaneMark;

    const ALTER: Text<'_> = Text { sql: "ALTER TABLE t ADD COLUMN c INT", database: "d" };
    const GTID: &str = "3e11fa47-71ca-11e1-9e33-c80aa9429562:5";

    fn head(gtid: Option<&str>, thread: u32) -> TransactionHead {
        TransactionHead {
            gtid: gtid.map(|text| text.parse().expect("a GTID")),
            commit_us: 2,
            original_commit_us: 1,
            server_id: 1,
            thread: Some(thread),
            file: "binlog.000001".into(),
            pos: 4,
            transaction_length: None,
        }
    }

    fn intents(gtid: &str) -> BTreeMap<String, DdlIntent> {
        let intent = DdlIntent {
            seq: Seq::new(1, 7),
            gtid: gtid.into(),
            connection: 9,
            database: ALTER.database.into(),
            statement: ALTER.sql.into(),
        };
        [("beijing/main".into(), intent)].into()
    }

    #[test]
    fn a_change_is_a_sinks_by_its_gtid_and_without_one_by_its_connection() {
        let ours = intents(GTID);
        assert_eq!(origin_of(&ours, &head(Some(GTID), 1), ALTER), Some("beijing"));
        assert_eq!(origin_of(&ours, &head(Some("3e11fa47-71ca-11e1-9e33-c80aa9429562:6"), 9), ALTER), None);
        assert_eq!(origin_of(&intents(""), &head(None, 9), ALTER), Some("beijing"));
        let at_mariadb = intents("0-3000000000-7");
        assert_eq!(origin_of(&at_mariadb, &head(Some("0-3000000000-9"), 1), ALTER), Some("beijing"));
        for other in ["0-3000000000-6", "0-1-9", "1-3000000000-9", GTID] {
            assert_eq!(origin_of(&at_mariadb, &head(Some(other), 9), ALTER), None, "{other}");
        }
        assert_eq!(origin_of(&intents(""), &head(None, 8), ALTER), None);
    }

    #[test]
    fn what_the_server_completes_after_a_crash_is_the_sinks_as_well() {
        let begun = intents("0-3000000000-7");
        let is_ours =
            |gtid, thread, statement| origin_of(&begun, &head(Some(gtid), thread), statement).is_some();
        assert!(is_ours("0-1-7", 0, ALTER));
        assert!(
            !is_ours("0-1-7", 0, Text { sql: "ALTER TABLE t ADD COLUMN d INT", ..ALTER }),
            "a client's that was cut short as well"
        );
        assert!(!is_ours("0-1-7", 3, ALTER), "a client's");
        assert!(!is_ours("0-1-6", 0, ALTER), "of before");
        assert!(!is_ours("1-1-7", 0, ALTER), "another domain's");
    }

    #[test]
    fn an_intent_ends_when_a_lane_has_passed_it() {
        let mut intents = intents(GTID);
        let row = |key: &str, number| LaneRow {
            origin: "beijing".into(),
            key: key.into(),
            mark: LaneMark { epoch: 1, seq: Seq::new(1, number) },
        };
        settle(&mut intents, &row("beijing/main/3", 6));
        settle(&mut intents, &row("beijing/other/3", 9));
        assert_eq!(intents.len(), 1);
        settle(&mut intents, &row("beijing/main/3", 7));
        assert!(intents.is_empty());
    }
}
