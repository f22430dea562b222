//! Strait's own two programs as child processes: the built binaries, nothing linked in.
//!
//! Under cargo they are built first (a fraction of a second when nothing has changed), so that no test judges a stale one.

use std::{
    fmt::Display,
    fs,
    path::{Path, PathBuf},
    process::{Command, ExitStatus},
    sync::{Arc, Mutex},
    time::Duration,
};

use anyhow::{Context, Result, bail, ensure};
use tokio::sync::OnceCell;
use toml::Table;

use crate::{
    child::{Child, Usage},
    eventually, http,
    metrics::Metrics,
    ports::free_port,
    run_dir::make_dir,
    sites::lay_over,
};

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Program {
    Connector,
    Sink,
}

impl Program {
    pub const fn binary(self) -> &'static str {
        match self {
            Self::Connector => "strait-connector",
            Self::Sink => "strait-sink",
        }
    }
}

/// One configured process, which can be started, killed and started again.
#[derive(Debug)]
pub struct Strait {
    name: String,
    binary: PathBuf,
    config: Option<PathBuf>,
    settings: Vec<(String, String)>,
    log: PathBuf,
    http: u16,
    /// RLIMIT_DATA in bytes: an allocation beyond it fails, and ends the process.
    data_limit: Mutex<Option<u64>>,
    child: Mutex<Option<Arc<Child>>>,
}

impl Strait {
    /// `settings` by their dotted names (`source.port`); the process is not started yet.
    pub async fn new<K: Display, V: Display>(
        program: Program,
        name: &str,
        settings: impl IntoIterator<Item = (K, V)>,
    ) -> Result<Self> {
        let settings =
            settings.into_iter().map(|(key, value)| (key.to_string(), value.to_string())).collect();
        Self::prepare(program, name, None, settings).await
    }

    /// As [`Strait::new`], with the settings in a TOML file.
    pub async fn configured(program: Program, name: &str, config: Table) -> Result<Self> {
        Self::prepare(program, name, Some(config), Vec::new()).await
    }

    async fn prepare(
        program: Program,
        name: &str,
        config: Option<Table>,
        settings: Vec<(String, String)>,
    ) -> Result<Self> {
        let dir = make_dir(name)?;
        let mut strait = Self {
            name: name.to_owned(),
            binary: binary(program).await?,
            config: None,
            settings,
            log: dir.join("log"),
            http: free_port()?,
            data_limit: Mutex::new(None),
            child: Mutex::new(None),
        };
        if let Some(config) = config {
            strait.config = Some(dir.join("config.toml"));
            strait.configure(&config)?;
        }
        Ok(strait)
    }

    /// Replaces the TOML file, for the next start.
    pub fn configure(&self, config: &Table) -> Result<()> {
        let file = self.config.as_ref().with_context(|| format!("{} has no TOML file", self.name))?;
        Ok(fs::write(file, toml::to_string(config)?)?)
    }

    /// Lays these settings over the TOML file's, for the next start.
    pub fn amend(&self, overlay: &str) -> Result<()> {
        let file = self.config.as_ref().with_context(|| format!("{} has no TOML file", self.name))?;
        let mut config = toml::from_str(&fs::read_to_string(file)?)?;
        lay_over(&mut config, toml::from_str(overlay)?);
        self.configure(&config)
    }

    /// From its next start on it may have so many bytes of memory of its own, stacks included.
    pub fn limit_data(&self, bytes: u64) {
        *self.data_limit.lock().expect("no one panics with it") = Some(bytes);
    }

    /// The command as it is started, to run another of its subcommands by hand.
    pub fn command(&self, subcommand: &str) -> Command {
        let mut command = match *self.data_limit.lock().expect("no one panics with it") {
            Some(bytes) => {
                let mut limited = Command::new("prlimit");
                limited.arg(format!("--data={bytes}")).arg(&self.binary);
                limited
            }
            None => Command::new(&self.binary),
        };
        command.arg(subcommand).arg("--http").arg(format!("127.0.0.1:{}", self.http));
        if let Some(config) = &self.config {
            command.arg("--config").arg(config);
        }
        for (key, value) in &self.settings {
            command.arg("--set").arg(format!("{key}={value}"));
        }
        forget_settings(&mut command);
        command.env("RUST_BACKTRACE", "0");
        command
    }

    /// Starts it, for the first time or again; does not wait until it is ready.
    pub fn start(&self) -> Result<()> {
        let child = Child::spawn(&self.command("run"), &self.log)?;
        *self.child.lock().expect("no one panics with it") = Some(Arc::new(child));
        Ok(())
    }

    /// Starts it and waits for `/health/ready`.
    pub async fn start_ready(&self, at_most: Duration) -> Result<()> {
        self.start()?;
        self.ready(at_most).await
    }

    /// Waits for `/health/ready`; gives up as soon as the process has ended.
    pub async fn ready(&self, at_most: Duration) -> Result<()> {
        let page = self.page("health/ready");
        let child = self.child()?;
        tokio::select! {
            ready = eventually(at_most, async || http::ok(&page).await.map_err(|error| format!("{error:#}"))) => {
                ready.map(drop).with_context(|| {
                    format!("{} is not ready; its last words:\n{}", self.name, self.last_words())
                })
            }
            _ = child.wait(at_most * 2) => self.running(),
        }
    }

    /// An error with its last words if it has ended.
    pub fn running(&self) -> Result<()> {
        match self.child()?.exited() {
            None => Ok(()),
            Some(status) => {
                bail!("{} ended by itself ({status}); its last words:\n{}", self.name, self.last_words())
            }
        }
    }

    /// Its exit status, if it has ended.
    pub fn exited(&self) -> Option<ExitStatus> {
        self.child().ok()?.exited()
    }

    /// Waits for it to end by itself, as after a cause that only a human can mend.
    pub async fn wait(&self, at_most: Duration) -> Result<ExitStatus> {
        self.child()?.wait(at_most).await.with_context(|| format!("wait for the end of {}", self.name))
    }

    /// It keeps its connections and does nothing.
    pub fn freeze(&self) -> Result<()> {
        self.child()?.freeze()
    }

    /// The end of [`Strait::freeze`].
    pub fn thaw(&self) -> Result<()> {
        self.child()?.thaw()
    }

    pub async fn kill9(&self) -> Result<()> {
        self.child()?.kill9().await
    }

    /// SIGTERM; it must end with success in under 5 s.
    pub async fn stop(&self) -> Result<()> {
        let status: ExitStatus = self.child()?.stop(Duration::from_secs(5)).await?;
        ensure!(
            status.success(),
            "{} was asked to end and did so with {status}:\n{}",
            self.name,
            self.last_words()
        );
        Ok(())
    }

    pub fn usage(&self) -> Result<Usage> {
        self.child()?.usage()
    }

    pub fn name(&self) -> &str {
        &self.name
    }

    /// `http://127.0.0.1:port/<path>`: health, metrics and status pages.
    pub fn page(&self, path: &str) -> String {
        format!("http://127.0.0.1:{}/{path}", self.http)
    }

    pub async fn metrics(&self) -> Result<Metrics> {
        Metrics::parse(&http::ok(&self.page("metrics")).await?)
    }

    /// Its status page.
    pub async fn status(&self) -> Result<serde_json::Value> {
        Ok(serde_json::from_str(&http::status(&self.page("status")).await?.1)?)
    }

    /// Runs a subcommand to its end, such as `check`: its exit status and all it said.
    pub async fn run(&self, subcommand: &str) -> Result<(ExitStatus, String)> {
        self.run_with(subcommand, &[]).await
    }

    /// As [`Strait::run`], with more arguments.
    pub async fn run_with(&self, subcommand: &str, arguments: &[&str]) -> Result<(ExitStatus, String)> {
        let mut command = self.command(subcommand);
        command.args(arguments);
        let output = tokio::task::spawn_blocking(move || command.output()).await??;
        let words = [output.stdout, output.stderr].concat();
        Ok((output.status, String::from_utf8_lossy(&words).into_owned()))
    }

    /// All it has written since its first start.
    pub fn words(&self) -> Result<String> {
        Ok(String::from_utf8_lossy(&fs::read(&self.log)?).into_owned())
    }

    pub fn last_words(&self) -> String {
        crate::child::last_lines(&self.log, 40)
    }

    fn child(&self) -> Result<Arc<Child>> {
        let child = self.child.lock().expect("no one panics with it");
        child.clone().with_context(|| format!("{} has never been started", self.name))
    }
}

/// The developer's own environment must not leak into what is judged.
pub fn forget_settings(command: &mut Command) {
    for (variable, _) in std::env::vars_os() {
        if variable.to_string_lossy().starts_with("STRAIT_") {
            command.env_remove(variable);
        }
    }
}

/// Beside this program's own binary, built by the same cargo with the same profile.
async fn binary(program: Program) -> Result<PathBuf> {
    let directory = built().await?;
    let binary = directory.join(program.binary());
    let build =
        if cfg!(debug_assertions) { "cargo build --workspace" } else { "cargo build --release --workspace" };
    ensure!(binary.is_file(), "{} is missing: {build}", binary.display());
    if let Some(source) = newer_source(&binary)? {
        bail!("{} is older than {}: {build}", binary.display(), source.display());
    }
    Ok(binary)
}

/// The folder of both binaries, once in a process brought up to date. Done by itself at need; a program that
/// shows its progress calls it first.
pub async fn built() -> Result<&'static PathBuf> {
    static BUILT: OnceCell<PathBuf> = OnceCell::const_new();
    BUILT.get_or_try_init(|| async { tokio::task::spawn_blocking(build).await? }).await
}

/// Cargo notes beside each binary all sources that went into it.
fn newer_source(binary: &Path) -> Result<Option<PathBuf>> {
    let built = fs::metadata(binary)?.modified()?;
    let notes = fs::read_to_string(binary.with_extension("d")).unwrap_or_default();
    let sources = notes.split_once(": ").map_or("", |(_, sources)| sources).replace("\\ ", "\0");
    let changed = |source: &Path| fs::metadata(source).and_then(|file| file.modified()).ok();
    let mut sources = sources.split_whitespace().map(|source| PathBuf::from(source.replace('\0', " ")));
    Ok(sources.find(|source| changed(source).is_some_and(|changed| changed > built)))
}

/// The folder of the binaries, after they were brought up to date.
fn build() -> Result<PathBuf> {
    let program = std::env::current_exe()?;
    let mut directory = program.parent().context("a program lies in a folder")?;
    if directory.ends_with("deps") {
        directory = directory.parent().context("deps/ lies in the profile's folder")?;
    }
    let Some(cargo) = std::env::var_os("CARGO") else { return Ok(directory.to_owned()) };
    let mut build = Command::new(cargo);
    // Of the whole workspace, so that their libraries have the same features as in any other build: none is built twice.
    build.args(["build", "--quiet", "--workspace"]);
    build.args([Program::Connector, Program::Sink].iter().flat_map(|program| ["--bin", program.binary()]));
    build.arg("--target-dir").arg(directory.parent().context("the profile's folder lies in target/")?);
    if !cfg!(debug_assertions) {
        build.arg("--release");
    }
    // What cargo told this program about its own package would look like a change to build scripts (ring's),
    // and everything above them would be built again.
    for (name, _) in std::env::vars_os() {
        let name = name.to_string_lossy();
        if name.starts_with("CARGO_PKG_") || name.starts_with("CARGO_MANIFEST_") {
            build.env_remove(&*name);
        }
    }
    let output = build.current_dir(env!("CARGO_MANIFEST_DIR")).output().context("run cargo build")?;
    ensure!(output.status.success(), "cargo build failed:\n{}", String::from_utf8_lossy(&output.stderr));
    Ok(directory.to_owned())
}
