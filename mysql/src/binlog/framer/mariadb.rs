//! What is MariaDB's own in the framing of transactions.

use super::{Framer, State, Step, TransactionHead};
use crate::{
    binlog::{Alter, EventHeader, EventType, MariaDbGtidEvent, RawEvent, Result},
    gtid::Gtid,
};

impl Framer {
    /// Whether what is missing before this event may be the ANNOTATE_ROWS that MariaDB writes before a statement's first
    /// table map, and does not send.
    pub(super) fn is_annotation(&self, header: &EventHeader, start: u64) -> bool {
        let shortest = (EventHeader::LENGTH + 1) as u64;
        self.is_mariadb()
            && header.event_type == EventType::TableMap
            && start >= self.pos.saturating_add(shortest)
    }

    /// Whether the transaction under way is of MariaDB.
    pub(super) fn is_mariadb(&self) -> bool {
        self.head().is_some_and(|head| matches!(head.gtid, Some(Gtid::Domain(_))))
    }

    pub(super) fn take_mariadb_gtid<'a>(&mut self, event: &RawEvent) -> Result<Step<'a>> {
        self.expect_outside()?;
        let gtid = MariaDbGtidEvent::parse(event)?;
        self.maps.begin_transaction();
        let head = TransactionHead {
            gtid: Some(gtid.gtid),
            commit_us: i64::from(event.header.timestamp) * 1_000_000,
            original_commit_us: 0,
            server_id: event.header.server_id,
            thread: None,
            file: self.file.clone(),
            pos: self.start,
            transaction_length: None,
        };
        if gtid.standalone {
            self.state = match gtid.alter {
                Alter::Done => State::Headed(head),
                Alter::Nothing => State::HeadedNothing(head),
            };
            return Ok(Step::Nothing);
        }
        let (xa, creates) = (gtid.prepares.is_some(), gtid.ddl);
        self.state = State::Inside { head: head.clone(), xa, creates };
        Ok(Step::Begin { head, xa: gtid.prepares })
    }
}

#[cfg(test)]
mod tests {
    use super::{
        super::tests::{Log, framer, refusal},
        *,
    };

    fn gtid(log: &mut Log, number: u64, flags: u8, rest: &[u8]) -> RawEvent {
        let body = [&number.to_le_bytes()[..], &[0; 4], &[flags], rest].concat();
        log.event(EventType::MariaDbGtid, &body)
    }

    #[test]
    fn a_transaction_has_no_begin_of_its_own() {
        let (mut framer, mut log) = framer();
        match framer.step(&gtid(&mut log, 5, 0x0c, &[0; 6])) {
            Ok(Step::Begin { head, xa: None }) => {
                assert_eq!(head.gtid.map(|gtid| gtid.to_string()), Some("0-3-5".into()));
                assert_eq!((head.pos, head.commit_us), (4, 1_700_000_000_000_000));
            }
            other => panic!("{other:?}"),
        }
        framer.step(&log.table_map(1, b't')).unwrap();
        assert!(matches!(framer.step(&log.insert(1)), Ok(Step::Rows { .. })));
        assert!(matches!(framer.step(&log.xid()), Ok(Step::Commit(_))));
        assert!(!framer.in_transaction());
        assert!(refusal(&mut framer, &log.insert(1)).contains("outside of a transaction"));
    }

    #[test]
    fn an_annotation_that_was_not_sent_leaves_a_gap_before_a_table_map_only() {
        let (mut framer, mut log) = framer();
        framer.step(&gtid(&mut log, 5, 0x0c, &[0; 6])).unwrap();
        let _annotation = log.event(EventType::AnnotateRows, b"INSERT INTO t VALUES (9)");
        framer.step(&log.table_map(1, b't')).unwrap();
        framer.step(&log.insert(1)).unwrap();
        let _lost = log.insert(1);
        assert!(framer.step(&log.insert(1)).is_err());
    }

    #[test]
    fn statements_stand_alone_where_the_head_says_so() {
        let (mut framer, mut log) = framer();
        framer.step(&gtid(&mut log, 5, 0x29, &[0; 6])).unwrap();
        assert!(matches!(framer.step(&log.query("DROP TABLE t")), Ok(Step::Ddl { .. })));
        framer.step(&gtid(&mut log, 6, 0x8d, &[1, 0, 0, 0, 1, 0, b'x'])).unwrap();
        assert!(matches!(framer.step(&log.query("XA COMMIT X'78',X'',1")), Ok(Step::XaCommit { .. })));
        // A change in STATEMENT form.
        framer.step(&gtid(&mut log, 7, 0x0c, &[0; 6])).unwrap();
        assert!(matches!(framer.step(&log.query("DELETE FROM t")), Ok(Step::Statement { .. })));
    }

    #[test]
    fn an_alter_that_has_only_begun_has_no_effect() {
        let (mut framer, mut log) = framer();
        for (number, extra, happened) in [(5, 2, false), (6, 4, true), (7, 8, false)] {
            framer.step(&gtid(&mut log, number, 0x29, &[extra, 0, 0, 0, 0, 0])).unwrap();
            match framer.step(&log.query("ALTER TABLE t ADD i INT")) {
                Ok(Step::Ddl { .. }) => assert!(happened, "{number}"),
                Ok(Step::Empty { .. }) => assert!(!happened, "{number}"),
                other => panic!("{other:?}"),
            }
        }
    }

    #[test]
    fn create_select_has_its_rows_behind_it_and_no_second_statement() {
        let (mut framer, mut log) = framer();
        framer.step(&gtid(&mut log, 5, 0x28, &[0; 6])).unwrap();
        assert!(matches!(framer.step(&log.query("CREATE TABLE `t` (i INT)")), Ok(Step::CreateSelect(_))));
        framer.step(&log.table_map(1, b't')).unwrap();
        framer.step(&log.insert(1)).unwrap();
        assert!(matches!(framer.step(&log.query("DELETE FROM t")), Ok(Step::Statement { .. })));
    }

    #[test]
    fn a_prepared_transaction_ends_as_its_head_says() {
        let (mut framer, mut log) = framer();
        let prepared = [1, 0, 0, 0, 1, 0, b'x', 1, 0xff];
        match framer.step(&gtid(&mut log, 5, 0x4c, &prepared)) {
            Ok(Step::Begin { xa: Some(xid), .. }) => assert_eq!(xid.to_string(), "X'78',X'',1"),
            other => panic!("{other:?}"),
        }
        framer.step(&log.query("XA END X'78',X'',1")).unwrap();
        assert!(refusal(&mut framer, &log.xid()).contains("ends with XA_PREPARE"));
    }

    #[test]
    fn a_missing_end_is_found_at_the_next_beginning() {
        let (mut framer, mut log) = framer();
        framer.step(&gtid(&mut log, 5, 0x0c, &[0; 6])).unwrap();
        assert!(refusal(&mut framer, &gtid(&mut log, 6, 0x0c, &[0; 6])).contains("0-3-5 that began at"));
    }

    #[test]
    fn the_servers_own_affairs_are_passed_over() {
        let (mut framer, mut log) = framer();
        for event_type in [EventType::BinlogCheckpoint, EventType::StartEncryption] {
            assert!(matches!(framer.step(&log.event(event_type, &[0; 8])), Ok(Step::Nothing)));
        }
        let list = [&1_u32.to_le_bytes()[..], &[0; 4], &3_u32.to_le_bytes(), &9_u64.to_le_bytes()].concat();
        match framer.step(&log.event(EventType::GtidList, &list)) {
            Ok(Step::PreviousGtids(set)) => assert_eq!(set.to_string(), "0-3-9"),
            other => panic!("{other:?}"),
        }
    }
}
