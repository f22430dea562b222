//! Other people's readers: `make test`'s short form.

use e2e::scenario::{readers::Readers, seed};

#[tokio::test(flavor = "multi_thread")]
async fn confluents_client_rebuilds_the_table_and_kcat_prints_it() -> anyhow::Result<()> {
    println!("{}", Readers { seed: seed(1)?, changes: 600 }.run().await?);
    Ok(())
}
