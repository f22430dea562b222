//! The reference for reading by a program of MySQL's own: `mysqlbinlog --read-from-remote-server --raw`, which copies the log to files.

use std::{
    path::Path,
    process::{Command, Stdio},
    time::{Duration, Instant},
};

use anyhow::{Context, Result, ensure};

use super::usage::wait_with_usage;
use crate::child::Usage;

/// Copies the server's log from `first_file` to its end into `directory`. `mysqlbinlog` is the tool with its connection options.
pub fn dump_raw(mut mysqlbinlog: Command, first_file: &str, directory: &Path) -> Result<(Duration, Usage)> {
    let started = Instant::now();
    let mut child = mysqlbinlog
        .args(["--read-from-remote-server", "--raw", "--to-last-log"])
        .arg(format!("--result-file={}/", directory.display()))
        .arg(first_file)
        .stdin(Stdio::null())
        .spawn()
        .context("starting mysqlbinlog")?;
    let (status, usage) = wait_with_usage(&mut child, Duration::from_mins(10))?;
    ensure!(status.success(), "mysqlbinlog --raw ended with {status}");
    Ok((started.elapsed(), usage))
}
