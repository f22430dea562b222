//! MariaDB 10.11's programs and an initialised data directory to copy for each server.

use std::fs::{self, File};
use std::io::Write;
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};

use anyhow::{Result, bail, ensure};

use super::{apt, in_path, unpacked};
use crate::lab_dir;

/// Where MariaDB 10.11 is.
const SUITE: &str = "bookworm";

/// In the order in which the server's own installer feeds them to it.
const SYSTEM_TABLES: [&str; 5] = [
    "mysql_system_tables.sql",
    "mysql_performance_tables.sql",
    "mysql_system_tables_data.sql",
    "maria_add_gis_sp_bootstrap.sql",
    "mysql_sys_schema.sql",
];

/// Where MariaDB's programs are, and how to run them.
#[derive(Debug, Clone)]
pub struct MariaDbFiles {
    /// Of unpacked packages; `None`: the machine's own installation.
    root: Option<PathBuf>,
    mariadbd: PathBuf,
    /// An initialised data directory, never run on itself.
    pub template: PathBuf,
}

impl MariaDbFiles {
    /// `STRAIT_LAB_MARIADB` (a path to mariadbd), else an installed one, else Debian's packages.
    pub fn install() -> Result<Self> {
        let installed = match std::env::var_os("STRAIT_LAB_MARIADB").map(PathBuf::from) {
            Some(path) if path.is_file() => Some(path),
            Some(path) => bail!("STRAIT_LAB_MARIADB={}: name a mariadbd program", path.display()),
            None => in_path("mariadbd"),
        };
        let mut files = if let Some(mariadbd) = installed {
            Self { root: None, mariadbd, template: PathBuf::new() }
        } else {
            let home = lab_dir::entry("mariadb-1", |dir| {
                apt::unpack(SUITE, &["mariadb-server-core", "mariadb-client-core"], &dir.join("root"))
            })?;
            let root = home.join("root");
            Self { mariadbd: root.join("usr/sbin/mariadbd"), root: Some(root), template: PathBuf::new() }
        };
        files.template = lab_dir::entry("mariadb-data-1", |dir| files.initialize(dir))?.join("data");
        Ok(files)
    }

    /// The server, without any of the machine's option files.
    pub fn server(&self) -> Command {
        let mut command = match &self.root {
            Some(root) => unpacked::program(root, "usr/sbin/mariadbd"),
            None => Command::new(&self.mariadbd),
        };
        command.arg("--no-defaults");
        if let Some(root) = &self.root {
            let usr = root.join("usr");
            command
                .arg(format!("--basedir={}", usr.display()))
                .arg(format!("--lc-messages-dir={}", usr.join("share/mysql").display()))
                .arg(format!("--character-sets-dir={}", usr.join("share/mysql/charsets").display()))
                .arg(format!("--plugin-dir={}", usr.join("lib/mysql/plugin").display()));
        }
        if rustix::process::geteuid().is_root() {
            command.arg("--user=root"); // as for MySQL
        }
        command
    }

    /// A client program: mariadb, mariadb-dump, mariadb-binlog, ...
    pub fn tool(&self, name: &str) -> Command {
        match &self.root {
            Some(root) => unpacked::program(root, format!("usr/bin/{name}")),
            None => Command::new(name),
        }
    }

    fn initialize(&self, dir: &Path) -> Result<()> {
        let share = match &self.root {
            Some(root) => root.join("usr/share/mysql"),
            None => PathBuf::from("/usr/share/mysql"),
        };
        let mut script = b"CREATE DATABASE mysql;\nUSE mysql;\nSET @auth_root_socket = NULL;\n".to_vec();
        for file in SYSTEM_TABLES {
            script.extend(fs::read(share.join(file))?);
        }
        script.extend(
            b"\nINSERT INTO mysql.global_priv VALUES ('%', 'root', '{\"access\":18446744073709551615}');\n",
        );
        fs::create_dir(dir.join("data"))?;
        let log = dir.join("initialize.log");
        let mut server = self
            .server()
            .args(["--bootstrap", "--innodb-log-file-size=32M"])
            .arg(format!("--datadir={}", dir.join("data").display()))
            .stdin(Stdio::piped())
            .stdout(Stdio::null())
            .stderr(File::create(&log)?)
            .spawn()?;
        // A server that gave up reads no further; why is in its log.
        let written = server.stdin.take().expect("stdin is piped").write_all(&script);
        let status = server.wait()?;
        ensure!(
            written.is_ok() && status.success(),
            "mariadbd --bootstrap failed ({status}):\n{}",
            crate::child::last_lines(&log, 30)
        );
        Ok(())
    }
}
