//! What a snapshot's readers rest on: a consistent snapshot sees each XA COMMIT that was logged before, once XA RECOVER no longer lists
//! the transaction. Its place in the log alone does not tell that.

use std::sync::{
    Arc,
    atomic::{AtomicBool, Ordering},
};

use anyhow::{Context, Result, ensure};
use e2e::{MySql, MySqlOptions, mysql::Flavor};
use mysql_async::{Conn, Row, prelude::Queryable};
use strait_mysql::server::read_prepared_xids;

const TRANSACTIONS: u64 = 1500;

struct Sample {
    /// Where the log ended before.
    logged: u64,
    /// What was still listed then.
    listed: Vec<u64>,
    /// The newest rows that the snapshot sees.
    seen: Vec<u64>,
}

async fn end_of_log(conn: &mut Conn) -> Result<u64> {
    let row: Row = conn.query_first("SHOW MASTER STATUS").await?.context("a log")?;
    row.get(1).context("a position")
}

async fn sample(mut conn: Conn, done: Arc<AtomicBool>) -> Result<Vec<Sample>> {
    let mut samples = Vec::new();
    while !done.load(Ordering::Relaxed) {
        let logged = end_of_log(&mut conn).await?;
        let xids = read_prepared_xids(&mut conn).await?;
        let listed =
            xids.iter().filter_map(|xid| String::from_utf8_lossy(&xid.global).parse().ok()).collect();
        conn.query_drop("START TRANSACTION WITH CONSISTENT SNAPSHOT, READ ONLY").await?;
        let seen = conn.query("SELECT id FROM t ORDER BY id DESC LIMIT 100").await?;
        conn.query_drop("COMMIT").await?;
        samples.push(Sample { logged, listed, seen });
    }
    Ok(samples)
}

#[tokio::test(flavor = "multi_thread")]
async fn a_snapshot_sees_what_is_no_longer_listed() -> Result<()> {
    let options = MySqlOptions { flavor: Flavor::MariaDb, ..MySqlOptions::named("xa") };
    let server = MySql::start(options).await?;
    server.run(["CREATE DATABASE x", "CREATE TABLE x.t (id INT PRIMARY KEY)"]).await?;
    let done = Arc::new(AtomicBool::new(false));
    let sampling = tokio::spawn(sample(server.conn_to("x").await?, Arc::clone(&done)));
    let mut writer = server.conn_to("x").await?;
    let mut ends = Vec::new();
    for number in 1..=TRANSACTIONS {
        for statement in [
            format!("XA START '{number}'"),
            format!("INSERT INTO t VALUES ({number})"),
            format!("XA END '{number}'"),
            format!("XA PREPARE '{number}'"),
            format!("XA COMMIT '{number}'"),
        ] {
            writer.query_drop(statement).await?;
        }
        ends.push((number, end_of_log(&mut writer).await?));
    }
    done.store(true, Ordering::Relaxed);
    let samples = sampling.await??;
    let mut late = 0;
    for Sample { logged, listed, seen } in &samples {
        let newest = seen.first().copied().unwrap_or(0);
        let lacks = ends.iter().filter(|(number, end)| end <= logged && *number > newest);
        for (number, end) in lacks {
            late += 1;
            ensure!(
                listed.contains(number),
                "{number}, logged up to {end}, is neither listed nor seen at {logged}"
            );
        }
    }
    println!("{} snapshots; {late} lacked what was logged before, and was listed", samples.len());
    Ok(())
}
