//! The publisher's part of a snapshot (see `crate::snapshot` for why it is right): between two transactions, windows are
//! opened and chunks go into the log, each under a number of its own and together with how far its table has come.

use std::{
    collections::HashMap,
    sync::{Arc, PoisonError},
    time::{Duration, Instant},
};

use strait_mysql::{
    binlog::{TableMap, TransactionHead},
    snapshot::{KeyValue, SelectedRow, key_values},
    value::ColumnValue,
};
use strait_schemas::{
    Chunk, PlannedTable, Signal, SnapshotPlan, SnapshotProgress, SnapshotStep, TableBegin,
    envelope::Snapshot as SnapshotMark,
};
use tokio::task::JoinHandle;

use super::{Publisher, signals::patterns as patterns_of};
use crate::{
    Error, Result,
    kafka::Record,
    rows::RowsOut,
    snapshot::{
        self, Definition, Desk, Listing, LogPlace, Portion, ReadChunk, ReaderOptions, Streamed, Window, Work,
        create_database, create_table, to_wire,
    },
    tables::{Destination, PublishedTable},
};

/// How the log names a step of a snapshot, where a transaction has its GTID.
pub const STEP: &str = "snapshot=";
/// Between two lines in the log.
const TOLD: Duration = Duration::from_secs(10);
/// Between two looks for rows that a reader has not brought yet.
const PAUSE: Duration = Duration::from_millis(1);

/// The snapshot under way.
pub struct Snapshotting {
    pub plan: Arc<SnapshotPlan>,
    pub desk: Desk,
    tasks: Vec<JoinHandle<()>>,
    /// Tables of an initial snapshot that come after others, by database and name.
    later: HashMap<String, HashMap<String, u32>>,
    began: Instant,
    began_rows: u64,
    told: Instant,
}

impl Snapshotting {
    pub fn new(plan: Arc<SnapshotPlan>, progress: &SnapshotProgress) -> Self {
        let now = Instant::now();
        let (desk, tasks) = (Desk::default(), Vec::new());
        (0..)
            .zip(&plan.tables)
            .filter(|(place, _)| progress.is_done(*place))
            .for_each(|(place, _)| desk.finish(place));
        let (later, began_rows) = (HashMap::new(), progress.rows);
        let mut snapshot = Self { plan, desk, tasks, later, began: now, began_rows, told: now };
        snapshot.name_later(progress);
        snapshot
    }

    pub(super) fn name_later(&mut self, progress: &SnapshotProgress) {
        self.later.clear();
        for (place, table) in (0..).zip(&self.plan.tables) {
            if self.plan.initial && !progress.is_done(place) && !table.after.is_empty() {
                self.later.entry(table.database.clone()).or_default().insert(table.table.clone(), place);
            }
        }
    }

    /// Whether a table comes after others that are not whole yet.
    ///
    /// What a foreign key does may stand in no log, and the target's own keys do it there, as far as rows are there to be
    /// followed: from a parent that goes, over a row in between, to the child. So a child table is begun when all its parents are
    /// whole, and until then a new row of it would be one that nothing leads to. The log says of each change that it
    /// came ahead (`flags::AHEAD`), and the sink puts no row there by it: all of the table is read later, and what is read sees
    /// all that was streamed before (step 2 in `crate::snapshot`).
    fn comes_later(&self, progress: &SnapshotProgress, map: &TableMap) -> bool {
        let place = self.later.get(&map.database).and_then(|tables| tables.get(&map.table));
        place.is_some_and(|place| {
            !progress.is_done(*place) && progress.is_held(&self.plan.tables[*place as usize])
        })
    }

    fn read(&mut self, readers: &ReaderOptions, work: Work) {
        let reading = snapshot::read(readers.clone(), work, self.desk.clone());
        self.tasks.push(readers.runtime.spawn(reading));
    }
}

impl Drop for Snapshotting {
    fn drop(&mut self) {
        self.desk.close();
        self.tasks.iter().for_each(JoinHandle::abort);
    }
}

impl Publisher {
    /// The first Kafka transaction of a snapshot: its plan, and each table that is to come.
    pub fn begin_snapshot(&mut self, listing: &Listing) -> Result<()> {
        let Some(snapshot) = &self.snapshot else { return Ok(()) };
        let plan = Arc::clone(&snapshot.plan);
        tracing::info!(tables = listing.tables.len(), "the snapshot begins");
        self.send_plan(Some(&plan))?;
        let now_us = self.progress.as_of_us;
        for (database, create) in &listing.databases {
            let id = format!("{STEP}{},begin={database}", plan.id);
            self.numbering.snapshot(&id, now_us, SnapshotStep::Database { database: database.clone() });
            self.numbering.ddl(&id, now_us, create_database(create, self.flavor, now_us));
            self.numbering.close();
        }
        let rows = !plan.tables.is_empty();
        let repair = self.numbering.next_seq().generation() > 1;
        for table in &listing.tables {
            self.begin_table(plan.id, table, rows, repair);
        }
        if rows { Ok(()) } else { self.end_snapshot() }
    }

    /// The log says that a table is to come.
    fn begin_table(&mut self, plan: u64, table: &Definition, rows: bool, repair: bool) {
        let Definition { database, table, create, .. } = table;
        let now_us = crate::reader::now_us();
        let id = format!("{STEP}{plan},begin={database}.{table}");
        let begin = TableBegin { database: database.clone(), table: table.clone(), rows, repair };
        self.numbering.snapshot(&id, now_us, SnapshotStep::Table(begin));
        self.numbering.ddl(&id, now_us, create_table(database, create, self.flavor, now_us));
        self.numbering.close();
    }

    /// Lets what is left of the snapshot be read.
    pub fn start_readers(&mut self) {
        if let (Some(snapshot), Some(progress)) = (&mut self.snapshot, &self.progress.snapshot) {
            let work = Work::new(Arc::clone(&snapshot.plan), progress);
            snapshot.read(&self.readers, work);
        }
    }

    /// Tables that are to be brought while streaming: of the snapshot under way, or of one of
    /// their own.
    pub(super) fn add_to_snapshot(&mut self, tables: Vec<(Definition, PlannedTable)>) -> Result<()> {
        let under_way = self.snapshot.as_ref().map(|snapshot| (*snapshot.plan).clone());
        let mut plan = under_way.unwrap_or_else(|| SnapshotPlan {
            id: self.numbering.next_seq().raw(),
            tables: Vec::new(),
            initial: false,
        });
        let first = plan.tables.len() as u32;
        for (table, mut planned) in tables {
            self.begin_table(plan.id, &table, true, false);
            // Their parents are at the target.
            planned.after.clear();
            plan.tables.push(planned);
        }
        self.read_from(Arc::new(plan), first)
    }

    /// The plan has more tables than before, from one on.
    pub(super) fn read_from(&mut self, plan: Arc<SnapshotPlan>, first: u32) -> Result<()> {
        self.send_plan(Some(&plan))?;
        self.state.pending_since.get_or_insert_with(Instant::now);
        let work = Work::of(Arc::clone(&plan), first..plan.tables.len() as u32);
        let progress = self.progress.snapshot.get_or_insert_with(|| SnapshotProgress::new(plan.id));
        let snapshot = match &mut self.snapshot {
            Some(snapshot) => snapshot,
            none => none.insert(Snapshotting::new(Arc::clone(&plan), progress)),
        };
        snapshot.plan = plan;
        // What is not committed yet must not be read: a chunk is published in a later Kafka transaction, or in this one.
        snapshot.read(&self.readers, work);
        Ok(())
    }

    /// No more windows are opened; chunks that are read already are published.
    pub(super) fn pause_snapshot(&mut self, paused: bool) {
        match &mut self.progress.snapshot {
            Some(progress) => {
                tracing::info!(paused, "the snapshot");
                progress.paused = paused;
            }
            None => tracing::warn!("there is no snapshot that could be paused or resumed"),
        }
    }

    /// Some tables of the snapshot under way, or all, are not wanted any more.
    pub(super) fn stop_snapshot(&mut self, signal: &Signal, patterns: &[String]) -> Result<()> {
        let patterns = match patterns_of(patterns) {
            Ok(patterns) => patterns,
            Err(refusal) => {
                tracing::warn!(id = signal.id, "a signal is passed over: {}", refusal.cause);
                return Ok(());
            }
        };
        let (Some(snapshot), Some(progress)) = (&self.snapshot, &self.progress.snapshot) else {
            tracing::warn!(id = signal.id, "there is no snapshot that could be stopped");
            return Ok(());
        };
        let plan = Arc::clone(&snapshot.plan);
        let is_meant = |table: &PlannedTable| {
            let name = format!("{}.{}", table.database, table.table);
            patterns.is_empty() || patterns.matches(&name)
        };
        let undone = (progress.next..plan.tables.len() as u32).filter(|table| !progress.is_done(*table));
        let stopped: Vec<u32> = undone.filter(|table| is_meant(&plan.tables[*table as usize])).collect();
        for table in stopped {
            let planned = &plan.tables[table as usize];
            tracing::warn!(
                id = signal.id,
                table = %format_args!("{}.{}", planned.database, planned.table),
                "the snapshot of the table is stopped: targets lack the rows that have not come, and of a table without a key also what \
                 was changed since the snapshot began"
            );
            if let Some(snapshot) = &self.snapshot {
                snapshot.desk.leave(table);
            }
            self.leave_table(table)?;
        }
        Ok(())
    }

    /// The log says that no more is to come of a table.
    pub(super) fn leave_table(&mut self, table: u32) -> Result<()> {
        let Some(snapshot) = &self.snapshot else { return Ok(()) };
        let (id, planned) = (snapshot.plan.id, &snapshot.plan.tables[table as usize]);
        let (database, name) = (planned.database.clone(), planned.table.clone());
        let step = SnapshotStep::Left { database, table: name };
        self.numbering.snapshot(&format!("{STEP}{id},left={table}"), crate::reader::now_us(), step);
        self.numbering.close();
        self.state.pending_since.get_or_insert_with(Instant::now);
        self.advance(table, None, 0)
    }

    /// Whether a snapshot is still to begin with the table.
    pub(super) fn comes_later(&self, map: &TableMap) -> bool {
        let Some((snapshot, progress)) = self.snapshot.as_ref().zip(self.progress.snapshot.as_ref()) else {
            return false;
        };
        snapshot.comes_later(progress, map)
    }

    /// Between two transactions.
    pub(super) fn serve_snapshot(&mut self) -> Result<()> {
        let Some(snapshot) = &self.snapshot else { return Ok(()) };
        let desk = snapshot.desk.clone();
        if let Some(error) = desk.take_failure() {
            return Err(error);
        }
        for table in desk.take_gone(|high| self.has_passed(high)) {
            self.leave_table(table)?;
        }
        let paused = self.progress.snapshot.as_ref().is_some_and(|progress| progress.paused);
        let stands_at = self.stands_at().filter(|_| !paused);
        if let Some(place) = &stands_at {
            desk.open_windows(|| self.streamed_to(place));
        }
        while let Some(chunk) = self.take_ready(&desk) {
            if let Some(place) = &stands_at {
                desk.stand(self.streamed_to(place));
            }
            self.publish_chunk(chunk)?;
            if self.is_due(true) {
                self.commit(true)?;
            }
        }
        desk.go_on();
        Ok(())
    }

    /// A server that has nothing more says where its log ends.
    pub(super) fn has_passed(&self, place: &LogPlace) -> bool {
        let heard = self.state.heard.as_ref();
        place.is_passed_at(&self.progress.file, self.progress.pos)
            || heard.is_some_and(|(file, pos)| place.is_passed_at(file, *pos))
    }

    fn take_ready(&self, desk: &Desk) -> Option<ReadChunk> {
        let passed = desk.take_ready(&self.progress.file, self.progress.pos);
        // A server that has nothing more says where its log ends.
        passed.or_else(|| self.state.heard.as_ref().and_then(|(file, pos)| desk.take_ready(file, *pos)))
    }

    /// Where the stream has come to in this server's log. `None`: it has not told that yet.
    fn stands_at(&self) -> Option<LogPlace> {
        let heard = || self.state.heard.clone().map(|(file, pos)| LogPlace { file, pos });
        match self.progress.file.is_empty() {
            true => heard(),
            false => Some(LogPlace { file: self.progress.file.clone(), pos: self.progress.pos }),
        }
    }

    fn streamed_to(&self, place: &LogPlace) -> Streamed {
        Streamed { gtids: self.progress.gtids.clone().unwrap_or_default(), place: place.clone() }
    }

    fn publish_chunk(&mut self, chunk: ReadChunk) -> Result<()> {
        let ReadChunk { window_id, table, mut read, window } = chunk;
        let Some(plan) = self.snapshot.as_ref().map(|it| it.plan.id) else { return Ok(()) };
        let server_id = self.readers.server_id;
        let shape = Arc::clone(&read.shape);
        let (map, key) = (&shape.map, &shape.key);
        let id = format!(
            "{STEP}{plan},table={}.{},chunk={},attempt={}",
            map.database,
            map.table,
            window_id,
            self.numbering.attempt()
        );
        let head = TransactionHead {
            gtid: None,
            commit_us: read.read_us,
            original_commit_us: read.read_us,
            server_id,
            thread: None,
            file: Arc::from(read.high.file.as_str()),
            pos: read.high.pos,
            transaction_length: None,
        };
        let place = || format!("snapshot of {}.{}, {}:{}", map.database, map.table, head.file, head.pos);
        let known = self.progress.snapshot.as_ref().and_then(|progress| progress.of(table));
        // Of a table whose key has become another one everything is read anew.
        let known = known.filter(|known| known.key == shape.key_order);
        let published = known.and_then(|known| known.through.clone());
        if published != read.above.as_deref().map(to_wire) {
            return Err(Error::Restart {
                why: format!("a chunk of {} does not follow the one before", place()),
            });
        }
        let destination = self.tables.destination(map, &mut self.topics, &mut self.source, place)?;
        let Destination::Published(published) = &*destination else { return self.leave_table(table) };
        let in_range =
            |key: &&Vec<KeyValue>| is_in_range(key, read.above.as_deref(), read.through.as_deref());
        let step = Chunk {
            database: map.database.clone(),
            table: map.table.clone(),
            key: key.iter().map(|at| map.columns[*at].name.clone()).collect(),
            collations: shape.key_collations.clone(),
            above: read.above.as_deref().map(to_wire),
            through: read.through.as_deref().map(to_wire),
            window: window.keys().filter(in_range).map(|key| to_wire(key)).collect(),
            // What the condition leaves out may be at the target for a reason.
            chosen: read.chosen || published.condition.is_some(),
            last: read.through.is_none(),
        };
        self.numbering.snapshot(&id, read.read_us, SnapshotStep::Chunk(Box::new(step)));
        self.state.pending_since.get_or_insert_with(Instant::now);
        let mut rows = 0;
        let more = read.more.take();
        let mut sending = Sending { publisher: self, published, shape: &shape, head: &head, id: &id };
        rows += sending.send(&read.rows, &window)?;
        if let Some(more) = more {
            rows += sending.send_portions(more)?;
        }
        self.numbering.close();
        let through = read.through.as_deref().map(|through| (shape.key_order.clone(), to_wire(through)));
        self.advance(table, through, rows)
    }

    /// Rows of a table are in the log, to this key, or to its end.
    fn advance(
        &mut self,
        table: u32,
        through: Option<(Vec<String>, Vec<strait_schemas::KeyPart>)>,
        rows: u64,
    ) -> Result<()> {
        let (Some(snapshot), Some(progress)) = (&mut self.snapshot, &mut self.progress.snapshot) else {
            return Ok(());
        };
        let done = through.is_none();
        progress.advance(table, through, rows);
        self.state.moved = true;
        self.metrics.snapshot_rows.inc_by(rows);
        let tables = snapshot.plan.tables.len() as u32;
        self.metrics.snapshot_tables.set(i64::from(tables - progress.next));
        if done {
            snapshot.desk.finish(table);
            let planned = &snapshot.plan.tables[table as usize];
            tracing::info!(table = %format_args!("{}.{}", planned.database, planned.table), "the table is published");
        }
        let shown = shown(snapshot, progress);
        if snapshot.told.elapsed() >= TOLD {
            snapshot.told = Instant::now();
            tracing::info!("snapshot: {shown}");
        }
        *self.shown.lock().unwrap_or_else(PoisonError::into_inner) = shown;
        if progress.next == tables { self.end_snapshot() } else { Ok(()) }
    }

    /// All tables have come.
    pub(super) fn end_snapshot(&mut self) -> Result<()> {
        let Some(snapshot) = self.snapshot.take() else { return Ok(()) };
        let rows = self.progress.snapshot.take().map_or(0, |progress| progress.rows);
        let consistent = self.progress.gtids.as_ref().map_or_else(
            || crate::progress::file_id(&self.progress.file, self.progress.pos),
            ToString::to_string,
        );
        *self.shown.lock().unwrap_or_else(PoisonError::into_inner) = serde_json::Value::Null;
        tracing::info!(
            rows,
            seconds = snapshot.began.elapsed().as_secs(),
            as_of = consistent,
            "the snapshot is complete"
        );
        let id = format!("{STEP}{},end", snapshot.plan.id);
        self.numbering.snapshot(&id, crate::reader::now_us(), SnapshotStep::End { consistent });
        self.numbering.close();
        self.state.pending_since.get_or_insert_with(Instant::now);
        self.send_plan(None)
    }

    /// Beside the position: what the snapshot under way is to bring. `None`: there is none any more.
    fn send_plan(&mut self, plan: Option<&SnapshotPlan>) -> Result<()> {
        let (topic, key) = (&self.position, SnapshotPlan::key(self.tables.prefix()));
        let value = plan.map(SnapshotPlan::encode);
        let (key, value) = (Some(key.as_slice()), value.as_deref());
        self.producer.send(&Record { topic, partition: 0, key, value, headers: &[] })?;
        Ok(())
    }
}

/// Rows of one chunk on their way out.
struct Sending<'a> {
    publisher: &'a mut Publisher,
    published: &'a PublishedTable,
    shape: &'a strait_mysql::snapshot::Shape,
    head: &'a TransactionHead,
    id: &'a str,
}

impl Sending<'_> {
    /// Sends the rows that do not belong to the window; how many.
    fn send(&mut self, rows: &[SelectedRow], window: &Window) -> Result<u64> {
        let map = &self.shape.map;
        let mut values: Vec<ColumnValue<'_>> = Vec::new();
        let mut sent = 0;
        for row in rows {
            row.values(&map.columns, &mut values).map_err(|unexpected| self.unexpected(&unexpected))?;
            // Most windows are empty, and a key costs its allocations.
            if !window.is_empty()
                && key_values(&map.columns, &self.shape.key, &values).is_some_and(|key| window.holds(&key))
            {
                continue;
            }
            let Publisher { producer, numbering, metrics, state, tables, .. } = &mut *self.publisher;
            let mut out = RowsOut {
                producer,
                numbering,
                transactions: None,
                metrics,
                scratch: &mut state.scratch,
                head: self.head,
                id: self.id,
                origin: tables.site(),
                pos: self.head.pos,
                ahead: false,
            };
            sent += u64::from(out.publish_read(self.published, map, SnapshotMark::True, &values)?);
        }
        Ok(sent)
    }

    fn unexpected(&self, unexpected: &strait_mysql::snapshot::Unexpected) -> Error {
        let map = &self.shape.map;
        Error::Restart {
            why: format!("rows of {}.{} are not as expected: {unexpected}", map.database, map.table),
        }
    }

    /// A table without a key: its rows come while they are sent, and the stream waits.
    fn send_portions(&mut self, mut more: tokio::sync::mpsc::Receiver<Portion>) -> Result<u64> {
        let mut sent = 0;
        loop {
            match more.try_recv() {
                Ok(Ok(Some(rows))) => {
                    sent += self.send(&rows, &Window::default())?;
                    if self.publisher.is_due(true) {
                        self.publisher.commit(true)?;
                    }
                }
                Ok(Ok(None)) => return Ok(sent),
                Ok(Err(error)) => return Err(error),
                Err(tokio::sync::mpsc::error::TryRecvError::Empty) => {
                    self.publisher.producer.poll(Duration::ZERO)?;
                    self.publisher.status.beat();
                    if self.publisher.stop.is_cancelled() {
                        return Err(Error::Stopped);
                    }
                    std::thread::sleep(PAUSE);
                }
                Err(tokio::sync::mpsc::error::TryRecvError::Disconnected) => {
                    return Err(Error::Restart { why: "a reader of the snapshot ended early".into() });
                }
            }
        }
    }
}

/// Whether the key may lie in the range; what cannot be told from here may.
fn is_in_range(key: &[KeyValue], above: Option<&[KeyValue]>, through: Option<&[KeyValue]>) -> bool {
    fn number(key: &[KeyValue]) -> Option<i128> {
        match key {
            [KeyValue::Number(number)] => number.parse().ok(),
            _ => None,
        }
    }
    let Some(key) = number(key) else { return true };
    above.and_then(number).is_none_or(|above| key > above)
        && through.and_then(number).is_none_or(|through| key <= through)
}

/// How far it is, by the server's guess of the rows.
fn shown(snapshot: &Snapshotting, progress: &SnapshotProgress) -> serde_json::Value {
    let seconds = snapshot.began.elapsed().as_secs_f64();
    let rate = (progress.rows - snapshot.began_rows) as f64 / seconds.max(0.001);
    let estimate: u64 = snapshot.plan.tables.iter().map(|table| table.estimate).sum();
    let left = estimate.saturating_sub(progress.rows) as f64 / rate.max(1.0);
    let tables = snapshot.plan.tables.len() as u32;
    let done = (0..tables).filter(|table| progress.is_done(*table)).count();
    serde_json::json!({
        "rows": progress.rows,
        "about": estimate,
        "rows_per_second": rate as u64,
        "tables_done": done,
        "tables": tables,
        "seconds_left": left as u64,
        "paused": progress.paused,
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn numbers_outside_of_the_range_are_left_out_and_what_cannot_be_told_is_not() {
        let number = |number: &str| vec![KeyValue::Number(number.into())];
        let (five, nine) = (number("5"), number("9"));
        let is = |key: &str| is_in_range(&number(key), Some(&five), Some(&nine));
        assert_eq!(["5", "6", "9", "10", "1.5"].map(is), [false, true, true, false, true]);
        let text = vec![KeyValue::Characters(b"a".to_vec())];
        assert!(is_in_range(&text, Some(&five), Some(&nine)));
    }
}
