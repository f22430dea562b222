//! Gathers the log's records into tasks for the lanes: decodes them, maps them to the target's tables, and
//! closes a batch at transaction boundaries. A transaction larger than a batch is given out in chunks.

mod gathered;
mod known_tables;

use std::{collections::BTreeMap, sync::Arc, time::Duration};

use strait_mysql::{catalog::TableName, client::Conn, server::Flavor};
use strait_schemas::{
    Chunk, ExactForm, Op, Seq, SnapshotStep, TableBegin, decode_exact,
    seq::flags::{AHEAD, NO_FOREIGN_KEY_CHECKS},
};

use crate::{
    apply::{Stamp, Task, Work},
    checkpoint::OffsetRow,
    config::SnapshotRows,
    decode::Decoder,
    error::{Error, Place, Result},
    merge::{End, KeyChange, Taken},
    own_source::OwnSource,
    plan::{Batch, Change, Operation, RecordAt, Stage},
    routes::Routes,
    row_events::EventBatch,
    snapshot::{self, ChunkPlan, ChunkWork, Finishing, Pending},
    sql::{Dialect, SqlBatch},
    table_map::Mapping,
};
use gathered::Gathered;
pub use known_tables::{Images, KnownTables};

#[derive(Debug, Clone, Copy)]
pub struct PlannerOptions {
    /// Fold the changes of one key; otherwise each version of each row is written.
    pub fold: bool,
    pub allow_triggers: bool,
    pub allow_narrower: bool,
    /// What becomes of the rows that a snapshot brings.
    pub snapshot_rows: SnapshotRows,
    pub leave_missing_tables: bool,
    /// A batch is closed at this many rows...
    pub batch_rows: usize,
    /// ...or at this many bytes of rows.
    pub batch_bytes: usize,
    /// The target's kind, where rows go as events.
    pub row_events: Option<Flavor>,
    /// A target that says nothing for so long counts as lost.
    pub answer_timeout: Duration,
}

#[derive(Debug)]
pub struct Planner {
    options: PlannerOptions,
    dialect: Dialect,
    packet_bytes: usize,
    decoder: Decoder,
    tables: KnownTables,
    pending: Pending,
    /// Asked at the first record, unless the start procedure had its answer.
    own_source: Option<OwnSource>,
    /// Whole transactions.
    complete: Gathered,
    /// What has come of the next one.
    open: Gathered,
    /// The first half of a key change, until its second half comes.
    leaving: Option<Change>,
    /// The next offset of each partition that records of complete transactions came from; of the open one.
    offsets: BTreeMap<(Arc<str>, i32), i64>,
    open_offsets: BTreeMap<(Arc<str>, i32), i64>,
}

impl Planner {
    /// Reads the server's facts from `conn`. `own_source`: what is still to be asked before anything is applied.
    pub async fn new(
        conn: &mut Conn,
        options: PlannerOptions,
        routes: Arc<Routes>,
        decoder: Decoder,
        own_source: Option<OwnSource>,
        pending: Pending,
    ) -> Result<Self> {
        let (triggers, narrower) = (options.allow_triggers, options.allow_narrower);
        let tables = KnownTables::new(conn, routes, triggers, narrower, options.answer_timeout).await?;
        let facts = tables.facts();
        Ok(Self {
            dialect: match facts.flavor {
                Flavor::Mysql => Dialect::Mysql,
                Flavor::MariaDb => Dialect::MariaDb,
            },
            packet_bytes: usize::try_from(facts.max_allowed_packet).unwrap_or(usize::MAX),
            options,
            decoder,
            tables,
            pending,
            own_source,
            complete: Gathered::default(),
            open: Gathered::default(),
            leaving: None,
            offsets: BTreeMap::new(),
            open_offsets: BTreeMap::new(),
        })
    }

    /// Rows of this topic are at the target.
    pub fn begun(&mut self, topic: &str) {
        self.tables.begun(topic);
    }

    pub fn row_events(&self) -> Option<Flavor> {
        self.options.row_events
    }

    /// To be asked before anything of the log is applied.
    ///
    /// # Errors
    /// The target is the server that the log comes from.
    pub async fn ensure_another_source(&mut self) -> Result<()> {
        match self.own_source.take() {
            Some(own_source) => own_source.ensure_another().await.map(drop),
            None => Ok(()),
        }
    }

    /// Decodes, maps and gathers a record. Asks the registry and the target's catalog for what it does not know.
    ///
    /// # Errors
    /// What cannot be applied exactly as it is.
    pub async fn record(&mut self, conn: &mut Conn, taken: Taken, step: Option<&SnapshotStep>) -> Result<()> {
        self.ensure_another_source().await?;
        let Taken { partition, topic, number, gtid, record } = taken;
        self.open_offsets.insert((topic.clone(), number), record.offset + 1);
        // A tombstone says no more than the delete before it.
        let Some(value) = &record.value else { return Ok(()) };
        let place = || Place {
            topic: topic.clone(),
            partition: number,
            offset: record.offset,
            seq: record.place.seq,
            index: record.place.index,
            gtid: gtid.clone(),
        };
        let at = RecordAt { partition, offset: record.offset, index: record.place.index, transaction: 0 };
        let (columns, envelope) = self.decoder.decode(value, &place)?;
        let source = &envelope.source;
        let mapping = self.tables.mapping(conn, &columns, &source.database, &source.table, &place).await?;
        let exact = match &record.exact {
            Some(header) => {
                decode_exact(header).map_err(|source| Error::Decode { place: place(), source })?
            }
            None => Vec::new(),
        };
        let partial_log = exact.iter().any(|it| it.form == ExactForm::Absent);
        let images = Images { mapping: &mapping, columns: &columns, owner: value, exact: &exact };
        let (before, after) = images.rows(envelope.before, envelope.after).map_err(|(column, cause)| {
            Error::Value { table: mapping.target.label.to_string(), column, cause, place: place() }
        })?;
        let operation = match envelope.op {
            Op::Create | Op::Read => Operation::Insert,
            Op::Update => Operation::Update,
            Op::Delete => Operation::Delete,
            Op::Truncate => Operation::Clear,
        };
        let flags = record.place.flags;
        let is_chunk = matches!(step, Some(SnapshotStep::Chunk(_)));
        let arriving = !is_chunk && self.pending.holds(&source.database, &source.table);
        if mapping.primary.is_none() && arriving {
            // The one chunk of a table without a key, which is still to come, has this change.
            return Ok(());
        }
        if let Some(SnapshotStep::Chunk(chunk)) = step
            && mapping.primary.is_none()
        {
            snapshot::ensure_whole(chunk, &mapping.target, place)?;
        }
        let missing = match operation {
            Operation::Insert | Operation::Update | Operation::Ensure => after.is_none(),
            Operation::Delete => before.is_none(),
            Operation::Clear => false,
        };
        if missing {
            return Err(Error::NoImage { place: place() });
        }
        if let Some(SnapshotStep::Chunk(chunk)) = step
            && chunk.key.is_empty()
            && self.open.changes.is_empty()
            && record.place.index == 0
        {
            self.begin_whole(conn, &mapping, mapping.shared || chunk.chosen, flags, at).await?;
        }
        let is_ahead = flags & AHEAD != 0;
        if is_ahead && operation == Operation::Insert && record.key_change != KeyChange::Arrives {
            return Ok(());
        }
        let stage = match (arriving, self.options.snapshot_rows) {
            _ if is_ahead => Stage::Ahead,
            (false, _) => Stage::Steady,
            (true, SnapshotRows::Keep) => Stage::Keep,
            (true, SnapshotRows::Replace) => Stage::Replace,
        };
        let change = Change { mapping, operation, before, after, flags, stage, partial_log, at };
        self.open.name(partition, &topic, number);
        self.open.name_transaction(record.place.seq, &gtid);
        self.push(change, record.key_change);
        Ok(())
    }

    /// Joins the two halves of a key change to one update of the key.
    fn push(&mut self, mut change: Change, key_change: KeyChange) {
        if let Some(left) = self.leaving.take() {
            let joins = key_change == KeyChange::Arrives
                && change.operation == Operation::Insert
                && Arc::ptr_eq(&left.mapping, &change.mapping);
            if joins {
                change.operation = Operation::Update;
                change.before = left.before;
                change.flags |= left.flags;
            } else {
                self.gather(left);
            }
        }
        if key_change == KeyChange::Leaves && change.operation == Operation::Delete {
            self.leaving = Some(change);
        } else {
            self.gather(change);
        }
    }

    /// Parents and children of a snapshot come in their own time. So nothing is checked before all are there, but what
    /// the source's foreign keys did without a word in the log must happen here, too, and that takes the parent's row.
    fn gather(&mut self, mut change: Change) {
        if change.empties() {
            // No child is to notice that the row goes for a moment.
            change.flags |= NO_FOREIGN_KEY_CHECKS;
            let (gone, change) = change.parted();
            if let Some(gone) = gone {
                self.open.push(gone);
            }
            // A change ahead of its row puts none there: the row's chunk brings it.
            if change.stage != Stage::Ahead {
                self.open.push(change);
            }
            return;
        }
        if self.pending.is_empty() {
            return self.open.push(change);
        }
        if change.cascades() {
            if let Some(row) = change.row_before() {
                self.open.push(row);
            }
            return self.open.push(change);
        }
        if change.mapping.target.has_foreign_keys && change.operation != Operation::Delete {
            change.flags |= NO_FOREIGN_KEY_CHECKS;
        }
        let (gone, change) = if change.replaces() { change.parted() } else { (None, change) };
        if let Some(gone) = gone {
            self.open.push(gone);
        }
        self.open.push(change);
    }

    /// The transaction's end: what was gathered of it belongs to the batch.
    pub fn end(&mut self, end: &End) {
        if let Some(left) = self.leaving.take() {
            self.gather(left);
        }
        self.open.name_transaction(end.seq, &end.gtid);
        let stamp = Stamp { commit_us: end.commit_us, records: end.records };
        self.complete.append(std::mem::take(&mut self.open));
        self.complete.close(end, stamp);
        self.offsets.append(&mut self.open_offsets);
    }

    /// A step of a snapshot without rows: notes it, and looks whether what it is about is missing and is to be made.
    pub async fn begin_step(&mut self, conn: &mut Conn, step: &SnapshotStep, place: String) -> Result<bool> {
        let makes = !self.options.leave_missing_tables;
        match step {
            SnapshotStep::Database { database } => {
                let led = self.tables.routes().database(database)?;
                Ok(makes && !snapshot::has_database(conn, &led).await?)
            }
            SnapshotStep::Table(TableBegin { database, table, rows, repair }) => {
                if *repair && self.options.snapshot_rows == SnapshotRows::Keep {
                    let table = format!("{database}.{table}");
                    return Err(Error::GapKept { table, place });
                }
                if *rows {
                    self.pending.add(conn, database, table).await?;
                }
                let led = self.tables.routes().table(database, table)?;
                Ok(makes && !snapshot::has_table(conn, &led.database, &led.table).await?)
            }
            SnapshotStep::Left { database, table } => {
                self.pending.leave(conn, database, table).await?;
                Ok(false)
            }
            SnapshotStep::End { .. } => {
                // What was announced and has not come is gone at the source.
                self.pending.clear(conn).await?;
                Ok(false)
            }
            SnapshotStep::Chunk(_) => Ok(false),
        }
    }

    /// The end of a chunk: what has come of it is a task of its own. What is complete must have been taken before.
    pub async fn end_chunk(&mut self, conn: &mut Conn, end: &End, chunk: &Chunk) -> Result<Task> {
        let place = place_of(end);
        self.end(end);
        let name = TableName::new(&chunk.database, &chunk.table);
        let target = self.tables.target_named(conn, &name, &place).await?;
        let Gathered { changes, places, stamps, .. } = std::mem::take(&mut self.complete);
        let batch = Batch { changes, places, fold: false };
        let sql = SqlBatch { batch, dialect: self.dialect, packet_bytes: self.packet_bytes };
        let (mut rows, mut clear) = (self.options.snapshot_rows, None);
        let alone = !self.tables.may_share(&name)?;
        if alone {
            clear = ChunkPlan::clearing(chunk, &target, &sql, rows)?;
        } else if !target.table.unique.is_empty() {
            // What stands in the way may be another table's row.
            rows = SnapshotRows::Keep;
        }
        let plan = ChunkPlan { rows, clear, table: target.label.clone(), place };
        let mut task = Task {
            first: end.seq,
            last: end.seq,
            attempt: end.attempt,
            spine_offset: end.spine_offset,
            tokens: snapshot::tokens(chunk, &target, alone),
            stamps,
            rows: sql.batch.changes.len(),
            work: Arc::new(ChunkWork { plan, sql }),
        };
        self.finish_table(&mut task, chunk, end);
        Ok(task)
    }

    /// With a table's last chunk it is no longer pending.
    pub fn finish_table(&mut self, task: &mut Task, chunk: &Chunk, end: &End) {
        if chunk.last {
            let finish = self.pending.remove(&chunk.database, &chunk.table);
            let work = Arc::clone(&task.work);
            let table = format!("{}.{}", chunk.database, chunk.table).into();
            task.work = Arc::new(Finishing { work, finish, table, place: place_of(end) });
        }
    }

    /// A table without a key is brought whole: what is there goes first, or there must be nothing. `others`: rows may be there that
    /// the source does not have.
    async fn begin_whole(
        &mut self,
        conn: &mut Conn,
        mapping: &Arc<Mapping>,
        others: bool,
        flags: u8,
        at: RecordAt,
    ) -> Result<()> {
        let target = &mapping.target;
        match self.options.snapshot_rows {
            SnapshotRows::Replace if !others => {
                let operation = Operation::Clear;
                self.open.push(Change {
                    mapping: mapping.clone(),
                    operation,
                    before: None,
                    after: None,
                    flags,
                    stage: Stage::Replace,
                    partial_log: false,
                    at,
                });
                Ok(())
            }
            SnapshotRows::Replace | SnapshotRows::Keep => snapshot::ensure_empty(conn, target).await,
        }
    }

    /// The target's schema has changed: what is known of its tables is read again.
    pub fn forget_tables(&mut self) {
        self.tables.forget_all();
    }

    /// Whether nothing complete is gathered. A transaction without rows counts: its number must advance.
    pub fn is_empty(&self) -> bool {
        self.complete.last.is_none()
    }

    /// When the oldest gathered transaction was committed, in microseconds since 1970.
    pub fn oldest_commit_us(&self) -> Option<i64> {
        self.complete.stamps.first().map(|stamp| stamp.commit_us)
    }

    /// Whether the complete transactions make a batch: to be submitted before more is gathered.
    pub fn is_full(&self) -> bool {
        self.is_large(&self.complete)
    }

    /// Whether the open transaction alone is larger than a batch.
    pub fn is_outgrown(&self) -> bool {
        self.is_large(&self.open)
    }

    fn is_large(&self, gathered: &Gathered) -> bool {
        gathered.changes.len() >= self.options.batch_rows || gathered.bytes >= self.options.batch_bytes
    }

    /// The complete transactions.
    pub fn take(&mut self) -> Option<Task> {
        let gathered = std::mem::take(&mut self.complete);
        let last = gathered.last?;
        let first = gathered.first.unwrap_or(last);
        let (attempt, spine_offset) = (gathered.attempt, gathered.spine_offset);
        Some(self.task(gathered, first, last, attempt, spine_offset))
    }

    /// What has come of the open transaction since the last chunk: a piece of `seq`.
    pub fn take_chunk(&mut self, seq: Seq, attempt: u32, spine_offset: i64) -> Task {
        // After its end the rest of it is complete.
        let mut gathered = std::mem::take(&mut self.complete);
        gathered.append(std::mem::take(&mut self.open));
        self.task(gathered, seq, seq, attempt, spine_offset)
    }

    fn task(&self, gathered: Gathered, first: Seq, last: Seq, attempt: u32, spine_offset: i64) -> Task {
        let Gathered { changes, places, stamps, .. } = gathered;
        let batch = Batch { changes, places, fold: self.options.fold };
        Task {
            first,
            last,
            attempt,
            spine_offset,
            tokens: batch.tokens(),
            stamps,
            rows: batch.changes.len(),
            work: self.work(SqlBatch { batch, dialect: self.dialect, packet_bytes: self.packet_bytes }),
        }
    }

    fn work(&self, sql: SqlBatch) -> Arc<dyn Work> {
        if self.options.row_events.is_some() { Arc::new(EventBatch(sql)) } else { Arc::new(sql) }
    }

    /// Where each partition may be read on once everything taken so far is applied; what has changed since
    /// the last call.
    pub fn take_offsets(&mut self) -> Vec<OffsetRow> {
        std::mem::take(&mut self.offsets)
            .into_iter()
            .map(|((topic, partition), next_offset)| OffsetRow {
                topic: topic.to_string(),
                partition,
                next_offset,
            })
            .collect()
    }
}

/// Of a step that has no record.
fn place_of(end: &End) -> Place {
    Place {
        topic: "(spine)".into(),
        partition: 0,
        offset: end.spine_offset,
        seq: end.seq,
        index: 0,
        gtid: end.gtid.clone(),
    }
}

/// The session's task moves between threads.
#[cfg(test)]
mod tests {
    use super::*;

    fn is_send<T: Send>(_: &T) {}

    #[allow(dead_code, reason = "compiling it is the test")]
    fn recording_can_be_spawned(planner: &mut Planner, conn: &mut Conn, taken: Taken) {
        is_send(&planner.record(conn, taken, None));
    }
}
