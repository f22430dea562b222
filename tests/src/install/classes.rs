//! The JVM's archive of loaded classes, which halves a server's start and its work: written at the end of a run that is made for it.

use std::{
    net::{Ipv4Addr, SocketAddr, TcpListener},
    path::Path,
    process::Command,
    time::{Duration, Instant},
};

use anyhow::{Result, ensure};
use rustix::process::Signal;

use crate::child::Child;

const PATIENCE: Duration = Duration::from_mins(1);

/// The JVM's option that asks for the archive.
pub fn record_option(archive: &Path) -> String {
    format!("-XX:ArchiveClassesAtExit={}", archive.display())
}

/// The JVM's option that uses it; another JVM than the one that wrote it does without.
pub fn use_option(archive: &Path) -> String {
    format!("-XX:SharedArchiveFile={}", archive.display())
}

/// Starts the server and ends it as soon as it is up.
pub fn record(server: &Command, log: &Path, is_up: impl Fn() -> bool) -> Result<()> {
    let server = Child::spawn(server, log)?;
    let until = Instant::now() + PATIENCE;
    let in_time = |what: &str| {
        ensure!(Instant::now() < until, "its first {what} failed:\n{}", server.last_words());
        std::thread::sleep(Duration::from_millis(20));
        anyhow::Ok(())
    };
    while !is_up() {
        ensure!(server.exited().is_none(), "its first start failed:\n{}", server.last_words());
        in_time("start")?;
    }
    server.signal(Signal::TERM)?;
    while server.exited().is_none() {
        in_time("end")?;
    }
    Ok(())
}

/// Free now; nobody is told to connect to it, so a lost race costs one more try by hand.
pub fn free_address() -> Result<SocketAddr> {
    Ok(TcpListener::bind((Ipv4Addr::LOCALHOST, 0))?.local_addr()?)
}
