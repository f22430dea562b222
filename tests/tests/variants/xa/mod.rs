//! XA: rows are published where they are committed, in one phase or in two, and never where they are rolled back; whatever
//! comes between PREPARE and COMMIT: other transactions, new logs, kills of both processes. Only a purged log is in the way, and told.

mod between;
mod place;

use anyhow::Result;
use e2e::{SitesOptions, mysql::Flavor};

use crate::OneWay;

const TABLES: [&str; 2] = [
    "CREATE TABLE v.t (id INT PRIMARY KEY, v LONGTEXT)",
    "CREATE TABLE v.private (id INT PRIMARY KEY, v INT)",
];

async fn start(flavor: Flavor, connector: &str) -> Result<OneWay> {
    let options = SitesOptions { flavors: [flavor; 2], ..OneWay::options(&[], connector) };
    OneWay::start_with(options, &TABLES).await
}

/// A transaction that is prepared on a connection of its own, which ends.
async fn prepare(one: &OneWay, xid: &str, changes: &[&str]) -> Result<()> {
    let begin = format!("XA START '{xid}', 'branch', 7");
    let end = [format!("XA END '{xid}', 'branch', 7"), format!("XA PREPARE '{xid}', 'branch', 7")];
    let changes = changes.iter().map(|&change| change.to_owned());
    one.run([begin].into_iter().chain(changes).chain(end)).await
}

fn commit(xid: &str) -> String {
    format!("XA COMMIT '{xid}', 'branch', 7")
}

fn rollback(xid: &str) -> String {
    format!("XA ROLLBACK '{xid}', 'branch', 7")
}
