//! Free ports that stay ours: a server that was killed must come back on its own port.
//!
//! They are taken below the range from which the kernel serves outgoing connections (else one of those
//! could sit on the port while its server is down), and each is held by a file lock until this process
//! ends, so that two runs never choose the same.

use std::fs::{self, File};
use std::net::{Ipv4Addr, TcpListener};
use std::sync::Mutex;

use anyhow::{Context, Result, bail};

use crate::lab_dir::lab_dir;

const FIRST: u16 = 20_000;
const COUNT: u16 = 12_000;

static HELD: Mutex<Vec<File>> = Mutex::new(Vec::new());

/// A port on loopback for this process alone.
pub fn free_port() -> Result<u16> {
    let dir = lab_dir().join("ports");
    fs::create_dir_all(&dir).with_context(|| format!("create {}", dir.display()))?;
    let start = fastrand::u16(0..COUNT);
    for port in (0..COUNT).map(|step| FIRST + (start + step) % COUNT) {
        let lock = File::create(dir.join(port.to_string()))?;
        if lock.try_lock().is_ok() && TcpListener::bind((Ipv4Addr::LOCALHOST, port)).is_ok() {
            HELD.lock().expect("no one panics with it").push(lock);
            return Ok(port);
        }
    }
    bail!("no free port from {FIRST} to {}", FIRST + COUNT - 1)
}
