//! Somebody who locks rows at the target: for longer than the lanes wait for a lock, and in an order of his own, so that he and a lane
//! wait for each other.

use std::{
    fmt,
    sync::{
        Arc,
        atomic::{AtomicBool, Ordering},
    },
    time::Duration,
};

use anyhow::Result;
use mysql_async::{Conn, Error, Opts, prelude::Queryable};
use tokio::task::JoinHandle;

use super::DATABASE;
use crate::MySql;

/// The lanes wait for a lock for 1 s.
const LONG: Duration = Duration::from_millis(1_300);
const DEADLOCK: u16 = 1213;
const LOCK_WAIT_TIMEOUT: u16 = 1205;

/// What he has done.
#[derive(Debug, Default, Clone, Copy)]
pub struct Disturbed {
    held: u64,
    crossed: u64,
    deadlocks: u64,
}

impl fmt::Display for Disturbed {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self { held, crossed, deadlocks } = self;
        write!(
            f,
            "locks held over the lanes' time {held} times, taken crosswise {crossed} times (his the deadlock in {deadlocks})"
        )
    }
}

#[derive(Debug)]
pub struct Saboteur {
    stop: Arc<AtomicBool>,
    task: JoinHandle<Result<Disturbed>>,
}

impl Saboteur {
    pub fn start(target: &MySql, seed: u64) -> Self {
        let stop = Arc::new(AtomicBool::new(false));
        let task = tokio::spawn(disturb(target.opts().into(), seed, stop.clone()));
        Self { stop, task }
    }

    pub async fn stop(self) -> Result<Disturbed> {
        self.stop.store(true, Ordering::Relaxed);
        self.task.await?
    }
}

async fn disturb(target: Opts, seed: u64, stop: Arc<AtomicBool>) -> Result<Disturbed> {
    let mut conn = Conn::new(target).await?;
    conn.query_drop(format!("USE {DATABASE}")).await?;
    let mut random = fastrand::Rng::with_seed(seed);
    let mut done = Disturbed::default();
    while !stop.load(Ordering::Relaxed) {
        conn.query_drop("START TRANSACTION").await?;
        if random.u8(..8) == 0 {
            // A hot row that everybody behind it in the log waits for.
            let one = random.u32(..20);
            match conn.query_drop(format!("SELECT * FROM account WHERE id = {one} FOR UPDATE")).await {
                Ok(()) => {
                    // The lock is what is meant; nothing is waited for.
                    tokio::time::sleep(LONG).await;
                    done.held += 1;
                }
                Err(error) => done.note(error)?,
            }
        } else {
            // Against the writers' order, which is that of the ids.
            let mut ids = [random.u32(..1_000), random.u32(..1_000), random.u32(..20)];
            ids.sort_unstable_by(|one, other| other.cmp(one));
            done.crossed += 1;
            for (number, id) in ids.into_iter().enumerate() {
                let table = if number == 1 { "slot" } else { "account" };
                let lock = format!("SELECT * FROM {table} WHERE id = {id} FOR UPDATE");
                if let Err(error) = conn.query_drop(lock).await {
                    done.note(error)?;
                    break;
                }
            }
        }
        conn.query_drop("ROLLBACK").await?;
    }
    Ok(done)
}

impl Disturbed {
    fn note(&mut self, error: Error) -> Result<()> {
        match &error {
            Error::Server(server) if [DEADLOCK, LOCK_WAIT_TIMEOUT].contains(&server.code) => {
                self.deadlocks += 1;
                Ok(())
            }
            _ => Err(error.into()),
        }
    }
}
