//! Servers that run already, as the environment names them: `STRAIT_LAB_MYSQL` (mysql:// addresses,
//! separated by commas), `STRAIT_LAB_KAFKA` (host:port) and `STRAIT_LAB_REGISTRY` (http://...). The same
//! variables may name programs instead, which the lab then runs itself.

use std::sync::atomic::{AtomicUsize, Ordering};

use anyhow::{Result, bail};

/// The next address of the list: each server is given out once.
pub fn next_mysql() -> Result<Option<String>> {
    static GIVEN: AtomicUsize = AtomicUsize::new(0);
    let Some(list) = std::env::var("STRAIT_LAB_MYSQL").ok().filter(|list| list.starts_with("mysql://"))
    else {
        return Ok(None);
    };
    let servers = list.split(',').map(str::trim).collect::<Vec<_>>();
    match servers.get(GIVEN.fetch_add(1, Ordering::Relaxed)) {
        Some(server) => Ok(Some((*server).to_owned())),
        None => bail!("STRAIT_LAB_MYSQL lists {} servers, and one more is needed", servers.len()),
    }
}

/// Not a folder, so brokers.
pub fn kafka() -> Option<String> {
    let value = std::env::var("STRAIT_LAB_KAFKA").ok()?;
    (!value.contains('/') && value.contains(':')).then_some(value)
}

pub fn registry() -> Option<String> {
    std::env::var("STRAIT_LAB_REGISTRY").ok().filter(|value| value.starts_with("http"))
}
