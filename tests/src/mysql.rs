//! A MySQL or MariaDB server of this process: full row images and metadata, GTIDs, every commit on disk.

mod files;
mod options;

use std::fs;
use std::path::{Path, PathBuf};
use std::process::Command;
use std::sync::Mutex;
use std::time::Duration;

use anyhow::{Context, Result, bail};
use mysql_async::prelude::Queryable;
use mysql_async::{Conn, Opts};

use crate::child::{Child, Usage};
use crate::external;
use crate::ports::free_port;
use crate::run_dir::make_dir;
use files::Files;
pub use options::{Flavor, MySqlOptions};

/// InnoDB recovers a log of at most 64 MB within this, on a busy machine too.
const START: Duration = Duration::from_mins(2);
const STOP: Duration = Duration::from_mins(1);

/// A server with account `root` without a password, from any address; it listens on loopback only.
#[derive(Debug)]
pub struct MySql {
    host: String,
    port: u16,
    user: String,
    password: Option<String>,
    own: Option<Own>,
}

/// What only a server that this process runs has.
#[derive(Debug)]
struct Own {
    files: Files,
    dir: PathBuf,
    args: Mutex<Vec<String>>,
    child: Mutex<Option<std::sync::Arc<Child>>>,
}

impl MySql {
    /// Starts a new, empty server; or takes the next of those that `STRAIT_LAB_MYSQL` lists.
    pub async fn start(options: MySqlOptions) -> Result<Self> {
        if options.flavor == Flavor::MySql
            && let Some(url) = external::next_mysql()?
        {
            return Self::running(&url).await;
        }
        let mut files = Files::install(options.flavor).await?;
        let dir = make_dir(&options.name)?;
        if options.keyring {
            files = files.with_keyring(&dir.join("keyring"))?;
        }
        let port = options.port.map_or_else(free_port, Ok)?;
        let template = files.template();
        let data = dir.join("data");
        tokio::task::spawn_blocking(move || copy_dir(&template, &data)).await??;
        let args = options.all_args(&dir, port);
        let own = Own { files, dir, args: Mutex::new(args), child: Mutex::new(None) };
        let server = Self {
            host: "127.0.0.1".to_owned(),
            port,
            user: "root".to_owned(),
            password: None,
            own: Some(own),
        };
        server.boot().await?;
        Ok(server)
    }

    async fn running(url: &str) -> Result<Self> {
        let opts = Opts::from_url(url).with_context(|| format!("STRAIT_LAB_MYSQL: {url}"))?;
        let server = Self {
            host: opts.ip_or_hostname().to_owned(),
            port: opts.tcp_port(),
            user: opts.user().unwrap_or("root").to_owned(),
            password: opts.pass().map(str::to_owned),
            own: None,
        };
        server.conn().await.with_context(|| format!("connect to STRAIT_LAB_MYSQL's {}", server.address()))?;
        Ok(server)
    }

    /// Starts a server that was stopped or killed, on its data and port.
    pub async fn boot(&self) -> Result<()> {
        let own = self.own()?;
        let log = self.log()?;
        let mut command = own.files.server();
        command.args(own.args.lock().expect("no one panics with it").iter());
        let child = std::sync::Arc::new(Child::spawn(&command, &log)?);
        *own.child.lock().expect("no one panics with it") = Some(std::sync::Arc::clone(&child));
        let port = self.port;
        let answered = async {
            loop {
                // Another program on our port would answer too: only this server has this id.
                if let Ok(mut conn) = self.conn().await
                    && conn
                        .query_first("SELECT @@server_id")
                        .await
                        .is_ok_and(|id| id == Some(u32::from(port)))
                {
                    return;
                }
                tokio::time::sleep(Duration::from_millis(20)).await;
            }
        };
        let started = tokio::select! {
            () = answered => true,
            _ = child.wait(START) => false,
        };
        if !started {
            bail!("mysqld did not start ({}); its last words:\n{}", self.address(), child.last_words());
        }
        Ok(())
    }

    /// As [`MySql::boot`], with more options; they stay.
    pub async fn boot_with(&self, args: &[&str]) -> Result<()> {
        let own = self.own()?;
        own.args.lock().expect("no one panics with it").extend(args.iter().map(|&arg| arg.to_owned()));
        self.boot().await
    }

    /// An orderly shutdown.
    pub async fn stop(&self) -> Result<()> {
        self.child()?.stop(STOP).await.context("stop mysqld")?;
        Ok(())
    }

    pub async fn restart(&self) -> Result<()> {
        self.stop().await?;
        self.boot().await
    }

    /// A crash: SIGKILL.
    pub async fn kill9(&self) -> Result<()> {
        self.child()?.kill9().await
    }

    /// It keeps its connections and answers nothing.
    pub fn freeze(&self) -> Result<()> {
        self.child()?.freeze()
    }

    /// The end of [`MySql::freeze`].
    pub fn thaw(&self) -> Result<()> {
        self.child()?.thaw()
    }

    /// CPU time and memory of the server.
    pub fn usage(&self) -> Result<Usage> {
        self.child()?.usage()
    }

    pub fn host(&self) -> &str {
        &self.host
    }

    pub fn port(&self) -> u16 {
        self.port
    }

    /// "127.0.0.1:port"
    pub fn address(&self) -> String {
        format!("{}:{}", self.host, self.port)
    }

    pub fn user(&self) -> &str {
        &self.user
    }

    pub fn password(&self) -> Option<&str> {
        self.password.as_deref()
    }

    /// MariaDB's where it was asked for; servers that run already are MySQL's.
    pub fn flavor(&self) -> Flavor {
        match &self.own {
            Some(Own { files: Files::MariaDb(_), .. }) => Flavor::MariaDb,
            _ => Flavor::MySql,
        }
    }

    /// "mysql://root@127.0.0.1:port"
    pub fn url(&self) -> String {
        let password = self.password.as_ref().map(|password| format!(":{password}")).unwrap_or_default();
        format!("mysql://{}{password}@{}", self.user, self.address())
    }

    pub fn opts(&self) -> mysql_async::OptsBuilder {
        mysql_async::OptsBuilder::default()
            .ip_or_hostname(self.host.clone())
            .tcp_port(self.port)
            .user(Some(self.user.clone()))
            .pass(self.password.clone())
            .prefer_socket(Some(false))
            .max_allowed_packet(Some(1 << 30))
            .init(vec!["SET NAMES utf8mb4"])
    }

    /// A new connection without a database.
    pub async fn conn(&self) -> Result<Conn> {
        Conn::new(self.opts()).await.with_context(|| format!("connect to MySQL at {}", self.address()))
    }

    /// A new connection to a database.
    pub async fn conn_to(&self, database: &str) -> Result<Conn> {
        let opts = self.opts().db_name(Some(database));
        Conn::new(opts).await.with_context(|| format!("connect to MySQL at {}, {database}", self.address()))
    }

    /// Runs statements one after another on a connection of their own.
    pub async fn run<S: AsRef<str>>(&self, statements: impl IntoIterator<Item = S>) -> Result<()> {
        let mut conn = self.conn().await?;
        for statement in statements {
            let statement = statement.as_ref();
            conn.query_drop(statement)
                .await
                .with_context(|| format!("at {}: {statement}", self.address()))?;
        }
        Ok(conn.disconnect().await?)
    }

    /// Creates an empty database whose name nobody else uses, and returns the name.
    pub async fn database(&self, prefix: &str) -> Result<String> {
        let name = fresh_name(prefix);
        self.run([format!("CREATE DATABASE `{name}`")]).await?;
        Ok(name)
    }

    /// A client program with this server's address: mysql, mysqldump, mysqlbinlog, ...
    pub async fn tool(&self, name: &str) -> Result<Command> {
        let files = match &self.own {
            Some(own) => own.files.clone(),
            None => Files::install(Flavor::MySql).await?,
        };
        let mut command = files.tool(name);
        command
            .arg("--no-defaults")
            .arg("--protocol=TCP")
            .arg(format!("--host={}", self.host))
            .arg(format!("--port={}", self.port))
            .arg(format!("--user={}", self.user));
        if let Some(password) = &self.password {
            command.env("MYSQL_PWD", password);
        }
        Ok(command)
    }

    /// The data directory of a server of ours.
    pub fn data_dir(&self) -> Result<PathBuf> {
        Ok(self.own()?.dir.join("data"))
    }

    pub fn log(&self) -> Result<PathBuf> {
        Ok(self.own()?.dir.join("mysqld.log"))
    }

    fn own(&self) -> Result<&Own> {
        self.own.as_ref().with_context(|| {
            format!(
                "{} comes from STRAIT_LAB_MYSQL: the lab did not start it and cannot stop it",
                self.address()
            )
        })
    }

    fn child(&self) -> Result<std::sync::Arc<Child>> {
        let child = self.own()?.child.lock().expect("no one panics with it");
        child.clone().context("it has never been started")
    }
}

/// A name that no other test, process or run uses.
pub fn fresh_name(prefix: &str) -> String {
    use std::sync::atomic::{AtomicU32, Ordering};
    static NEXT: AtomicU32 = AtomicU32::new(1);
    let number = NEXT.fetch_add(1, Ordering::Relaxed);
    format!("{prefix}_{}_{number}", std::process::id())
}

fn copy_dir(from: &Path, to: &Path) -> Result<()> {
    fs::create_dir_all(to)?;
    for file in fs::read_dir(from)? {
        let file = file?;
        let target = to.join(file.file_name());
        if file.file_type()?.is_dir() {
            copy_dir(&file.path(), &target)?;
        } else {
            fs::copy(file.path(), &target).with_context(|| format!("copy {}", file.path().display()))?;
        }
    }
    Ok(())
}
