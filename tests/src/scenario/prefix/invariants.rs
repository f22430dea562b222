//! What holds after each transaction of the source, looked at again and again in one consistent view of the target.

use std::sync::{
    Arc,
    atomic::{AtomicBool, Ordering},
};

use anyhow::{Context, Result, ensure};
use mysql_async::{Conn, Opts, prelude::Queryable};
use tokio::task::JoinHandle;

use super::DATABASE;
use crate::MySql;

/// What it says, and a query that finds 0 wherever it holds.
const INVARIANTS: [(&str, &str); 6] = [
    ("a transfer is whole: the sum over accounts", "SELECT SUM(balance) FROM account"),
    ("every place is somebody's", "SELECT 1000 - COUNT(place) + ABS(SUM(place) - 499500) FROM slot"),
    (
        "a chain is whole: a grandparent, its parent and two children",
        "SELECT COUNT(*) FROM grand LEFT JOIN (SELECT parent.grand, COUNT(*) AS children FROM parent JOIN child ON \
         child.parent = parent.id GROUP BY parent.grand) AS below ON below.grand = grand.id WHERE COALESCE(children, 0) <> 2",
    ),
    (
        "nothing is left of a chain that went",
        "SELECT ABS((SELECT COUNT(*) FROM child) - 2 * (SELECT COUNT(*) FROM grand))",
    ),
    ("a row whose key changes is there once", "SELECT 1000 - COUNT(*) + ABS(SUM(v) - 499500) FROM moved"),
    (
        "nobody has seen what has not happened yet",
        "SELECT COUNT(*) FROM seen JOIN progress ON progress.writer = other WHERE seen.n > progress.n",
    ),
];

#[derive(Debug)]
pub struct Checker {
    stop: Arc<AtomicBool>,
    task: JoinHandle<Result<u64>>,
}

impl Checker {
    pub fn start(target: &MySql) -> Self {
        let stop = Arc::new(AtomicBool::new(false));
        let task = tokio::spawn(look_on(target.opts().into(), stop.clone()));
        Self { stop, task }
    }

    /// How often it has looked.
    pub async fn stop(self) -> Result<u64> {
        self.stop.store(true, Ordering::Relaxed);
        self.task.await?
    }
}

async fn look_on(target: Opts, stop: Arc<AtomicBool>) -> Result<u64> {
    let mut conn = Conn::new(target).await?;
    conn.query_drop(format!("USE {DATABASE}")).await?;
    conn.query_drop("SET SESSION transaction_isolation = 'REPEATABLE-READ'").await?;
    let (mut looks, mut before) = (0, 0);
    while !stop.load(Ordering::Relaxed) {
        conn.query_drop("START TRANSACTION WITH CONSISTENT SNAPSHOT, READ ONLY").await?;
        for (says, query) in INVARIANTS {
            let found: Option<i64> =
                conn.query_first(format!("SELECT CAST(({query}) AS SIGNED)")).await.context(says)?;
            ensure!(found == Some(0), "{says}: {found:?} at look {looks}");
        }
        let reached: u64 = conn
            .query_first("SELECT CAST(SUM(n) AS UNSIGNED) FROM progress")
            .await?
            .context("no progress")?;
        ensure!(reached >= before, "it went back from {before} to {reached}");
        before = reached;
        conn.query_drop("COMMIT").await?;
        looks += 1;
    }
    Ok(looks)
}
