//! Where the readers of a snapshot and the publisher meet: windows are asked for, opened, filled; chunks are handed over,
//! published or discarded.

use std::{
    collections::{BTreeMap, HashSet},
    sync::{
        Arc, Mutex, MutexGuard, PoisonError,
        atomic::{AtomicBool, Ordering},
    },
};

use strait_mysql::{
    binlog::{RowsEvent, RowsKind, TableMap},
    catalog::TableName,
    gtid::GtidSet,
    snapshot::{KeyValue, SelectedRow, Shape},
};
use strait_schemas::seq::flags;
use tokio::sync::{Notify, mpsc};

use super::{
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

#[derive(Debug)]
struct Entry {
    /// The table's place in the plan.
    table: u32,
    name: TableName,
    key: Vec<String>,
    /// Tables whose changes may write this one without a word in the log.
    cascading: Vec<TableName>,
    window: Window,
    phase: Phase,
}

#[derive(Debug, Default)]
pub(super) struct State {
    next: WindowId,
    entries: BTreeMap<WindowId, Entry>,
    discarded: BTreeMap<WindowId, Discarded>,
    /// What had been streamed when the newest windows were opened.
    streamed: Option<Streamed>,
    /// The stream stands still there: a window that is asked for is open at once.
    is_standing: bool,
    /// A reader's fault: the run cannot go on.
    failed: Option<Error>,
    /// Tables that are gone.
    passed_over: Vec<u32>,
    /// Tables that nobody wants any more.
    left: HashSet<u32>,
    /// Tables of which nothing more is to come.
    done: HashSet<u32>,
    /// The stream is behind this run; nothing is answered any more.
    closed: bool,
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
        let busy = !state.entries.is_empty() || state.failed.is_some() || !state.passed_over.is_empty();
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

    /// Asks for a window; gives it and what had been streamed when it was opened. `None`: nobody wants the table any more,
    /// or the run is over.
    pub async fn open(
        &self,
        table: u32,
        name: &TableName,
        key: &[String],
        cascading: &[TableName],
    ) -> Option<(WindowId, Streamed)> {
        let id = {
            let mut state = self.lock();
            if state.left.contains(&table) {
                return None;
            }
            let id = state.next;
            state.next += 1;
            let entry = Entry {
                table,
                name: name.clone(),
                key: key.to_vec(),
                cascading: cascading.to_vec(),
                window: Window::default(),
                phase: if state.is_standing { Phase::Open } else { Phase::Asked },
            };
            state.entries.insert(id, entry);
            self.tell(&state);
            id
        };
        self.wait_for(|state| {
            if state.closed {
                return Some(None);
            }
            if state.left.contains(&table) {
                return Some(None);
            }
            match state.entries.get(&id) {
                Some(Entry { phase: Phase::Asked, .. }) => None,
                Some(_) => Some(state.streamed.clone().map(|streamed| (id, streamed))),
                // It was discarded at once: its outcome is asked for all the same.
                None => Some(Some((id, Streamed::default()))),
            }
        })
        .await
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
            Some(state.discarded.remove(&id).map_or(Outcome::Published, Outcome::Discarded))
        })
        .await
    }

    /// A reader cannot go on.
    pub fn fail(&self, error: Error) {
        let mut state = self.lock();
        state.failed.get_or_insert(error);
        self.tell(&state);
    }

    /// A table is gone. False: the run is over.
    pub fn pass_over(&self, table: u32) -> bool {
        let mut state = self.lock();
        state.passed_over.push(table);
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

    pub fn take_passed_over(&self) -> Vec<u32> {
        let mut state = self.lock();
        let passed_over = std::mem::take(&mut state.passed_over);
        self.tell(&state);
        passed_over
    }

    /// Opens the windows that were asked for.
    pub fn open_windows(&self, streamed: impl FnOnce() -> Streamed) {
        let mut state = self.lock();
        if state.entries.values().any(|entry| matches!(entry.phase, Phase::Asked)) {
            self.open_asked(&mut state, streamed());
        }
    }

    /// Until `go_on` the stream stands still: also what is asked for meanwhile is open at once, so that the readers
    /// read while the publisher publishes.
    pub fn stand(&self, streamed: Streamed) {
        let mut state = self.lock();
        state.is_standing = true;
        self.open_asked(&mut state, streamed);
    }

    pub fn go_on(&self) {
        self.lock().is_standing = false;
    }

    fn open_asked(&self, state: &mut State, streamed: Streamed) {
        for entry in state.entries.values_mut().filter(|entry| matches!(entry.phase, Phase::Asked)) {
            entry.phase = Phase::Open;
        }
        state.streamed = Some(streamed);
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

    /// Within a transaction: rows of a table pass.
    pub fn note(&self, map: &TableMap, rows: &RowsEvent<'_>) {
        let mut state = self.lock();
        let mut lost = None;
        for entry in state.entries.values_mut() {
            if matches!(entry.phase, Phase::Asked) {
                continue;
            }
            let is = |name: &TableName| name.database == map.database && name.table == map.table;
            if is(&entry.name)
                && let Err(why) = entry.window.note(&entry.key, map, rows)
            {
                lost = Some((entry.table, why));
            }
            if cascades(rows) && entry.cascading.iter().any(is) {
                lost = Some((entry.table, Discarded::Unclear));
            }
        }
        if let Some((table, why)) = lost {
            self.discard(&mut state, why, |entry| entry.table == table);
        }
    }

    /// Something passed that may have changed any table.
    pub fn discard_all(&self) {
        let mut state = self.lock();
        self.discard(&mut state, Discarded::Unclear, |_| true);
    }

    /// All windows of a table go together, also one that is only asked for: its chunk begins where the one before ends,
    /// and would leave a hole.
    fn discard(&self, state: &mut State, why: Discarded, concerned: impl Fn(&Entry) -> bool) {
        let opened = |entry: &&Entry| !matches!(entry.phase, Phase::Asked) && concerned(entry);
        let tables: Vec<u32> = state.entries.values().filter(opened).map(|entry| entry.table).collect();
        let lost = state.entries.iter().filter(|(_, entry)| tables.contains(&entry.table));
        let ids: Vec<WindowId> = lost.map(|(id, _)| *id).collect();
        for id in ids {
            state.entries.remove(&id);
            state.discarded.insert(id, why);
        }
        self.tell(state);
    }

    /// Nobody wants a table any more.
    pub fn leave(&self, table: u32) {
        let mut state = self.lock();
        state.left.insert(table);
        let ids: Vec<WindowId> =
            state.entries.iter().filter(|(_, entry)| entry.table == table).map(|(id, _)| *id).collect();
        for id in ids {
            state.entries.remove(&id);
            state.discarded.insert(id, Discarded::Left);
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

/// Whether the server may have written rows of children without a word in the log.
fn cascades(rows: &RowsEvent<'_>) -> bool {
    let told = u16::from(flags::NO_FOREIGN_KEY_CHECKS | flags::USE_SQL_FOREIGN_KEY);
    rows.kind != RowsKind::Insert && rows.flags & told == 0
}

impl State {
    pub fn is_closed(&self) -> bool {
        self.closed
    }

    pub fn are_done(&self, tables: &[u32]) -> bool {
        tables.iter().all(|table| self.done.contains(table))
    }
}

#[cfg(test)]
mod tests {
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

    async fn opened(desk: &Desk, table: u32) -> WindowId {
        let name = name();
        let opening = desk.open(table, &name, &[], &[]);
        tokio::pin!(opening);
        assert!(futures_util::poll!(&mut opening).is_pending(), "only the publisher opens windows");
        desk.open_windows(Streamed::default);
        opening.await.expect("not closed").0
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
        let (_, streamed) = desk.open(table, &name, &[], &[]).await.expect("not closed");
        assert_eq!(streamed.place.pos, 4);
        desk.go_on();
        let opening = desk.open(table, &name, &[], &[]);
        tokio::pin!(opening);
        assert!(futures_util::poll!(&mut opening).is_pending());
    }

    #[tokio::test]
    async fn what_is_unclear_discards_open_windows_and_those_that_would_follow_them() {
        let desk = Desk::default();
        let open = opened(&desk, 0).await;
        let same = name();
        let follows = desk.open(0, &same, &[], &[]);
        tokio::pin!(follows);
        assert!(futures_util::poll!(&mut follows).is_pending());
        let table = name();
        let asking = desk.open(1, &table, &[], &[]);
        tokio::pin!(asking);
        assert!(futures_util::poll!(&mut asking).is_pending());
        desk.discard_all();
        assert_eq!(desk.outcome(open).await, Outcome::Discarded(Discarded::Unclear));
        let follower = follows.await.expect("not closed").0;
        desk.deliver(follower, read(4));
        assert!(desk.take_ready("binlog.000002", 4).is_none(), "there would be a hole before it");
        assert_eq!(desk.outcome(follower).await, Outcome::Discarded(Discarded::Unclear));
        desk.open_windows(Streamed::default);
        let later = asking.await.expect("not closed").0;
        desk.deliver(later, read(4));
        assert!(desk.take_ready("binlog.000002", 4).is_some());
    }

    #[tokio::test]
    async fn the_end_of_the_run_answers_everybody() {
        let desk = Desk::default();
        let open = opened(&desk, 0).await;
        desk.close();
        assert_eq!(desk.outcome(open).await, Outcome::Closed);
        assert!(desk.open(0, &name(), &[], &[]).await.is_none());
    }
}
