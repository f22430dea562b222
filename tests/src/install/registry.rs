//! The schema registry's program: Apicurio, which speaks Confluent's API.

use std::fs;
use std::path::PathBuf;
use std::process::Command;

use anyhow::{Context, Result, bail};

use super::{classes, java, maven, run};
use crate::lab_dir;

/// Later ones need Java 21.
const VERSION: &str = "3.0.9";

/// What is needed to run a registry.
#[derive(Debug, Clone)]
pub struct RegistryFiles {
    java: PathBuf,
    jar: PathBuf,
    /// How the JVM shall treat the archive of its classes.
    classes: Option<String>,
}

impl RegistryFiles {
    /// `STRAIT_LAB_REGISTRY` (its runner jar), else from Maven Central.
    pub fn install() -> Result<Self> {
        let java = java()?;
        match std::env::var_os("STRAIT_LAB_REGISTRY").map(PathBuf::from) {
            Some(jar) if jar.is_file() => Ok(Self { java, jar, classes: None }),
            Some(jar) => bail!(
                "STRAIT_LAB_REGISTRY={}: name Apicurio's runner jar, or a running registry as http://...",
                jar.display()
            ),
            None => Self { java, jar: download()?, classes: None }.with_classes(),
        }
    }

    /// A registry on this port of loopback; its storage is the caller's to add.
    pub fn server(&self, port: u16, settings: &[String]) -> Command {
        let mut command = Command::new(&self.java);
        command
            .args(["-Xmx256m", "-XX:+UseSerialGC", "-XX:TieredStopAtLevel=1"])
            .args(&self.classes)
            .arg(format!("-Dquarkus.http.port={port}"))
            .arg("-Dquarkus.http.host=127.0.0.1")
            .args(settings)
            .arg("-jar")
            .arg(&self.jar);
        command
    }

    fn with_classes(self) -> Result<Self> {
        let home = lab_dir::entry(&format!("apicurio-classes-1-{VERSION}"), |dir| {
            let address = classes::free_address()?;
            let option = Some(classes::record_option(&dir.join("classes.jsa")));
            let mut server = Self { classes: option, ..self.clone() }.server(address.port(), &[]);
            let page = format!("http://{address}/apis/ccompat/v7/subjects");
            let log = dir.join("first-run.log");
            classes::record(server.current_dir(dir), &log, || ureq::get(&page).call().is_ok())
                .context("the registry")
        })?;
        Ok(Self { classes: Some(classes::use_option(&home.join("classes.jsa"))), ..self })
    }
}

fn download() -> Result<PathBuf> {
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
