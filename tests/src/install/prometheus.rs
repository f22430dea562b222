//! Prometheus and its promtool: to run the rules and dashboards' queries on the real thing.

use std::path::PathBuf;
use std::process::Command;

use anyhow::{Result, bail};

use super::{apt, in_path, unpacked};
use crate::lab_dir;

const SUITE: &str = "bookworm";

/// The server; `STRAIT_LAB_PROMETHEUS` (a path to it), else an installed one, else Debian's package.
pub fn prometheus() -> Result<Command> {
    match std::env::var_os("STRAIT_LAB_PROMETHEUS").map(PathBuf::from) {
        Some(path) if path.is_file() => Ok(Command::new(path)),
        Some(path) => bail!("STRAIT_LAB_PROMETHEUS={}: name a prometheus program", path.display()),
        None => tool("prometheus"),
    }
}

/// `promtool check rules ...`, `promtool test rules ...`
pub fn promtool() -> Result<Command> {
    tool("promtool")
}

fn tool(name: &str) -> Result<Command> {
    if let Some(installed) = in_path(name) {
        return Ok(Command::new(installed));
    }
    let home = lab_dir::entry("prometheus-1", |dir| apt::unpack(SUITE, &["prometheus"], &dir.join("root")))?;
    Ok(unpacked::program(&home.join("root"), format!("usr/bin/{name}")))
}
