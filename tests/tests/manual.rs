//! What the manual tells a stranger to type: README.md's command lines with nothing changed but the places, and the accounts
//! with the rights of docs/operations.md and no others, carry a row from one server to the other.

use std::{
    collections::HashMap,
    fs,
    path::Path,
    process::{Command, Output},
    time::Duration,
};

use anyhow::{Context, Result, ensure};
use e2e::{
    Lab, MySql, child::Child, eventually, http, ports::free_port, run_dir::make_dir, shop, sites::accounts,
    strait,
};
use mysql_async::prelude::Queryable;

const README: &str = include_str!("../../README.md");
const PATIENCE: Duration = Duration::from_mins(1);

/// The arguments of README's `<program> check ...`, each place of README's replaced by the lab's.
fn arguments(program: &str, places: &HashMap<&str, String>) -> Result<Vec<String>> {
    let commands = README.replace("\\\n", " ");
    let line = commands.lines().find(|line| line.starts_with(&format!("{program} check ")));
    let line = line.with_context(|| format!("README.md has no line that begins {program} check"))?;
    let lab = |word: &str| places.get(word).cloned().unwrap_or_else(|| word.to_owned());
    let arguments: Vec<String> = line.split_whitespace().skip(1).map(lab).collect();
    let flags = arguments.iter().filter(|argument| argument.starts_with("--")).count();
    ensure!(flags == 5 && arguments.len() == 11, "README.md speaks of five values: {line}");
    ensure!(arguments.iter().all(|argument| !argument.contains("127.0.0.1:3306")), "{arguments:?}");
    Ok(arguments)
}

/// One of our programs as README calls it.
struct Typed {
    program: &'static str,
    arguments: Vec<String>,
}

impl Typed {
    async fn command(&self) -> Result<Command> {
        let mut command = Command::new(strait::built().await?.join(self.program));
        command.args(&self.arguments);
        strait::forget_settings(&mut command);
        Ok(command)
    }

    async fn check(&self) -> Result<()> {
        let Output { status, stdout, stderr } = self.command().await?.output()?;
        let words = [stdout, stderr].concat();
        ensure!(status.success(), "{:?}: {status}\n{}", self.arguments, String::from_utf8_lossy(&words));
        Ok(())
    }

    /// `run` with the same values; its pages on a port of this test's, which the manual's default need not be.
    async fn run(mut self, dir: &Path) -> Result<Child> {
        "run".clone_into(&mut self.arguments[0]);
        let pages = format!("127.0.0.1:{}", free_port()?);
        let child = Child::spawn(self.command().await?.args(["--http", &pages]), &dir.join(self.program))?;
        let ready = eventually(PATIENCE, async || match child.exited() {
            None => {
                http::ok(&format!("http://{pages}/health/ready")).await.map_err(|error| error.to_string())
            }
            Some(status) => Err(format!("ended: {status}")),
        });
        ready.await.with_context(|| child.last_words())?;
        Ok(child)
    }
}

async fn quantity(server: &MySql) -> Result<Option<u64>> {
    let mut conn = server.conn().await?;
    let stock = conn.query_first("SELECT stock FROM shop.products WHERE id = 1").await?;
    conn.disconnect().await?;
    Ok(stock)
}

#[tokio::test(flavor = "multi_thread")]
async fn the_readmes_lines_and_the_manuals_rights_are_enough() -> Result<()> {
    let lab = Lab::shared();
    let (source, target, kafka, registry) =
        tokio::try_join!(lab.mysql(), lab.target(), lab.kafka(), lab.registry())?;
    for server in [source, target] {
        shop::create(server).await?;
        accounts::create(server, &[shop::DATABASE.to_owned()]).await?;
    }
    let dir = make_dir("manual")?;
    let password = dir.join("password");
    fs::write(&password, format!("{}\n", accounts::PASSWORD))?;
    let places = HashMap::from([
        ("mysql://repl@127.0.0.1:3306", format!("mysql://{}@{}", accounts::CONNECTOR, source.address())),
        ("mysql://strait@127.0.0.1:3306", format!("mysql://{}@{}", accounts::SINK, target.address())),
        ("repl.pw", password.display().to_string()),
        ("strait.pw", password.display().to_string()),
        ("127.0.0.1:9092", kafka.bootstrap().to_owned()),
        ("kafka.beijing:9092", kafka.bootstrap().to_owned()),
        ("http://127.0.0.1:8081", registry.url().to_owned()),
        ("http://registry.beijing:8081", registry.url().to_owned()),
    ]);
    let typed = |program| anyhow::Ok(Typed { program, arguments: arguments(program, &places)? });
    let (connector, sink) = (typed("strait-connector")?, typed("strait-sink")?);

    connector.check().await?;
    let connector = connector.run(&dir).await?;
    sink.check().await?;
    let sink = sink.run(&dir).await?;

    source.run(["UPDATE shop.products SET stock = 4711 WHERE id = 1"]).await?;
    eventually(PATIENCE, async || match quantity(target).await {
        Ok(Some(4711)) => Ok(()),
        other => Err(format!("{other:?}")),
    })
    .await
    .with_context(|| format!("{}\n{}", connector.last_words(), sink.last_words()))?;
    for child in [connector, sink] {
        let status = child.stop(Duration::from_secs(5)).await?;
        ensure!(status.success(), "{status}: {}", child.last_words());
    }
    Ok(())
}
