//! One large transaction: `make test`'s short form.

use std::time::Duration;

use e2e::scenario::big_transaction::BigTransaction;

#[tokio::test(flavor = "multi_thread")]
async fn a_large_transaction_passes_whole_and_within_the_memory_bounds() -> anyhow::Result<()> {
    println!("{}", BigTransaction { rows: 100_000, patience: Duration::from_mins(1) }.run().await?);
    Ok(())
}
