//! The floor for reading small transactions: the client library's event stream, whose events are counted and dropped.
//!
//! A connector gets its events from the same library. What it costs beyond this on transactions that it leaves out is its own.

use std::time::{Duration, Instant};

use anyhow::{Context, Result};
use futures_util::StreamExt as _;
use mysql_async::{BinlogStreamRequest, Conn, Opts};
use strait_mysql::gtid::GtidSet;

use super::packets::thread_cpu;

/// What the stream gave.
#[derive(Debug, Clone, Copy, Default)]
pub struct EventsRead {
    pub events: u64,
    pub elapsed: Duration,
    pub cpu: Duration,
}

/// Reads everything the server logged after `executed`, to the log's end; on a thread of its own, so that its CPU time is known.
pub fn read_events(server: Opts, server_id: u32, executed: &str) -> Result<EventsRead> {
    let executed: GtidSet = executed.parse().context("the GTID set to begin after")?;
    let read = move || {
        let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build()?;
        runtime.block_on(count(server, server_id, &executed))
    };
    std::thread::spawn(read).join().map_err(|_| anyhow::anyhow!("the reader of events panicked"))?
}

async fn count(server: Opts, server_id: u32, executed: &GtidSet) -> Result<EventsRead> {
    let (started, cpu_before) = (Instant::now(), thread_cpu()?);
    let conn = Conn::new(server).await?;
    let request =
        BinlogStreamRequest::new(server_id).with_gtid().with_gtid_set(executed.to_sids()).with_non_blocking();
    let mut stream = conn.get_binlog_stream(request).await?;
    let mut read = EventsRead::default();
    while let Some(event) = stream.next().await {
        event?;
        read.events += 1;
    }
    read.elapsed = started.elapsed();
    read.cpu = thread_cpu()?.saturating_sub(cpu_before);
    Ok(read)
}
