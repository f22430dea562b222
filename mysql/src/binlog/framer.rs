//! Where transactions begin and end: a state machine over events.
//!
//! A transaction is: its GTID event; then one statement that commits by itself (DDL), or BEGIN (or XA START),
//! rows, and an end: XID, COMMIT, ROLLBACK or XA_PREPARE. MariaDB's GTID event says itself which of these it is, and no
//! BEGIN follows. Whatever does not fit is an error with its place, never
//! passed over: so a transaction that was cut short, by damage or by a reader that lost events, cannot pass as a
//! shorter one, and rows never count for a transaction that they are not of.
//!
//! Within a transaction each event must begin where the one before ended, so that an event lost on the way shows
//! even where the rest would fit together. MariaDB leaves ANNOTATE_ROWS out of the stream, so there a gap before a TABLE_MAP
//! that one would fill is none.
//!
//! Positions: headers carry only 32 bits, and a file can be longer; the upper bits are kept by counting up each
//! time the lower ones run over. Events of a compressed transaction are all at the place of the whole.

mod mariadb;

use std::sync::Arc;

use super::{
    Error, EventHeader, EventType, FormatDescription, GtidEvent, QueryEvent, RawEvent, Result, RowsEvent,
    TableMap, heartbeat, rotate, rows,
    statement::{Statement, classify},
    table_maps::TableMaps,
    xa::{self, Xid},
};
use crate::{
    ddl,
    gtid::{Gtid, GtidSet},
    server::Flavor,
};

/// What is known of a transaction when its first statement begins.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct TransactionHead {
    /// None with GTIDs off.
    pub gtid: Option<Gtid>,
    /// Commit time on the server that we read from, us; the header's seconds where the server does not say.
    pub commit_us: i64,
    /// Commit time on the server where the transaction began; 0 where the log does not tell it (MariaDB).
    pub original_commit_us: i64,
    pub server_id: u32,
    /// Connection id of the session that ran it, from its first QUERY event.
    pub thread: Option<u32>,
    pub file: Arc<str>,
    /// Where its GTID event begins.
    pub pos: u64,
    /// Bytes of the whole transaction in the binlog.
    pub transaction_length: Option<u64>,
}

#[derive(Debug, Clone, PartialEq, Eq)]
pub struct TransactionEnd {
    pub file: Arc<str>,
    /// After the transaction's last event.
    pub pos: u64,
}

#[derive(Debug)]
pub enum Step<'a> {
    /// Nothing that a reader needs to act on.
    Nothing,
    /// A transaction begins: rows follow. `xa` is set when it began with XA START.
    Begin {
        head: TransactionHead,
        xa: Option<Xid>,
    },
    /// The original statement of the rows that follow (`binlog_rows_query_log_events`).
    RowsQuery(&'a [u8]),
    /// Rows. `pos` is where the event begins (of the whole transaction if it was compressed).
    Rows {
        table: Arc<TableMap>,
        rows: RowsEvent<'a>,
        pos: u64,
    },
    /// A statement that is a transaction of its own, begun and ended here.
    Ddl {
        head: TransactionHead,
        query: QueryEvent<'a>,
        end: TransactionEnd,
    },
    /// A transaction without any effect, begun and ended here.
    Empty {
        head: TransactionHead,
        end: TransactionEnd,
    },
    /// Inside a transaction: CREATE TABLE ... SELECT. Its rows follow under the same GTID.
    CreateSelect(QueryEvent<'a>),
    /// A change in STATEMENT form, which cannot be replicated by rows: the reader halts.
    Statement {
        event: EventType,
        statement: String,
    },
    Commit(TransactionEnd),
    /// The transaction ends, and its rows of transactional tables count for nothing.
    Rollback(TransactionEnd),
    /// The transaction's GTID ends here, but its rows wait for XaCommit or XaRollback of the same xid; with
    /// `one_phase` they are committed.
    XaPrepare {
        xid: Xid,
        one_phase: bool,
        end: TransactionEnd,
    },
    /// A transaction of its own: rows prepared earlier are committed.
    XaCommit {
        head: TransactionHead,
        xid: Xid,
        end: TransactionEnd,
    },
    XaRollback {
        head: TransactionHead,
        xid: Xid,
        end: TransactionEnd,
    },
    FormatDescription(FormatDescription),
    PreviousGtids(GtidSet),
    /// The server has nothing more to send: it is at this position.
    Heartbeat {
        file: Arc<str>,
        pos: u64,
    },
    /// The next event comes from this file.
    Rotate {
        file: Arc<str>,
        pos: u64,
    },
}

pub struct Framer {
    file: Arc<str>,
    /// After the last event taken.
    pos: u64,
    /// Where the event under way begins, or the compressed transaction that it is in.
    start: u64,
    state: State,
    maps: TableMaps,
}

enum State {
    Outside,
    /// After the GTID event: the statement is still to come.
    Headed(TransactionHead),
    /// The same of a statement that has only begun, or was undone.
    HeadedNothing(TransactionHead),
    /// After BEGIN. `xa`: it must end with XA_PREPARE. `creates`: MariaDB's GTID event has said that CREATE TABLE comes.
    Inside {
        head: TransactionHead,
        xa: bool,
        creates: bool,
    },
}

impl Framer {
    /// `file` and `pos` as known at the start; empty and 0 if streaming starts by GTID (the server tells).
    pub fn new(file: &str, pos: u64) -> Self {
        Self { file: file.into(), pos, start: pos, state: State::Outside, maps: TableMaps::default() }
    }

    /// Takes the next event, which must have gone through [`expand`](super::expand). After an error the framer
    /// must not be used.
    pub fn step<'a>(&mut self, event: &'a RawEvent) -> Result<Step<'a>> {
        self.advance(event)
            .and_then(|()| self.take(event))
            .map_err(|source| source.at(event.header.event_type, &self.file, self.pos))
    }

    /// An event that says how documents have changed (`binlog_row_value_options = PARTIAL_JSON`) becomes one that says what they are now;
    /// any other is given back as it is. To be called before [`Framer::step`], which takes no other.
    pub fn complete(&self, event: RawEvent) -> Result<RawEvent> {
        if event.header.event_type != EventType::PartialUpdateRows || self.expect_inside().is_err() {
            return Ok(event);
        }
        let completed = rows::table_of(&event)
            .and_then(|table| self.maps.current(table))
            .and_then(|table| rows::complete(&event, &table));
        completed.map_err(|source| source.at(event.header.event_type, &self.file, self.pos))
    }

    pub fn in_transaction(&self) -> bool {
        !matches!(self.state, State::Outside)
    }

    /// The head of the transaction under way.
    pub fn head(&self) -> Option<&TransactionHead> {
        match &self.state {
            State::Outside => None,
            State::Headed(head) | State::HeadedNothing(head) | State::Inside { head, .. } => Some(head),
        }
    }

    pub fn file(&self) -> &Arc<str> {
        &self.file
    }

    /// After the last event taken.
    pub fn pos(&self) -> u64 {
        self.pos
    }

    fn advance(&mut self, event: &RawEvent) -> Result<()> {
        let header = &event.header;
        // The format description is sent again, with no or its own place, when reading starts in mid file.
        let elsewhere = matches!(
            header.event_type,
            EventType::Rotate | EventType::FormatDescription | EventType::Heartbeat | EventType::HeartbeatV2
        );
        if elsewhere || header.log_pos == 0 || header.flags & EventHeader::ARTIFICIAL != 0 {
            return Ok(());
        }
        let end = extend(self.pos, header.log_pos).ok_or_else(|| Error::Malformed {
            what: "a position",
            found: format!("{} after {}", header.log_pos, self.pos),
        })?;
        if event.inside_payload {
            if end != self.pos {
                self.start = self.pos;
            }
        } else {
            let start = end.saturating_sub(u64::from(header.event_size));
            if self.in_transaction() && start != self.pos && !self.is_annotation(header, start) {
                return Err(misplaced(format!(
                    "the event begins at {start}, the one before it in the transaction ended at {}",
                    self.pos
                )));
            }
            self.start = start;
        }
        self.pos = end;
        Ok(())
    }

    fn take<'a>(&mut self, event: &'a RawEvent) -> Result<Step<'a>> {
        match event.header.event_type {
            EventType::MariaDbGtid => self.take_mariadb_gtid(event),
            EventType::Gtid | EventType::GtidTagged | EventType::AnonymousGtid => self.take_gtid(event),
            EventType::Query => self.take_query(event),
            EventType::TableMap => {
                self.expect_inside()?;
                self.maps.insert(event, self.is_mariadb())?;
                Ok(Step::Nothing)
            }
            EventType::WriteRows
            | EventType::UpdateRows
            | EventType::DeleteRows
            | EventType::WriteRowsV1
            | EventType::UpdateRowsV1
            | EventType::DeleteRowsV1
            | EventType::PartialUpdateRows => self.take_rows(event),
            EventType::Xid => match self.take_inside()? {
                (_, false) => Ok(Step::Commit(self.end())),
                (_, true) => Err(misplaced("it ends an XA transaction, which ends with XA_PREPARE")),
            },
            EventType::XaPrepare => {
                let (xid, one_phase) = xa::read_prepare(event)?;
                match self.take_inside()? {
                    (_, true) => Ok(Step::XaPrepare { xid, one_phase, end: self.end() }),
                    (_, false) => Err(misplaced("it ends a transaction that is not XA")),
                }
            }
            EventType::RowsQuery => {
                self.expect_inside()?;
                // One byte of length, of which only the lowest eight bits were kept: the event's end counts.
                Ok(Step::RowsQuery(event.body.get(1..).unwrap_or_default()))
            }
            EventType::Intvar
            | EventType::Rand
            | EventType::UserVar
            | EventType::AppendBlock
            | EventType::DeleteFile
            | EventType::BeginLoadQuery
            | EventType::ExecuteLoadQuery => {
                Ok(Step::Statement { event: event.header.event_type, statement: String::new() })
            }
            EventType::FormatDescription => {
                self.expect_outside()?;
                Ok(Step::FormatDescription(FormatDescription::parse(event)?))
            }
            EventType::AnnotateRows => {
                self.expect_inside()?;
                Ok(Step::RowsQuery(&event.body))
            }
            EventType::GtidList => Ok(Step::PreviousGtids(GtidSet::from_gtid_list(&event.body)?)),
            EventType::PreviousGtids => Ok(Step::PreviousGtids(GtidSet::from_binary(&event.body)?)),
            EventType::Rotate => self.take_rotate(event),
            EventType::Heartbeat | EventType::HeartbeatV2 => self.take_heartbeat(event),
            EventType::Incident => Err(Error::Unsupported {
                what: "the source says that it lost changes (INCIDENT)".into(),
                remedy: "find the cause in the source's error log, then take a new snapshot",
            }),
            EventType::TransactionPayload
            | EventType::QueryCompressed
            | EventType::WriteRowsCompressedV1
            | EventType::UpdateRowsCompressedV1
            | EventType::DeleteRowsCompressedV1
            | EventType::WriteRowsCompressed
            | EventType::UpdateRowsCompressed
            | EventType::DeleteRowsCompressed => Err(misplaced("it has not been expanded")),
            // The server has decrypted what it sends.
            EventType::StartEncryption
            | EventType::BinlogCheckpoint
            | EventType::Stop
            | EventType::Slave
            | EventType::Ignorable
            | EventType::TransactionContext
            | EventType::ViewChange => Ok(Step::Nothing),
            EventType::Unknown(_) if event.header.flags & EventHeader::IGNORABLE != 0 => Ok(Step::Nothing),
            EventType::Unknown(number) => Err(Error::Unsupported {
                what: format!("event type {number}"),
                remedy: "the source must be MySQL 8.0 to 9.7, or MariaDB 10.11; a later version needs a later Strait",
            }),
        }
    }

    fn take_gtid<'a>(&mut self, event: &RawEvent) -> Result<Step<'a>> {
        self.expect_outside()?;
        let gtid = GtidEvent::parse(event)?;
        let seconds = i64::from(event.header.timestamp) * 1_000_000;
        let commit_us = gtid.immediate_commit_us.unwrap_or(seconds);
        self.maps.begin_transaction();
        self.state = State::Headed(TransactionHead {
            gtid: gtid.gtid,
            commit_us,
            original_commit_us: gtid.original_commit_us.unwrap_or(commit_us),
            server_id: event.header.server_id,
            thread: None,
            file: self.file.clone(),
            pos: self.start,
            transaction_length: gtid.transaction_length,
        });
        Ok(Step::Nothing)
    }

    fn take_query<'a>(&mut self, event: &'a RawEvent) -> Result<Step<'a>> {
        let query = QueryEvent::parse(event)?;
        let statement = classify(query.statement)?;
        match std::mem::replace(&mut self.state, State::Outside) {
            State::Outside => Err(misplaced("it belongs to no transaction")),
            State::Headed(mut head) => {
                head.thread = Some(query.thread_id);
                self.take_first_query(head, query, statement)
            }
            State::HeadedNothing(head) => Ok(Step::Empty { head, end: self.end() }),
            State::Inside { head, xa, creates } => {
                let statement = match statement {
                    Statement::Other if creates => Statement::CreateSelect,
                    other => other,
                };
                self.take_inner_query(head, xa, query, &statement)
            }
        }
    }

    fn take_first_query<'a>(
        &mut self,
        head: TransactionHead,
        query: QueryEvent<'a>,
        statement: Statement,
    ) -> Result<Step<'a>> {
        let end = self.end();
        match statement {
            Statement::Begin => {
                self.state = State::Inside { head: head.clone(), xa: false, creates: false };
                Ok(Step::Begin { head, xa: None })
            }
            Statement::XaStart(xid) => {
                self.state = State::Inside { head: head.clone(), xa: true, creates: false };
                Ok(Step::Begin { head, xa: Some(xid) })
            }
            Statement::XaCommit(xid) => Ok(Step::XaCommit { head, xid, end }),
            Statement::XaRollback(xid) => Ok(Step::XaRollback { head, xid, end }),
            Statement::CreateSelect | Statement::Other => Ok(Step::Ddl { head, query, end }),
            Statement::Commit | Statement::Rollback | Statement::Savepoint | Statement::XaEnd => {
                Err(misplaced(format!("{} without BEGIN", query.text())))
            }
        }
    }

    fn take_inner_query<'a>(
        &mut self,
        head: TransactionHead,
        xa: bool,
        query: QueryEvent<'a>,
        statement: &Statement,
    ) -> Result<Step<'a>> {
        let step = match statement {
            Statement::Commit if !xa => return Ok(Step::Commit(self.end())),
            Statement::Rollback if !xa => return Ok(Step::Rollback(self.end())),
            Statement::Savepoint => Step::Nothing,
            Statement::XaEnd if xa => Step::Nothing,
            Statement::CreateSelect => Step::CreateSelect(query),
            // The words may stand before the table's options.
            Statement::Other if creates_with_rows(&query) => Step::CreateSelect(query),
            Statement::Other => {
                Step::Statement { event: EventType::Query, statement: query.text().into_owned() }
            }
            Statement::Begin
            | Statement::Commit
            | Statement::Rollback
            | Statement::XaStart(_)
            | Statement::XaEnd
            | Statement::XaCommit(_)
            | Statement::XaRollback(_) => {
                return Err(misplaced(format!("{} inside a transaction", query.text())));
            }
        };
        self.state = State::Inside { head, xa, creates: false };
        Ok(step)
    }

    fn take_rows<'a>(&mut self, event: &'a RawEvent) -> Result<Step<'a>> {
        self.expect_inside()?;
        let rows = RowsEvent::parse(event)?;
        if rows.table_id == RowsEvent::DUMMY_TABLE && rows.images.is_empty() {
            return Ok(Step::Nothing);
        }
        let table = self.maps.current(rows.table_id)?;
        Ok(Step::Rows { table, rows, pos: self.start })
    }

    fn take_rotate<'a>(&mut self, event: &RawEvent) -> Result<Step<'a>> {
        self.expect_outside()?;
        let (pos, file) = rotate::read(event)?;
        if *self.file != *file {
            self.file = file.into();
        }
        (self.pos, self.start) = (pos, pos);
        Ok(Step::Rotate { file: self.file.clone(), pos })
    }

    fn take_heartbeat<'a>(&mut self, event: &RawEvent) -> Result<Step<'a>> {
        let (file, pos) = heartbeat::read(event)?;
        let known = *self.file == *file;
        let pos = match pos {
            heartbeat::Pos::Whole(pos) => pos,
            heartbeat::Pos::Low(low) if known => {
                // Rather the place a little before ours than one four gigabytes on.
                extend(self.pos, low)
                    .filter(|pos| pos - self.pos <= u64::from(u32::MAX / 2))
                    .unwrap_or(self.pos)
            }
            heartbeat::Pos::Low(low) => u64::from(low),
        };
        // In a transaction it can only be about the server's own affairs.
        if !self.in_transaction() {
            if !known {
                self.file = file.into();
            }
            (self.pos, self.start) = (pos, pos);
        }
        Ok(Step::Heartbeat { file: self.file.clone(), pos })
    }

    fn end(&self) -> TransactionEnd {
        TransactionEnd { file: self.file.clone(), pos: self.pos }
    }

    fn expect_outside(&self) -> Result<()> {
        match self.head() {
            None => Ok(()),
            Some(head) => Err(misplaced(format!(
                "the transaction {}that began at {}:{} has not ended",
                head.gtid.map(|gtid| format!("{gtid} ")).unwrap_or_default(),
                head.file,
                head.pos
            ))),
        }
    }

    fn expect_inside(&self) -> Result<()> {
        match self.state {
            State::Inside { .. } => Ok(()),
            State::Outside | State::Headed(_) | State::HeadedNothing(_) => {
                Err(misplaced("it is outside of a transaction"))
            }
        }
    }

    /// Ends the transaction.
    fn take_inside(&mut self) -> Result<(TransactionHead, bool)> {
        self.expect_inside()?;
        match std::mem::replace(&mut self.state, State::Outside) {
            State::Inside { head, xa, .. } => Ok((head, xa)),
            State::Outside | State::Headed(_) | State::HeadedNothing(_) => {
                Err(misplaced("it is outside of a transaction"))
            }
        }
    }
}

/// Whether it is a CREATE TABLE whose rows follow.
fn creates_with_rows(query: &QueryEvent<'_>) -> bool {
    ddl::classify(query.statement, ddl::Reading::of(query, Flavor::Mysql)).rows_follow.is_some()
}

/// The position at or after `pos` that has these lower 32 bits; `None`: there is none.
fn extend(pos: u64, low: u32) -> Option<u64> {
    let candidate = pos & !u64::from(u32::MAX) | u64::from(low);
    if candidate < pos { candidate.checked_add(1 << 32) } else { Some(candidate) }
}

#[cold]
fn misplaced(found: impl Into<String>) -> Error {
    Error::Malformed { what: "the order of events", found: found.into() }
}

#[cfg(test)]
mod tests {
    use super::*;

    const UUID: [u8; 16] = [7; 16];

    fn gtid(number: u64) -> Gtid {
        Gtid::Uuid(crate::gtid::UuidGtid { uuid: crate::gtid::Uuid(UUID), tag: None, number })
    }

    /// Events one after the other in a file, as a server writes them.
    pub(super) struct Log {
        pub(super) pos: u64,
    }

    impl Log {
        pub(super) fn event(&mut self, event_type: EventType, body: &[u8]) -> RawEvent {
            let event_size = (EventHeader::LENGTH + body.len() + 4) as u32;
            self.pos += u64::from(event_size);
            let header = EventHeader {
                timestamp: 1_700_000_000,
                event_type,
                server_id: 3,
                event_size,
                log_pos: self.pos as u32,
                flags: 0,
            };
            RawEvent { header, body: body.to_vec().into(), inside_payload: false }
        }

        fn gtid(&mut self, number: u64) -> RawEvent {
            self.event(EventType::Gtid, &[&[0], &UUID[..], &number.to_le_bytes()].concat())
        }

        pub(super) fn query(&mut self, statement: &str) -> RawEvent {
            let head = [77, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0];
            self.event(EventType::Query, &[&head[..], statement.as_bytes()].concat())
        }

        pub(super) fn table_map(&mut self, number: u8, table: u8) -> RawEvent {
            let body = [number, 0, 0, 0, 0, 0, 1, 0, 1, b'd', 0, 1, table, 0, 1, 3, 0, 0];
            self.event(EventType::TableMap, &body)
        }

        pub(super) fn insert(&mut self, number: u8) -> RawEvent {
            self.event(EventType::WriteRows, &[number, 0, 0, 0, 0, 0, 1, 0, 2, 0, 1, 1, 0, 9, 0, 0, 0])
        }

        pub(super) fn xid(&mut self) -> RawEvent {
            self.event(EventType::Xid, &[0; 8])
        }
    }

    pub(super) fn framer() -> (Framer, Log) {
        (Framer::new("binlog.000007", 4), Log { pos: 4 })
    }

    /// The cause, without its place, which is checked.
    pub(super) fn refusal(framer: &mut Framer, event: &RawEvent) -> String {
        match framer.step(event) {
            Err(Error::At { file, pos, source, .. }) => {
                assert_eq!((&*file, pos as u32), ("binlog.000007", event.header.log_pos));
                source.to_string()
            }
            other => panic!("{other:?}"),
        }
    }

    #[test]
    fn a_transaction_from_its_gtid_to_its_xid() {
        let (mut framer, mut log) = framer();
        assert!(matches!(framer.step(&log.gtid(5)), Ok(Step::Nothing)));
        assert!(framer.in_transaction());
        match framer.step(&log.query("BEGIN")) {
            Ok(Step::Begin { head, xa: None }) => {
                assert_eq!(head.gtid, Some(gtid(5)));
                assert_eq!((head.pos, head.thread, head.server_id), (4, Some(77), 3));
                assert_eq!(
                    (head.commit_us, head.original_commit_us),
                    (1_700_000_000_000_000, 1_700_000_000_000_000)
                );
            }
            other => panic!("{other:?}"),
        }
        assert!(matches!(framer.step(&log.table_map(1, b't')), Ok(Step::Nothing)));
        let before = log.pos;
        match framer.step(&log.insert(1)) {
            Ok(Step::Rows { table, rows, pos }) => {
                assert_eq!((table.database.as_str(), table.table.as_str(), pos), ("d", "t", before));
                assert_eq!(rows.images, [0, 9, 0, 0, 0]);
            }
            other => panic!("{other:?}"),
        }
        match framer.step(&log.xid()) {
            Ok(Step::Commit(end)) => assert_eq!((&*end.file, end.pos), ("binlog.000007", log.pos)),
            other => panic!("{other:?}"),
        }
        assert!(!framer.in_transaction());
    }

    #[test]
    fn a_missing_end_is_found_at_the_next_beginning() {
        for statement in ["BEGIN", "XA START X'61',X'',1"] {
            let (mut framer, mut log) = framer();
            framer.step(&log.gtid(5)).unwrap();
            framer.step(&log.query(statement)).unwrap();
            assert!(refusal(&mut framer, &log.gtid(6)).contains("has not ended"));
        }
        let (mut framer, mut log) = framer();
        framer.step(&log.gtid(5)).unwrap();
        assert!(
            refusal(&mut framer, &log.gtid(6)).contains(":5 that began at binlog.000007:4 has not ended")
        );
    }

    #[test]
    fn an_event_lost_within_a_transaction_is_missed() {
        let (mut framer, mut log) = framer();
        framer.step(&log.gtid(5)).unwrap();
        framer.step(&log.query("BEGIN")).unwrap();
        framer.step(&log.table_map(1, b't')).unwrap();
        framer.step(&log.insert(1)).unwrap();
        let _lost = log.insert(1);
        match framer.step(&log.insert(1)) {
            Err(error @ Error::At { .. }) => {
                let cause = std::error::Error::source(&error).expect("a cause").to_string();
                assert!(cause.contains("the one before it in the transaction ended at"), "{cause}");
            }
            other => panic!("{other:?}"),
        }
    }

    #[test]
    fn transactions_that_are_not_sent_leave_no_trace() {
        let (mut framer, mut log) = framer();
        for number in 5..9 {
            let events = [log.gtid(number), log.query("BEGIN"), log.xid()];
            if number % 2 == 0 {
                for event in events {
                    framer.step(&event).unwrap();
                }
            }
        }
        assert_eq!(framer.pos(), log.pos);
    }

    #[test]
    fn rows_belong_to_a_transaction_and_a_table_map_of_it() {
        let (mut framer, mut log) = framer();
        assert!(refusal(&mut framer, &log.insert(1)).contains("outside of a transaction"));
        let (mut framer, mut log) = self::framer();
        for number in 5..7 {
            framer.step(&log.gtid(number)).unwrap();
            framer.step(&log.query("BEGIN")).unwrap();
            if number == 5 {
                framer.step(&log.table_map(1, b't')).unwrap();
                framer.step(&log.insert(1)).unwrap();
                framer.step(&log.xid()).unwrap();
            } else {
                assert!(refusal(&mut framer, &log.insert(1)).contains("no TABLE_MAP"));
            }
        }
    }

    #[test]
    fn statements_and_ends_that_do_not_fit_are_refused() {
        for (first, then) in [
            ("BEGIN", "BEGIN"),
            ("BEGIN", "XA COMMIT X'61',X'',1"),
            ("XA START X'61',X'',1", "COMMIT"),
            ("BEGIN", "XA END X'61',X'',1"),
        ] {
            let (mut framer, mut log) = framer();
            framer.step(&log.gtid(5)).unwrap();
            framer.step(&log.query(first)).unwrap();
            assert!(
                refusal(&mut framer, &log.query(then)).contains("inside a transaction"),
                "{first}, {then}"
            );
        }
        for alone in ["COMMIT", "ROLLBACK", "SAVEPOINT `a`"] {
            let (mut framer, mut log) = framer();
            framer.step(&log.gtid(5)).unwrap();
            assert!(refusal(&mut framer, &log.query(alone)).contains("without BEGIN"));
        }
        let (mut framer, mut log) = framer();
        assert!(refusal(&mut framer, &log.query("CREATE TABLE t (i INT)")).contains("no transaction"));
        let (mut framer, mut log) = self::framer();
        assert!(refusal(&mut framer, &log.xid()).contains("outside of a transaction"));
    }

    #[test]
    fn changes_in_statement_form_are_reported_inside_and_outside() {
        let (mut framer, mut log) = framer();
        framer.step(&log.gtid(5)).unwrap();
        framer.step(&log.query("BEGIN")).unwrap();
        match framer.step(&log.query("DELETE FROM t")) {
            Ok(Step::Statement { event: EventType::Query, statement }) => {
                assert_eq!(statement, "DELETE FROM t");
            }
            other => panic!("{other:?}"),
        }
        assert!(matches!(
            framer.step(&log.event(EventType::Rand, &[0; 16])),
            Ok(Step::Statement { event: EventType::Rand, .. })
        ));
        assert!(framer.in_transaction());
    }

    #[test]
    fn a_table_created_with_rows_is_known_wherever_it_says_so() {
        for (statement, creates) in [
            ("CREATE TABLE `t` (`i` int) START TRANSACTION", true),
            ("CREATE TABLE `t` (`i` int) START TRANSACTION ENGINE=InnoDB COMMENT='x'", true),
            ("CREATE TABLE `t` (`i` int) COMMENT=') START TRANSACTION'", false),
        ] {
            let (mut framer, mut log) = framer();
            framer.step(&log.gtid(5)).unwrap();
            framer.step(&log.query("BEGIN")).unwrap();
            let event = log.query(statement);
            let step = framer.step(&event).unwrap();
            assert_eq!(matches!(step, Step::CreateSelect(_)), creates, "{statement}: {step:?}");
        }
    }

    #[test]
    fn unknown_events_are_passed_over_only_if_they_may_be() {
        let (mut framer, mut log) = framer();
        let mut event = log.event(EventType::Unknown(200), b"of a later version");
        assert!(refusal(&mut framer, &event).contains("event type 200"));
        event.header.flags |= EventHeader::IGNORABLE;
        assert!(matches!(framer.step(&event), Ok(Step::Nothing)));
        for refused in [EventType::Incident, EventType::TransactionPayload, EventType::WriteRowsCompressedV1]
        {
            refusal(&mut framer, &log.event(refused, b""));
        }
        framer.step(&log.gtid(5)).unwrap();
        framer.step(&log.query("BEGIN")).unwrap();
        assert!(
            refusal(&mut framer, &log.event(EventType::PartialUpdateRows, b""))
                .contains("PARTIAL_UPDATE_ROWS")
        );
    }

    #[test]
    fn the_event_that_only_ends_a_statement_has_no_table() {
        let (mut framer, mut log) = framer();
        framer.step(&log.gtid(5)).unwrap();
        framer.step(&log.query("BEGIN")).unwrap();
        let dummy = [0xff, 0xff, 0xff, 0, 0, 0, 1, 0, 2, 0, 0];
        assert!(matches!(framer.step(&log.event(EventType::WriteRows, &dummy)), Ok(Step::Nothing)));
    }

    #[test]
    fn positions_run_over_32_bits() {
        let start = (1 << 32) - 10;
        let (mut framer, mut log) = (Framer::new("binlog.000007", start), Log { pos: start });
        framer.step(&log.gtid(5)).unwrap();
        assert_eq!((framer.pos(), framer.head().unwrap().pos), (log.pos, start));
        assert!(framer.pos() > u64::from(u32::MAX));
        assert_eq!(extend(5 << 32 | 100, 99), Some(6 << 32 | 99));
        assert_eq!(extend(5 << 32 | 100, 100), Some(5 << 32 | 100));
        assert_eq!(extend(u64::MAX, 99), None);
    }

    #[test]
    fn artificial_events_do_not_move_the_position_and_rotates_do() {
        let (mut framer, mut log) = framer();
        framer.step(&log.event(EventType::Stop, b"")).unwrap();
        let pos = framer.pos();
        let mut elsewhere = Log { pos: 0 };
        let mut event = elsewhere.event(EventType::Stop, b"");
        event.header.flags |= EventHeader::ARTIFICIAL;
        framer.step(&event).unwrap();
        event.header = EventHeader { flags: 0, log_pos: 0, ..event.header };
        framer.step(&event).unwrap();
        assert_eq!(framer.pos(), pos);
        let rotate = [&1234_u64.to_le_bytes()[..], b"binlog.000008"].concat();
        match framer.step(&log.event(EventType::Rotate, &rotate)) {
            Ok(Step::Rotate { file, pos: 1234 }) => assert_eq!(&*file, "binlog.000008"),
            other => panic!("{other:?}"),
        }
        assert_eq!((&**framer.file(), framer.pos()), ("binlog.000008", 1234));
    }

    #[test]
    fn heartbeats_of_both_kinds_tell_the_place() {
        let (mut framer, mut log) = framer();
        log.pos = 5_000;
        let event = log.event(EventType::Heartbeat, b"binlog.000009");
        match framer.step(&event) {
            Ok(Step::Heartbeat { file, pos }) => assert_eq!((&*file, pos), ("binlog.000009", log.pos)),
            other => panic!("{other:?}"),
        }
        let fields =
            [&[1, 13][..], b"binlog.000010", &[2, 9, 254], &(7_u64 << 33).to_le_bytes(), &[0]].concat();
        match framer.step(&log.event(EventType::HeartbeatV2, &fields)) {
            Ok(Step::Heartbeat { file, pos }) => assert_eq!((&*file, pos), ("binlog.000010", 7 << 33)),
            other => panic!("{other:?}"),
        }
        assert_eq!(framer.pos(), 7 << 33);
    }

    #[test]
    fn equal_descriptions_share_one_table_map_whatever_their_number() {
        let (mut framer, mut log) = framer();
        framer.step(&log.gtid(5)).unwrap();
        framer.step(&log.query("BEGIN")).unwrap();
        let mut tables = Vec::new();
        for (number, table) in [(1, b't'), (1, b't'), (2, b't'), (2, b'u'), (2, b't'), (1, b'u')] {
            framer.step(&log.table_map(number, table)).unwrap();
            match framer.step(&log.insert(number)) {
                Ok(Step::Rows { table, .. }) => tables.push(table),
                other => panic!("{other:?}"),
            }
        }
        let same = |a: usize, b: usize| Arc::ptr_eq(&tables[a], &tables[b]);
        assert!(same(0, 1) && same(0, 2) && same(0, 4) && same(3, 5) && !same(0, 3));
        assert!(tables[0].version < tables[3].version);
    }
}
