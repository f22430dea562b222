//! One run from the log to the lanes: arrivals into the merge, whole transactions into batches, batches to the
//! applier. Everything here is one loop on one task; it waits for Kafka, for the lanes, or for the clock.
//!
//! **When a batch goes.** As soon as it is full; or when nothing more is at hand and at most one batch is under
//! way. Commits come one after another, so many small batches in flight would only lengthen the queue: while
//! one commits and another waits, what arrives is gathered. So batches grow with the load by themselves, and
//! without load a transaction goes at once.
//!
//! **Bounds.** The merge's queues have a budget; the planner holds one batch; the lanes one each. A transaction
//! that outgrows a batch is streamed, chunk by chunk, in one transaction of the target.

use std::{
    collections::{HashMap, VecDeque},
    sync::Arc,
    time::{Duration, Instant},
};

use strait_mysql::client::Conn;
use strait_schemas::{Chunk, Ddl, Seq, SnapshotStep};
use strait_service::{CancellationToken, Component};
use tokio::sync::mpsc;

use crate::{
    apply::{Applied, Applier, Stamp},
    checkpoint::{Identity, OffsetRow, save_offsets},
    control::Control,
    ddl::{Action, At, SchemaChanges},
    error::Result,
    kafka::{Arrival, Feed},
    merge::{End, Lost, Merge, Next, Taken, Waiting},
    metrics::Metrics,
    planner::Planner,
};

/// Batches under way beyond which one that is not full is still gathered.
const EAGER: usize = 2;
/// A record counts as lost only if the spine, read on for so long, does not take its transaction back.
const LOST_AFTER: Duration = Duration::from_secs(3);
const TICK: Duration = Duration::from_secs(1);
/// How long the lanes may take to end what they do at a shutdown.
const SETTLE: Duration = Duration::from_secs(3);
/// A connector says every second that it lives.
const SILENCE: Duration = Duration::from_secs(5);

/// One run of the sink after its start procedure.
#[derive(Debug)]
pub struct Pump {
    pub identity: Identity,
    pub control: Control,
    pub feed: Feed,
    pub merge: Merge,
    pub planner: Planner,
    pub applier: Applier,
    pub changes: SchemaChanges,
    /// The transaction whose schema change is made, or passed over.
    pub changed: Option<Seq>,
    pub reports: mpsc::UnboundedReceiver<Applied>,
    pub spine_topic: Arc<str>,
    pub metrics: Metrics,
    pub status: Component,
    pub stop: CancellationToken,
    pub offsets_interval: Duration,
    pub progress: Progress,
}

/// What was given to the lanes and is not yet known to be applied, and what that is good for.
#[derive(Debug)]
pub struct Progress {
    /// Last seq of each batch, its oldest commit time, and the offsets that it covers.
    under_way: VecDeque<(Seq, Option<i64>, Vec<OffsetRow>)>,
    /// Offsets to begin at, as they are known to be right; those that changed since they were saved.
    unsaved: HashMap<(String, i32), i64>,
    /// Where each partition was begun from: the saved offsets.
    begin: HashMap<(String, i32), i64>,
    saved: Instant,
    heard: Instant,
    lost: Option<(Lost, Instant)>,
}

impl Progress {
    pub fn new(offsets: Vec<OffsetRow>) -> Self {
        let now = Instant::now();
        Self {
            under_way: VecDeque::new(),
            unsaved: HashMap::new(),
            begin: offsets.into_iter().map(|row| ((row.topic, row.partition), row.next_offset)).collect(),
            saved: now,
            heard: now,
            lost: None,
        }
    }
}

impl Pump {
    /// Applies until `stop` or an error.
    pub async fn run(mut self) -> Result<()> {
        self.name_saved_partitions();
        loop {
            if self.stop.is_cancelled() {
                return self.settle().await;
            }
            self.advance().await?;
            self.housekeep().await?;
            self.wait().await?;
        }
    }

    /// Partitions whose offsets were saved are read at once, before the spine names them.
    fn name_saved_partitions(&mut self) {
        let mut known: Vec<_> = self.progress.begin.keys().cloned().collect();
        known.sort();
        for (topic, partition) in known {
            self.merge.name(&topic.into(), partition);
        }
        self.steer();
    }

    /// Passes on whatever the merge has.
    async fn advance(&mut self) -> Result<()> {
        self.status.beat();
        while !self.stop.is_cancelled() {
            match self.merge.next()? {
                Next::Record(taken) => self.take(taken).await?,
                Next::End(end) => self.end(&end).await?,
                Next::Waiting(_) => {
                    self.progress.lost = None;
                    break;
                }
                Next::Lost(lost) => {
                    self.judge_lost(lost)?;
                    break;
                }
            }
            self.applier.settle_done()?;
            self.steer();
        }
        self.steer();
        if !self.planner.is_empty() && self.applier.in_flight() < EAGER {
            self.submit().await?;
        }
        Ok(())
    }

    async fn take(&mut self, taken: Taken) -> Result<()> {
        let (seq, attempt) = (taken.record.place.seq, taken.record.place.attempt);
        let step = self.merge.front_step();
        // The rows of CREATE TABLE ... SELECT need their table.
        if self.changed != Some(seq)
            && let Some(ddl) = self.merge.front_ddl().cloned()
            && !self.change_schema(&ddl, At { seq, gtid: taken.gtid.clone() }).await?
        {
            return Ok(());
        }
        self.planner.record(&mut self.control.conn, taken, step.as_deref()).await?;
        // A chunk by key was made to fit.
        if self.planner.is_outgrown() && !is_keyed_chunk(step.as_deref()) {
            self.stream(seq, attempt).await?;
        }
        Ok(())
    }

    async fn end(&mut self, end: &End) -> Result<()> {
        self.status.beat();
        self.planner.ensure_another_source().await?;
        match end.snapshot.as_deref() {
            None => {}
            Some(SnapshotStep::Chunk(chunk)) => return self.end_chunk(end, chunk).await,
            Some(step) => return self.end_step(end, step).await,
        }
        if let Some(ddl) = end.ddl.as_ref().filter(|_| !end.skipped && self.changed != Some(end.seq))
            && !self.change_schema(ddl, At { seq: end.seq, gtid: end.gtid.clone() }).await?
        {
            return Ok(());
        }
        self.planner.end(end);
        // That a schema change is made is noted at once: the intent is settled by it.
        if self.planner.is_full() || end.ddl.is_some() {
            self.submit().await?;
        }
        Ok(())
    }

    /// A step of a snapshot without rows. Databases and tables that are missing are made, as schema changes are.
    async fn end_step(&mut self, end: &End, step: &SnapshotStep) -> Result<()> {
        if let SnapshotStep::End { consistent } = step {
            tracing::info!(as_of = consistent, "the snapshot has come whole, but for what is under way");
        }
        // That a table is no longer pending is noted at once: what came before must not come again after that.
        let settles = matches!(step, SnapshotStep::Left { .. } | SnapshotStep::End { .. });
        if settles && !self.settle_gathered().await? {
            return Ok(());
        }
        let planner = &mut self.planner;
        let place = format!("seq {}, {}", end.seq, end.gtid);
        let making = async |conn: &mut Conn| planner.begin_step(conn, step, place).await;
        let is_missing = self.control.answered("looking at a table of the snapshot", making).await?;
        if is_missing && let Some(ddl) = &end.ddl {
            let at = At { seq: end.seq, gtid: end.gtid.clone() };
            if !self.make(ddl, &at, true).await? {
                return Ok(());
            }
        }
        self.planner.end(end);
        // An intent is settled by the number that is noted.
        if self.planner.is_full() || is_missing {
            self.submit().await?;
        }
        Ok(())
    }

    async fn end_chunk(&mut self, end: &End, chunk: &Chunk) -> Result<()> {
        if !self.submit().await? {
            return Ok(());
        }
        let task = self.planner.end_chunk(&mut self.control.conn, end, chunk).await?;
        self.progress.under_way.push_back((task.last, Some(end.commit_us), self.planner.take_offsets()));
        self.control.wait_for(self.applier.submit(task)).await?;
        Ok(())
    }

    /// Makes a schema change, or passes it over, when all before it is applied. False: the shutdown came first.
    async fn change_schema(&mut self, ddl: &Ddl, at: At) -> Result<bool> {
        if self.changes.action(ddl, &at)? == Action::Ignore {
            self.changes.ignore(ddl, &at);
        } else if !self.make(ddl, &at, false).await? {
            return Ok(false);
        }
        self.changed = Some(at.seq);
        Ok(true)
    }

    /// Runs a statement of the log when all before it is applied. False: the shutdown came first.
    async fn make(&mut self, ddl: &Ddl, at: &At, creates: bool) -> Result<bool> {
        if !self.settle_gathered().await? {
            return Ok(false);
        }
        if self.control.wait_for(self.changes.apply(ddl, at, creates)).await?.is_none() {
            return Ok(false);
        }
        self.planner.forget_tables();
        Ok(true)
    }

    /// Waits until all that is gathered has been applied. False: the shutdown came first.
    async fn settle_gathered(&mut self) -> Result<bool> {
        Ok(self.submit().await? && self.control.wait_for(self.applier.drain()).await?.is_some())
    }

    /// Gives what is gathered to a lane. False: the shutdown came first. What was not given comes again, and
    /// nothing may follow it (the applier refuses that).
    async fn submit(&mut self) -> Result<bool> {
        if self.stop.is_cancelled() {
            return Ok(false);
        }
        let oldest = self.planner.oldest_commit_us();
        let Some(task) = self.planner.take() else { return Ok(true) };
        self.progress.under_way.push_back((task.last, oldest, self.planner.take_offsets()));
        Ok(self.control.wait_for(self.applier.submit(task)).await?.is_some())
    }

    /// The open transaction alone is larger than a batch: what came before it goes first, then its chunks as
    /// they arrive, in one transaction of the target.
    async fn stream(&mut self, seq: Seq, attempt: u32) -> Result<()> {
        if !self.submit().await? {
            return Ok(());
        }
        tracing::debug!(%seq, "streaming a transaction larger than a batch");
        let spine_offset = self.merge.front_spine_offset();
        let first_commit = self.merge.front_commit_us();
        let head = self.planner.take_chunk(seq, attempt, spine_offset);
        let Self {
            applier, planner, merge, feed, control, status, stop, progress, metrics, spine_topic, ..
        } = self;
        let Some(mut large) = control.wait_for(applier.begin_large(head)).await? else { return Ok(()) };
        metrics.lag.note(first_commit, merge.as_of_us());
        let mut lost: Option<Instant> = None;
        loop {
            if stop.is_cancelled() {
                return Ok(());
            }
            control.keep_alive().await?;
            match merge.next()? {
                Next::Record(taken) => {
                    let step = merge.front_step();
                    planner.record(&mut control.conn, taken, step.as_deref()).await?;
                    if planner.is_outgrown() {
                        let chunk = planner.take_chunk(seq, attempt, spine_offset);
                        if control.wait_for(large.write(chunk)).await?.is_none() {
                            return Ok(());
                        }
                    }
                    steer(merge, feed, spine_topic, &progress.begin);
                    continue;
                }
                Next::End(end) => {
                    // First the end, which may complete the last row, then what it completes.
                    planner.end(&end);
                    let mut rest = planner.take_chunk(seq, attempt, spine_offset);
                    if let Some(SnapshotStep::Chunk(chunk)) = end.snapshot.as_deref() {
                        planner.finish_table(&mut rest, chunk, &end);
                    }
                    let stamp = Stamp { commit_us: end.commit_us, records: end.records };
                    let finish = async {
                        large.write(rest).await?;
                        large.commit(stamp).await
                    };
                    if control.wait_for(finish).await?.is_none() {
                        return Ok(());
                    }
                    break;
                }
                Next::Waiting(waiting) => {
                    lost = None;
                    status.waiting(format!("in a large transaction: {}", describe(&waiting)));
                }
                Next::Lost(record) => {
                    if lost.get_or_insert_with(Instant::now).elapsed() >= LOST_AFTER {
                        return Err(record.into());
                    }
                }
            }
            steer(merge, feed, spine_topic, &progress.begin);
            tokio::select! {
                bundle = feed.next() => {
                    progress.heard = Instant::now();
                    receive(merge, feed, spine_topic, bundle?)?;
                    status.moving();
                }
                () = tokio::time::sleep(TICK) => {}
                () = stop.cancelled() => return Ok(()),
            }
        }
        self.progress.under_way.push_back((seq, None, self.planner.take_offsets()));
        Ok(())
    }

    /// Waits for Kafka, a lane, or the clock.
    async fn wait(&mut self) -> Result<()> {
        let hungry = self.merge.is_hungry();
        let busy = self.applier.in_flight() > 0;
        if !hungry {
            // Nothing is listened for.
            self.progress.heard = Instant::now();
        }
        tokio::select! {
            bundle = self.feed.next(), if hungry => {
                self.progress.heard = Instant::now();
                receive(&mut self.merge, &mut self.feed, &self.spine_topic, bundle?)?;
            }
            settled = self.applier.settle_next(), if busy => settled?,
            () = tokio::time::sleep(TICK) => {}
            () = self.stop.cancelled() => {}
        }
        Ok(())
    }

    fn steer(&mut self) {
        steer(&mut self.merge, &mut self.feed, &self.spine_topic, &self.progress.begin);
    }

    /// Metrics, status, offsets.
    async fn housekeep(&mut self) -> Result<()> {
        while let Ok(applied) = self.reports.try_recv() {
            self.metrics.applied(&applied);
            while self.progress.under_way.front().is_some_and(|(last, ..)| *last <= applied.last) {
                for row in self.progress.under_way.pop_front().into_iter().flat_map(|(.., offsets)| offsets) {
                    self.progress.unsaved.insert((row.topic, row.partition), row.next_offset);
                }
            }
        }
        let oldest = self.progress.under_way.iter().find_map(|(_, oldest, _)| *oldest);
        let oldest = oldest.or(self.planner.oldest_commit_us()).or_else(|| self.merge.front_commit_us());
        self.metrics.lag.note(oldest, self.merge.as_of_us());
        self.metrics.queue_bytes.set(self.merge.bytes() as i64);
        self.metrics.parked.set(self.merge.parked() as i64);
        self.metrics.in_flight.set(self.applier.in_flight() as i64);
        self.tell_status();
        if self.progress.saved.elapsed() >= self.offsets_interval {
            self.save_offsets().await?;
        }
        self.feed.look(self.progress.heard.elapsed()).await?;
        self.control.keep_alive().await
    }

    fn tell_status(&self) {
        if self.applier.in_flight() > 0 {
            // What a lane waits for, its own line says.
            return self.status.moving();
        }
        let silent = self.progress.heard.elapsed();
        if silent > SILENCE {
            let why = self.feed.complaint().map_or_else(String::new, |why| format!(": {why}"));
            return self.status.waiting(format!(
                "nothing has come from Kafka for {} s{why}; does the connector run?",
                silent.as_secs()
            ));
        }
        match self.merge.waiting() {
            Some(Waiting::Idle) | None => self.status.idle("source idle: everything published is applied"),
            Some(waiting) => self.status.waiting(describe(waiting)),
        }
    }

    /// A record cannot come any more as far as is known; the spine may still take its transaction back.
    fn judge_lost(&mut self, lost: Lost) -> Result<()> {
        match &self.progress.lost {
            Some((known, since)) if *known == lost => {
                if since.elapsed() >= LOST_AFTER {
                    return Err(lost.into());
                }
            }
            _ => self.progress.lost = Some((lost, Instant::now())),
        }
        Ok(())
    }

    async fn save_offsets(&mut self) -> Result<()> {
        if self.progress.unsaved.is_empty() {
            return Ok(());
        }
        let rows: Vec<_> = self
            .progress
            .unsaved
            .drain()
            .map(|((topic, partition), next_offset)| OffsetRow { topic, partition, next_offset })
            .collect();
        let identity = &self.identity;
        self.control
            .answered("saving offsets", async |conn| save_offsets(conn, identity, rows).await)
            .await?;
        self.progress.saved = Instant::now();
        Ok(())
    }

    /// The end of a run as asked: what the lanes do is ended, what was only gathered comes again.
    async fn settle(mut self) -> Result<()> {
        let status = self.status.clone();
        let settled = async move {
            self.applier.drain().await?;
            self.housekeep().await?;
            self.save_offsets().await?;
            self.applier.stop().await
        };
        let settled = tokio::time::timeout(SETTLE, settled).await;
        status.stopped();
        settled.unwrap_or_else(|_| {
            tracing::warn!(
                "the target did not settle in time: what is open there rolls back, and comes again"
            );
            Ok(())
        })
    }
}

/// Gives what has arrived to the merge, and stops reading what it can take no more of.
fn receive(merge: &mut Merge, feed: &mut Feed, spine: &Arc<str>, bundle: Vec<Arrival>) -> Result<()> {
    for arrival in bundle {
        match arrival {
            Arrival::Spine { start, offset, record } => {
                if feed.is_current(spine, 0, start) && !merge.spine(offset, *record)? {
                    feed.stop(spine, 0);
                }
            }
            Arrival::Data { start, topic, partition, record } => {
                if feed.is_current(&topic, partition, start) {
                    let id = merge.name(&topic, partition);
                    merge.offer(id, record);
                }
            }
        }
    }
    feed.stop_where(|topic, partition| {
        merge.id(topic, partition).is_some_and(|id| merge.queue(id).is_parked())
    });
    Ok(())
}

/// Starts and stops partitions as the merge wants them.
fn steer(merge: &mut Merge, feed: &mut Feed, spine: &Arc<str>, begin: &HashMap<(String, i32), i64>) {
    for id in merge.unassigned() {
        let queue = merge.queue(id);
        let offset = begin.get(&(queue.topic.to_string(), queue.partition)).copied();
        feed.read(&queue.topic, queue.partition, offset);
    }
    for (id, from) in merge.unpark() {
        let queue = merge.queue(id);
        feed.stop(&queue.topic, queue.partition);
        feed.read(&queue.topic, queue.partition, Some(from));
    }
    if let Some(from) = merge.unpark_spine() {
        feed.stop(spine, 0);
        feed.read(spine, 0, Some(from));
    }
}

fn describe(waiting: &Waiting) -> String {
    match waiting {
        Waiting::Idle => "source idle".into(),
        Waiting::Close { seq } => format!("waiting for the connector to close seq {seq} in the spine"),
        Waiting::Record { seq, index, topic, partition } => {
            format!("waiting for seq {seq} record {index} from topic {topic} partition {partition}")
        }
    }
}

fn is_keyed_chunk(step: Option<&SnapshotStep>) -> bool {
    matches!(step, Some(SnapshotStep::Chunk(chunk)) if !chunk.key.is_empty())
}
