//! Other people's readers: Confluent's Python client rebuilds a table from its topic alone, in Avro and in JSON, and it
//! equals SELECT *; kcat prints the JSON records.

use std::{path::Path, process::Command, time::Duration};

use anyhow::{Context, Result, ensure};
use serde_json::Value;
use strait_schemas::topics;

use super::judge::published;
use crate::{Kafka, KafkaOptions, MySql, MySqlOptions, Program, Registry, RegistryOptions, Strait, install};

const DATABASE: &str = "readers";
const READY: Duration = Duration::from_mins(1);
const TABLE: &str = "CREATE TABLE readers.sample (
    id INT NOT NULL, region CHAR(2) NOT NULL,
    tiny TINYINT, small SMALLINT UNSIGNED, big BIGINT, amount DECIMAL(12,3), ratio DOUBLE,
    name VARCHAR(60) CHARACTER SET utf8mb4, latin VARCHAR(60) CHARACTER SET latin1, kind ENUM('a','b','c'), flags SET('x','y','z'),
    data VARBINARY(40), note TEXT, document JSON, day DATE, moment DATETIME(3), instant DATETIME(6), stamp TIMESTAMP, span TIME(6), born YEAR,
    PRIMARY KEY (id, region))";

#[derive(Debug, Clone, Copy)]
pub struct Readers {
    pub seed: u64,
    pub changes: u32,
}

struct Line {
    source: MySql,
    kafka: Kafka,
    registry: Registry,
}

impl Readers {
    pub async fn run(self) -> Result<String> {
        let (source, kafka, registry) = tokio::try_join!(
            MySql::start(MySqlOptions::named("source")),
            Kafka::start(KafkaOptions::named("kafka")),
            Registry::start(RegistryOptions::named("registry")),
        )?;
        let line = Line { source, kafka, registry };
        let connectors = [line.connector("avro").await?, line.connector("json").await?];
        for connector in &connectors {
            connector.start_ready(READY).await?;
        }
        self.change(&line.source).await?;
        for (connector, prefix) in connectors.iter().zip(["avro", "json"]) {
            published(line.kafka.bootstrap(), prefix, &line.source)
                .await
                .with_context(|| connector.last_words())?;
        }
        let expected = select_all(&line.source).await?;
        ensure!(expected.lines().count() > 10, "too few rows are left to prove anything:\n{expected}");
        for form in ["avro", "json"] {
            let rebuilt = line.rebuild(form).await?;
            ensure!(rebuilt == expected, "{form}: {}", difference(&expected, &rebuilt));
        }
        let printed = line.print_with_kcat().await?;
        for connector in &connectors {
            connector.stop().await?;
        }
        Ok(format!(
            "{} rows rebuilt from Avro and from JSON; kcat printed {printed} records",
            expected.lines().count()
        ))
    }

    /// Inserts, updates, deletes and key changes, by seed.
    async fn change(self, source: &MySql) -> Result<()> {
        source.run([format!("CREATE DATABASE {DATABASE}"), TABLE.to_owned()]).await?;
        let mut random = fastrand::Rng::with_seed(self.seed);
        let statements = (0..self.changes).map(|number| {
            let (id, other) = (random.i32(1..100), random.i32(1..100));
            match random.u8(..10) {
                0 => format!("DELETE FROM readers.sample WHERE id = {id}"),
                1 => format!("UPDATE IGNORE readers.sample SET id = {other} WHERE id = {id}"),
                2..5 => {
                    format!("UPDATE readers.sample SET big = {}, note = NULL WHERE id = {id}", random.i64(..))
                }
                _ => format!("REPLACE INTO readers.sample VALUES ({})", row(id, number, &mut random)),
            }
        });
        source.run(["SET time_zone = '+00:00'".to_owned()].into_iter().chain(statements)).await
    }
}

/// A row with every column set, or most of them NULL.
fn row(id: i32, number: u32, random: &mut fastrand::Rng) -> String {
    let region = ["cn", "sz", "bj"][random.usize(..3)];
    if random.u8(..5) == 0 {
        return format!("{id}, '{region}'{}", ", NULL".repeat(18));
    }
    let day = random.u32(1..28);
    let micros = random.u32(..1_000_000);
    format!(
        "{id}, '{region}', {tiny}, {small}, {big}, {whole}.{fraction:03}, {half}.5, \
         'größe {number} 数 \\t\\\\ \\n', 'café €', {kind}, {flags}, 'raw {number}', 'note \\'{number}\\'', \
         '{{\"n\": {number}, \"list\": [1, 2.5, null, \"é\"]}}', \
         '2024-02-{day:02}', '1999-12-31 23:59:{day:02}.{millis:03}', '2038-01-19 03:14:{day:02}.{micros:06}', \
         '2024-06-{day:02} 12:00:00', '-100:{day:02}:00.{micros:06}', {year}",
        tiny = random.i8(..),
        small = random.u16(..),
        big = random.i64(..),
        whole = random.i32(-100_000..100_000),
        fraction = random.u16(..1000),
        half = random.i32(-1000..1000),
        kind = random.u8(1..4),
        flags = random.u8(..8),
        millis = random.u16(..1000),
        year = random.u16(1901..2155),
    )
}

impl Line {
    async fn connector(&self, form: &str) -> Result<Strait> {
        let config = format!(
            "prefix = '{form}'\n[source]\nhost = '{}'\nport = {}\nuser = '{}'\n[kafka]\nbrokers = '{}'\n\
             [registry]\nurl = '{}'\n[schema]\nformat = '{form}'\n",
            self.source.host(),
            self.source.port(),
            self.source.user(),
            self.kafka.bootstrap(),
            self.registry.url(),
        );
        Strait::configured(Program::Connector, &format!("{form}-connector"), toml::from_str(&config)?).await
    }

    /// What the Python reader makes of the topic.
    async fn rebuild(&self, form: &str) -> Result<String> {
        let script = Path::new(env!("CARGO_MANIFEST_DIR")).join("readers/rebuild.py");
        let topic = topics::data_topic(form, DATABASE, "sample");
        let mut python = tokio::task::spawn_blocking(install::python).await??;
        python.arg(script).args([self.kafka.bootstrap(), &topic, form, self.registry.url()]);
        output(python).await
    }

    /// Every record of the JSON topic is JSON to kcat too; how many change events it printed.
    async fn print_with_kcat(&self) -> Result<usize> {
        let mut kcat = tokio::task::spawn_blocking(install::kcat).await??;
        let topic = topics::data_topic("json", DATABASE, "sample");
        kcat.args(["-C", "-q", "-e", "-b", self.kafka.bootstrap(), "-t", &topic, "-o", "beginning"]).args([
            "-X",
            "isolation.level=read_committed",
            "-f",
            "%s\\n",
        ]);
        let printed = output(kcat).await?;
        let mut events = 0;
        // A tombstone is an empty line.
        for record in printed.lines().filter(|line| !line.is_empty()) {
            let record: Value =
                serde_json::from_str(record).with_context(|| format!("not JSON: {record}"))?;
            let op = record["payload"]["op"].as_str().with_context(|| format!("no op in {record}"))?;
            ensure!(["c", "u", "d"].contains(&op), "op {op}");
            events += 1;
        }
        ensure!(events > 0, "kcat printed nothing of {topic}");
        Ok(events)
    }
}

async fn select_all(source: &MySql) -> Result<String> {
    let mut client = source.tool("mysql").await?;
    let query =
        "SET NAMES utf8mb4; SET time_zone = '+00:00'; SELECT * FROM readers.sample ORDER BY id, region";
    client.args(["--batch", "--skip-column-names", "--default-character-set=utf8mb4", "--execute", query]);
    output(client).await
}

async fn output(mut command: Command) -> Result<String> {
    let program = command.get_program().display().to_string();
    let output =
        tokio::task::spawn_blocking(move || command.output()).await?.with_context(|| program.clone())?;
    let words = String::from_utf8_lossy(&output.stderr);
    ensure!(output.status.success(), "{program} ended with {}:\n{words}", output.status);
    Ok(String::from_utf8(output.stdout)?)
}

/// The first line that differs.
fn difference(expected: &str, rebuilt: &str) -> String {
    let mut pairs = expected.lines().zip(rebuilt.lines());
    match pairs.find(|(one, other)| one != other) {
        Some((one, other)) => format!("selected {one}\nrebuilt  {other}"),
        None => format!("{} rows selected, {} rebuilt", expected.lines().count(), rebuilt.lines().count()),
    }
}
