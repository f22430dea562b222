//! SIGKILL at random instants: `make test`'s short form.

use e2e::scenario::{kills::Kills, seed};

#[tokio::test(flavor = "multi_thread")]
async fn nothing_is_lost_or_applied_twice_through_kills() -> anyhow::Result<()> {
    println!("{}", Kills { seed: seed(1)?, kills: 10 }.run().await?);
    Ok(())
}
