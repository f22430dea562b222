//! Applies tasks in parallel lanes and commits them in the source's order.
//!
//! A task is given to a lane when no task in flight touches what it touches (their tokens do not meet); so the
//! outcome is that of applying them one after the other. Lanes commit in turn (`turn`), progress commits with
//! the rows (`checkpoint`), errors count only in one's turn (`lane`), and the cycle through "waits for its
//! turn", which the server cannot see, is broken by yielding (`board`, `blocked`).
//!
//! At the first error that is real, everything is dropped: connections close, the server rolls back what is
//! open, and the next run begins with the start procedure.

mod blocked;
mod board;
mod lane;
mod large;
mod pace;
mod session;
mod shared;
mod turn;
mod work;

use std::{sync::Arc, time::Duration};

use strait_mysql::server::{Flavor, ServerOptions};
use strait_schemas::Seq;
use strait_service::Component;
use tokio::{sync::mpsc, task::JoinSet};

pub use crate::plan::Token;
use blocked::LockWatch;
pub(crate) use blocked::look_for_waits;
use board::Board;
use lane::{Finished, Job, Lane};
pub use lane::{is_lock, may_be_of_form};
pub use large::LargeTransaction;
use pace::Pace;
pub use session::{LaneSession, session};
pub use shared::Events;
use shared::Shared;
use turn::{Ticket, Turn};
pub use work::{Applied, Computed, Expect, Form, OnDuplicate, OnMissing, Stamp, Statement, Task, Work};

use crate::{
    checkpoint::{Started, Vector},
    error::{Error, Result},
    plan::{Footprint, TaskNumber},
    row_events::Definitions,
};

/// The lock watch is pinged this often.
const WATCH_PING: Duration = Duration::from_secs(20);

#[derive(Debug, Clone)]
pub struct ApplyOptions {
    pub server: ServerOptions,
    pub lanes: u16,
    /// `innodb_lock_wait_timeout` of the lanes where lock waits can be looked at; 1 s otherwise.
    pub lock_wait_s: u32,
    /// A server that says nothing for so long counts as lost.
    pub answer_timeout: Duration,
    /// Of the target, where rows may come as events.
    pub row_events: Option<Flavor>,
}

/// The lanes of one run.
#[derive(Debug)]
pub struct Applier {
    lanes: Vec<mpsc::Sender<Job>>,
    connections: Vec<u64>,
    idle: Vec<u16>,
    /// Last seq given to each lane.
    dispatched: Vector,
    next_ticket: Ticket,
    /// What the tasks in flight touch.
    footprint: Footprint,
    /// The number of the newest task that has committed.
    committed: TaskNumber,
    finished: mpsc::UnboundedReceiver<Finished>,
    applied: Option<Seq>,
    /// The last seq given to any lane.
    given: Option<Seq>,
    /// Results for the caller, in commit order.
    report: mpsc::UnboundedSender<Applied>,
    tasks: JoinSet<()>,
}

impl Applier {
    /// Opens the lanes' connections. What is applied is told through `report`.
    ///
    /// # Errors
    /// No connection; `Fenced` where another sink has taken over since `started`.
    pub async fn start(
        options: ApplyOptions,
        started: &Started,
        events: Arc<dyn Events>,
        status: Component,
        report: mpsc::UnboundedSender<Applied>,
    ) -> Result<Self> {
        let watch = LockWatch::open(&options.server).await?;
        let shared = Arc::new(Shared {
            lock_wait_s: if watch.is_some() { options.lock_wait_s } else { 1 },
            server: options.server,
            identity: started.identity.clone(),
            run: started.server.clone(),
            epoch: started.epoch,
            answer_timeout: options.answer_timeout,
            definitions: options.row_events.map(Definitions::new),
            turn: Turn::new(),
            board: Board::new(options.lanes),
            pace: Pace::default(),
            watch,
            events,
            status,
        });
        let (tell, finished) = mpsc::unbounded_channel();
        let (mut lanes, mut connections, mut tasks) = (Vec::new(), Vec::new(), JoinSet::new());
        for number in 0..options.lanes {
            let lane = Lane::open(number, shared.clone()).await?;
            let (give, jobs) = mpsc::channel(1);
            lanes.push(give);
            connections.push(lane.connection_id());
            tasks.spawn(lane.work(jobs, tell.clone()));
        }
        tasks.spawn(keep_watch_alive(shared.clone()));
        Ok(Self {
            idle: (0..options.lanes).rev().collect(),
            dispatched: started.lanes.clone(),
            applied: started.applied,
            given: started.applied,
            next_ticket: 0,
            footprint: Footprint::default(),
            committed: 0,
            lanes,
            connections,
            finished,
            report,
            tasks,
        })
    }

    /// The lanes' connections at the target.
    pub fn connections(&self) -> impl Iterator<Item = u64> + '_ {
        self.connections.iter().copied()
    }

    /// The last seq that is at the target for certain.
    pub fn applied(&self) -> Option<Seq> {
        self.applied
    }

    pub fn in_flight(&self) -> usize {
        self.lanes.len() - self.idle.len()
    }

    /// Whether `submit` would take the task at once.
    pub fn would_take(&self, task: &Task) -> bool {
        !self.idle.is_empty() && !self.meets(task)
    }

    fn meets(&self, task: &Task) -> bool {
        self.footprint.newest(&task.tokens) > self.committed
    }

    /// Gives a task to a lane; waits while all are busy, or while one touches what it touches.
    ///
    /// # Errors
    /// The first real error of any lane: the applier is of no use any more.
    pub async fn submit(&mut self, task: Task) -> Result<()> {
        while !self.would_take(&task) {
            self.settle_next().await?;
        }
        self.dispatch(task, None).await
    }

    /// Begins a transaction larger than a batch: alone, on one lane, in one transaction of the target. `head`
    /// is what comes first of it.
    ///
    /// # Errors
    /// As `submit`.
    pub async fn begin_large(&mut self, head: Task) -> Result<LargeTransaction<'_>> {
        self.drain().await?;
        let (give, chunks) = mpsc::channel(1);
        self.dispatch(head, Some(chunks)).await?;
        Ok(LargeTransaction::new(self, give))
    }

    /// Waits until everything submitted is at the target.
    ///
    /// # Errors
    /// As `submit`.
    pub async fn drain(&mut self) -> Result<()> {
        while self.in_flight() > 0 {
            self.settle_next().await?;
        }
        Ok(())
    }

    /// Waits until a lane is done with a task (or returns at once if none is in flight). Cancel-safe.
    ///
    /// # Errors
    /// As `submit`.
    pub async fn settle_next(&mut self) -> Result<()> {
        if self.in_flight() == 0 {
            return Ok(());
        }
        let finished = self.next_finished().await?;
        self.settle(finished)
    }

    /// What a lane tells next; a lane that panics tells nothing, and must not be waited for.
    async fn next_finished(&mut self) -> Result<Finished> {
        loop {
            tokio::select! {
                biased;
                finished = self.finished.recv() => {
                    return finished.ok_or_else(|| Error::Task { cause: "all lanes have ended".into() });
                }
                Some(ended) = self.tasks.join_next() => {
                    if let Err(broken) = ended {
                        return Err(Error::Task { cause: format!("a lane broke off: {broken}") });
                    }
                }
            }
        }
    }

    /// Takes note of what is done already, without waiting.
    ///
    /// # Errors
    /// As `submit`.
    pub fn settle_done(&mut self) -> Result<()> {
        while let Ok(finished) = self.finished.try_recv() {
            self.settle(finished)?;
        }
        Ok(())
    }

    /// Lets the lanes end after what they do now, and closes their connections.
    ///
    /// # Errors
    /// As `submit`.
    pub async fn stop(mut self) -> Result<()> {
        self.drain().await?;
        self.lanes.clear();
        while let Some(finished) = self.finished.recv().await {
            self.settle(finished)?;
        }
        self.tasks.abort_all();
        Ok(())
    }

    async fn dispatch(&mut self, task: Task, chunks: Option<mpsc::Receiver<lane::Chunk>>) -> Result<()> {
        self.ensure_follows(&task)?;
        let Some(number) = self.idle.pop() else {
            return Err(Error::Task { cause: "a task was dispatched without an idle lane".into() });
        };
        self.footprint.add(number_of(self.next_ticket), &task.tokens);
        let previous = self.dispatched.0.insert(number, task.last).unwrap_or(Seq::from_raw(0));
        let ticket = self.next_ticket;
        self.next_ticket += 1;
        let job = Job { ticket, task, previous, vector: self.dispatched.clone(), chunks };
        // An idle lane has room for a job: nothing is waited for, so nothing can be dropped half-way.
        if self.lanes[usize::from(number)].try_send(job).is_err() {
            // The lane has ended: with an error, which waits in the queue, or by a panic.
            loop {
                let finished = self.next_finished().await?;
                self.settle(finished)?;
            }
        }
        Ok(())
    }

    /// Transactions that were passed over would be lost for ever: progress only knows the greatest seq.
    fn ensure_follows(&mut self, task: &Task) -> Result<()> {
        let begins = |given: Seq| task.first.generation() > given.generation() && task.first.number() <= 1;
        match self.given.replace(task.last) {
            Some(given) if task.first != given.next() && !begins(given) => {
                let cause = format!("seq {} was to be applied right after seq {given}", task.first);
                Err(Error::Task { cause })
            }
            _ => Ok(()),
        }
    }

    fn settle(&mut self, finished: Finished) -> Result<()> {
        let Finished { lane, ticket, result } = finished;
        let applied = result?;
        if let Some(ticket) = ticket {
            // Lanes commit in turn: whatever comes before it has committed too.
            self.committed = self.committed.max(number_of(ticket));
            self.footprint.settle(self.committed);
        }
        self.idle.push(lane);
        self.applied = self.applied.max(Some(applied.last));
        // Without a listener nobody wants to know.
        drop(self.report.send(applied));
        Ok(())
    }
}

/// Tasks are numbered from 1 where 0 means none.
fn number_of(ticket: Ticket) -> TaskNumber {
    ticket + 1
}

async fn keep_watch_alive(shared: Arc<Shared>) {
    loop {
        tokio::time::sleep(WATCH_PING).await;
        if let Some(watch) = &shared.watch {
            watch.ping().await;
        }
    }
}
