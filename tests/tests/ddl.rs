//! Schema changes of every family between two sites, in both directions: the same definitions and rows at both, and no
//! change comes back.

use std::time::Duration;

use anyhow::{Context, Result, ensure};
use e2e::{Sites, SitesOptions, definitions::ensure_same_definitions, mysql::Flavor};
use mysql_async::{Conn, prelude::Queryable};

/// Some hundred statements, two servers and two brokers, on a machine that is busy.
const PATIENCE: Duration = Duration::from_mins(6);
const DATABASES: [&str; 3] = ["shop", "other", "made"];

/// What is run at the first site: one line a statement.
const FAMILIES: &str = include_str!("ddl/families.sql");
const TOOLS: &str = include_str!("ddl/tools.sql");

async fn boot(flavor: Flavor) -> Result<Sites> {
    let options = SitesOptions {
        flavors: [flavor; 2],
        mysql_args: vec!["--log-bin-trust-function-creators=1".into()],
        ..SitesOptions::with_databases(DATABASES)
    };
    let sites = Sites::boot(&options).await?;
    sites
        .run_at_both(&[
            "CREATE DATABASE shop",
            "CREATE DATABASE other",
            "CREATE USER app IDENTIFIED BY 'app'",
            "GRANT SELECT, UPDATE, EXECUTE ON shop.* TO app",
        ])
        .await?;
    sites.start().await?;
    Ok(sites)
}

/// Runs a file of statements at one site, in one session. What MySQL alone has is marked so.
async fn run(conn: &mut Conn, flavor: Flavor, statements: &str) -> Result<()> {
    for line in statements.lines().filter(|line| !line.is_empty() && !line.starts_with("-- ")) {
        let line = match (line.strip_prefix("@mysql "), flavor) {
            (Some(_), Flavor::MariaDb) => continue,
            (Some(rest), Flavor::MySql) => rest,
            (None, _) => line,
        };
        conn.query_drop(bytes(line)).await.with_context(|| line.to_owned())?;
    }
    Ok(())
}

/// `\xHH` is a byte, ⏎ a line's end.
fn bytes(line: &str) -> Vec<u8> {
    let line = line.replace('⏎', "\n");
    let mut pieces = line.split("\\x");
    let mut bytes: Vec<u8> = pieces.next().unwrap_or_default().into();
    for piece in pieces {
        let (digits, rest) = piece.split_at(2);
        bytes.push(u8::from_str_radix(digits, 16).expect("two digits"));
        bytes.extend(rest.as_bytes());
    }
    bytes
}

async fn arrived(sites: &Sites, from: usize) -> Result<()> {
    sites.arrived(from, "shop", PATIENCE).await.with_context(|| sites.last_words())
}

async fn same(sites: &Sites) -> Result<()> {
    let [one, other] = &sites.sites;
    ensure_same_definitions(&one.servers.mysql, &other.servers.mysql, &DATABASES).await?;
    sites.compare(&DATABASES).await?.ensure_equal()?;
    sites.nothing_repaired().await
}

async fn applied(sites: &Sites, at: usize) -> Result<u64> {
    let metrics = sites.sites[at].sink.metrics().await?;
    Ok(metrics.sum("strait_sink_ddl_applied_total").context("strait_sink_ddl_applied_total")? as u64)
}

#[tokio::test(flavor = "multi_thread")]
async fn every_family_arrives_and_none_comes_back() -> Result<()> {
    both_ways(Flavor::MySql).await
}

#[tokio::test(flavor = "multi_thread")]
async fn so_they_do_between_servers_of_mariadb() -> Result<()> {
    both_ways(Flavor::MariaDb).await
}

async fn both_ways(flavor: Flavor) -> Result<()> {
    let sites = boot(flavor).await?;
    let mut conn = sites.sites[0].servers.mysql.conn_to("shop").await?;
    run(&mut conn, flavor, FAMILIES).await?;
    arrived(&sites, 0).await?;
    same(&sites).await?;

    // The other way, and what is asked here is asked there: the sink beside the first site has made these two alone.
    let mut back = sites.sites[1].servers.mysql.conn_to("shop").await?;
    run(
        &mut back,
        flavor,
        "ALTER TABLE orders ADD COLUMN back INT DEFAULT 4\nINSERT INTO orders (id, back) VALUES (1001, 5)",
    )
    .await?;
    arrived(&sites, 1).await?;
    same(&sites).await?;
    let made = applied(&sites, 0).await?;
    ensure!(made == 2, "{made} changes were made at the first site");

    // Also through a restart of the connector that has read the intent, and of the sink.
    sites.sites[1].connector.kill9().await?;
    sites.sites[1].connector.start()?;
    run(&mut conn, flavor, "RENAME TABLE orders TO swapped, orders_old TO orders, swapped TO orders_old\nINSERT INTO orders (id) VALUES (2000)").await?;
    arrived(&sites, 0).await?;
    arrived(&sites, 1).await?;
    same(&sites).await?;
    let made = applied(&sites, 0).await?;
    // The two from the other side; and the mark's CREATE TABLE IF NOT EXISTS again, which MySQL logs.
    let expected = if flavor == Flavor::MySql { 3 } else { 2 };
    ensure!(made == expected, "{made} changes were made at the first site, not {expected}");
    sites.stop().await
}

#[tokio::test(flavor = "multi_thread")]
async fn what_online_tools_do_arrives() -> Result<()> {
    let sites = boot(Flavor::MySql).await?;
    let mut conn = sites.sites[0].servers.mysql.conn_to("shop").await?;
    run(&mut conn, Flavor::MySql, TOOLS).await?;
    arrived(&sites, 0).await?;
    same(&sites).await?;
    let words = sites.sites[1].sink.words()?;
    ensure!(words.contains("IF @strait_apply IS NULL"), "a trigger is logged with the guarded text: {words}");
    ensure!(!words.contains("hush-hush"), "no password is logged");
    sites.stop().await
}
