//! sysbench at both sites at once: `make test`'s short form.

use e2e::scenario::sysbench::Sysbench;

#[tokio::test(flavor = "multi_thread")]
async fn sysbench_at_both_sites_ends_equal_with_every_row_published_once() -> anyhow::Result<()> {
    println!("{}", Sysbench { seconds: 5, rows: 1_000, threads: 2 }.run().await?);
    Ok(())
}
