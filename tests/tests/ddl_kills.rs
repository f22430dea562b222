//! SIGKILL in the middle of schema changes: `make test`'s short form.

use e2e::{
    mysql::Flavor,
    scenario::{ddl_kills::DdlKills, seed},
};

#[tokio::test(flavor = "multi_thread")]
async fn each_schema_change_is_made_once_through_kills() -> anyhow::Result<()> {
    println!("{}", DdlKills { seed: seed(1)?, kills: 8, flavor: Flavor::MySql }.run().await?);
    Ok(())
}

#[tokio::test(flavor = "multi_thread")]
async fn so_it_is_between_servers_of_mariadb() -> anyhow::Result<()> {
    println!("{}", DdlKills { seed: seed(2)?, kills: 8, flavor: Flavor::MariaDb }.run().await?);
    Ok(())
}
