//! Other people's programs that judge or load Strait: sysbench, kcat, and Python with Confluent's client.

use std::path::PathBuf;
use std::process::Command;

use anyhow::{Context, Result};

use super::{apt, in_path, run, unpacked};
use crate::lab_dir;

/// Old enough to run on any Debian of today: it brings its own libraries and loader.
const SUITE: &str = "bookworm";
/// Moves with the list of requirements below.
const PYTHON_ENTRY: &str = "python-1";
const REQUIREMENTS: [&str; 1] = ["confluent-kafka[avro,schemaregistry]==2.16.0"];

/// Debian's sysbench, installed or unpacked.
pub fn sysbench() -> Result<Command> {
    if let Some(installed) = in_path("sysbench") {
        return Ok(Command::new(installed));
    }
    let root = package("sysbench")?;
    let mut command = unpacked::program(&root, "usr/bin/sysbench");
    command.env("LUA_PATH", format!("{}/usr/share/sysbench/?.lua;;", root.display()));
    let machine = format!("{}-linux-gnu", std::env::consts::ARCH);
    let plugins = root.join("usr/lib").join(machine).join("libmariadb3/plugin");
    command.env("MARIADB_PLUGIN_DIR", plugins); // of its client library: one for each way to log in
    Ok(command)
}

/// Debian's kcat, installed or unpacked.
pub fn kcat() -> Result<Command> {
    match in_path("kcat") {
        Some(installed) => Ok(Command::new(installed)),
        None => Ok(unpacked::program(&package("kcat")?, "usr/bin/kcat")),
    }
}

/// A Python that has Confluent's client, its deserialisers and nothing of ours.
pub fn python() -> Result<Command> {
    let home = lab_dir::entry(PYTHON_ENTRY, |dir| {
        run(Command::new("python3").args(["-m", "venv"]).arg(dir.join("venv")))
            .context("make a virtual environment (apt-get install python3-venv)")?;
        run(Command::new(dir.join("venv/bin/pip")).args(["install", "--quiet"]).args(REQUIREMENTS))?;
        Ok(())
    })?;
    Ok(Command::new(home.join("venv/bin/python")))
}

fn package(name: &str) -> Result<PathBuf> {
    let home = lab_dir::entry(&format!("{name}-1"), |dir| apt::unpack(SUITE, &[name], &dir.join("root")))?;
    Ok(home.join("root"))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn each_tool_runs() {
        let version = run(sysbench().expect("sysbench").arg("--version")).expect("it tells its version");
        assert!(String::from_utf8_lossy(&version).starts_with("sysbench 1."));
        run(kcat().expect("kcat").arg("-V")).expect("it tells its version");
        run(python().expect("python").args(["-c", "import confluent_kafka.schema_registry.avro"]))
            .expect("it imports");
    }
}
