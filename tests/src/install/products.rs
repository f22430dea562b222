//! The schemas of real products, from their Debian packages: files of SQL, of which nothing is run.

use std::path::PathBuf;

use anyhow::Result;

use super::{apt, run};
use crate::lab_dir;

const SUITE: &str = "bookworm";

/// The folder of Zabbix's `schema.sql`, `images.sql`, `data.sql` and those of its upgrades.
pub fn zabbix() -> Result<PathBuf> {
    let folder = "root/usr/share/zabbix-server-mysql";
    let home = lab_dir::entry("zabbix-1", |dir| {
        apt::unpack_alone(SUITE, &["zabbix-server-mysql"], &dir.join("root"))?;
        for file in std::fs::read_dir(dir.join(folder))? {
            let file = file?.path();
            if file.extension().is_some_and(|extension| extension == "gz") {
                run(std::process::Command::new("gunzip").arg(file))?;
            }
        }
        Ok(())
    })?;
    Ok(home.join(folder))
}

/// The folder of MediaWiki's `tables-generated.sql` and, below `archives`, of its upgrades.
pub fn mediawiki() -> Result<PathBuf> {
    let home =
        lab_dir::entry("mediawiki-1", |dir| apt::unpack_alone(SUITE, &["mediawiki"], &dir.join("root")))?;
    Ok(home.join("root/usr/share/mediawiki/maintenance"))
}
