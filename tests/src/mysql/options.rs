//! What differs between servers, and what is the same for all.

use std::path::Path;

#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum Flavor {
    #[default]
    MySql,
    MariaDb,
}

/// What differs between servers.
#[derive(Debug, Clone)]
pub struct MySqlOptions {
    pub flavor: Flavor,
    /// Names its folder and log.
    pub name: String,
    pub buffer_pool: String,
    /// Options of mysqld, which win over the lab's.
    pub args: Vec<String>,
    /// A port chosen before; else a free one.
    pub port: Option<u16>,
    /// A MySQL has a keyring, so that it may encrypt its logs.
    pub keyring: bool,
}

impl Default for MySqlOptions {
    fn default() -> Self {
        Self {
            flavor: Flavor::MySql,
            name: "mysql".to_owned(),
            buffer_pool: "128M".to_owned(),
            args: Vec::new(),
            port: None,
            keyring: false,
        }
    }
}

impl MySqlOptions {
    pub fn named(name: impl Into<String>) -> Self {
        Self { name: name.into(), ..Self::default() }
    }

    pub fn mariadb(name: impl Into<String>) -> Self {
        Self { flavor: Flavor::MariaDb, ..Self::named(name) }
    }

    #[must_use]
    pub fn args<A: Into<String>>(mut self, args: impl IntoIterator<Item = A>) -> Self {
        self.args.extend(args.into_iter().map(Into::into));
        self
    }

    /// All options of the server: the lab's own first, so that the caller's win.
    pub(super) fn all_args(self, dir: &Path, port: u16) -> Vec<String> {
        let mut args = settings(dir, port, &self);
        args.extend(self.args);
        args
    }
}

fn settings(dir: &Path, port: u16, options: &MySqlOptions) -> Vec<String> {
    let at = |name: &str| dir.join(name).display().to_string();
    let mut settings = Vec::from([
        format!("--datadir={}", at("data")),
        // A socket's path may have 107 bytes, less than some folders' names: it is relative to the data.
        "--socket=mysql.sock".to_owned(),
        format!("--pid-file={}", at("mysqld.pid")),
        // A server of MariaDB that starts clears temporary tables away, also another server's.
        format!("--tmpdir={}", dir.display()),
        "--bind-address=127.0.0.1".to_owned(),
        format!("--port={port}"),
        format!("--server-id={port}"),
        "--skip-name-resolve".to_owned(),
        // What Strait needs, and the durability that all its promises start from.
        "--log-bin=binlog".to_owned(),
        "--binlog-format=ROW".to_owned(),
        "--binlog-row-image=FULL".to_owned(),
        "--binlog-row-metadata=FULL".to_owned(),
        "--sync-binlog=1".to_owned(),
        "--innodb-flush-log-at-trx-commit=1".to_owned(),
        // Small: many servers share the machine.
        format!("--innodb-buffer-pool-size={}", options.buffer_pool),
        "--innodb-log-buffer-size=8M".to_owned(),
        "--max-connections=200".to_owned(),
        "--table-open-cache=400".to_owned(),
        "--table-definition-cache=800".to_owned(),
        "--max-allowed-packet=1G".to_owned(),
    ]);
    let own: &[&str] = match options.flavor {
        Flavor::MySql => &[
            "--mysqlx=OFF",
            "--log-error-verbosity=2",
            "--gtid-mode=ON",
            "--enforce-gtid-consistency=ON",
            "--innodb-redo-log-capacity=64M",
        ],
        Flavor::MariaDb => &["--innodb-log-file-size=64M", "--gtid-strict-mode=ON"],
    };
    settings.extend(own.iter().map(|&setting| setting.to_owned()));
    settings
}
