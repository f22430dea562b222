//! Where the readers of a snapshot and the publisher meet: windows are asked for, opened, filled; chunks are handed over,
//! published or discarded.

use std::{
    collections::{BTreeMap, HashMap, HashSet},
    sync::{
        Arc, Mutex, MutexGuard, PoisonError,
        atomic::{AtomicBool, Ordering},
    },
};

use strait_mysql::{
    binlog::{RowsEvent, TableMap, TransactionHead},
    catalog::{ForeignKey, TableName},
    gtid::GtidSet,
    snapshot::{KeyValue, SelectedRow, Shape},
};
use tokio::sync::{Notify, mpsc};

use super::{
    cascade::reaches_children,
    reader::Portion,
    window::{Discarded, Window},
};
use crate::Error;

pub type WindowId = u64;

/// A place in the binary log.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct LogPlace {
    pub file: String,
    pub pos: u64,
}

impl LogPlace {
    /// Whether a stream that stands at (file, pos) has everything before this place.
    pub fn is_passed_at(&self, file: &str, pos: u64) -> bool {
        (file.len(), file, pos) >= (self.file.len(), self.file.as_str(), self.pos)
    }
}

/// What a SELECT shows for certain, and perhaps more.
#[derive(Debug, Clone)]
pub enum Shows {
    /// What the log has before it.
    Before(LogPlace),
    Gtids(GtidSet),
}

impl Shows {
    fn has(&self, transaction: &TransactionHead) -> bool {
        match (self, &transaction.gtid) {
            (Self::Before(place), _) => !place.is_passed_at(&transaction.file, transaction.pos),
            (Self::Gtids(gtids), Some(gtid)) => gtids.contains(gtid),
            (Self::Gtids(_), None) => false,
        }
    }
}

/// How far the stream had come when a window was opened.
#[derive(Debug, Clone, Default)]
pub struct Streamed {
    pub gtids: GtidSet,
    pub place: LogPlace,
}

/// Rows as a SELECT gave them.
#[derive(Debug)]
pub struct ReadRows {
    pub shape: Arc<Shape>,
    pub rows: Vec<SelectedRow>,
    /// The rows of a table without a key come in portions while they are published.
    pub more: Option<mpsc::Receiver<Portion>>,
    pub above: Option<Vec<KeyValue>>,
    /// `None`: up to the table's end.
    pub through: Option<Vec<KeyValue>>,
    /// By a condition.
    pub chosen: bool,
    /// Where the binary log ended after they were read.
    pub high: LogPlace,
    pub read_us: i64,
}

/// A chunk whose time has come.
#[derive(Debug)]
pub struct ReadChunk {
    pub window_id: WindowId,
    pub table: u32,
    pub read: ReadRows,
    pub window: Window,
}

#[derive(Debug)]
enum Phase {
    Asked,
    Open,
    Read(ReadRows),
}

/// How often something has passed that may have changed any table.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct Changes(u64);

#[derive(Debug)]
struct Entry {
    /// The table's place in the plan.
    table: u32,
    /// As of when the table was looked at.
    looked: Changes,
    name: TableName,
    key: Vec<String>,
    /// Foreign keys that may write this table without a word in the log: its own, and those of the tables above it.
    cascading: Vec<ForeignKey>,
    window: Window,
    phase: Phase,
    /// What its chunk will show, once the reader knows.
    shows: Option<Shows>,
}

#[derive(Debug, Default)]
pub(super) struct State {
    next: WindowId,
    changes: Changes,
    entries: BTreeMap<WindowId, Entry>,
    /// Until their reader has asked for the outcome.
    discarded: BTreeMap<WindowId, (u32, Discarded)>,
    /// What had been streamed when the newest windows were opened.
    streamed: Option<Streamed>,
    /// The stream stands still there: a window that is asked for is open at once.
    is_standing: bool,
    /// A reader's fault: the run cannot go on.
    failed: Option<Error>,
    /// Tables that the server no longer had, and where its log ended then: before that they may have got other names.
    gone: Vec<(u32, LogPlace)>,
    /// Tables that nobody wants any more.
    left: HashSet<u32>,
    /// Tables of which nothing more is to come.
    done: HashSet<u32>,
    /// Tables that come under another name now, and their places in the plan under it.
    moved: HashMap<u32, u32>,
    /// The stream is behind this run; nothing is answered any more.
    closed: bool,
}

/// What became of a window that was asked for.
#[derive(Debug)]
pub enum Opened {
    /// What had been streamed then.
    Open(WindowId, Streamed),
    /// The table may be another one since it was looked at: it is only asked for the outcome.
    Discarded(WindowId),
    /// Nobody wants the table any more, or the run is over.
    Closed,
}

/// What became of a chunk.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Outcome {
    Published,
    Discarded(Discarded),
    Closed,
}

/// Shared by the publisher and the readers.
#[derive(Debug, Clone, Default)]
pub struct Desk {
    state: Arc<Mutex<State>>,
    changed: Arc<Notify>,
    /// Whether any entry is there, so that the publisher need not look.
    busy: Arc<AtomicBool>,
}

impl Desk {
    fn lock(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }

    pub fn is_busy(&self) -> bool {
        self.busy.load(Ordering::Acquire)
    }

    fn tell(&self, state: &State) {
        let busy = !state.entries.is_empty() || state.failed.is_some() || !state.gone.is_empty();
        self.busy.store(busy, Ordering::Release);
        self.changed.notify_waiters();
    }

    pub(super) fn look<T>(&self, look: impl FnOnce(&State) -> T) -> T {
        look(&self.lock())
    }

    /// Waits until `look` finds something.
    pub(super) async fn wait_for<T>(&self, mut look: impl FnMut(&mut State) -> Option<T>) -> T {
        loop {
            let changed = self.changed.notified();
            tokio::pin!(changed);
            changed.as_mut().enable();
            if let Some(found) = look(&mut self.lock()) {
                return found;
            }
            changed.await;
        }
    }

    // The reader's side.

    /// To be asked before a table is looked at.
    pub fn changes(&self) -> Changes {
        self.lock().changes
    }

    /// Asks for a window. `looked`: what the desk said before the table was looked at.
    pub async fn open(
        &self,
        table: u32,
        looked: Changes,
        name: &TableName,
        key: &[String],
        cascading: &[ForeignKey],
    ) -> Opened {
        let id = {
            let mut state = self.lock();
            if state.left.contains(&table) {
                return Opened::Closed;
            }
            let id = state.next;
            state.next += 1;
            let entry = Entry {
                table,
                looked,
                name: name.clone(),
                key: key.to_vec(),
                cascading: cascading.to_vec(),
                window: Window::default(),
                phase: Phase::Asked,
                shows: None,
            };
            // Its chunk would begin where one ends that has not become anything: there would be a hole.
            if state.discarded.values().any(|(discarded, _)| *discarded == table) {
                state.discarded.insert(id, (table, Discarded::Unclear));
                return Opened::Discarded(id);
            }
            state.entries.insert(id, entry);
            if state.is_standing {
                self.open_asked(&mut state);
            } else {
                self.tell(&state);
            }
            id
        };
        self.wait_for(|state| {
            if state.closed || state.left.contains(&table) {
                return Some(Opened::Closed);
            }
            match state.entries.get(&id) {
                Some(Entry { phase: Phase::Asked, .. }) => None,
                Some(_) => {
                    Some(state.streamed.clone().map_or(Opened::Closed, |streamed| Opened::Open(id, streamed)))
                }
                None => Some(Opened::Discarded(id)),
            }
        })
        .await
    }

    /// What its chunk will show: of that nothing need be noted from now on.
    pub fn shows(&self, id: WindowId, shows: Shows) {
        if let Some(entry) = self.lock().entries.get_mut(&id) {
            entry.shows = Some(shows);
        }
    }

    pub fn deliver(&self, id: WindowId, read: ReadRows) {
        let mut state = self.lock();
        if let Some(entry) = state.entries.get_mut(&id) {
            entry.phase = Phase::Read(read);
        }
        self.tell(&state);
    }

    pub async fn outcome(&self, id: WindowId) -> Outcome {
        self.wait_for(|state| {
            if state.closed {
                return Some(Outcome::Closed);
            }
            if state.entries.contains_key(&id) {
                return None;
            }
            let discarded = state.discarded.remove(&id);
            Some(discarded.map_or(Outcome::Published, |(_, why)| Outcome::Discarded(why)))
        })
        .await
    }

    /// A reader cannot go on.
    pub fn fail(&self, error: Error) {
        let mut state = self.lock();
        state.failed.get_or_insert(error);
        self.tell(&state);
    }

    /// The server does not have a table; where its log ended after that. False: the run is over.
    pub fn is_gone(&self, table: u32, high: LogPlace) -> bool {
        let mut state = self.lock();
        state.gone.push((table, high));
        self.tell(&state);
        !state.closed
    }

    pub fn is_closed(&self) -> bool {
        self.lock().closed
    }

    // The publisher's side, between two transactions unless said otherwise.

    /// Nothing more is to come of a table: others may be begun.
    pub fn finish(&self, table: u32) {
        let mut state = self.lock();
        state.done.insert(table);
        self.tell(&state);
    }

    /// What ended a reader.
    pub fn take_failure(&self) -> Option<Error> {
        self.lock().failed.take()
    }

    /// Tables that are gone from the server as the stream knows it now, and that nobody has left yet.
    pub fn take_gone(&self, passed: impl Fn(&LogPlace) -> bool) -> Vec<u32> {
        let mut state = self.lock();
        let State { gone, left, .. } = &mut *state;
        let taken: Vec<u32> = gone.extract_if(.., |(_, high)| passed(high)).map(|(table, _)| table).collect();
        let taken = taken.into_iter().filter(|table| !left.contains(table)).collect();
        self.tell(&state);
        taken
    }

    /// Opens the windows that were asked for.
    pub fn open_windows(&self, streamed: impl FnOnce() -> Streamed) {
        let mut state = self.lock();
        if state.entries.values().any(|entry| matches!(entry.phase, Phase::Asked)) {
            state.streamed = Some(streamed());
            self.open_asked(&mut state);
        }
    }

    /// Until `go_on` the stream stands still: also what is asked for meanwhile is open at once, so that the readers
    /// read while the publisher publishes.
    pub fn stand(&self, streamed: Streamed) {
        let mut state = self.lock();
        state.is_standing = true;
        state.streamed = Some(streamed);
        self.open_asked(&mut state);
    }

    pub fn go_on(&self) {
        self.lock().is_standing = false;
    }

    /// What was looked at before the last change of the schema passed may have been read before that change was made, and no
    /// window would show it.
    fn open_asked(&self, state: &mut State) {
        let State { entries, discarded, changes, .. } = state;
        let asked = entries.extract_if(.., |_, entry| matches!(entry.phase, Phase::Asked));
        for (id, entry) in asked.collect::<Vec<_>>() {
            if entry.looked == *changes {
                entries.insert(id, Entry { phase: Phase::Open, ..entry });
            } else {
                discarded.insert(id, (entry.table, Discarded::Unclear));
            }
        }
        self.tell(state);
    }

    /// The next chunk whose place a stream that stands at (file, pos) has passed. Chunks of a table come in order.
    pub fn take_ready(&self, file: &str, pos: u64) -> Option<ReadChunk> {
        let mut state = self.lock();
        let mut held: Vec<u32> = Vec::new();
        let id = state.entries.iter().find_map(|(id, entry)| {
            if held.contains(&entry.table) {
                return None;
            }
            match &entry.phase {
                Phase::Read(read) if read.high.is_passed_at(file, pos) => Some(*id),
                _ => {
                    held.push(entry.table);
                    None
                }
            }
        })?;
        let Some(Entry { table, window, phase: Phase::Read(read), .. }) = state.entries.remove(&id) else {
            return None;
        };
        self.tell(&state);
        Some(ReadChunk { window_id: id, table, read, window })
    }

    /// Within a transaction: rows of a table pass. `None`: of one that a SELECT may see later than its place tells.
    pub fn note(&self, map: &TableMap, rows: &RowsEvent<'_>, of: Option<&TransactionHead>) {
        let mut state = self.lock();
        // One event may concern several: the children of one parent, say.
        let mut lost: Vec<(u32, Discarded)> = Vec::new();
        for entry in state.entries.values_mut() {
            let is_shown = |of| entry.shows.as_ref().is_some_and(|shows| shows.has(of));
            if matches!(entry.phase, Phase::Asked) || of.is_some_and(is_shown) {
                continue;
            }
            let is = |name: &TableName| name.database == map.database && name.table == map.table;
            if is(&entry.name)
                && let Err(why) = entry.window.note(&entry.key, map, rows)
            {
                lost.push((entry.table, why));
            }
            if entry.cascading.iter().any(|key| reaches_children(key, map, rows)) {
                lost.push((entry.table, Discarded::Crowded));
            }
        }
        for (table, why) in lost {
            self.discard(&mut state, why, |entry| entry.table == table);
        }
    }

    /// Something passed that may have changed any table.
    pub fn discard_all(&self) {
        let mut state = self.lock();
        state.changes.0 += 1;
        self.discard(&mut state, Discarded::Unclear, |_| true);
    }

    /// All windows of a table go together, also one that is only asked for: its chunk begins where the one before ends,
    /// and would leave a hole.
    fn discard(&self, state: &mut State, why: Discarded, concerned: impl Fn(&Entry) -> bool) {
        let opened = |entry: &&Entry| !matches!(entry.phase, Phase::Asked) && concerned(entry);
        let tables: Vec<u32> = state.entries.values().filter(opened).map(|entry| entry.table).collect();
        let State { entries, discarded, .. } = &mut *state;
        let lost = entries.extract_if(.., |_, entry| tables.contains(&entry.table));
        discarded.extend(lost.map(|(id, entry)| (id, (entry.table, why))));
        self.tell(state);
    }

    /// A table comes under another name: who waits for it waits for that.
    pub fn follow(&self, from: u32, to: u32) {
        self.lock().moved.insert(from, to);
    }

    /// Nobody wants a table any more.
    pub fn leave(&self, table: u32) {
        let mut state = self.lock();
        state.left.insert(table);
        let ids: Vec<WindowId> =
            state.entries.iter().filter(|(_, entry)| entry.table == table).map(|(id, _)| *id).collect();
        for id in ids {
            state.entries.remove(&id);
            state.discarded.insert(id, (table, Discarded::Left));
        }
        self.tell(&state);
    }

    /// The run is over: nobody waits any more.
    pub fn close(&self) {
        let mut state = self.lock();
        state.closed = true;
        state.entries.clear();
        self.tell(&state);
    }
}

impl State {
    pub fn is_closed(&self) -> bool {
        self.closed
    }

    pub fn are_done(&self, tables: &[u32]) -> bool {
        let now = |table: &u32| {
            let mut now = *table;
            while let Some(next) = self.moved.get(&now) {
                now = *next;
            }
            now
        };
        tables.iter().all(|table| self.done.contains(&now(table)))
    }
}

#[cfg(test)]
mod tests {
    use strait_mysql::{
        binlog::{EventHeader, EventType, RawEvent},
        catalog::Rule,
    };

    use super::*;

    fn name() -> TableName {
        TableName::new("d", "t")
    }

    fn read(pos: u64) -> ReadRows {
        let shape = Arc::new(Shape::empty(&name()));
        let high = LogPlace { file: "binlog.000002".into(), pos };
        ReadRows {
            shape,
            rows: Vec::new(),
            more: None,
            above: None,
            through: None,
            chosen: false,
            high,
            read_us: 0,
        }
    }

    fn event(event_type: EventType, body: &[u8]) -> RawEvent {
        let header =
            EventHeader { timestamp: 0, event_type, server_id: 1, event_size: 0, log_pos: 0, flags: 0 };
        RawEvent { header, body: body.to_vec().into(), inside_payload: false }
    }

    async fn opened(desk: &Desk, table: u32) -> WindowId {
        let name = name();
        let opening = desk.open(table, desk.changes(), &name, &[], &[]);
        tokio::pin!(opening);
        assert!(futures_util::poll!(&mut opening).is_pending(), "only the publisher opens windows");
        desk.open_windows(Streamed::default);
        let Opened::Open(id, _) = opening.await else { panic!("not closed") };
        id
    }

    #[tokio::test]
    async fn a_chunk_waits_until_the_stream_has_passed_its_place_and_for_those_before_it() {
        let desk = Desk::default();
        let (first, second) = (opened(&desk, 0).await, opened(&desk, 0).await);
        desk.deliver(second, read(50));
        assert!(desk.take_ready("binlog.000002", 60).is_none(), "the first of the table is not read yet");
        desk.deliver(first, read(40));
        assert!(desk.take_ready("binlog.000001", 99).is_none(), "an earlier file");
        assert_eq!(desk.take_ready("binlog.000002", 45).map(|chunk| chunk.window_id), Some(first));
        assert!(desk.take_ready("binlog.000002", 45).is_none());
        assert_eq!(desk.outcome(first).await, Outcome::Published);
        assert_eq!(desk.take_ready("binlog.000010", 4).map(|chunk| chunk.window_id), Some(second));
        assert!(!desk.is_busy());
    }

    #[tokio::test]
    async fn while_the_stream_stands_still_a_window_is_open_at_once_and_only_then() {
        let desk = Desk::default();
        desk.stand(Streamed {
            place: LogPlace { file: "binlog.000002".into(), pos: 4 },
            ..Streamed::default()
        });
        let (table, name) = (0, name());
        let opened = desk.open(table, desk.changes(), &name, &[], &[]).await;
        assert!(matches!(opened, Opened::Open(_, streamed) if streamed.place.pos == 4));
        desk.go_on();
        let opening = desk.open(table, desk.changes(), &name, &[], &[]);
        tokio::pin!(opening);
        assert!(futures_util::poll!(&mut opening).is_pending());
    }

    #[tokio::test]
    async fn what_is_unclear_discards_open_windows_and_those_that_would_follow_them() {
        let desk = Desk::default();
        let open = opened(&desk, 0).await;
        let same = name();
        let follows = desk.open(0, desk.changes(), &same, &[], &[]);
        tokio::pin!(follows);
        assert!(futures_util::poll!(&mut follows).is_pending());
        desk.discard_all();
        assert_eq!(desk.outcome(open).await, Outcome::Discarded(Discarded::Unclear));
        let Opened::Discarded(follower) = follows.await else { panic!("there would be a hole before it") };
        assert_eq!(desk.outcome(follower).await, Outcome::Discarded(Discarded::Unclear));
    }

    #[tokio::test]
    async fn no_window_opens_behind_a_discarded_one_whose_reader_does_not_know_yet() {
        let desk = Desk::default();
        let first = opened(&desk, 0).await;
        desk.discard_all();
        let Opened::Discarded(second) = desk.open(0, desk.changes(), &name(), &[], &[]).await else {
            panic!("there would be a hole before it")
        };
        for id in [first, second] {
            assert_eq!(desk.outcome(id).await, Outcome::Discarded(Discarded::Unclear));
        }
        opened(&desk, 0).await;
    }

    #[tokio::test]
    async fn no_window_opens_for_a_table_that_may_have_been_altered_since_it_was_looked_at() {
        let desk = Desk::default();
        let looked = desk.changes();
        desk.discard_all();
        let table = name();
        let asking = desk.open(0, looked, &table, &[], &[]);
        tokio::pin!(asking);
        assert!(futures_util::poll!(&mut asking).is_pending());
        desk.open_windows(Streamed::default);
        let Opened::Discarded(old) = asking.await else { panic!("it is to be looked at again") };
        assert_eq!(desk.outcome(old).await, Outcome::Discarded(Discarded::Unclear));
        let again = opened(&desk, 0).await;
        desk.deliver(again, read(4));
        assert!(desk.take_ready("binlog.000002", 4).is_some());
    }

    fn key(parent: &TableName, on_update: Rule, on_delete: Rule) -> ForeignKey {
        ForeignKey {
            name: "k".into(),
            child: name(),
            child_columns: vec!["parent".into()],
            parent: parent.clone(),
            parent_columns: vec!["id".into()],
            on_update,
            on_delete,
        }
    }

    #[tokio::test]
    async fn a_parents_change_discards_the_chunks_of_all_its_children() {
        let desk = Desk::default();
        let parent = TableName::new("d", "parent");
        let mut windows = Vec::new();
        for (child, on_delete) in (0..).zip([Rule::Cascade, Rule::NoAction, Rule::SetNull]) {
            let name = TableName::new("d", format!("child{child}"));
            let cascading = [key(&parent, Rule::Cascade, on_delete)];
            let opening = desk.open(child, desk.changes(), &name, &[], &cascading);
            tokio::pin!(opening);
            assert!(futures_util::poll!(&mut opening).is_pending());
            desk.open_windows(Streamed::default);
            let Opened::Open(id, _) = opening.await else { panic!("not closed") };
            windows.push(id);
        }
        // Table number, flags, no more data, no columns.
        let body = [1, 0, 0, 0, 0, 0, 0, 0, 2, 0, 0];
        let event = event(EventType::DeleteRows, &body);
        let deleted = RowsEvent::parse(&event).expect("an event");
        desk.note(&Shape::empty(&parent).map, &deleted, None);
        for child in [0, 2] {
            assert_eq!(desk.outcome(windows[child]).await, Outcome::Discarded(Discarded::Crowded));
        }
        desk.deliver(windows[1], read(4));
        assert!(desk.take_ready("binlog.000002", 4).is_some(), "the other one does not hang on it");
    }

    #[tokio::test]
    async fn what_a_chunk_shows_for_certain_does_not_discard_it() {
        let desk = Desk::default();
        let parent = TableName::new("d", "parent");
        let body = [1, 0, 0, 0, 0, 0, 0, 0, 2, 0, 0];
        let event = event(EventType::DeleteRows, &body);
        let deleted = RowsEvent::parse(&event).expect("an event");
        let before = Shows::Before(LogPlace { file: "binlog.000002".into(), pos: 40 });
        let gtids = Shows::Gtids("0-1-3".parse().expect("a set"));
        let begun = |pos, gtid: &str| TransactionHead {
            gtid: gtid.parse().ok(),
            commit_us: 0,
            original_commit_us: 0,
            server_id: 1,
            thread: None,
            file: "binlog.000002".into(),
            pos,
            transaction_length: None,
        };
        for (shows, of, is_kept) in [
            (&before, Some(begun(39, "")), true),
            (&before, None, false),
            (&before, Some(begun(40, "")), false),
            (&gtids, Some(begun(50, "0-1-3")), true),
            (&gtids, Some(begun(30, "0-1-4")), false),
            (&gtids, Some(begun(30, "")), false),
        ] {
            let (name, cascading) = (name(), [key(&parent, Rule::Cascade, Rule::Cascade)]);
            let opening = desk.open(0, desk.changes(), &name, &[], &cascading);
            tokio::pin!(opening);
            assert!(futures_util::poll!(&mut opening).is_pending());
            desk.open_windows(Streamed::default);
            let Opened::Open(id, _) = opening.await else { panic!("not closed") };
            desk.shows(id, shows.clone());
            desk.note(&Shape::empty(&parent).map, &deleted, of.as_ref());
            desk.deliver(id, read(40));
            assert_eq!(desk.take_ready("binlog.000002", 50).is_some(), is_kept, "{shows:?} {of:?}");
            let expected = if is_kept { Outcome::Published } else { Outcome::Discarded(Discarded::Crowded) };
            assert_eq!(desk.outcome(id).await, expected);
        }
    }

    #[tokio::test]
    async fn the_end_of_the_run_answers_everybody() {
        let desk = Desk::default();
        let open = opened(&desk, 0).await;
        desk.close();
        assert_eq!(desk.outcome(open).await, Outcome::Closed);
        let opened = desk.open(0, desk.changes(), &name(), &[], &[]).await;
        assert!(matches!(opened, Opened::Closed));
    }
}
