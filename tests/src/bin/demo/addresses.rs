//! What stays up, and what to try with it.

use std::fs;
use std::os::unix::fs::PermissionsExt;
use std::path::PathBuf;

use anyhow::Result;
use e2e::{Site, Sites};

use crate::screen::Screen;

pub async fn show(screen: &Screen, sites: &Sites) -> Result<()> {
    screen.line("");
    let row = |name: &str, cell: &dyn Fn(&Site) -> String| {
        let [one, other] = sites.sites.each_ref().map(|site| format!("{:<36}", cell(site)));
        screen.line(&format!("  {}{one}{other}", screen.dim(&format!("{name:<11}"))));
    };
    row("", &|site| site.servers.name.clone());
    row("MySQL", &|site| site.servers.mysql.url());
    row("Kafka", &|site| site.servers.kafka.bootstrap().to_owned());
    row("registry", &|site| site.servers.registry.address());
    row("connector", &|site| site.connector.page("status"));
    row("", &|site| site.connector.page("metrics"));
    row("sink", &|site| site.sink.page("status"));
    row("", &|site| site.sink.page("metrics"));
    screen.line(&format!("  {}{}", screen.dim("logs       "), e2e::run_dir::run_dir()?.display()));
    let [here, there] = [client(&sites.sites[0]).await?, client(&sites.sites[1]).await?];
    screen.line("");
    screen.line("  Change a row on one side, and see it on the other:");
    screen.line(&format!("    {} -e \"UPDATE products SET title = 'hello' WHERE id = 1\"", here.display()));
    screen.line(&format!("    {} -e \"SELECT title FROM products WHERE id = 1\"", there.display()));
    screen.line("");
    screen.line("  Ctrl-C ends it all.");
    Ok(())
}

/// A script that is the mysql client of this site.
async fn client(site: &Site) -> Result<PathBuf> {
    let command = site.servers.mysql.tool("mysql").await?;
    let words = std::iter::once(command.get_program()).chain(command.get_args());
    let quoted =
        words.map(|word| format!("'{}'", word.to_string_lossy().replace('\'', "'\\''"))).collect::<Vec<_>>();
    let file = e2e::run_dir::run_dir()?.join(&site.servers.name);
    fs::write(&file, format!("#!/bin/sh\nexec {} shop \"$@\"\n", quoted.join(" ")))?;
    fs::set_permissions(&file, fs::Permissions::from_mode(0o755))?;
    Ok(file)
}
