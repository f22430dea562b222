//! What a short-lived program used over its whole life. Its memory is known only while it runs, its CPU time until it is reaped.

use std::{
    fs,
    process::{Child, ExitStatus},
    thread,
    time::{Duration, Instant},
};

use anyhow::{Context, Result, bail};

use crate::child::Usage;

/// Waits for the end of a child, looking at it meanwhile.
pub fn wait_with_usage(child: &mut Child, limit: Duration) -> Result<(ExitStatus, Usage)> {
    let deadline = Instant::now() + limit;
    let mut peak_rss = 0;
    loop {
        let ended = has_ended(child.id())?;
        let now = Usage::of(child.id())?;
        peak_rss = peak_rss.max(now.peak_rss);
        if ended {
            return Ok((child.wait()?, Usage { peak_rss, ..now }));
        }
        if Instant::now() > deadline {
            child.kill()?;
            child.wait()?;
            bail!("process {} still ran after {limit:?}; it was killed", child.id());
        }
        thread::sleep(Duration::from_millis(5));
    }
}

/// Whether it only waits to be reaped.
fn has_ended(pid: u32) -> Result<bool> {
    let stat = fs::read_to_string(format!("/proc/{pid}/stat"))?;
    let (_, fields) = stat.rsplit_once(") ").context("a stat line without a process name")?;
    Ok(fields.starts_with('Z'))
}

#[cfg(test)]
mod tests {
    use std::process::Command;

    use super::*;

    #[test]
    fn a_child_that_computes_has_used_cpu_and_memory() {
        let mut child = Command::new("sh")
            .args(["-c", "i=0; while [ $i -lt 200000 ]; do i=$((i+1)); done"])
            .spawn()
            .expect("sh starts");
        let (status, used) = wait_with_usage(&mut child, Duration::from_mins(1)).expect("it ends");
        assert!(status.success());
        assert!(used.cpu >= Duration::from_millis(10), "{used:?}");
        assert!(used.peak_rss > 100_000, "{used:?}");
    }
}
