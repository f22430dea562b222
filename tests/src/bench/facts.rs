//! Where and with what a result was measured: figures of two machines are not the same figure.

use std::{fs, path::Path, process::Command};

use serde::{Deserialize, Serialize};

use super::scale::Scale;

#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Facts {
    pub cpu: String,
    pub cores: usize,
    pub memory_mb: u64,
    pub kernel: String,
    pub mysqld: String,
    pub kafka: String,
    /// Of the source code, if it is in git.
    pub commit: Option<String>,
    /// Of cargo; a debug build measures nothing.
    pub profile: String,
    pub rows: u64,
    pub rounds: usize,
}

impl Facts {
    pub fn of_this_machine(scale: Scale, mysqld: String) -> Self {
        let value = |file: &str, key: &str| {
            let text = fs::read_to_string(file).unwrap_or_default();
            let line = text.lines().find_map(|line| line.strip_prefix(key)?.split_once(':'));
            line.map_or_else(String::new, |(_, value)| value.trim().to_owned())
        };
        let memory = value("/proc/meminfo", "MemTotal");
        let kilobytes = memory.split(' ').next().and_then(|text| text.parse::<u64>().ok());
        Self {
            cpu: value("/proc/cpuinfo", "model name"),
            cores: std::thread::available_parallelism().map_or(0, usize::from),
            memory_mb: kilobytes.unwrap_or_default() / 1024,
            kernel: fs::read_to_string("/proc/sys/kernel/osrelease").unwrap_or_default().trim().to_owned(),
            mysqld,
            kafka: crate::install::KAFKA_VERSION.to_owned(),
            commit: commit(),
            profile: if cfg!(debug_assertions) { "debug" } else { "release" }.to_owned(),
            rows: scale.rows,
            rounds: scale.rounds,
        }
    }
}

fn commit() -> Option<String> {
    let root = Path::new(env!("CARGO_MANIFEST_DIR"));
    let output =
        Command::new("git").current_dir(root).args(["describe", "--always", "--dirty"]).output().ok()?;
    let commit = String::from_utf8(output.stdout).ok()?.trim().to_owned();
    (output.status.success() && !commit.is_empty()).then_some(commit)
}
