//! Schemas of real products, loaded and upgraded at one site: the other has the same definitions and rows.
//!
//! Zabbix's and MediaWiki's come from their Debian packages; the sample has what those lack.

use std::{fs, path::Path, process::Stdio, time::Duration};

use anyhow::{Context, Result, ensure};
use e2e::{
    MySql, Sites, SitesOptions, definitions::ensure_same_definitions, install, mysql::Flavor,
    run_dir::make_dir, scenario::random::Writer,
};

const PATIENCE: Duration = Duration::from_mins(5);
/// Of Zabbix's 130,000 lines of data.
const LINES: usize = 5_000;

async fn boot(flavor: Flavor, database: &str, charset: &str) -> Result<Sites> {
    let options = SitesOptions {
        flavors: [flavor; 2],
        mysql_args: vec!["--log-bin-trust-function-creators=1".into()],
        ..SitesOptions::with_databases([database, "marks"])
    };
    let sites = Sites::boot(&options).await?;
    let create = format!("CREATE DATABASE {database} CHARACTER SET {charset}");
    // Whose views and routines may be made by an account without SYSTEM_USER.
    let grant = format!("GRANT ALL ON {database}.* TO app");
    sites.run_at_both(&[&create, "CREATE DATABASE marks", "CREATE USER app", &grant]).await?;
    sites.start().await?;
    Ok(sites)
}

/// Runs a text by the server's own client, which knows DELIMITER.
async fn feed(server: &MySql, database: &str, text: &str) -> Result<()> {
    let client = match server.flavor() {
        Flavor::MySql => "mysql",
        Flavor::MariaDb => "mariadb",
    };
    let mut command = server.tool(client).await?;
    let file = make_dir("feed")?.join("sql");
    fs::write(&file, text)?;
    command.args(["--default-character-set=utf8mb4", database]).stdin(Stdio::from(fs::File::open(&file)?));
    let output = tokio::task::spawn_blocking(move || command.output()).await??;
    ensure!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
    Ok(())
}

fn read(file: impl AsRef<Path>) -> Result<String> {
    fs::read_to_string(&file).with_context(|| file.as_ref().display().to_string())
}

async fn same(sites: &Sites, database: &str) -> Result<()> {
    sites.arrived(0, "marks", PATIENCE).await.with_context(|| sites.last_words())?;
    let [one, other] = sites.sites.each_ref().map(|site| &site.servers.mysql);
    let objects = ensure_same_definitions(one, other, &[database]).await?;
    let comparison = sites.compare(&[database]).await?;
    comparison.ensure_equal()?;
    println!("{objects} definitions; {comparison}");
    sites.nothing_repaired().await
}

async fn zabbix(flavor: Flavor) -> Result<()> {
    let folder = tokio::task::spawn_blocking(install::zabbix).await??;
    let sites = boot(flavor, "zabbix", "utf8mb4 COLLATE utf8mb4_bin").await?;
    let source = &sites.sites[0].servers.mysql;
    for file in ["schema.sql", "images.sql"] {
        feed(source, "zabbix", &read(folder.join(file))?).await?;
    }
    let data = read(folder.join("data.sql"))?;
    let lines = data.lines().take_while(|line| *line != "COMMIT;").take(LINES);
    feed(source, "zabbix", &[lines.collect::<Vec<_>>().join("\n").as_str(), "\nCOMMIT;\n"].concat()).await?;
    same(&sites, "zabbix").await?;
    for upgrade in [read(folder.join("double.sql"))?, include_str!("zabbix.sql").to_owned()] {
        feed(source, "zabbix", &upgrade).await?;
    }
    feed(source, "zabbix", &read(folder.join("history_pk_prepare.sql"))?).await?;
    same(&sites, "zabbix").await?;
    sites.stop().await
}

async fn mediawiki(flavor: Flavor) -> Result<()> {
    let folder = tokio::task::spawn_blocking(install::mediawiki).await??;
    let sites = boot(flavor, "wiki", "binary").await?;
    let source = &sites.sites[0].servers.mysql;
    feed(source, "wiki", &read(folder.join("tables-generated.sql"))?).await?;
    // One table is of MyISAM, which the sink refuses with this statement.
    source.run(["ALTER TABLE wiki.searchindex ENGINE = InnoDB"]).await?;
    let mut writer = Writer::open(source, "wiki", 1, &make_dir("wiki")?.join("statements.sql")).await?;
    for _ in 0..600 {
        writer.change_rows().await?;
    }
    same(&sites, "wiki").await?;
    feed(source, "wiki", include_str!("mediawiki.sql")).await?;
    same(&sites, "wiki").await?;
    sites.stop().await
}

async fn sample(flavor: Flavor) -> Result<()> {
    let sites = boot(flavor, "films", "utf8mb4").await?;
    let [source, target] = sites.sites.each_ref().map(|site| &site.servers.mysql);
    feed(source, "films", include_str!("sample.sql")).await?;
    same(&sites, "films").await?;
    // A trigger is not made by the sink: each site has its own, guarded.
    feed(source, "films", include_str!("triggers.sql")).await?;
    let apart = ["SET sql_log_bin = 0;\n", include_str!("triggers.sql")].concat();
    feed(target, "films", &apart).await?;
    feed(source, "films", include_str!("sample_rows.sql")).await?;
    same(&sites, "films").await?;
    sites.stop().await
}

#[tokio::test(flavor = "multi_thread")]
async fn zabbix_is_loaded_and_upgraded() -> Result<()> {
    zabbix(Flavor::MySql).await
}

#[tokio::test(flavor = "multi_thread")]
async fn zabbix_is_at_mariadb() -> Result<()> {
    zabbix(Flavor::MariaDb).await
}

#[tokio::test(flavor = "multi_thread")]
async fn mediawiki_is_loaded_and_upgraded() -> Result<()> {
    mediawiki(Flavor::MySql).await
}

#[tokio::test(flavor = "multi_thread")]
async fn mediawiki_is_at_mariadb() -> Result<()> {
    mediawiki(Flavor::MariaDb).await
}

#[tokio::test(flavor = "multi_thread")]
async fn views_routines_and_guarded_triggers_do_what_they_do_once() -> Result<()> {
    sample(Flavor::MySql).await
}

#[tokio::test(flavor = "multi_thread")]
async fn so_they_do_at_mariadb() -> Result<()> {
    sample(Flavor::MariaDb).await
}
