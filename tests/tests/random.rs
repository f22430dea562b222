//! Random tables and random changes from a seed: `make test`'s short form. `STRAIT_SEED` repeats a run or tries another.

use std::time::Duration;

use e2e::{
    mysql::Flavor,
    scenario::{
        random::{Begin, Random},
        seed,
    },
};

const SHORT: Duration = Duration::from_secs(40);

#[tokio::test(flavor = "multi_thread")]
async fn both_sites_are_the_same_after_random_changes() -> anyhow::Result<()> {
    let random = Random { seed: seed(1)?, flavor: Flavor::MySql, begin: Begin::Snapshot, duration: SHORT };
    println!("{}", random.run().await?);
    Ok(())
}

#[tokio::test(flavor = "multi_thread")]
async fn so_they_are_of_mariadb() -> anyhow::Result<()> {
    let random = Random { seed: seed(2)?, flavor: Flavor::MariaDb, begin: Begin::Snapshot, duration: SHORT };
    println!("{}", random.run().await?);
    Ok(())
}
