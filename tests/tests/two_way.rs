//! Both sites write at once: `make test`'s short form.

use e2e::scenario::{seed, two_way::TwoWay};

#[tokio::test(flavor = "multi_thread")]
async fn both_sites_write_and_end_equal_without_loops() -> anyhow::Result<()> {
    println!("{}", TwoWay { seed: seed(1)?, transactions: 1_000, rate: 200.0 }.run().await?);
    Ok(())
}
