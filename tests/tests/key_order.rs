//! Many sinks in one consumer group, killed and paused: `make test`'s short form.

use std::time::Duration;

use e2e::scenario::{key_order::KeyOrder, seed};

#[tokio::test(flavor = "multi_thread")]
async fn nothing_is_lost_or_applied_twice_through_rebalances() -> anyhow::Result<()> {
    for fold in [false, true] {
        let scenario = KeyOrder { seed: seed(1)?, duration: Duration::from_secs(20), fold };
        println!("{}", scenario.run().await?);
    }
    Ok(())
}
