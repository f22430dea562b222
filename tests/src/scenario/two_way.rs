//! Both sites write at once, a shop's mixed load; they end equal, and each published what its own shoppers did: nothing came back to
//! where it was born.

use std::time::Duration;

use anyhow::{Result, ensure};

use super::judge::Judge;
use crate::{
    eventually, shop,
    sites::{Sites, SitesOptions},
    workload::Workload,
};

/// How much is written.
#[derive(Debug, Clone, Copy)]
pub struct TwoWay {
    pub seed: u64,
    /// Of each site.
    pub transactions: u64,
    /// Transactions a second of each site.
    pub rate: f64,
}

impl TwoWay {
    /// What came of it, in one line.
    pub async fn run(self) -> Result<String> {
        let sites = Sites::boot(&SitesOptions::with_databases([shop::DATABASE])).await?;
        for site in &sites.sites {
            shop::create(&site.servers.mysql).await?;
        }
        let judge = Judge::before_start(&sites).await?;
        sites.start().await?;
        let shoppers = [0, 1].map(|site| {
            let workload = Workload { seed: self.seed, rate: self.rate, ..Workload::at_site(site) };
            workload.start(&sites.sites[site as usize].servers.mysql)
        });
        let limit = Duration::from_secs_f64(30.0 + 4.0 * self.transactions as f64 / self.rate);
        let written = eventually(limit, async || {
            let done = [shoppers[0].counts().transactions, shoppers[1].counts().transactions];
            if done.iter().all(|done| *done >= self.transactions) { Ok(()) } else { Err(done) }
        })
        .await;
        let [first, second] = shoppers;
        let shopped = [first.stop().await, second.stop().await];
        written?;
        let counts = judge.verdict(&sites, &[shop::DATABASE]).await?;
        for (site, (published, shopped)) in counts.iter().zip(&shopped).enumerate() {
            ensure!(shopped.unknown == 0, "site {site}: connections broke without cause: {shopped:?}");
            // The shoppers know what they did, whatever the servers' logs look like.
            ensure!(
                published.transactions == shopped.transactions,
                "site {site} published {} transactions, its shoppers made {}",
                published.transactions,
                shopped.transactions
            );
        }
        sites.nothing_repaired().await?;
        sites.stop().await?;
        Ok(format!("equal; published {} and {} events, none looped", counts[0].events, counts[1].events))
    }
}
