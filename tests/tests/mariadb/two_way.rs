//! Both sites are MariaDB's and write at once; they end equal, and nothing comes back to where it was born.

use std::time::Duration;

use anyhow::{Context, Result, ensure};
use e2e::{Sites, SitesOptions, Workload, eventually, mysql::Flavor, shop, sites::Site};

const TRANSACTIONS: u64 = 400;

async fn published(site: &Site) -> Result<u64> {
    let metrics = site.connector.metrics().await?;
    let published = metrics.sum_where("strait_connector_transactions_total", &[("outcome", "published")]);
    Ok(published.with_context(|| format!("strait_connector_transactions_total at {}", site.servers.name))?
        as u64)
}

#[tokio::test(flavor = "multi_thread")]
async fn both_sites_write_and_end_equal_without_loops() -> Result<()> {
    let options =
        SitesOptions { flavors: [Flavor::MariaDb; 2], ..SitesOptions::with_databases([shop::DATABASE]) };
    let sites = Sites::boot(&options).await?;
    for site in &sites.sites {
        shop::create(&site.servers.mysql).await?;
    }
    sites.start().await?;
    let shoppers = [0, 1].map(|site| {
        let workload = Workload { seed: 7, rate: 100.0, ..Workload::at_site(site) };
        workload.start(&sites.sites[site as usize].servers.mysql)
    });
    let written = eventually(Duration::from_secs(60), async || {
        let done = [shoppers[0].counts().transactions, shoppers[1].counts().transactions];
        if done.iter().all(|done| *done >= TRANSACTIONS) { Ok(()) } else { Err(done) }
    })
    .await;
    let [first, second] = shoppers;
    let shopped = [first.stop().await, second.stop().await];
    written?;
    let compared = sites.quiet(&[shop::DATABASE], Duration::from_secs(60)).await?;
    ensure!(compared.equal(), "{compared}\n{}", sites.last_words());
    sites.nothing_repaired().await?;
    for (number, site) in sites.sites.iter().enumerate() {
        // Not even what made the sink's own tables.
        let published = published(site).await?;
        ensure!(
            published == shopped[number].transactions,
            "site {number} published {published} transactions, its shoppers made {}",
            shopped[number].transactions
        );
    }
    // And again, over a restart of everything of ours.
    for process in sites.processes() {
        process.kill9().await?;
    }
    sites.start().await?;
    sites.sites[0].servers.mysql.run(["UPDATE shop.products SET stock = 1 WHERE id = 1"]).await?;
    sites.sites[1].servers.mysql.run(["UPDATE shop.products SET stock = 2 WHERE id = 2"]).await?;
    let compared = sites.quiet(&[shop::DATABASE], Duration::from_secs(60)).await?;
    ensure!(compared.equal(), "{compared}\n{}", sites.last_words());
    sites.stop().await
}
