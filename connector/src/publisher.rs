//! The publishing half: one thread that turns binlog events into the log in Kafka.
//!
//! Guarantee: every committed source transaction after the start is in the log exactly once, whole, in the
//! source's order, or left out on purpose; for a reader of committed records at any instant, whatever was killed.
//!
//! Argument: data records, spine and position are written by one Kafka transaction, so they are seen together or not
//! at all. The position says exactly which source transactions (and how much of an unfinished one) the records
//! before it cover, for `Progress` and `Numbering` change only as events are handled here, in the stream's
//! order, and what they say is written by `commit` between two events. A start goes on from the position that
//! it reads after fencing, never from memory. A numbered record that was sent but not committed is in no part of
//! the spine, and its number comes with a new attempt when it is given again: it is not in the log, even for
//! a copy of the topics that shows aborted records.

mod commit;
mod compare;
mod marks;
mod names;
mod order;
mod signals;
mod snapshot;
mod statement;
mod xa;

use std::{
    sync::Arc,
    time::{Duration, Instant},
};

use strait_mysql::binlog::{
    EventHeader, Framer, RawEvent, RowsEvent, Step, TableMap, TransactionEnd, TransactionHead, expand,
};
use strait_mysql::server::Flavor;
use strait_schemas::{GenerationBegin, Inside};
use strait_service::{CancellationToken, Component};

use crate::{
    Error, Result,
    commit_rule::CommitRule,
    current::{Current, Fate, Resumption},
    executed::ExecutedGate,
    filter::Filter,
    held::Prepared,
    intents,
    kafka::{Producer, Topic, Topics},
    loop_test,
    metrics::Metrics,
    numbering::Numbering,
    progress::{Progress, transaction_id},
    reader::{Inbox, Taken},
    rows::{RowsOut, Scratch},
    schema_changes::SchemaChanges,
    side_topics::{HeartbeatTopic, TransactionTopic},
    snapshot::ReaderOptions,
    source::Source,
    start::SnapshotShown,
    tables::{Destination, PublishedTable, Tables},
};

pub use signals::SignalChannels;
pub use snapshot::{STEP, Snapshotting};

/// Everything that the start procedure made ready.
pub struct Publisher {
    pub producer: Producer,
    pub topics: Topics,
    pub tables: Tables,
    pub source: Source,
    /// The source's.
    pub flavor: Flavor,
    pub filter: Filter,
    pub numbering: Numbering,
    pub progress: Progress,
    pub framer: Framer,
    /// An unfinished transaction of an earlier attempt, until it is resumed or void.
    pub unfinished: Option<Inside>,
    /// The last transaction read before the start, until it was read again.
    pub compare: Option<strait_schemas::Fingerprint>,
    pub gate: ExecutedGate,
    pub rule: CommitRule,
    pub heartbeat_interval: Duration,
    pub spine: Topic,
    pub position: Topic,
    pub position_key: Vec<u8>,
    pub heartbeats: Option<HeartbeatTopic>,
    pub transactions: Option<TransactionTopic>,
    pub schema_changes: Option<SchemaChanges>,
    pub begin: Option<GenerationBegin>,
    /// The snapshot under way.
    pub snapshot: Option<Snapshotting>,
    /// How its tables are read.
    pub readers: ReaderOptions,
    pub shown: SnapshotShown,
    pub signals: SignalChannels,
    /// Of this process; see [`crate::instance`].
    pub instance: Arc<str>,
    /// Where the server's log ended when this run began: file and position.
    pub end_at_start: Option<(String, u64)>,
    pub metrics: Metrics,
    pub status: Component,
    pub stop: CancellationToken,
    pub state: State,
}

/// What the loop remembers between events.
pub struct State {
    current: Option<Current>,
    scratch: Scratch,
    last_commit: Instant,
    /// Since the first part that waits for a commit.
    pending_since: Option<Instant>,
    /// When the server said last that it has nothing more, us; 0: it has sent something since.
    idle_us: i64,
    /// The position has moved since the last commit.
    moved: bool,
    /// Where the server's log ended when it said last that it has nothing more.
    heard: Option<(String, u64)>,
    /// Rows of prepared XA transactions.
    prepared: Prepared,
}

impl State {
    pub fn new() -> Self {
        Self {
            current: None,
            scratch: Scratch::default(),
            last_commit: Instant::now(),
            pending_since: None,
            idle_us: 0,
            moved: false,
            heard: None,
            prepared: Prepared::default(),
        }
    }
}

impl Publisher {
    /// Publishes until the shutdown (what is finished then is committed) or a fault.
    pub fn run(&mut self, inbox: &mut Inbox) -> Result<()> {
        loop {
            if self.stop.is_cancelled() {
                return self.settle();
            }
            self.metrics.channel_bytes.set(inbox.bytes() as i64);
            let more_waits = !inbox.is_empty();
            if self.is_due(more_waits) {
                self.commit(more_waits)?;
                continue;
            }
            self.status.beat();
            if self.state.current.is_none() && self.unfinished.is_none() {
                self.serve_signals()?;
            }
            if self.state.current.is_none() && self.unfinished.is_none() && self.is_snapshot_busy() {
                self.serve_snapshot()?;
            }
            match inbox.take(self.patience())? {
                Taken::Nothing => self.producer.poll(Duration::ZERO)?,
                Taken::Event(arrived) => self.handle_arrived(&arrived.event, arrived.heard_us)?,
            }
        }
    }

    /// The shutdown: what was sent is committed, so that the next start has nothing to do again. (All of it, where no commit may be.)
    fn settle(&mut self) -> Result<()> {
        if !self.is_at_bare_table() && (self.has_pending() || self.state.moved) {
            self.commit(true)?;
        }
        Ok(())
    }

    fn handle_arrived(&mut self, event: &RawEvent, heard_us: i64) -> Result<()> {
        for inner in expand(event.clone()) {
            let inner = inner.and_then(|inner| self.framer.complete(inner));
            let inner = inner.map_err(|source| self.undecodable(event, source))?;
            self.handle_event(&inner, heard_us)?;
            // Inside a large source transaction, too, a commit may be due.
            if self.has_pending() && self.is_due(true) {
                self.commit(true)?;
            }
        }
        Ok(())
    }

    fn undecodable(&self, event: &RawEvent, source: strait_mysql::binlog::Error) -> Error {
        let EventHeader { event_type, .. } = event.header;
        let place = format!(
            "event {event_type} after {}:{} of {}{}",
            self.framer.file(),
            self.framer.pos(),
            self.source.place(),
            self.state
                .current
                .as_ref()
                .map(|current| format!(", transaction {}", current.id))
                .unwrap_or_default(),
        );
        Error::Binlog { place, source }
    }

    fn handle_event(&mut self, event: &RawEvent, heard_us: i64) -> Result<()> {
        let step = match self.framer.step(event) {
            Ok(step) => step,
            Err(source) => return Err(self.undecodable(event, source)),
        };
        match step {
            Step::Nothing | Step::RowsQuery(_) | Step::FormatDescription(_) | Step::PreviousGtids(_) => {
                Ok(())
            }
            Step::Begin { head, xa: None } => self.handle_begin(head),
            Step::Begin { head, xa: Some(_) } => self.handle_xa_begin(head),
            Step::Rows { table, rows, pos } if self.is_holding() => {
                self.hold_rows(table, event, &rows, pos);
                Ok(())
            }
            Step::Rows { table, rows, pos } => self.handle_rows(&table, &rows, pos),
            Step::Ddl { head, query, end } => self.handle_ddl(head, &query, event.header.timestamp, &end),
            Step::CreateSelect(query) => self.handle_create_select(&query, event.header.timestamp),
            Step::Statement { event, statement } => Err(self.statement_form(event, &statement)),
            Step::Commit(end) => self.handle_commit(&end),
            Step::Rollback(end) => self.handle_rollback(&end),
            Step::Empty { head, end } => self.handle_without_rows(head, &end),
            Step::XaPrepare { one_phase: true, end, .. } => self.handle_xa_one_phase(&end),
            Step::XaPrepare { xid, end, .. } => self.handle_xa_prepare(&xid, &end),
            Step::XaCommit { head, xid, end } => self.handle_xa_commit(head, &xid, &end),
            Step::XaRollback { head, xid, end } => self.handle_xa_rollback(head, &xid, &end),
            Step::Heartbeat { file, pos } => self.handle_heartbeat(&file, pos, heard_us),
            Step::Rotate { file, pos } => {
                if self.state.current.is_none() && pos > 0 {
                    self.progress.moved(&file, pos);
                    self.state.moved = true;
                }
                Ok(())
            }
        }
    }

    /// The server has nothing more to send; but it also says so while it looks for our start, passing over what we
    /// have: that is told from idleness by the place, for all that we have lies before the end of then.
    fn handle_heartbeat(&mut self, file: &str, pos: u64, heard_us: i64) -> Result<()> {
        if !self.is_past_start(file, pos) {
            return Ok(());
        }
        if self.end_at_start.take().is_some() {
            self.ensure_compared(file, pos)?;
        }
        if self.state.current.is_some() {
            return Ok(());
        }
        self.state.idle_us = heard_us;
        self.state.heard = Some((file.to_owned(), pos));
        if !self.has_pending() {
            self.metrics.lag.published_through(heard_us);
            self.metrics.lag.caught_up(heard_us);
            self.status.idle("source idle: everything it has committed is published");
        }
        Ok(())
    }

    fn handle_begin(&mut self, head: TransactionHead) -> Result<()> {
        self.metrics.lag.behind();
        self.state.idle_us = 0;
        let fate = self.fate_of(&head)?;
        self.state.current = Some(Current::new(head, fate));
        Ok(())
    }

    /// What is known of a transaction from its name alone.
    fn fate_of(&mut self, head: &TransactionHead) -> Result<Fate> {
        let id = transaction_id(head);
        if let Some(fingerprint) = self.compare.take_if(|fingerprint| fingerprint.gtid == id) {
            return Ok(Fate::Compared(fingerprint));
        }
        self.ensure_in_order(head)?;
        if self.end_at_start.is_some() && self.is_past_start(&head.file, head.pos) {
            self.ensure_compared(&head.file, head.pos)?;
        }
        Ok(match &self.unfinished {
            Some(inside) if inside.gtid == id => Fate::Resumed(inside.clone()),
            // Another transaction comes where the unfinished one was: it will not be finished.
            Some(_) => {
                self.void_unfinished(head.commit_us);
                Fate::Undecided
            }
            None => Fate::Undecided,
        })
    }

    fn void_unfinished(&mut self, commit_us: i64) {
        if let Some(inside) = self.unfinished.take() {
            tracing::warn!(seq = %inside.seq, gtid = inside.gtid, "the unfinished transaction cannot be resumed: its number is void");
            self.numbering.void_unfinished(inside.seq, inside.next_index, &inside.gtid, commit_us);
            self.state.pending_since.get_or_insert_with(Instant::now);
        }
    }

    fn handle_rows(&mut self, map: &TableMap, rows: &RowsEvent<'_>, pos: u64) -> Result<()> {
        let Some(mut current) = self.state.current.take() else {
            return Err(Error::Restart { why: "rows outside of a transaction".into() });
        };
        let result = self.handle_rows_of(&mut current, map, rows, pos);
        self.state.current = Some(current);
        result
    }

    fn handle_rows_of(
        &mut self,
        current: &mut Current,
        map: &TableMap,
        rows: &RowsEvent<'_>,
        pos: u64,
    ) -> Result<()> {
        current.count(rows.images);
        if let Some(snapshot) = &self.snapshot
            && snapshot.desk.is_busy()
        {
            snapshot.desk.note(map, rows, (!current.is_xa).then_some(&current.head));
        }
        let first = !std::mem::replace(&mut current.any_rows, true);
        if first && !matches!(current.fate, Fate::Compared(_)) {
            self.decide(current, map, rows, pos)?;
        }
        if intents::is_intent_table(map) && !matches!(current.fate, Fate::Compared(_)) {
            self.read_intents(current, map, rows, pos)?;
        }
        if self.signals.is_table(map) {
            signals::note(current, map, rows, pos)?;
        }
        match &current.fate {
            Fate::Compared(_) => Ok(()),
            Fate::Resumed(inside) => match current.resumption(inside) {
                Resumption::NotYet => Ok(()),
                Resumption::Reached => {
                    self.resume(current);
                    Ok(())
                }
                Resumption::Differs => self.give_up_resuming(current),
            },
            Fate::Looped if !first && loop_test::is_lane_table(map) => {
                self.read_marks(current, map, rows, pos).map(drop)
            }
            Fate::Looped => Ok(()),
            Fate::Undecided | Fate::Published => self.publish_rows(current, map, rows, pos),
        }
    }

    /// The first rows event tells whether our own sink wrote the transaction.
    fn decide(
        &mut self,
        current: &mut Current,
        map: &TableMap,
        rows: &RowsEvent<'_>,
        pos: u64,
    ) -> Result<()> {
        if loop_test::is_marked(map, rows.kind) {
            let origin = self.read_marks(current, map, rows, pos)?;
            if matches!(current.fate, Fate::Undecided)
                && origin.as_deref().is_some_and(|name| self.filter.skips_origin(name))
            {
                current.fate = Fate::Looped;
            }
            current.origin = origin;
        }
        if matches!(current.fate, Fate::Undecided) {
            current.fate = Fate::Published;
        }
        Ok(())
    }

    fn resume(&mut self, current: &mut Current) {
        if let Fate::Resumed(inside) = std::mem::replace(&mut current.fate, Fate::Published) {
            tracing::info!(seq = %inside.seq, gtid = inside.gtid, records = inside.next_index, "resuming the unfinished transaction");
            self.numbering.resume(inside.seq, inside.next_index, &current.id, current.head.commit_us);
            self.unfinished = None;
        }
    }

    /// The rows passed over are gone from the stream: void the number, and read the transaction again.
    fn give_up_resuming(&mut self, current: &Current) -> Result<()> {
        self.void_unfinished(current.head.commit_us);
        self.state.current = None;
        self.commit(true)?;
        Err(Error::Restart {
            why: format!("transaction {} is not the one that was published in part", current.id),
        })
    }

    fn publish_rows(
        &mut self,
        current: &Current,
        map: &TableMap,
        rows: &RowsEvent<'_>,
        pos: u64,
    ) -> Result<()> {
        let place = || format!("transaction {}, {}:{pos}", current.id, current.head.file);
        let destination = self.tables.destination(map, &mut self.topics, &mut self.source, place)?;
        match &*destination {
            Destination::LeftOut => Ok(()),
            Destination::Published(table) => self.send_rows(current, table, map, rows, pos),
        }
    }

    fn send_rows(
        &mut self,
        current: &Current,
        table: &PublishedTable,
        map: &TableMap,
        rows: &RowsEvent<'_>,
        pos: u64,
    ) -> Result<()> {
        self.state.pending_since.get_or_insert_with(Instant::now);
        let origin = current.origin.as_deref();
        let ahead = self.comes_later(map);
        let mut out = RowsOut {
            producer: &mut self.producer,
            numbering: &mut self.numbering,
            transactions: self.transactions.as_mut(),
            metrics: &self.metrics,
            scratch: &mut self.state.scratch,
            head: &current.head,
            id: &current.id,
            origin: origin.unwrap_or(self.tables.site()),
            pos,
            ahead,
        };
        out.publish(table, map, rows)
    }

    fn handle_commit(&mut self, end: &TransactionEnd) -> Result<()> {
        let Some(mut current) = self.state.current.take() else {
            return Err(Error::Restart { why: "the end of a transaction that did not begin".into() });
        };
        match current.fate.clone() {
            Fate::Compared(expected) => return self.compare(&current, &expected),
            Fate::Resumed(inside) => match current.resumption(&inside) {
                Resumption::Reached => self.resume(&mut current),
                Resumption::NotYet | Resumption::Differs => return self.give_up_resuming(&current),
            },
            Fate::Undecided | Fate::Published | Fate::Looped => {}
        }
        self.finish(&current, end)
    }

    /// The transaction was read to its end: its number, if it has one, is closed.
    fn finish(&mut self, current: &Current, end: &TransactionEnd) -> Result<()> {
        if let Some(transactions) = &mut self.transactions {
            transactions.end(&current.id, current.head.commit_us / 1000, &mut self.producer)?;
        }
        let outcome = if self.numbering.close() {
            self.state.pending_since.get_or_insert_with(Instant::now);
            &self.metrics.transactions_published
        } else if current.fate == Fate::Looped {
            &self.metrics.transactions_looped
        } else {
            &self.metrics.transactions_filtered
        };
        outcome.inc();
        self.complete(current, end);
        Ok(())
    }

    fn complete(&mut self, current: &Current, end: &TransactionEnd) {
        self.gate.add(current.head.gtid.as_ref(), end);
        self.progress.complete(&current.head, end, current.fingerprint());
        self.progress.signals.waiting.extend_from_slice(&current.signals);
        self.state.moved = true;
    }

    fn handle_rollback(&mut self, end: &TransactionEnd) -> Result<()> {
        let Some(current) = self.state.current.take() else {
            return Err(Error::Restart { why: "the rollback of a transaction that did not begin".into() });
        };
        match &current.fate {
            Fate::Compared(expected) => return self.compare(&current, expected),
            Fate::Resumed(_) => self.void_unfinished(current.head.commit_us),
            Fate::Undecided | Fate::Published | Fate::Looped => {}
        }
        if let Some(transactions) = &mut self.transactions {
            transactions.end(&current.id, current.head.commit_us / 1000, &mut self.producer)?;
        }
        if self.numbering.void() {
            self.state.pending_since.get_or_insert_with(Instant::now);
        }
        self.complete(&current, end);
        Ok(())
    }

    fn handle_without_rows(&mut self, head: TransactionHead, end: &TransactionEnd) -> Result<()> {
        self.handle_begin(head)?;
        self.handle_commit(end)
    }
}
