//! CPU time and peak memory of another process, from `/proc`: what it really cost, all threads and kernel time included.

use std::{
    fs,
    process::{Child, ExitStatus},
    thread,
    time::{Duration, Instant},
};

use anyhow::{Context, Result, bail};

/// The kernel's clock tick of `/proc/<pid>/stat` (USER_HZ, 100 on every Linux port in use).
const TICK: Duration = Duration::from_millis(10);

#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct Usage {
    pub cpu: Duration,
    /// Greatest resident set so far (`VmHWM`), bytes.
    pub peak_rss: u64,
}

/// What process `pid` has used up to now. A process that has ended but was not waited for still tells its CPU time.
pub fn usage(pid: u32) -> Result<Usage> {
    let stat = fs::read_to_string(format!("/proc/{pid}/stat")).with_context(|| format!("process {pid}"))?;
    let status =
        fs::read_to_string(format!("/proc/{pid}/status")).with_context(|| format!("process {pid}"))?;
    Ok(Usage { cpu: parse_cpu(&stat)?, peak_rss: parse_peak(&status) })
}

/// Waits for the end of a child and tells what it used over its whole life.
pub fn wait_with_usage(child: &mut Child, limit: Duration) -> Result<(ExitStatus, Usage)> {
    let deadline = Instant::now() + limit;
    let mut peak_rss = 0;
    loop {
        let now = usage(child.id())?;
        peak_rss = peak_rss.max(now.peak_rss);
        if has_ended(child.id())? {
            let cpu = usage(child.id())?.cpu;
            return Ok((child.wait()?, Usage { cpu, peak_rss }));
        }
        if Instant::now() > deadline {
            child.kill()?;
            child.wait()?;
            bail!("process {} still ran after {limit:?}; it was killed", child.id());
        }
        thread::sleep(Duration::from_millis(5));
    }
}

fn has_ended(pid: u32) -> Result<bool> {
    let stat = fs::read_to_string(format!("/proc/{pid}/stat"))?;
    Ok(after_name(&stat)?.starts_with('Z'))
}

/// The fields behind the process name, which may itself hold spaces and parentheses.
fn after_name(stat: &str) -> Result<&str> {
    stat.rsplit_once(") ").map(|(_, rest)| rest).context("a stat line without a process name")
}

fn parse_cpu(stat: &str) -> Result<Duration> {
    let fields: Vec<&str> = after_name(stat)?.split(' ').collect();
    let ticks = |index: usize| -> Result<u32> {
        fields.get(index).context("a stat line that ends early")?.parse().context("CPU ticks")
    };
    Ok(TICK * (ticks(11)? + ticks(12)?))
}

fn parse_peak(status: &str) -> u64 {
    status
        .lines()
        .find_map(|line| line.strip_prefix("VmHWM:"))
        .and_then(|rest| rest.trim().trim_end_matches(" kB").parse::<u64>().ok())
        .map_or(0, |kilobytes| kilobytes * 1024)
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
            .unwrap();
        let (status, used) = wait_with_usage(&mut child, Duration::from_secs(60)).unwrap();
        assert!(status.success());
        assert!(used.cpu >= TICK, "{used:?}");
        assert!(used.peak_rss > 100_000, "{used:?}");
    }

    #[test]
    fn names_with_spaces_do_not_shift_the_fields() {
        let stat = "7 (a) b) S 1 2 3 4 5 6 7 8 9 10 150 50 0 0 20";
        assert_eq!(parse_cpu(stat).unwrap(), Duration::from_secs(2));
    }
}
