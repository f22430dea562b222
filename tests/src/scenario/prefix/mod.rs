//! At any instant the target is a prefix of the source's history: its readers see whole transactions, in the source's order, whatever
//! the lanes do at once.
//!
//! Writers change rows that have to do with each other (`workload`): transfers between hot accounts, unique values that change
//! hands, chains of foreign keys that come and go whole, keys that become others, and notes of how far another writer had come. Of each
//! there is something that holds after every transaction of the source, so it holds in every prefix; and what is no prefix breaks
//! one of them (`invariants`). Meanwhile somebody at the target takes locks that the lanes need, for longer than they wait, and in
//! another order (`saboteur`).

mod invariants;
mod saboteur;
mod workload;

use std::time::Duration;

use anyhow::{Context, Result, ensure};

use crate::sites::{Sites, SitesOptions};
use invariants::Checker;
use saboteur::Saboteur;

const DATABASE: &str = "prefix";
const READY: Duration = Duration::from_mins(1);
const PATIENCE: Duration = Duration::from_mins(2);

#[derive(Debug, Clone, Copy)]
pub struct Prefix {
    pub seed: u64,
    pub transactions: u64,
}

impl Prefix {
    pub async fn run(self) -> Result<String> {
        let options = SitesOptions {
            sink: "apply.lanes = 8\ntarget.lock_wait = '1s'".to_owned(),
            ..SitesOptions::with_databases([DATABASE])
        };
        let sites = Sites::boot(&options).await?;
        let [source, target] = &sites.sites;
        workload::create(&[&source.servers.mysql, &target.servers.mysql]).await?;
        source.connector.start_ready(READY).await?;
        target.sink.start_ready(READY).await?;
        let checker = Checker::start(&target.servers.mysql);
        let saboteur = Saboteur::start(&target.servers.mysql, self.seed);
        let passed = self.pass(&sites).await;
        let disturbed = saboteur.stop().await;
        let looks = checker.stop().await;
        let context = || format!("STRAIT_SEED={}\n{}", self.seed, sites.last_words());
        let (passed, looks, disturbed) =
            (passed.with_context(context)?, looks.with_context(context)?, disturbed.with_context(context)?);
        ensure!(looks > 0, "nobody looked");
        sites.nothing_repaired_at(1).await?;
        source.connector.stop().await?;
        target.sink.stop().await?;
        Ok(format!("equal; {passed} transactions, {looks} looks at a prefix, {disturbed}"))
    }

    async fn pass(self, sites: &Sites) -> Result<u64> {
        let made = workload::run(&sites.sites[0].servers.mysql, self.transactions, self.seed).await?;
        let compared = sites.quiet(&[DATABASE], PATIENCE).await?;
        ensure!(compared.equal(), "{compared}");
        Ok(made)
    }
}
