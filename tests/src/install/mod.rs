//! Installs servers and tools into the lab's folder: from Debian's archive by apt (signatures and hashes are checked by apt
//! against the machine's own keyring), from Maven Central by mvn (checksums: strict), and, for the Python reader alone, from
//! PyPI by pip (over TLS, a pinned version of Confluent's client).

mod apt;
mod classes;
mod kafka;
mod keyring;
mod mariadb;
mod maven;
mod mysql;
mod products;
mod prometheus;
mod registry;
mod tools;
mod unpacked;

use std::ffi::OsStr;
use std::path::PathBuf;
use std::process::Command;

use anyhow::{Context, Result, bail};

pub use kafka::{KafkaFiles, VERSION as KAFKA_VERSION};
pub use mariadb::MariaDbFiles;
pub use mysql::MySqlFiles;
pub use products::{mediawiki, zabbix};
pub use prometheus::{prometheus, promtool};
pub use registry::RegistryFiles;
pub use tools::{kcat, python, sysbench};

/// `JAVA_HOME`'s, else the one in the path.
pub fn java() -> Result<PathBuf> {
    let found = std::env::var_os("JAVA_HOME")
        .map(|home| PathBuf::from(home).join("bin/java"))
        .filter(|java| java.exists())
        .or_else(|| in_path("java"));
    found.context("Kafka and the registry need Java 17 or later: apt-get install openjdk-17-jre-headless")
}

/// The program's full path, as the shell would find it; `sbin` too, which users often lack.
fn in_path(program: &str) -> Option<PathBuf> {
    let path = std::env::var_os("PATH").unwrap_or_default();
    std::env::split_paths(&path)
        .chain([PathBuf::from("/usr/sbin"), PathBuf::from("/usr/local/sbin")])
        .map(|dir| dir.join(program))
        .find(|file| file.is_file())
}

/// Runs a tool to its end; on failure its own words are the error.
fn run(command: &mut Command) -> Result<Vec<u8>> {
    let name = command.get_program().to_owned();
    let output = command.output().with_context(|| missing(&name))?;
    if !output.status.success() {
        let words = [output.stdout.as_slice(), output.stderr.as_slice()].concat();
        let words = String::from_utf8_lossy(&words);
        let tail = words.lines().rev().take(30).collect::<Vec<_>>();
        let tail = tail.into_iter().rev().collect::<Vec<_>>().join("\n");
        bail!("{} failed ({}):\n{tail}", name.display(), output.status);
    }
    Ok(output.stdout)
}

fn missing(program: &OsStr) -> String {
    let package = match program.to_str() {
        Some("mvn") => "maven",
        Some("dpkg" | "apt-get") => return format!("run {}: the lab needs Debian", program.display()),
        Some(other) => other,
        None => "it",
    };
    format!("run {}; if it is missing: apt-get install {package}", program.display())
}
