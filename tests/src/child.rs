//! A child process that cannot outlive this one, not even when this one is killed with SIGKILL.
//!
//! `setpriv --pdeathsig KILL` asks the kernel for that before it becomes the program. The kernel sends
//! the signal when the *thread* that started the child ends, so all children are started by one thread
//! that never ends. Each child has its own process group: Ctrl-C reaches this process only, which then
//! stops its children in an order of its own.

use std::fs::{self, File};
use std::os::unix::process::CommandExt;
use std::path::{Path, PathBuf};
use std::process::{Command, ExitStatus, Stdio};
use std::sync::mpsc;
use std::sync::{Arc, Mutex, OnceLock};
use std::time::Duration;

use anyhow::{Context, Result, anyhow, bail};
use rustix::process::{Pid, Signal, WaitId, WaitIdOptions, kill_process, waitid};
use tokio::sync::watch;

/// A running (or ended) program with its output in a file.
#[derive(Debug)]
pub struct Child {
    pid: Pid,
    log: PathBuf,
    /// True until the process has been reaped: its id may be another's afterwards.
    alive: Arc<Mutex<bool>>,
    exit: watch::Receiver<Option<ExitStatus>>,
}

impl Child {
    /// Starts the program; its output is appended to `log`.
    pub fn spawn(command: &Command, log: &Path) -> Result<Self> {
        let output = File::options().create(true).append(true).open(log)?;
        let mut wrapped = Command::new("setpriv");
        wrapped
            .args(["--pdeathsig", "KILL", "--"])
            .arg(command.get_program())
            .args(command.get_args())
            .stdin(Stdio::null())
            .stdout(output.try_clone()?)
            .stderr(output)
            .process_group(0);
        for (key, value) in command.get_envs() {
            match value {
                Some(value) => wrapped.env(key, value),
                None => wrapped.env_remove(key),
            };
        }
        if let Some(dir) = command.get_current_dir() {
            wrapped.current_dir(dir);
        }
        let program = command.get_program().display().to_string();
        let process =
            on_spawner(wrapped).with_context(|| format!("start {program} (setpriv is in util-linux)"))?;
        let pid = Pid::from_child(&process);
        let alive = Arc::new(Mutex::new(true));
        let (sender, exit) = watch::channel(None);
        let reaper = Arc::clone(&alive);
        std::thread::Builder::new().name(format!("reap {program}")).spawn(move || {
            reap(process, &reaper, &sender);
        })?;
        Ok(Self { pid, log: log.to_owned(), alive, exit })
    }

    pub fn pid(&self) -> u32 {
        self.pid.as_raw_nonzero().get().unsigned_abs()
    }

    /// Its exit status, once it has ended.
    pub fn exited(&self) -> Option<ExitStatus> {
        *self.exit.borrow()
    }

    /// Waits for its end, at most so long.
    pub async fn wait(&self, at_most: Duration) -> Result<ExitStatus> {
        let mut exit = self.exit.clone();
        let ended = tokio::time::timeout(at_most, exit.wait_for(Option::is_some)).await;
        match ended {
            Ok(Ok(status)) => Ok(status.expect("waited for some")),
            Ok(Err(_)) => bail!("the thread that waits for process {} is gone", self.pid()),
            Err(_) => bail!(
                "process {} still runs after {at_most:?}; its last words:\n{}",
                self.pid(),
                self.last_words()
            ),
        }
    }

    /// SIGKILL, and waits until it is gone.
    pub async fn kill9(&self) -> Result<()> {
        self.signal(Signal::KILL)?;
        self.wait(Duration::from_secs(10)).await?;
        Ok(())
    }

    /// SIGTERM, and waits for its end; SIGKILL after `patience`, which is an error.
    pub async fn stop(&self, patience: Duration) -> Result<ExitStatus> {
        self.signal(Signal::TERM)?;
        self.signal(Signal::CONT)?;
        match self.wait(patience).await {
            Ok(status) => Ok(status),
            Err(late) => {
                self.kill9().await?;
                Err(late)
            }
        }
    }

    /// SIGSTOP: it keeps its connections and answers nothing. Its threads do not stop at the instant of
    /// the signal, so this waits for the last one: nothing is answered after this.
    pub fn freeze(&self) -> Result<()> {
        self.signal(Signal::STOP)?;
        waitid(WaitId::Pid(self.pid), WaitIdOptions::STOPPED)
            .with_context(|| format!("wait until process {} has stopped", self.pid()))?;
        Ok(())
    }

    /// SIGCONT: the end of [`Child::freeze`].
    pub fn thaw(&self) -> Result<()> {
        self.signal(Signal::CONT)
    }

    /// No effect on a process that has ended.
    pub fn signal(&self, signal: Signal) -> Result<()> {
        let alive = self.alive.lock().expect("no one panics with it");
        if *alive {
            kill_process(self.pid, signal).with_context(|| format!("signal process {}", self.pid()))?;
        }
        Ok(())
    }

    pub fn log(&self) -> &Path {
        &self.log
    }

    /// The last lines it wrote: what an error message shows.
    pub fn last_words(&self) -> String {
        last_lines(&self.log, 40)
    }

    /// CPU time used so far, user and system together, and resident memory now and at its peak.
    pub fn usage(&self) -> Result<Usage> {
        Usage::of(self.pid())
    }
}

impl Drop for Child {
    fn drop(&mut self) {
        let _ = self.signal(Signal::KILL);
    }
}

/// What a process has used, from /proc.
#[derive(Debug, Clone, Copy)]
pub struct Usage {
    pub cpu: Duration,
    pub rss: u64,
    pub peak_rss: u64,
}

impl Usage {
    pub fn of(pid: u32) -> Result<Self> {
        let stat = fs::read_to_string(format!("/proc/{pid}/stat"))?;
        let status = fs::read_to_string(format!("/proc/{pid}/status"))?;
        // The name, field 2, may hold anything but ends with the last ')'; utime and stime are fields 14 and 15.
        let fields = stat.rsplit_once(')').map(|(_, rest)| rest).unwrap_or_default();
        let ticks =
            |index: usize| fields.split_whitespace().nth(index).and_then(|field| field.parse::<u64>().ok());
        let (Some(user), Some(system)) = (ticks(11), ticks(12)) else { bail!("/proc/{pid}/stat: {stat}") };
        let bytes = |name: &str| {
            let line = status.lines().find_map(|line| line.strip_prefix(name))?;
            Some(line.split_whitespace().next()?.parse::<u64>().ok()? * 1024)
        };
        let per_second = rustix::param::clock_ticks_per_second();
        Ok(Self {
            cpu: Duration::from_millis((user + system) * 1000 / per_second),
            rss: bytes("VmRSS:").unwrap_or_default(),
            peak_rss: bytes("VmHWM:").unwrap_or_default(),
        })
    }
}

/// The last `count` lines of a file, for messages.
pub fn last_lines(log: &Path, count: usize) -> String {
    let bytes = fs::read(log).unwrap_or_default();
    let text = String::from_utf8_lossy(&bytes[bytes.len().saturating_sub(64 * 1024)..]).into_owned();
    let lines = text.lines().collect::<Vec<_>>();
    let tail = lines[lines.len().saturating_sub(count)..].join("\n");
    let tail = if tail.is_empty() { "(it wrote nothing)" } else { &tail };
    format!("{tail}\n({})", log.display())
}

/// Between the end of the process and the reaping its id is still its own; a signal waits meanwhile.
fn reap(mut process: std::process::Child, alive: &Mutex<bool>, exit: &watch::Sender<Option<ExitStatus>>) {
    let pid = Pid::from_child(&process);
    let options = WaitIdOptions::EXITED | WaitIdOptions::NOWAIT;
    while matches!(waitid(WaitId::Pid(pid), options), Err(rustix::io::Errno::INTR)) {}
    let mut alive = alive.lock().expect("no one panics with it");
    let status = process.wait().ok();
    *alive = false;
    drop(alive);
    exit.send_replace(status);
}

type Spawn = (Command, mpsc::Sender<std::io::Result<std::process::Child>>);

/// Has the one thread that never ends start the process.
fn on_spawner(command: Command) -> Result<std::process::Child> {
    static SPAWNER: OnceLock<mpsc::Sender<Spawn>> = OnceLock::new();
    let spawner = SPAWNER.get_or_init(|| {
        let (sender, receiver) = mpsc::channel::<Spawn>();
        let run = move || {
            for (mut command, reply) in receiver {
                let _ = reply.send(command.spawn());
            }
        };
        std::thread::Builder::new().name("spawner".to_owned()).spawn(run).expect("a thread can be started");
        sender
    });
    let (reply, result) = mpsc::channel();
    spawner.send((command, reply)).map_err(|_| anyhow!("the spawner has ended"))?;
    Ok(result.recv()??)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::run_dir::make_dir;

    fn shell(script: &str) -> Child {
        let log = make_dir("shell").expect("a folder").join("log");
        Child::spawn(Command::new("sh").args(["-c", script]), &log).expect("sh starts")
    }

    #[tokio::test]
    async fn its_exit_and_its_last_words_are_known() {
        let child = shell("echo this is why; exit 3");
        let status = child.wait(Duration::from_secs(10)).await.expect("it ends by itself");
        assert_eq!(status.code(), Some(3));
        assert!(child.last_words().starts_with("this is why"), "{}", child.last_words());
    }

    #[tokio::test]
    async fn stop_ends_a_frozen_one_and_kills_a_deaf_one() {
        let frozen = shell("sleep 1000");
        frozen.freeze().expect("it runs");
        frozen.stop(Duration::from_secs(10)).await.expect("SIGTERM reaches it once it goes on");
        let deaf = shell("trap '' TERM; echo deaf; while :; do sleep 0.1; done");
        while !deaf.last_words().starts_with("deaf") {
            tokio::time::sleep(Duration::from_millis(5)).await;
        }
        let late = deaf.stop(Duration::from_millis(200)).await.expect_err("it ignores SIGTERM");
        assert!(late.to_string().contains("still runs"), "{late}");
        assert!(deaf.exited().is_some());
    }
}
