//! This process's own folder, `<lab>/run/<pid>-<number>`: data directories, logs, configurations.
//!
//! It is removed when this process ends, however it ends: a small shell waits on a pipe whose other end
//! only this process holds, and removes the folder when the pipe closes. Should the shell be killed as
//! well, the next run sees that nobody holds the folder's lock and removes it then.
//! `STRAIT_LAB_KEEP=1` keeps it, for looking at logs afterwards.

use std::fs::{self, File};
use std::io;
use std::os::unix::process::CommandExt;
use std::path::{Path, PathBuf};
use std::process::{ChildStdin, Command, Stdio};
use std::sync::OnceLock;
use std::sync::atomic::{AtomicU32, Ordering};
use std::time::Duration;

use anyhow::{Context, Result};

use crate::lab_dir::lab_dir;

struct RunDir {
    path: PathBuf,
    _lock: File,
    /// Closed by the end of this process, and not before.
    _pipe: Option<ChildStdin>,
}

static RUN_DIR: OnceLock<Result<RunDir>> = OnceLock::new();

/// The folder of this process, made at the first call.
pub fn run_dir() -> Result<&'static Path> {
    match RUN_DIR.get_or_init(make) {
        Ok(dir) => Ok(&dir.path),
        Err(error) => anyhow::bail!("make this run's folder below {}: {error:#}", lab_dir().display()),
    }
}

/// A new folder in it.
pub fn make_dir(name: &str) -> Result<PathBuf> {
    static NEXT: AtomicU32 = AtomicU32::new(1);
    let dir = run_dir()?.join(format!("{name}-{}", NEXT.fetch_add(1, Ordering::Relaxed)));
    fs::create_dir_all(&dir).with_context(|| format!("create {}", dir.display()))?;
    Ok(dir)
}

/// Empties this process's folder, unless it shall be kept: for a program that runs many servers one after another, once they
/// were told to end. They do so in their own time.
pub fn clear() -> Result<()> {
    for entry in fs::read_dir(run_dir()?)? {
        let path = entry?.path();
        let mut tries = 0;
        while !kept()
            && let Err(error) = fs::remove_dir_all(&path)
        {
            tries += 1;
            anyhow::ensure!(tries < 50, "remove {}: {error}", path.display());
            std::thread::sleep(Duration::from_millis(100));
        }
    }
    Ok(())
}

fn kept() -> bool {
    std::env::var_os("STRAIT_LAB_KEEP").is_some_and(|value| value != "0")
}

fn make() -> Result<RunDir> {
    let runs = lab_dir().join("run");
    fs::create_dir_all(&runs)?;
    // Of two runs that begin at once, neither sweeps away what the other has made and not yet locked.
    let one_at_a_time = File::create(runs.join("sweep"))?;
    one_at_a_time.lock()?;
    sweep(&runs);
    let path = runs.join(format!("{}-{:04x}", std::process::id(), fastrand::u16(..)));
    fs::create_dir_all(&path)?;
    let lock = File::create(lock_file(&path))?;
    lock.lock()?;
    let pipe = if kept() { None } else { Some(remove_at_end(&path)?) };
    Ok(RunDir { path, _lock: lock, _pipe: pipe })
}

/// Beside the folder, not in it: the lock must outlive the removal.
fn lock_file(path: &Path) -> PathBuf {
    path.with_extension("lock")
}

/// The servers die with this process too, but not at the same instant: hence the repetition.
fn remove_at_end(path: &Path) -> io::Result<ChildStdin> {
    let script = "read -r _; for _ in 1 2 3 4 5 6 7 8 9 10; do rm -rf \"$1\" \"$2\" 2>/dev/null && exit; sleep 0.3; done";
    let mut shell = Command::new("sh")
        .args(["-c", script, "sh"])
        .arg(path)
        .arg(lock_file(path))
        .stdin(Stdio::piped())
        .stdout(Stdio::null())
        .stderr(Stdio::null())
        .process_group(0) // Ctrl-C is for this process; the shell has work to do after it
        .spawn()?;
    Ok(shell.stdin.take().expect("stdin is piped"))
}

/// Removes what earlier runs left that could not do so. Best effort: another run may do the same.
fn sweep(runs: &Path) {
    let Ok(files) = fs::read_dir(runs) else { return };
    for file in files.flatten().map(|file| file.path()) {
        if file.extension().is_some_and(|extension| extension == "lock")
            && File::open(&file).is_ok_and(|lock| lock.try_lock().is_ok())
            && std::env::var_os("STRAIT_LAB_KEEP").is_none()
        {
            let _ = fs::remove_dir_all(file.with_extension(""));
            let _ = fs::remove_file(&file);
        }
    }
}
