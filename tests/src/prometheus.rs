//! A Prometheus of this process that reads given metrics pages, to run real queries and rules on.

use std::fmt::Write as _;
use std::fs;
use std::path::Path;
use std::time::Duration;

use anyhow::{Context, Result, bail};

use crate::child::Child;
use crate::ports::free_port;
use crate::run_dir::make_dir;
use crate::{http, install};

const START: Duration = Duration::from_secs(30);

#[derive(Debug)]
pub struct Prometheus {
    port: u16,
    _child: Child,
}

impl Prometheus {
    /// Reads each target's /metrics (name of the job, host:port) every second, with the rules of a file.
    pub async fn start(targets: &[(&str, &str)], rules: Option<&Path>) -> Result<Self> {
        let mut command =
            tokio::task::spawn_blocking(install::prometheus).await?.context("install Prometheus")?;
        let dir = make_dir("prometheus")?;
        let mut config = "global: {scrape_interval: 1s, evaluation_interval: 1s}\n".to_owned();
        if let Some(rules) = rules {
            writeln!(config, "rule_files: [{:?}]", rules.display().to_string())?;
        }
        config.push_str("scrape_configs:\n");
        for (job, target) in targets {
            writeln!(config, "- {{job_name: {job:?}, static_configs: [{{targets: [{target:?}]}}]}}")?;
        }
        fs::write(dir.join("prometheus.yml"), config)?;
        let port = free_port()?;
        command
            .arg(format!("--config.file={}", dir.join("prometheus.yml").display()))
            .arg(format!("--storage.tsdb.path={}", dir.join("data").display()))
            .arg(format!("--web.listen-address=127.0.0.1:{port}"))
            .args(["--web.enable-lifecycle", "--log.level=warn"])
            .current_dir(&dir);
        let child = Child::spawn(&command, &dir.join("prometheus.log"))?;
        let ready = format!("http://127.0.0.1:{port}/-/ready");
        let answered = async {
            while http::ok(&ready).await.is_err() {
                tokio::time::sleep(Duration::from_millis(50)).await;
            }
        };
        tokio::select! {
            () = answered => Ok(Self { port, _child: child }),
            _ = child.wait(START) => bail!("Prometheus did not start; its last words:\n{}", child.last_words()),
        }
    }

    pub fn url(&self) -> String {
        format!("http://127.0.0.1:{}", self.port)
    }

    /// The values of an instant query, over all labels; an error is what Prometheus says of the query.
    pub async fn query(&self, query: &str) -> Result<Vec<f64>> {
        let encoded = query.bytes().fold(String::new(), |mut text, byte| {
            let _ = write!(text, "%{byte:02x}");
            text
        });
        let (status, body) = http::status(&format!("{}/api/v1/query?query={encoded}", self.url())).await?;
        let answer: serde_json::Value = serde_json::from_str(&body)?;
        anyhow::ensure!(status == 200, "{query}: {}", answer["error"]);
        let samples = answer["data"]["result"].as_array().context("a list of samples")?;
        let value = |sample: &serde_json::Value| sample["value"][1].as_str()?.parse().ok();
        Ok(samples.iter().filter_map(value).collect())
    }
}
