//! One of our two programs as a child process: the real binary, its configuration in a file.

use std::fs;
use std::path::{Path, PathBuf};
use std::process::{Command, ExitStatus};
use std::sync::{Arc, Mutex};
use std::time::Duration;

use anyhow::{Context, Result, bail, ensure};
use toml::Table;

use crate::child::{Child, Usage};
use crate::eventually;
use crate::http;
use crate::metrics::Metrics;
use crate::ports::free_port;
use crate::run_dir::make_dir;

/// A fair chance on a machine that is busy with many servers.
const READY: Duration = Duration::from_mins(1);
/// What both programs promise after SIGTERM, with some room for a busy machine.
const STOP: Duration = Duration::from_secs(10);

/// Which of the two.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Program {
    Connector,
    Sink,
}

impl Program {
    pub fn name(self) -> &'static str {
        match self {
            Self::Connector => "strait-connector",
            Self::Sink => "strait-sink",
        }
    }

    /// The binary beside this executable; an error with the command that builds it, if it is missing or
    /// older than one of its sources.
    pub fn binary(self) -> Result<PathBuf> {
        let own = std::env::current_exe()?;
        let mut dir = own.parent().context("an executable is in a folder")?;
        if dir.ends_with("deps") {
            dir = dir.parent().context("deps is in the profile's folder")?;
        }
        let binary = dir.join(self.name());
        let profile = if dir.ends_with("release") { " --release" } else { "" };
        let build = format!("cargo build{profile} -p {}", self.name());
        ensure!(binary.exists(), "{} is missing: {build}", binary.display());
        if let Some(source) = newer_source(&binary)? {
            bail!("{} is older than {}: {build}", binary.display(), source.display());
        }
        Ok(binary)
    }
}

/// Cargo notes beside each binary all sources that went into it.
fn newer_source(binary: &Path) -> Result<Option<PathBuf>> {
    let built = fs::metadata(binary)?.modified()?;
    let Ok(sources) = fs::read_to_string(binary.with_extension("d")) else { return Ok(None) };
    let Some((_, sources)) = sources.split_once(": ") else { return Ok(None) };
    let newer = sources
        .replace("\\ ", "\0")
        .split_whitespace()
        .map(|path| PathBuf::from(path.replace('\0', " ")))
        .find(|source| {
            fs::metadata(source).and_then(|file| file.modified()).is_ok_and(|changed| changed > built)
        });
    Ok(newer)
}

/// A program with its configuration, running or not.
#[derive(Debug)]
pub struct Process {
    program: Program,
    name: String,
    dir: PathBuf,
    port: u16,
    child: Mutex<Option<Arc<Child>>>,
}

impl Process {
    /// Writes the configuration; nothing runs yet. The pages' address and the form of the log are added.
    pub fn new(program: Program, name: &str, config: Table) -> Result<Self> {
        let process = Self {
            program,
            name: name.to_owned(),
            dir: make_dir(name)?,
            port: free_port()?,
            child: Mutex::new(None),
        };
        process.configure(config)?;
        Ok(process)
    }

    /// A new configuration, for the next start.
    pub fn configure(&self, mut config: Table) -> Result<()> {
        let pages = Table::from_iter([("address".to_owned(), format!("127.0.0.1:{}", self.port).into())]);
        config.entry("http").or_insert_with(|| pages.into());
        fs::write(self.config(), toml::to_string(&config)?)?;
        Ok(())
    }

    /// The configuration's file.
    pub fn config(&self) -> PathBuf {
        self.dir.join("config.toml")
    }

    pub fn log(&self) -> PathBuf {
        self.dir.join("log")
    }

    /// Runs a subcommand to its end, such as `check`: status and output.
    pub async fn run(&self, arguments: &[&str]) -> Result<(ExitStatus, String)> {
        let mut command = self.command(arguments)?;
        let output = tokio::task::spawn_blocking(move || command.output()).await??;
        let words = [output.stdout, output.stderr].concat();
        Ok((output.status, String::from_utf8_lossy(&words).into_owned()))
    }

    /// Starts it and waits until it is ready.
    pub async fn start(&self) -> Result<()> {
        self.spawn()?;
        self.ready().await
    }

    /// Starts it and waits for nothing.
    pub fn spawn(&self) -> Result<()> {
        let child = Child::spawn(&self.command(&["run"])?, &self.log())?;
        *self.child.lock().expect("no one panics with it") = Some(Arc::new(child));
        Ok(())
    }

    fn command(&self, arguments: &[&str]) -> Result<Command> {
        let mut command = Command::new(self.program.binary()?);
        command.args(arguments).arg("--config").arg(self.config()).current_dir(&self.dir);
        // Settings of the developer's own environment must not leak into tests.
        for (variable, _) in std::env::vars_os() {
            if variable.to_string_lossy().starts_with("STRAIT_") {
                command.env_remove(variable);
            }
        }
        Ok(command)
    }

    /// Waits until `/health/ready` says yes; ends at once when the process does.
    pub async fn ready(&self) -> Result<()> {
        let child = self.child()?;
        let page = self.page("health/ready");
        let ready = eventually(READY, || async {
            match http::status(&page).await {
                Ok((200, _)) => Ok(()),
                Ok((status, body)) => Err(format!("{status}: {body}")),
                Err(error) => Err(format!("{error:#}")),
            }
        });
        tokio::select! {
            ready = ready => ready.with_context(|| format!("{} is not ready; {}", self.name, child.last_words())),
            _ = child.wait(READY * 2) => {
                bail!("{} ended instead of becoming ready; its last words:\n{}", self.name, child.last_words())
            }
        }
    }

    /// SIGTERM, and its end within what it promises.
    pub async fn stop(&self) -> Result<ExitStatus> {
        self.child()?.stop(STOP).await.with_context(|| format!("stop {}", self.name))
    }

    pub async fn kill9(&self) -> Result<()> {
        self.child()?.kill9().await
    }

    /// SIGKILL, and a new start on the same configuration; does not wait for readiness.
    pub async fn restart(&self) -> Result<()> {
        self.kill9().await?;
        self.spawn()
    }

    pub fn freeze(&self) -> Result<()> {
        self.child()?.freeze()
    }

    pub fn thaw(&self) -> Result<()> {
        self.child()?.thaw()
    }

    /// Its exit status, if it ended by itself or by us.
    pub fn exited(&self) -> Option<ExitStatus> {
        self.child().ok()?.exited()
    }

    /// Waits for it to end by itself, as after a cause that only a human can mend.
    pub async fn wait(&self, at_most: Duration) -> Result<ExitStatus> {
        self.child()?.wait(at_most).await.with_context(|| format!("wait for the end of {}", self.name))
    }

    /// An error, with its last words, if it does not run.
    pub fn ensure_running(&self) -> Result<()> {
        let child = self.child()?;
        match child.exited() {
            Some(status) => {
                bail!("{} has ended ({status}); its last words:\n{}", self.name, child.last_words())
            }
            None => Ok(()),
        }
    }

    pub fn usage(&self) -> Result<Usage> {
        self.child()?.usage()
    }

    pub fn last_words(&self) -> String {
        crate::child::last_lines(&self.log(), 40)
    }

    /// All it has written since its first start.
    pub fn words(&self) -> Result<String> {
        Ok(String::from_utf8_lossy(&fs::read(self.log())?).into_owned())
    }

    pub fn page(&self, page: &str) -> String {
        format!("http://127.0.0.1:{}/{page}", self.port)
    }

    pub async fn metrics(&self) -> Result<Metrics> {
        Metrics::parse(&http::ok(&self.page("metrics")).await?)
    }

    /// Its status page.
    pub async fn status(&self) -> Result<serde_json::Value> {
        Ok(serde_json::from_str(&http::status(&self.page("status")).await?.1)?)
    }

    pub fn name(&self) -> &str {
        &self.name
    }

    pub fn program(&self) -> Program {
        self.program
    }

    fn child(&self) -> Result<Arc<Child>> {
        let child = self.child.lock().expect("no one panics with it");
        child.clone().with_context(|| format!("{} has never been started", self.name))
    }
}
