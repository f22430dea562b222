//! The schema registry's program: Apicurio, which speaks Confluent's API.

use std::fs;
use std::path::PathBuf;
use std::process::Command;

use anyhow::{Context, Result, bail};

use super::{maven, run};
use crate::lab_dir;

/// Later ones need Java 21.
const VERSION: &str = "3.0.9";

/// `STRAIT_LAB_REGISTRY` (its runner jar), else from Maven Central.
pub fn registry_jar() -> Result<PathBuf> {
    if let Some(jar) = std::env::var_os("STRAIT_LAB_REGISTRY").map(PathBuf::from) {
        if jar.is_file() {
            return Ok(jar);
        }
        bail!(
            "STRAIT_LAB_REGISTRY={}: name Apicurio's runner jar, or a running registry as http://...",
            jar.display()
        );
    }
    let home = lab_dir::entry(&format!("apicurio-1-{VERSION}"), |dir| {
        maven::artifact(&format!("io.apicurio:apicurio-registry-app:{VERSION}:tar.gz:all"), dir)?;
        let archive = dir.join(format!("apicurio-registry-app-{VERSION}-all.tar.gz"));
        run(Command::new("tar").arg("-xzf").arg(&archive).arg("-C").arg(dir))?;
        Ok(fs::remove_file(archive)?)
    })?;
    let runner = format!("apicurio-registry-app-{VERSION}-runner.jar");
    let mut jars = fs::read_dir(&home)?.filter_map(|file| Some(file.ok()?.path()));
    jars.find(|file| file.file_name().is_some_and(|name| name.to_string_lossy() == runner))
        .with_context(|| format!("no {runner} in {}", home.display()))
}
