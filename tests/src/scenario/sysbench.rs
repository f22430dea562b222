//! Debian's sysbench against both sites at once: in a database of each site's own, and in one that they share with disjoint ids.

use std::{
    path::Path,
    process::{Command, Output, Stdio},
};

use anyhow::{Context, Result, ensure};

use super::judge::Judge;
use crate::{
    MySql, install,
    sites::{Sites, SitesOptions},
};

const DATABASES: [&str; 3] = ["sb_first", "sb_second", "sb_shared"];
const TABLES: u32 = 2;

#[derive(Debug, Clone, Copy)]
pub struct Sysbench {
    /// Of each of the two parts.
    pub seconds: u32,
    pub rows: u32,
    pub threads: u32,
}

impl Sysbench {
    pub async fn run(self) -> Result<String> {
        let sites = Sites::boot(&SitesOptions::with_databases(DATABASES)).await?;
        let servers = sites.sites.each_ref().map(|site| &site.servers.mysql);
        for database in DATABASES {
            servers[0].run([format!("CREATE DATABASE {database}")]).await?;
            sysbench(self.command(servers[0], database, "oltp_read_write", &["--threads=1"])?, "prepare")
                .await?;
        }
        copy(servers[0], servers[1]).await.context("copy what sysbench prepared to the other site")?;
        sites.compare(&DATABASES).await?.ensure_equal().context("before anything runs")?;
        let judge = Judge::before_start(&sites).await?;
        sites.start().await?;
        let own = self.at_both(servers, ["sb_first", "sb_second"], "oltp_read_write", |_| Vec::new()).await?;
        let wrapper = Path::new(env!("CARGO_MANIFEST_DIR")).join("sysbench/disjoint.lua");
        let wrapper = wrapper.to_str().context("the workspace's path is UTF-8")?;
        let shared = self
            .at_both(servers, ["sb_shared", "sb_shared"], wrapper, |site| vec![format!("--site={site}")])
            .await?;
        let counts = judge.verdict(&sites, &DATABASES).await?;
        ensure!(counts.iter().all(|site| site.events > 0), "{counts:?}");
        sites.nothing_repaired().await?;
        sites.stop().await?;
        Ok(format!(
            "equal; {own} transactions in databases of their own, {shared} in the shared one; published {} and {} events, none looped",
            counts[0].events, counts[1].events
        ))
    }

    /// Runs it at both sites at once; the transactions of both.
    async fn at_both(
        self,
        servers: [&MySql; 2],
        databases: [&str; 2],
        script: &str,
        more: impl Fn(usize) -> Vec<String>,
    ) -> Result<u64> {
        let threads = format!("--threads={}", self.threads);
        let time = format!("--time={}", self.seconds);
        let run = async |site: usize| {
            let own = more(site);
            let mut options = vec![threads.as_str(), time.as_str(), "--events=0", "--db-ps-mode=disable"];
            options.extend(own.iter().map(String::as_str));
            let output =
                sysbench(self.command(servers[site], databases[site], script, &options)?, "run").await?;
            transactions(&output)
        };
        let (first, second) = tokio::try_join!(run(0), run(1))?;
        Ok(first + second)
    }

    fn command(self, server: &MySql, database: &str, script: &str, options: &[&str]) -> Result<Command> {
        let mut command = install::sysbench()?;
        command
            .arg(script)
            .arg(format!("--mysql-host={}", server.host()))
            .arg(format!("--mysql-port={}", server.port()))
            .arg(format!("--mysql-user={}", server.user()))
            .arg(format!("--mysql-db={database}"))
            // Without numbers of the server's: the sites draw every other one, and the workload expects all.
            .args(["--mysql-ssl=off", "--auto_inc=off"])
            .arg(format!("--tables={TABLES}"))
            .arg(format!("--table-size={}", self.rows))
            .args(options);
        Ok(command)
    }
}

/// Copies the databases as they are.
async fn copy(from: &MySql, to: &MySql) -> Result<()> {
    let (mut dump, mut load) = (from.tool("mysqldump").await?, to.tool("mysql").await?);
    dump.args(["--set-gtid-purged=OFF", "--databases"]).args(DATABASES).stdout(Stdio::piped());
    tokio::task::spawn_blocking(move || {
        let mut dump = dump.spawn()?;
        let content = dump.stdout.take().context("mysqldump's output is a pipe")?;
        let loaded = load.stdin(content).output()?;
        ensure!(loaded.status.success(), "mysql: {}", String::from_utf8_lossy(&loaded.stderr));
        let dumped = dump.wait()?;
        ensure!(dumped.success(), "mysqldump ended with {dumped}");
        Ok(())
    })
    .await?
}

/// Runs a sysbench command to its end; its report.
async fn sysbench(mut command: Command, verb: &str) -> Result<String> {
    command.arg(verb);
    let output: Output =
        tokio::task::spawn_blocking(move || command.output()).await?.context("run sysbench")?;
    let report = String::from_utf8_lossy(&output.stdout).into_owned();
    ensure!(
        output.status.success() && !report.contains("FATAL"),
        "sysbench {verb} ended with {}:\n{report}{}",
        output.status,
        String::from_utf8_lossy(&output.stderr)
    );
    Ok(report)
}

/// `    transactions:                        1234   (246.50 per sec.)`
fn transactions(report: &str) -> Result<u64> {
    let line = report.lines().find_map(|line| line.trim().strip_prefix("transactions:"));
    let count = line.and_then(|line| line.split_whitespace().next());
    count.with_context(|| format!("no count of transactions in:\n{report}"))?.parse().context("transactions")
}
