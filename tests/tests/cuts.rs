//! The link fails at random: `make test`'s short form.

use std::time::Duration;

use e2e::scenario::{cuts::Cuts, seed};

#[tokio::test(flavor = "multi_thread")]
async fn both_directions_recover_within_ten_seconds_of_the_links_return() -> anyhow::Result<()> {
    println!("{}", Cuts { seed: seed(1)?, duration: Duration::from_secs(15) }.run().await?);
    Ok(())
}
