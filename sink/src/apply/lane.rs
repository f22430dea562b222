//! One lane: applies a task in one transaction of the target, and commits it in its turn.
//!
//! A task is begun while tasks before it are still under way, so until its turn comes every error is no
//! evidence: a parent may not be there yet, a unique value not free yet, a lock held by somebody who waits for
//! us. So: ROLLBACK, wait until all before have committed, do it once more, unfolded and in the source's
//! order. What fails then is real. The exceptions are 1205 and 1213 in one's turn: they are real only when no
//! other lane has a transaction open, so all lanes behind roll back first, and the gate is shut meanwhile.

use std::{
    future::Future,
    sync::Arc,
    time::{Duration, Instant, SystemTime},
};

use strait_mysql::client::{code, quote_text, server_code};
use strait_schemas::Seq;
use tokio::sync::mpsc;

use super::{
    session::{Done, LaneSession},
    shared::Shared,
    turn::Ticket,
    work::{Applied, Form, Stamp, Statement, Task},
};
use crate::{
    checkpoint::Vector,
    error::{Error, Result},
    row_events,
};

/// Idle connections are pinged this often, so that wait_timeout = 60 does not end them.
const PING_INTERVAL: Duration = Duration::from_secs(20);
/// Looks at lock waits are at least so far apart (see `blocked`).
const BETWEEN_LOOKS: Duration = Duration::from_millis(150);
/// Between tries at a lock that somebody other than Strait holds.
const FOREIGN_LOCK_PAUSE: Duration = Duration::from_millis(200);

/// A task for a lane.
#[derive(Debug)]
pub struct Job {
    pub ticket: Ticket,
    pub task: Task,
    /// The lane's last seq before this task.
    pub previous: Seq,
    /// Every lane's last seq once this task has committed.
    pub vector: Vector,
    /// The chunks of a transaction larger than a batch, after `task`'s own work.
    pub chunks: Option<mpsc::Receiver<Chunk>>,
}

/// A piece of a transaction larger than a batch.
#[derive(Debug)]
pub enum Chunk {
    Rows(Task),
    /// All chunks were given. Without it the transaction must not commit.
    End(Stamp),
}

/// What a lane tells the dispatcher.
#[derive(Debug)]
pub struct Finished {
    pub lane: u16,
    /// `None`: it was not about a task.
    pub ticket: Option<Ticket>,
    pub result: Result<Applied>,
}

/// What came of writing a task, short of an error.
enum Written {
    /// Everything is written, and it is this task's turn to commit.
    Whole,
    /// It stands in the head's way and must roll back; perhaps only half of it is written.
    Yielding,
}

#[derive(Debug)]
pub struct Lane {
    number: u16,
    session: LaneSession,
    shared: Arc<Shared>,
}

impl Lane {
    /// Opens the connection and notes it in the lane's row, so that the next run can end it.
    pub async fn open(number: u16, shared: Arc<Shared>) -> Result<Self> {
        let mut session =
            LaneSession::open(&shared.server, shared.lock_wait_s, shared.answer_timeout).await?;
        let (run, identity) = (&shared.run, &shared.identity);
        let cluster = quote_text(&identity.cluster_id);
        // Left to right: another cluster's offset must not pass as one of ours.
        let note = format!(
            "UPDATE strait.lane SET spine_offset = IF(cluster_id = {cluster}, spine_offset, 0), \
             cluster_id = {cluster}, connection_id = {}, server_uuid = {}, server_started = {} \
             WHERE {} AND epoch = {}",
            session.connection_id(),
            quote_text(&run.uuid),
            run.started,
            shared.row_of(number),
            shared.epoch
        );
        if session.run(note.as_bytes(), "noting the connection in strait.lane").await? != 1 {
            return Err(shared.fenced(number, Seq::from_raw(0)));
        }
        let flavor = shared.definitions.as_ref().map(|definitions| definitions.flavor);
        for text in flavor.into_iter().flat_map(row_events::opening) {
            session.run(text.as_bytes(), "announcing rows as events").await?;
        }
        session.run(b"SET SESSION autocommit = 0", "SET autocommit").await?;
        shared.board.set_connection(number, session.connection_id());
        Ok(Self { number, session, shared })
    }

    pub fn connection_id(&self) -> u64 {
        self.session.connection_id()
    }

    /// Works off jobs until the dispatcher is gone or a task fails.
    pub async fn work(mut self, mut jobs: mpsc::Receiver<Job>, finished: mpsc::UnboundedSender<Finished>) {
        loop {
            let job = tokio::select! {
                job = jobs.recv() => job,
                () = tokio::time::sleep(PING_INTERVAL) => {
                    if let Err(error) = self.session.ping().await {
                        self.report(&finished, None, Err(error));
                        return;
                    }
                    continue;
                }
            };
            let Some(mut job) = job else { break };
            let result = self.apply(&mut job).await;
            let failed = result.is_err();
            self.report(&finished, Some(job.ticket), result);
            if failed {
                return;
            }
        }
        self.session.close().await;
    }

    fn report(&self, to: &mpsc::UnboundedSender<Finished>, ticket: Option<Ticket>, result: Result<Applied>) {
        // Nobody listens any more: the session is being given up.
        drop(to.send(Finished { lane: self.number, ticket, result }));
    }

    async fn apply(&mut self, job: &mut Job) -> Result<Applied> {
        let mut form = Form::Folded;
        loop {
            self.wait_at_gate(job.ticket).await?;
            let in_turn = self.shared.turn.is(job.ticket);
            self.shared.board.begin(self.number, job.ticket);
            match self.write(job, form, in_turn).await {
                Ok(Written::Whole) => return self.commit(job).await,
                Ok(Written::Yielding) => {
                    self.give_up_transaction().await?;
                    self.shared.events.redone("yielded");
                    self.wait_for_turn(job.ticket).await?;
                }
                Err(error) => form = self.after_error(job, form, in_turn, error).await?,
            }
        }
    }

    /// A lane begins when the gate is open, or at its turn, which the gate is shut for.
    async fn wait_at_gate(&mut self, ticket: Ticket) -> Result<()> {
        let shared = self.shared.clone();
        self.idle_until(async {
            tokio::select! {
                () = shared.turn.wait(ticket) => {}
                () = shared.board.pass_gate() => {}
            }
        })
        .await
    }

    async fn wait_for_turn(&mut self, ticket: Ticket) -> Result<()> {
        let shared = self.shared.clone();
        self.idle_until(shared.turn.wait(ticket)).await
    }

    /// Waits, however long (the head may wait for an application's lock for hours), and keeps the session from
    /// being ended as idle.
    async fn idle_until<T>(&mut self, until: impl Future<Output = T>) -> Result<T> {
        tokio::pin!(until);
        loop {
            tokio::select! {
                biased;
                done = &mut until => return Ok(done),
                () = tokio::time::sleep(PING_INTERVAL) => self.session.ping().await?,
            }
        }
    }

    /// The lane's row first, then the rows, then the turn.
    async fn write(&mut self, job: &mut Job, form: Form, in_turn: bool) -> Result<Written> {
        if job.chunks.is_some() {
            self.advance_row(job).await?;
            self.write_large(job).await?;
            return Ok(Written::Whole);
        }
        self.advance_row(job).await?;
        let written = self.as_events(form, &job.task).await?;
        for statement in &job.task.work.statements(written)? {
            self.execute(statement, job.ticket, in_turn && form == Form::Original).await?;
            if self.shared.board.must_yield(self.number) {
                return Ok(Written::Yielding);
            }
        }
        let (shared, number) = (self.shared.clone(), self.number);
        self.idle_until(async {
            tokio::select! {
                biased;
                () = shared.turn.wait(job.ticket) => Written::Whole,
                () = shared.board.asked_to_yield(number) => Written::Yielding,
            }
        })
        .await
    }

    /// A transaction larger than a batch: nothing else is under way, so it is its turn from the beginning.
    async fn write_large(&mut self, job: &mut Job) -> Result<()> {
        self.write_chunk(&job.task, job.ticket).await?;
        while let Some(chunks) = &mut job.chunks {
            match self.idle_until(chunks.recv()).await? {
                Some(Chunk::Rows(chunk)) => {
                    self.write_chunk(&chunk, job.ticket).await?;
                    job.task.rows += chunk.rows;
                }
                Some(Chunk::End(stamp)) => {
                    job.task.stamps.push(stamp);
                    break;
                }
                None => {
                    return Err(Error::Task { cause: "a large transaction was not read to its end".into() });
                }
            }
        }
        Ok(())
    }

    async fn advance_row(&mut self, job: &Job) -> Result<()> {
        let Task { last, attempt, spine_offset, .. } = &job.task;
        let update = format!(
            "UPDATE strait.lane SET seq = {}, attempt = {attempt}, vector = '{}', spine_offset = {spine_offset} \
             WHERE {} AND epoch = {} AND seq = {}",
            last.raw(),
            job.vector,
            self.shared.row_of(self.number),
            self.shared.epoch,
            job.previous.raw()
        );
        if self.session.run(update.as_bytes(), "advancing strait.lane").await? != 1 {
            return Err(self.shared.fenced(self.number, job.previous));
        }
        Ok(())
    }

    /// The folded form with events in it, if all of the batch's tables are what they are taken for: until COMMIT they stay so.
    async fn as_events(&mut self, form: Form, task: &Task) -> Result<Form> {
        let shared = Arc::clone(&self.shared);
        let Some(definitions) = shared.definitions.as_ref().filter(|_| form == Form::Folded) else {
            return Ok(form);
        };
        let tables = task.work.event_tables();
        let fit = !tables.is_empty() && self.session.fit(definitions, &tables).await?;
        Ok(if fit { Form::Events } else { form })
    }

    /// Executes a statement; while it takes longer than its like and it is our turn, looks who is in the way.
    async fn execute(&mut self, statement: &Statement, ticket: Ticket, evidence: bool) -> Result<()> {
        let begun = Instant::now();
        let shared = self.shared.clone();
        let connection = self.session.connection_id();
        let running = self.session.execute(statement, evidence);
        tokio::pin!(running);
        let mut patience = shared.pace.patience(statement.rows);
        let done = loop {
            tokio::select! {
                done = &mut running => break done?,
                () = tokio::time::sleep(patience) => {}
            }
            if shared.turn.is(ticket) {
                tokio::select! {
                    biased;
                    done = &mut running => break done?,
                    () = shared.clear_the_way(ticket, connection, statement) => {}
                }
            }
            patience = patience.max(BETWEEN_LOOKS);
        };
        shared.pace.note(statement.rows, begun.elapsed());
        if statement.is_events {
            shared.events.written_as_events(statement.rows);
        }
        if done == Done::Repaired {
            shared.events.repaired();
        }
        Ok(())
    }

    /// A chunk of a large transaction. Nothing else is in flight, so every error is evidence; what the folded
    /// form stumbles over is done again in the source's order from a savepoint.
    async fn write_chunk(&mut self, chunk: &Task, ticket: Ticket) -> Result<()> {
        self.session.run(b"SAVEPOINT chunk", "SAVEPOINT").await?;
        let folded = self.write_statements(chunk, Form::Folded, ticket).await;
        match folded {
            Err(error) if may_be_of_form(&error) => {
                self.session.run(b"ROLLBACK TO SAVEPOINT chunk", "ROLLBACK TO SAVEPOINT").await?;
                self.shared.events.redone("conflict");
                self.write_statements(chunk, Form::Original, ticket).await
            }
            other => other,
        }
    }

    async fn write_statements(&mut self, chunk: &Task, form: Form, ticket: Ticket) -> Result<()> {
        let written = self.as_events(form, chunk).await?;
        for statement in &chunk.work.statements(written)? {
            self.execute(statement, ticket, form == Form::Original).await?;
        }
        Ok(())
    }

    async fn give_up_transaction(&mut self) -> Result<()> {
        self.session.rollback().await?;
        self.shared.board.end(self.number);
        Ok(())
    }

    /// Decides what an error means: the form of the next try, or the error if it is real.
    async fn after_error(&mut self, job: &Job, form: Form, in_turn: bool, error: Error) -> Result<Form> {
        // The chunks of a large transaction are gone once written: it can only be read again from Kafka.
        if error.is_target_lost() || matches!(error, Error::Fenced { .. }) || job.chunks.is_some() {
            return Err(error);
        }
        let lock = is_lock(&error);
        self.give_up_transaction().await?;
        if !in_turn {
            tracing::debug!(%error, lane = self.number, "failed before its turn: once more at its turn");
            self.shared.events.redone(if lock { "lock" } else { "conflict" });
            self.wait_for_turn(job.ticket).await?;
            return Ok(if lock { form } else { Form::Original });
        }
        if lock {
            self.clear_lanes_behind(job, &error).await;
            return Ok(form);
        }
        match form {
            Form::Folded | Form::Events => {
                self.shared.events.redone("conflict");
                Ok(Form::Original)
            }
            Form::Original => Err(error),
        }
    }

    /// A lock error in one's turn: all lanes behind roll back, then the next try shows whether it was they.
    async fn clear_lanes_behind(&self, job: &Job, error: &Error) {
        self.shared.events.redone("lock");
        self.shared.board.close_gate();
        let yielded = self.shared.board.clear_behind(job.ticket).await;
        if yielded == 0 {
            tracing::warn!(
                %error, lane = self.number, seq = %job.task.first,
                "a lock at the target is held by somebody else: trying again"
            );
            self.shared.status.waiting(format!(
                "lane {} waits for a lock held by another client (seq {}): SELECT * FROM sys.innodb_lock_waits",
                self.number, job.task.first
            ));
            tokio::time::sleep(FOREIGN_LOCK_PAUSE).await;
        }
    }

    async fn commit(&mut self, job: &Job) -> Result<Applied> {
        // What became of this COMMIT, if its answer is an error or does not come, the start procedure finds out.
        self.session.run(b"COMMIT", "COMMIT").await?;
        self.shared.board.end(self.number);
        self.shared.status.moving();
        self.shared.board.open_gate();
        self.shared.turn.pass(job.ticket);
        Ok(Applied {
            last: job.task.last,
            lane: self.number,
            rows: job.task.rows,
            stamps: job.task.stamps.clone(),
            applied_us: SystemTime::UNIX_EPOCH.elapsed().map_or(0, |since| since.as_micros() as i64),
        })
    }
}

fn number(error: &Error) -> Option<u16> {
    match error {
        Error::Apply { source, .. } | Error::Target { source, .. } => server_code(source),
        _ => None,
    }
}

pub fn is_lock(error: &Error) -> bool {
    matches!(number(error), Some(code::LOCK_WAIT_TIMEOUT | code::DEADLOCK))
}

/// What may come of the order in which rows were written, of folding them, or of writing many at once.
pub fn may_be_of_form(error: &Error) -> bool {
    matches!(error, Error::Drift { .. } | Error::Apply { .. } | Error::ValueChanged { .. }) && !is_lock(error)
}
