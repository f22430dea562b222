//! MySQL 9.7's programs and an initialised data directory to copy for each server.

use std::fs;
use std::path::{Path, PathBuf};
use std::process::Command;

use anyhow::{Context, Result, bail};

use super::{apt, in_path, run, unpacked};
use crate::lab_dir;

/// Debian's `sid` is where MySQL 9.7 is; on an older Debian it runs on its own libraries, by its own loader.
const SUITE: &str = "sid";

/// Where MySQL's programs are, and how to run them.
#[derive(Debug, Clone)]
pub struct MySqlFiles {
    /// Of unpacked packages; `None`: the machine's own installation.
    root: Option<PathBuf>,
    pub(super) mysqld: PathBuf,
    /// Options that come of where its programs are; they win over the lab's others.
    pub(super) places: Vec<String>,
    /// An initialised data directory, never run on itself.
    pub template: PathBuf,
}

impl MySqlFiles {
    /// `STRAIT_LAB_MYSQL` (a path to mysqld), else an installed mysqld 9.x, else Debian's packages.
    pub fn install() -> Result<Self> {
        let installed = match std::env::var_os("STRAIT_LAB_MYSQL").map(PathBuf::from) {
            Some(path) if path.is_file() => Some(path),
            Some(path) => bail!(
                "STRAIT_LAB_MYSQL={}: name a mysqld program, or running servers as mysql:// addresses",
                path.display()
            ),
            None => in_path("mysqld").filter(|mysqld| is_mysql_9(mysqld)),
        };
        let mut files = if let Some(mysqld) = installed {
            Self { root: None, mysqld, places: Vec::new(), template: PathBuf::new() }
        } else {
            let home = lab_dir::entry("mysql-1", |dir| {
                apt::unpack(SUITE, &["mysql-server-core", "mysql-client-core"], &dir.join("root"))
            })?;
            let root = home.join("root");
            let mysqld = root.join("usr/sbin/mysqld");
            Self { root: Some(root), mysqld, places: Vec::new(), template: PathBuf::new() }
        };
        let version = files.version()?;
        files.template =
            lab_dir::entry(&format!("mysql-data-1-{version}"), |dir| files.initialize(dir))?.join("data");
        Ok(files)
    }

    /// The server, without any of the machine's option files.
    pub fn server(&self) -> Command {
        let mut command = self.mysqld();
        command.arg("--no-defaults");
        if let Some(root) = &self.root {
            let usr = root.join("usr");
            command
                .arg(format!("--basedir={}", usr.display()))
                .arg(format!("--lc-messages-dir={}", usr.join("share/mysql").display()))
                .arg(format!("--character-sets-dir={}", usr.join("share/mysql/charsets").display()))
                .arg(format!("--plugin-dir={}", usr.join("lib/mysql/plugin").display()));
        }
        command.args(&self.places);
        // Without a name, mysqld refuses to run as root. It does not change the user, then, which would
        // also forget that it shall die with its parent.
        if rustix::process::geteuid().is_root() {
            command.arg("--user=root");
        }
        // The packages' default folder for LOAD DATA and SELECT INTO OUTFILE does not exist here.
        command.arg("--secure-file-priv=NULL");
        command
    }

    /// A client program: mysql, mysqldump, mysqlbinlog, ...
    pub fn tool(&self, name: &str) -> Command {
        let Some(root) = &self.root else {
            let beside = self.mysqld.with_file_name(name);
            return Command::new(if beside.exists() { beside } else { PathBuf::from(name) });
        };
        unpacked::program(root, format!("usr/bin/{name}"))
    }

    fn mysqld(&self) -> Command {
        match &self.root {
            Some(root) => unpacked::program(root, &self.mysqld),
            None => Command::new(&self.mysqld),
        }
    }

    /// "9.7.4-2"
    pub fn version(&self) -> Result<String> {
        let output = run(self.mysqld().args(["--no-defaults", "--version"]))?;
        let output = String::from_utf8_lossy(&output).into_owned();
        let version = output.split_whitespace().skip_while(|word| *word != "Ver").nth(1);
        Ok(version.with_context(|| format!("no version in {output:?}"))?.replace('/', "-"))
    }

    fn initialize(&self, dir: &Path) -> Result<()> {
        let accounts = dir.join("accounts.sql");
        // Each statement is one line of the file. The lab listens on loopback only.
        fs::write(
            &accounts,
            "CREATE USER root@'%' IDENTIFIED BY '';\nGRANT ALL ON *.* TO root@'%' WITH GRANT OPTION;\n",
        )?;
        run(self
            .server()
            .arg("--initialize-insecure")
            .arg(format!("--datadir={}", dir.join("data").display()))
            .arg(format!("--init-file={}", accounts.display()))
            .args(["--innodb-redo-log-capacity=32M", "--log-error-verbosity=2"]))?;
        fs::remove_file(dir.join("data/auto.cnf"))?; // else all servers had one server_uuid
        Ok(())
    }
}

/// MariaDB calls its server mysqld too, and older MySQLs lack what the lab sets.
fn is_mysql_9(mysqld: &Path) -> bool {
    Command::new(mysqld).args(["--no-defaults", "--version"]).output().is_ok_and(|output| {
        let words = String::from_utf8_lossy(&output.stdout).into_owned();
        words.contains("Ver 9.") && !words.contains("MariaDB")
    })
}
