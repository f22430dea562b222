//! `strait-connector snapshot`: asks the connector that runs for something, by a record of the signal topic, and shows how
//! far that is.

use std::{
    process,
    time::{Duration, Instant, SystemTime, UNIX_EPOCH},
};

use serde_json::json;
use strait_schemas::{Position, Signal, SnapshotPlan};
use strait_service::{CancellationToken, cli};

use crate::{
    Error, Result,
    config::Config,
    kafka::{self, Cluster, Purpose, Topics},
};

/// Between two looks at the position.
const LOOK: Duration = Duration::from_secs(1);
/// A connector that runs has taken a signal long before.
const PATIENCE: Duration = Duration::from_secs(30);

/// What is asked for.
#[derive(Debug, Clone, clap::Args)]
pub struct Wish {
    /// Tables, `database.table`; regular expressions match whole names
    #[arg(value_name = "TABLE")]
    pub tables: Vec<String>,
    /// Only rows that this SQL condition holds of; then nothing is deleted at a target
    #[arg(long = "where", value_name = "CONDITION")]
    pub condition: Option<String>,
    /// Read no more until it is resumed
    #[arg(long, group = "verb")]
    pub pause: bool,
    /// Go on
    #[arg(long, group = "verb")]
    pub resume: bool,
    /// Give up the tables that are named, or all
    #[arg(long, group = "verb")]
    pub stop: bool,
    /// Ask, and do not wait for the end
    #[arg(long)]
    pub detach: bool,
}

impl Wish {
    /// `None`: it names nothing to be done, and only the progress is shown.
    fn signal(&self) -> Option<Signal> {
        let kind = match self {
            Self { pause: true, .. } => "pause-snapshot",
            Self { resume: true, .. } => "resume-snapshot",
            Self { stop: true, .. } => "stop-snapshot",
            Self { tables, .. } if tables.is_empty() => return None,
            _ => "execute-snapshot",
        };
        let mut data = json!({"type": "incremental", "data-collections": self.tables});
        if let Some(condition) = &self.condition {
            data["additional-condition"] = json!(condition);
        }
        let now = SystemTime::now().duration_since(UNIX_EPOCH).unwrap_or_default();
        let id = format!("{:x}-{:x}", now.as_micros(), process::id());
        Some(Signal { id, kind: kind.into(), data })
    }
}

/// Asks and waits; the exit code.
pub fn run(config: &Config, wish: &Wish) -> u8 {
    let runtime = match tokio::runtime::Builder::new_multi_thread().worker_threads(1).enable_all().build() {
        Ok(runtime) => runtime,
        Err(error) => {
            eprintln!("cause:  no runtime could be made: {error}");
            return cli::EXIT_HALTED;
        }
    };
    match ask(config, wish, &runtime) {
        Ok(()) => cli::EXIT_CLEAN,
        Err(error) => {
            eprint!("{}", cli::explain(&error));
            cli::EXIT_HALTED
        }
    }
}

fn ask(config: &Config, wish: &Wish, runtime: &tokio::runtime::Runtime) -> Result<()> {
    let (cluster, stop) = (Cluster::new(config), CancellationToken::new());
    let topic = config.signal_topic();
    if let Some(signal) = wish.signal() {
        Topics::new(&cluster, &config.topics, runtime.handle().clone(), stop.clone())?
            .ensure(&topic, Purpose::Side)?;
        let offset = kafka::send_signal(&cluster, &topic, &config.prefix, &signal)?;
        println!("asked: {} {}", signal.kind, wish.tables.join(" "));
        wait_until_taken(config, &cluster, &signal, offset, &stop)?;
    }
    if !wish.detach && !wish.pause && !wish.stop {
        follow(config, &cluster, &stop, !wish.tables.is_empty() && !wish.resume)?;
    }
    Ok(())
}

fn wait_until_taken(
    config: &Config,
    cluster: &Cluster,
    signal: &Signal,
    offset: i64,
    stop: &CancellationToken,
) -> Result<()> {
    let began = Instant::now();
    loop {
        let position = kafka::read_position(cluster, &config.prefix, stop)?;
        let is_done = |position: &Position| {
            position.signals.offset >= offset && !position.signals.waiting.iter().any(|it| it.id == signal.id)
        };
        if let Some(position) = position.filter(is_done) {
            let passed_over = position.signals.passed_over.filter(|it| it.id == signal.id);
            return passed_over.map_or(Ok(()), |it| {
                Err(Error::refused(
                    format!("nothing comes of it: {}", it.why),
                    format!("topic {}, prefix {}", config.signal_topic(), config.prefix),
                    "name tables that are published, as database.table, and a condition that the source's server takes",
                ))
            });
        }
        if began.elapsed() > PATIENCE {
            return Err(Error::refused(
                "no connector has taken the signal yet",
                format!("topic {}, prefix {}", config.signal_topic(), config.prefix),
                "start the connector of this prefix; its log says what becomes of the signal, which waits in the topic",
            ));
        }
        std::thread::sleep(LOOK);
    }
}

/// One line each time something has moved, until no snapshot is under way. `asked`: one was, and may be over already.
fn follow(config: &Config, cluster: &Cluster, stop: &CancellationToken, asked: bool) -> Result<()> {
    let mut last: Option<(Instant, u64)> = None;
    loop {
        let position = kafka::read_position(cluster, &config.prefix, stop)?;
        let Some(progress) = position.and_then(|position| position.snapshot) else {
            let over = asked || last.is_some();
            println!("{}", if over { "the snapshot is complete" } else { "no snapshot is under way" });
            return Ok(());
        };
        let plan = kafka::read_snapshot_plan(cluster, &config.prefix, stop)?;
        let plan = plan.filter(|plan| plan.id == progress.id);
        let rate = last.map(|(then, rows)| {
            progress.rows.saturating_sub(rows) as f64 / then.elapsed().as_secs_f64().max(0.001)
        });
        println!("{}", line(&progress, plan.as_ref(), rate));
        last = Some((Instant::now(), progress.rows));
        std::thread::sleep(LOOK);
    }
}

fn line(
    progress: &strait_schemas::SnapshotProgress,
    plan: Option<&SnapshotPlan>,
    rate: Option<f64>,
) -> String {
    let tables = plan.map_or(0, |plan| plan.tables.len() as u32);
    let done = (0..tables).filter(|table| progress.is_done(*table)).count();
    let estimate: u64 = plan.map_or(0, |plan| plan.tables.iter().map(|table| table.estimate).sum());
    let mut parts = vec![format!("{done} of {tables} tables, {} rows", progress.rows)];
    if let Some(rate) = rate {
        parts.push(format!("{rate:.0} rows/s"));
        if estimate > progress.rows && rate >= 1.0 {
            parts.push(format!("about {:.0} s left", (estimate - progress.rows) as f64 / rate));
        }
    }
    if progress.paused {
        parts.push("paused".into());
    }
    parts.join(", ")
}

#[cfg(test)]
mod tests {
    use super::*;
    use strait_schemas::{PlannedTable, SnapshotProgress};

    fn wish(tables: &[&str]) -> Wish {
        Wish {
            tables: tables.iter().map(|table| (*table).to_owned()).collect(),
            condition: None,
            pause: false,
            resume: false,
            stop: false,
            detach: false,
        }
    }

    #[test]
    fn a_wish_is_a_signal_that_is_understood() {
        use crate::signals::{Asked, Wanted, understand};
        let signal = Wish { condition: Some("id > 5".into()), ..wish(&["shop.a"]) }.signal().expect("one");
        let wanted = Wanted { tables: "shop.a".into(), condition: Some("id > 5".into()) };
        assert_eq!(understand(&signal), Ok(Asked::Execute(vec![wanted])));
        let signal = Wish { stop: true, ..wish(&["shop.a"]) }.signal().expect("one");
        assert_eq!(understand(&signal), Ok(Asked::Stop(vec!["shop.a".into()])));
        let signal = Wish { pause: true, ..wish(&[]) }.signal().expect("one");
        assert_eq!(understand(&signal), Ok(Asked::Pause));
        assert!(wish(&[]).signal().is_none());
    }

    #[test]
    fn the_line_says_how_much_is_left() {
        let table = |name: &str, estimate| PlannedTable {
            database: "d".into(),
            table: name.into(),
            condition: None,
            estimate,
            after: Vec::new(),
        };
        let plan = SnapshotPlan { id: 1, tables: vec![table("a", 100), table("b", 900)], initial: true };
        let mut progress = SnapshotProgress::new(1);
        progress.advance(0, None, 100);
        assert_eq!(
            line(&progress, Some(&plan), Some(90.0)),
            "1 of 2 tables, 100 rows, 90 rows/s, about 10 s left"
        );
        progress.paused = true;
        assert_eq!(line(&progress, Some(&plan), None), "1 of 2 tables, 100 rows, paused");
    }
}
