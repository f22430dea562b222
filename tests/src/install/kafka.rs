//! Apache Kafka's jars, its logging configuration and a class archive that halves its start.

use std::fs;
use std::net::TcpStream;
use std::path::{Path, PathBuf};
use std::process::Command;

use anyhow::{Context, Result, ensure};

use super::{classes, java, maven, run};
use crate::lab_dir;

pub const VERSION: &str = "4.4.0";

const LOGGING: &str = "\
status = ERROR
appender.out.type = Console
appender.out.name = out
appender.out.layout.type = PatternLayout
appender.out.layout.pattern = %d{ISO8601} %p %c{1} %m%n
rootLogger.level = WARN
rootLogger.appenderRef.out.ref = out
";

/// What is needed to run a broker or one of Kafka's tools.
#[derive(Debug, Clone)]
pub struct KafkaFiles {
    java: PathBuf,
    jars: PathBuf,
    logging: PathBuf,
    classes: Classes,
}

/// The JVM's archive of loaded classes: written once by a broker that is started and stopped for it.
#[derive(Debug, Clone)]
enum Classes {
    None,
    Record(PathBuf),
    Use(PathBuf),
}

impl KafkaFiles {
    /// `STRAIT_LAB_KAFKA` (a folder of jars: an installation's `libs`), else from Maven Central.
    pub fn install() -> Result<Self> {
        let java = java()?;
        let Some(jars) = std::env::var_os("STRAIT_LAB_KAFKA").map(PathBuf::from) else {
            return Self::download(&java);
        };
        ensure!(
            jars.is_dir(),
            "STRAIT_LAB_KAFKA={}: name a folder of jars, or running brokers as host:port",
            jars.display()
        );
        let home =
            lab_dir::entry("kafka-logging-1", |dir| Ok(fs::write(dir.join("log4j2.properties"), LOGGING)?))?;
        Ok(Self { java, jars, logging: home.join("log4j2.properties"), classes: Classes::None })
    }

    fn download(java: &Path) -> Result<Self> {
        let in_home = |home: &Path, classes: fn(PathBuf) -> Classes| Self {
            java: java.to_owned(),
            jars: home.join("jars"),
            logging: home.join("log4j2.properties"),
            classes: classes(home.join("classes.jsa")),
        };
        let home = lab_dir::entry(&format!("kafka-1-{VERSION}"), |dir| {
            fs::write(dir.join("log4j2.properties"), LOGGING)?;
            maven::dependencies(
                &[
                    ("org.apache.kafka", "kafka_2.13", VERSION),
                    ("org.apache.logging.log4j", "log4j-slf4j-impl", "2.25.5"),
                ],
                &dir.join("jars"),
            )?;
            in_home(dir, Classes::Record).record_classes(dir)
        })?;
        Ok(in_home(&home, Classes::Use))
    }

    /// A class of Kafka's as a program: `kafka.Kafka`, `kafka.tools.StorageTool`, ...
    pub fn class(&self, class: &str, java_args: &[String]) -> Command {
        let mut command = Command::new(&self.java);
        command.arg("-XX:+UseSerialGC").args(java_args);
        match &self.classes {
            Classes::Use(archive) => command.arg(classes::use_option(archive)),
            Classes::Record(archive) if class == "kafka.Kafka" => {
                command.arg(classes::record_option(archive))
            }
            Classes::Record(_) | Classes::None => &mut command,
        };
        command
            .arg(format!("-Dlog4j2.configurationFile={}", self.logging.display()))
            .arg("-cp")
            .arg(format!("{}/*", self.jars.display()))
            .arg(class);
        command
    }

    /// Writes a node's storage; `controllers` is the quorum of a cluster of several nodes.
    pub fn format(&self, cluster_id: &str, properties: &Path, controllers: Option<&str>) -> Result<()> {
        let java_args = ["-Xmx128m".to_owned(), "-XX:TieredStopAtLevel=1".to_owned()];
        let mut command = self.class("kafka.tools.StorageTool", &java_args);
        command.arg("format").args(["-t", cluster_id]).arg("-c").arg(properties);
        match controllers {
            Some(controllers) => command.args(["--initial-controllers", controllers]),
            None => command.arg("--standalone"),
        };
        run(&mut command)?;
        Ok(())
    }

    /// A broker that ends as soon as it listens leaves the archive of the classes it loaded.
    fn record_classes(&self, dir: &Path) -> Result<()> {
        let (broker, controller) = (classes::free_address()?, classes::free_address()?);
        let data = dir.join("first-run");
        let properties = dir.join("first-run.properties");
        fs::write(
            &properties,
            format!(
                "process.roles=broker,controller\nnode.id=1\nlisteners=PLAINTEXT://{broker},CONTROLLER://{controller}\n\
                 controller.listener.names=CONTROLLER\ncontroller.quorum.bootstrap.servers={controller}\nlog.dirs={}\n",
                data.display()
            ),
        )?;
        self.format("Zmlyc3QtcnVuLW9mLWxhYg", &properties, None)?;
        let log = dir.join("first-run.log");
        let mut server = self.class("kafka.Kafka", &["-Xmx256m".to_owned()]);
        classes::record(server.arg(&properties), &log, || TcpStream::connect(broker).is_ok())
            .context("Kafka")?;
        fs::remove_dir_all(data)?;
        Ok(())
    }
}
