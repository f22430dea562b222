//! A worker: applies the batches of its partitions, each in one transaction of the target that begins with the partition's row.
//!
//! Rows are merged by key and written many at once; what the server refuses then is done again, row by row in the partition's order, which
//! tells what the refusal is about and mends what there is to mend (a row that is there, or is not). Two refusals are
//! waited out: locks, and, where the operator allows tables with such keys, values and parents that another partition has yet to move.

use std::{
    sync::Arc,
    time::{Duration, Instant},
};

use strait_mysql::client::{Conn, Queryable, code, server_code};
use tokio::sync::mpsc;

use super::{
    LaneRow, Part,
    checkpoint::Rows,
    planner::{Planned, Planner},
};
use crate::{
    apply::{Events as _, Form, LaneSession, Work as _, is_lock, may_be_of_form},
    error::{Error, Result},
    kafka::KeyedRecord,
    metrics::{Metrics, now_us},
};

/// Idle connections are pinged this often, so that wait_timeout = 60 does not end them.
const PING_INTERVAL: Duration = Duration::from_secs(20);
/// So long what another partition, or another client, holds is waited for.
const PATIENCE: Duration = Duration::from_mins(1);
const PAUSE: Duration = Duration::from_millis(200);

/// Records of a partition, in its order.
#[derive(Debug)]
pub struct Job {
    pub part: Part,
    pub row: LaneRow,
    pub records: Vec<KeyedRecord>,
}

#[derive(Debug)]
pub struct Done {
    pub part: Part,
    /// At which the partition was held.
    pub epoch: u64,
    pub result: Result<LaneRow>,
}

#[derive(Debug)]
pub struct Worker {
    pub session: LaneSession,
    /// Reads the target's catalog.
    pub catalog: Conn,
    pub planner: Planner,
    pub rows: Arc<Rows>,
    pub metrics: Metrics,
}

impl Worker {
    /// Works off jobs until nobody gives any.
    pub async fn work(mut self, mut jobs: mpsc::UnboundedReceiver<Job>, done: mpsc::UnboundedSender<Done>) {
        let mut pings = tokio::time::interval(PING_INTERVAL);
        pings.set_missed_tick_behavior(tokio::time::MissedTickBehavior::Delay);
        loop {
            tokio::select! {
                job = jobs.recv() => {
                    let Some(job) = job else { break };
                    let result = self.apply(&job).await;
                    // Where the run has ended nobody wants to know.
                    let _ = done.send(Done { part: job.part, epoch: job.row.epoch, result });
                }
                // By the clock, however many jobs come: a busy worker need not ask the catalog for anything.
                _ = pings.tick() => {
                    // What is lost shows at the next batch.
                    let _ = self.session.ping().await;
                    let _ = self.catalog.ping().await;
                }
            }
        }
        self.session.close().await;
    }

    async fn apply(&mut self, job: &Job) -> Result<LaneRow> {
        let Job { part, row, records } = job;
        let planned = self.planner.plan(&mut self.catalog, part, *row, records).await?;
        let next_offset = records.last().map_or(row.next_offset, |last| last.offset + 1);
        let moved = LaneRow { epoch: row.epoch, next_offset, mark: planned.mark };
        let advance = self.rows.advance(part, row, next_offset, planned.mark);
        let (mut form, began) = (Form::Folded, Instant::now());
        loop {
            let error = match self.write(job, &planned, &advance, form).await {
                Ok(rows) => {
                    // What became of this COMMIT, if its answer is an error or does not come, the row tells who takes it over.
                    self.session.run(b"COMMIT", "COMMIT").await?;
                    self.count(&planned, rows);
                    return Ok(moved);
                }
                Err(error) if error.is_target_lost() => return Err(error),
                Err(error) => error,
            };
            self.session.rollback().await?;
            if is_lock(&error) && began.elapsed() < PATIENCE {
                self.metrics.redone("lock");
            } else if form == Form::Folded && may_be_of_form(&error) {
                self.metrics.redone("conflict");
                form = Form::Original;
                continue;
            } else if is_of_others(&error) && began.elapsed() < PATIENCE {
                self.metrics.redone("conflict");
            } else {
                return Err(error);
            }
            tokio::time::sleep(PAUSE).await;
        }
    }

    /// The partition's row first, then the rows; the count of these.
    async fn write(&mut self, job: &Job, planned: &Planned, advance: &str, form: Form) -> Result<usize> {
        if self.session.run(advance.as_bytes(), "advancing strait.keyed_lane").await? != 1 {
            return Err(self.rows.lost(&job.part, &job.row));
        }
        let mut rows = 0;
        for statement in &planned.work.statements(form)? {
            self.session.execute(statement, form == Form::Original).await?;
            rows += statement.rows;
        }
        Ok(rows)
    }

    fn count(&self, planned: &Planned, rows: usize) {
        let (metrics, now) = (&self.metrics, now_us());
        metrics.batches.inc();
        metrics.batch_rows.observe(rows as f64);
        metrics.rows.inc_by(rows as u64);
        metrics.records.inc_by(planned.records);
        metrics.keyed.repeated.inc_by(planned.repeated);
        for commit_us in &planned.commits_us {
            metrics.delay.observe((now - commit_us).max(0) as f64 / 1e6);
        }
    }
}

/// A value that another row still holds, a parent or child of another partition.
fn is_of_others(error: &Error) -> bool {
    match error {
        Error::Apply { source, .. } => matches!(
            server_code(source),
            Some(code::DUPLICATE_ENTRY | code::ROW_IS_REFERENCED | code::NO_REFERENCED_ROW)
        ),
        Error::Drift { .. } => true,
        _ => false,
    }
}
