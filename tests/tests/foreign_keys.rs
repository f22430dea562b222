//! Foreign keys of every kind under random changes: `make test`'s short form. `STRAIT_SEED` tries another.

use std::time::Duration;

use e2e::{
    mysql::Flavor,
    scenario::{
        random::{Begin, foreign_keys::ForeignKeys},
        seed,
    },
};

const SHORT: Duration = Duration::from_secs(15);

async fn run(default: u64, flavor: Flavor, begin: Begin) -> anyhow::Result<()> {
    let keys = ForeignKeys { seed: seed(default)?, flavor, begin, duration: SHORT };
    println!("{}", keys.run().await?);
    Ok(())
}

#[tokio::test(flavor = "multi_thread")]
async fn what_keys_do_is_done_once() -> anyhow::Result<()> {
    run(1, Flavor::MySql, Begin::Empty).await
}

#[tokio::test(flavor = "multi_thread")]
async fn also_while_a_snapshot_brings_children_before_parents() -> anyhow::Result<()> {
    run(2, Flavor::MySql, Begin::Snapshot).await
}

#[tokio::test(flavor = "multi_thread")]
async fn so_it_is_at_mariadb_whose_log_does_not_tell() -> anyhow::Result<()> {
    run(3, Flavor::MariaDb, Begin::Empty).await
}

#[tokio::test(flavor = "multi_thread")]
async fn also_there_while_a_snapshot_brings_children_before_parents() -> anyhow::Result<()> {
    run(4, Flavor::MariaDb, Begin::Snapshot).await
}
