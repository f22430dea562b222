//! The lab's folder: downloads that are shared by all runs, and what must be installed only once.
//!
//! Guarantee: an entry is either absent or whole. It is filled under an exclusive file lock (two runs
//! at once: the second waits and finds it done) and its stamp is written last, so a run that was killed
//! half-way leaves an entry without a stamp, which the next run throws away and fills again.

use std::ffi::OsStr;
use std::fs::{self, File};
use std::path::{Path, PathBuf};

use anyhow::{Context, Result};

const STAMP: &str = ".complete";

/// `STRAIT_LAB_DIR`, else `.lab`; at the root of the workspace, wherever this program is started.
pub fn lab_dir() -> PathBuf {
    at_root(&std::env::var_os("STRAIT_LAB_DIR").unwrap_or_else(|| ".lab".into()))
}

fn at_root(path: &OsStr) -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).parent().expect("tests/ is in the workspace").join(path)
}

/// The entry's directory, filled by `fill` if no run has completed it yet.
///
/// The name carries the version of what is inside and of the way it is laid out: a change of either
/// takes a new name, so an old entry is never taken for a new one.
pub fn entry(name: &str, fill: impl FnOnce(&Path) -> Result<()>) -> Result<PathBuf> {
    let home = lab_dir();
    let dir = home.join(name);
    if dir.join(STAMP).exists() {
        return Ok(dir);
    }
    fs::create_dir_all(&home).with_context(|| format!("create the lab's folder {}", home.display()))?;
    let _lock = lock(&home.join(format!("{name}.lock")))?;
    if dir.join(STAMP).exists() {
        return Ok(dir); // another run filled it while this one waited for the lock
    }
    if dir.exists() {
        fs::remove_dir_all(&dir).with_context(|| format!("remove the partial {}", dir.display()))?;
    }
    fs::create_dir_all(&dir).with_context(|| format!("create {}", dir.display()))?;
    fill(&dir).with_context(|| format!("fill the lab's {name} ({})", dir.display()))?;
    File::create(dir.join(STAMP))?.sync_all()?;
    Ok(dir)
}

/// Waits for the lock; it is held until the file is dropped or the process dies.
fn lock(path: &Path) -> Result<File> {
    let file = File::create(path).with_context(|| format!("open the lock {}", path.display()))?;
    file.lock().with_context(|| format!("lock {}", path.display()))?;
    Ok(file)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_relative_folder_is_the_same_one_for_every_program() {
        let root = at_root(OsStr::new(""));
        assert!(root.is_absolute() && root.join("Cargo.lock").is_file(), "{}", root.display());
        assert_eq!(at_root(OsStr::new("lab")), root.join("lab"));
        assert_eq!(at_root(OsStr::new("/var/lab")), Path::new("/var/lab"));
    }

    #[test]
    fn a_partial_entry_is_filled_again_and_a_complete_one_is_not() {
        let name = format!("test-entry-{}", std::process::id());
        let failed = entry(&name, |dir| {
            fs::write(dir.join("half"), b"")?;
            anyhow::bail!("killed half-way")
        });
        assert!(failed.is_err());
        let dir = entry(&name, |dir| {
            assert!(!dir.join("half").exists(), "the remains of the failed run must be gone");
            Ok(fs::write(dir.join("whole"), b"")?)
        })
        .expect("the second run completes it");
        entry(&name, |_| unreachable!("complete: must not be filled again")).expect("complete");
        fs::remove_dir_all(&dir).expect("remove the test's own entry");
        fs::remove_file(lab_dir().join(format!("{name}.lock"))).expect("remove the test's own lock");
    }

    #[test]
    fn two_runs_at_once_fill_it_once() {
        let name = format!("test-race-{}", std::process::id());
        let fills = std::sync::atomic::AtomicU32::new(0);
        std::thread::scope(|scope| {
            for _ in 0..8 {
                scope.spawn(|| {
                    entry(&name, |_| {
                        fills.fetch_add(1, std::sync::atomic::Ordering::SeqCst);
                        std::thread::yield_now();
                        Ok(())
                    })
                    .expect("filled by one of them");
                });
            }
        });
        assert_eq!(fills.into_inner(), 1);
        fs::remove_dir_all(lab_dir().join(&name)).expect("remove the test's own entry");
        fs::remove_file(lab_dir().join(format!("{name}.lock"))).expect("remove the test's own lock");
    }
}
