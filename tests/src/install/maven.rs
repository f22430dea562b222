//! Jars from Maven Central, by mvn with strict checksums.

use std::fmt::Write as _;
use std::fs;
use std::path::Path;
use std::process::Command;

use anyhow::Result;

use super::run;

/// The artifacts (group, name, version) with all their run-time dependencies, into `jars`.
pub fn dependencies(artifacts: &[(&str, &str, &str)], jars: &Path) -> Result<()> {
    let mut dependencies = String::new();
    for (group, name, version) in artifacts {
        write!(
            dependencies,
            "<dependency><groupId>{group}</groupId><artifactId>{name}</artifactId><version>{version}</version></dependency>"
        )?;
    }
    fs::create_dir_all(jars)?;
    let pom = jars.join("pom.xml");
    fs::write(
        &pom,
        format!(
            "<project xmlns=\"http://maven.apache.org/POM/4.0.0\"><modelVersion>4.0.0</modelVersion>\
             <groupId>lab</groupId><artifactId>lab</artifactId><version>1</version>\
             <dependencies>{dependencies}</dependencies></project>"
        ),
    )?;
    run(maven(&pom).arg("dependency:copy-dependencies").arg(output_directory(jars)))?;
    Ok(())
}

/// One file, as `group:name:version:type:classifier`, into `dir`.
pub fn artifact(coordinates: &str, dir: &Path) -> Result<()> {
    let pom = dir.join("pom.xml");
    fs::write(
        &pom,
        "<project xmlns=\"http://maven.apache.org/POM/4.0.0\"><modelVersion>4.0.0</modelVersion>\
         <groupId>lab</groupId><artifactId>lab</artifactId><version>1</version></project>",
    )?;
    run(maven(&pom)
        .arg("dependency:copy")
        .arg(format!("-Dartifact={coordinates}"))
        .arg(output_directory(dir)))?;
    Ok(())
}

fn maven(pom: &Path) -> Command {
    let mut command = Command::new("mvn");
    command.args(["-q", "-B", "--strict-checksums", "-f"]).arg(pom);
    command
}

fn output_directory(dir: &Path) -> String {
    format!("-DoutputDirectory={}", dir.display())
}
