//! Packages of any Debian suite, unpacked into a folder instead of installed: apt resolves, downloads
//! and verifies them under a private state that believes nothing is installed, so the machine's own
//! packages neither change nor matter.

use std::fs;
use std::path::{Path, PathBuf};
use std::process::Command;

use anyhow::{Context, Result, bail, ensure};

use super::run;

const KEYRING: &str = "/usr/share/keyrings/debian-archive-keyring.gpg";

/// Debian's own, for a machine whose mirror cannot be told or lacks the suite.
const ARCHIVE: &str = "http://deb.debian.org/debian";

/// Debian's archive: `STRAIT_LAB_DEBIAN` alone; else the mirror that the machine itself installs from, then Debian's own.
fn archives() -> Vec<String> {
    if let Ok(archive) = std::env::var("STRAIT_LAB_DEBIAN") {
        return vec![archive];
    }
    let mut archives = Vec::from_iter(own_mirror());
    if archives.iter().all(|archive| archive != ARCHIVE) {
        archives.push(ARCHIVE.to_owned());
    }
    archives
}

fn own_mirror() -> Option<String> {
    let mut files = vec![PathBuf::from("/etc/apt/sources.list")];
    if let Ok(more) = fs::read_dir("/etc/apt/sources.list.d") {
        files.extend(more.filter_map(|file| file.ok().map(|file| file.path())));
    }
    files.retain(|file| file.extension().is_some_and(|kind| kind == "list" || kind == "sources"));
    files.sort();
    files.iter().find_map(|file| archive_in(&fs::read_to_string(file).ok()?))
}

/// The first archive that a list of sources (either format) names.
fn archive_in(sources: &str) -> Option<String> {
    sources
        .lines()
        .filter(|line| !line.trim_start().starts_with('#'))
        .flat_map(str::split_whitespace)
        .map(|word| word.trim_end_matches('/'))
        .find(|word| word.contains("://") && word.ends_with("/debian"))
        .map(str::to_owned)
}

/// Fetches the packages with everything they depend on and unpacks all of it into `root`.
pub fn unpack(suite: &str, packages: &[&str], root: &Path) -> Result<()> {
    fetch(suite, packages, root, download)
}

/// Fetches these packages alone: for files of theirs, not to be run.
pub fn unpack_alone(suite: &str, packages: &[&str], root: &Path) -> Result<()> {
    fetch(suite, packages, root, download_alone)
}

type Download = fn(&str, &str, &[&str], &Path) -> Result<()>;

fn fetch(suite: &str, packages: &[&str], root: &Path, download: Download) -> Result<()> {
    ensure!(
        Path::new(KEYRING).exists(),
        "{KEYRING} is missing, so Debian's packages cannot be verified: apt-get install debian-archive-keyring"
    );
    let work = root.with_extension("apt");
    let mut refusals = Vec::new();
    for archive in archives() {
        match download(&archive, suite, packages, &work) {
            Ok(()) => return extract(&work, root),
            Err(error) => refusals.push(format!("{archive}: {error:#}")),
        }
    }
    bail!(
        "download {} of {suite}: no archive gives them; name one, STRAIT_LAB_DEBIAN=http://MIRROR/debian\n{}",
        packages.join(", "),
        refusals.join("\n")
    )
}

fn download(archive: &str, suite: &str, packages: &[&str], work: &Path) -> Result<()> {
    let apt = Apt::new(archive, suite, work)?;
    run(apt.command("apt-get").arg("update")).context("read the package lists")?;
    run(apt
        .command("apt-get")
        .args(["install", "--download-only", "--no-install-recommends"])
        .args(packages))?;
    Ok(())
}

fn download_alone(archive: &str, suite: &str, packages: &[&str], work: &Path) -> Result<()> {
    let apt = Apt::new(archive, suite, work)?;
    run(apt.command("apt-get").arg("update")).context("read the package lists")?;
    let into = work.join("cache/archives");
    run(apt.command("apt-get").arg("download").args(packages).current_dir(into))?;
    Ok(())
}

fn extract(work: &Path, root: &Path) -> Result<()> {
    fs::create_dir_all(root)?;
    for file in fs::read_dir(work.join("cache/archives"))? {
        let file = file?.path();
        if file.extension().is_some_and(|extension| extension == "deb") {
            run(Command::new("dpkg").arg("-x").arg(&file).arg(root))?;
        }
    }
    fs::remove_dir_all(work)?;
    Ok(())
}

struct Apt {
    work: PathBuf,
}

impl Apt {
    /// With an empty state: nothing of another archive's remains.
    fn new(archive: &str, suite: &str, work: &Path) -> Result<Self> {
        if work.exists() {
            fs::remove_dir_all(work)?;
        }
        fs::create_dir_all(work.join("state/lists/partial"))?;
        fs::create_dir_all(work.join("cache/archives/partial"))?;
        fs::create_dir_all(work.join("none"))?;
        fs::write(work.join("status"), b"")?;
        fs::write(
            work.join("lab.sources"),
            format!("Types: deb\nURIs: {archive}\nSuites: {suite}\nComponents: main\nSigned-By: {KEYRING}\n"),
        )?;
        Ok(Self { work: work.to_owned() })
    }

    fn command(&self, program: &str) -> Command {
        let at = |name: &str| self.work.join(name).display().to_string();
        let mut command = Command::new(program);
        command.env("LC_ALL", "C").args(["-q", "-y"]);
        for (key, value) in [
            ("Dir::State", at("state")),
            ("Dir::State::Lists", at("state/lists")),
            ("Dir::State::status", at("status")),
            ("Dir::Cache", at("cache")),
            ("Dir::Etc::sourcelist", at("lab.sources")),
            ("Dir::Etc::sourceparts", at("none")),
            ("Dir::Etc::preferencesparts", at("none")),
            ("Acquire::Retries", "3".to_owned()),
            ("Acquire::Languages", "none".to_owned()),
            // Hooks of the machine's own set-up have no business here, and the download needs no other user.
            ("APT::Sandbox::User", "root".to_owned()),
            ("Debug::NoLocking", "true".to_owned()),
        ] {
            command.arg(format!("-o{key}={value}"));
        }
        command
    }
}

#[cfg(test)]
mod tests {
    use super::archive_in;

    #[test]
    fn the_machines_own_mirror_is_found_in_both_formats() {
        let deb822 = "Types: deb\n# http://old/debian\nURIs: http://mirror/debian\nSuites: bookworm\n";
        let one_line = "# comment\ndeb [arch=amd64] https://mirror/debian/ bookworm main\n";
        assert_eq!(archive_in(deb822).as_deref(), Some("http://mirror/debian"));
        assert_eq!(archive_in(one_line).as_deref(), Some("https://mirror/debian"));
        assert_eq!(archive_in("deb http://mirror/debian-security bookworm main"), None);
    }
}
