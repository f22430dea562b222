//! Both processes with little memory, and slower ends than sources: they wait, they do not grow.

use std::time::Duration;

use anyhow::{Result, ensure};
use e2e::{Latency, Proxy, Sites, SitesOptions};
use mysql_async::prelude::Queryable;

const READY: Duration = Duration::from_mins(1);
const SOON: Duration = Duration::from_mins(3);
const DATABASE: &str = "big";
/// Of a row, which nothing compresses; of all rows; and what each process may have, thread stacks included.
const ROW: u64 = 100_000;
const ROWS: u64 = 2_500;
const CONNECTOR: u64 = 160 << 20;
const SINK: u64 = 224 << 20;
/// Bytes a second that pass to the broker, and to the target.
const RATE: u64 = 24 << 20;

#[tokio::test(flavor = "multi_thread")]
async fn with_slow_ends_neither_process_takes_more_memory() -> Result<()> {
    let options = SitesOptions { latency: Latency::NONE, ..SitesOptions::with_databases([DATABASE]) };
    let sites = Sites::boot(&options).await?;
    let table =
        format!("CREATE TABLE {DATABASE}.t (id INT UNSIGNED NOT NULL PRIMARY KEY, c LONGBLOB NOT NULL)");
    sites.run_at_both(&[&format!("CREATE DATABASE {DATABASE}"), &table]).await?;
    let [source, target] = &sites.sites;
    let (connector, sink) = (&source.connector, &target.sink);
    let kafka = &source.servers.kafka;
    connector.amend(&format!("kafka.brokers = '{}'", kafka.wan_bootstrap()?))?;
    let link = Proxy::start(target.servers.mysql.address(), Latency::NONE).await?;
    sink.amend(&format!("target.host = '127.0.0.1'\ntarget.port = {}", link.port()))?;
    connector.limit_data(CONNECTOR);
    sink.limit_data(SINK);
    connector.start_ready(READY).await?;
    sink.start_ready(READY).await?;
    kafka.links().for_each(|link| link.set_rate(Some(RATE)));
    link.set_rate(Some(RATE));
    let mut conn = source.servers.mysql.conn_to(DATABASE).await?;
    conn.query_drop("SET SESSION block_encryption_mode = 'aes-128-cbc', cte_max_recursion_depth = 100000")
        .await?;
    for block in 0..ROWS / 10 {
        let insert = format!(
            "INSERT INTO t WITH RECURSIVE n (n) AS (SELECT 1 UNION ALL SELECT n + 1 FROM n WHERE n < 10) \
             SELECT {block} * 10 + n, AES_ENCRYPT(REPEAT('x', {ROW} - 16), CONCAT('{block}-', n), REPEAT('i', 16)) FROM n"
        );
        conn.query_drop(insert).await?;
    }
    ensure!(ROW * ROWS > CONNECTOR.max(SINK), "what could pile up would find room");
    let compared = sites.quiet(&[DATABASE], SOON).await?;
    ensure!(compared.equal() && compared.rows == ROWS, "{compared}\n{}", sites.last_words());
    let peaks = [connector.usage()?.peak_rss, sink.usage()?.peak_rss].map(|peak| peak >> 20);
    println!("{} MB passed; peak memory {peaks:?} MB", (ROW * ROWS) >> 20);
    connector.stop().await?;
    sink.stop().await
}
