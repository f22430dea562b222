//! The link between the sites is cut, frozen and reset at random under load; each time it is back, so are both directions within 10 s.

use std::time::{Duration, Instant};

use anyhow::{Context, Result};
use mysql_async::prelude::Queryable;

use super::judge::Judge;
use crate::{
    MySql, eventually, shop,
    sites::{Sites, SitesOptions},
    workload::Workload,
};

/// From the link's return to a new row at the other site, in both directions.
const RECOVERY: Duration = Duration::from_secs(10);
const MARKS: [&str; 2] = [
    "CREATE DATABASE marks",
    "CREATE TABLE marks.mark (site TINYINT NOT NULL, n INT NOT NULL, PRIMARY KEY (site, n))",
];

#[derive(Debug, Clone, Copy)]
pub struct Cuts {
    pub seed: u64,
    pub duration: Duration,
}

#[derive(Debug, Clone, Copy)]
enum Disruption {
    Cut,
    Freeze,
    Reset,
}

impl Cuts {
    pub async fn run(self) -> Result<String> {
        let sites = Sites::boot(&SitesOptions::with_databases([shop::DATABASE, "marks"])).await?;
        for site in &sites.sites {
            shop::create(&site.servers.mysql).await?;
        }
        sites.run_at_both(&MARKS).await?;
        let judge = Judge::before_start(&sites).await?;
        sites.start().await?;
        let shoppers = [0, 1].map(|site| {
            let workload = Workload { seed: self.seed, rate: 100.0, ..Workload::at_site(site) };
            workload.start(&sites.sites[site as usize].servers.mysql)
        });
        let disrupted = self.disrupt(&sites).await;
        for shoppers in shoppers {
            shoppers.stop().await;
        }
        let (count, slowest) = disrupted.with_context(|| {
            format!("STRAIT_SEED={}; the processes' last words:\n{}", self.seed, sites.last_words())
        })?;
        judge
            .verdict(&sites, &[shop::DATABASE, "marks"])
            .await
            .with_context(|| format!("STRAIT_SEED={}", self.seed))?;
        sites.nothing_repaired().await?;
        sites.stop().await?;
        Ok(format!("equal after {count} disruptions; slowest recovery {slowest:.1?}"))
    }

    /// How often the link was disrupted, and the longest time to the first new row at both sites afterwards.
    async fn disrupt(self, sites: &Sites) -> Result<(u32, Duration)> {
        let mut random = fastrand::Rng::with_seed(self.seed);
        let end = Instant::now() + self.duration;
        let (mut count, mut slowest) = (0, Duration::ZERO);
        while Instant::now() < end {
            let kind = [Disruption::Cut, Disruption::Freeze, Disruption::Reset][random.usize(..3)];
            let length = Duration::from_millis(random.u64(200..4_000));
            disrupt_links(sites, kind, length).await;
            count += 1;
            let healed = Instant::now();
            // Both at once: each direction has the whole time, and no more.
            tokio::try_join!(mark(sites, 0, 1, count), mark(sites, 1, 0, count))
                .with_context(|| format!("disruption {count}, {kind:?} for {length:?}"))?;
            slowest = slowest.max(healed.elapsed());
            // Not always from a settled state: the next one may fall into the middle of catching up.
            tokio::time::sleep(Duration::from_millis(random.u64(..800))).await;
        }
        Ok((count, slowest))
    }
}

async fn disrupt_links(sites: &Sites, kind: Disruption, length: Duration) {
    for link in sites.links() {
        match kind {
            Disruption::Cut => link.cut(),
            Disruption::Freeze => link.freeze(),
            Disruption::Reset => link.reset(),
        }
    }
    tokio::time::sleep(length).await;
    sites.links().for_each(crate::Proxy::heal);
}

/// A row written now at one site must be at the other in time.
async fn mark(sites: &Sites, from: usize, to: usize, n: u32) -> Result<()> {
    sites.sites[from].servers.mysql.run([format!("INSERT INTO marks.mark VALUES ({from}, {n})")]).await?;
    let there = &sites.sites[to].servers.mysql;
    eventually(RECOVERY, || last_mark(there, from, n))
        .await
        .with_context(|| format!("no row from site {from} reached site {to}"))
}

async fn last_mark(server: &MySql, site: usize, expected: u32) -> Result<(), String> {
    let look = async {
        let mut conn = server.conn().await?;
        let sql = format!("SELECT MAX(n) FROM marks.mark WHERE site = {site}");
        let last: Option<Option<u32>> = conn.query_first(sql).await?;
        conn.disconnect().await?;
        anyhow::Ok(last.flatten())
    };
    match look.await {
        Ok(Some(last)) if last >= expected => Ok(()),
        Ok(last) => Err(format!("the last mark there is {last:?}, expected {expected}")),
        Err(error) => Err(format!("{error:#}")),
    }
}
