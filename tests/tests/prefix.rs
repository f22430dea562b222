//! The target is a prefix of the source's history at any instant: `make test`'s short form.

use e2e::scenario::{prefix::Prefix, seed};

#[tokio::test(flavor = "multi_thread")]
async fn at_any_instant_the_target_is_a_prefix_of_the_source() -> anyhow::Result<()> {
    println!("{}", Prefix { seed: seed(3)?, transactions: 20_000 }.run().await?);
    Ok(())
}
