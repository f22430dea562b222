//! The result as programs read it: a JSON object a line and figure, each with everything needed to judge it alone.

use std::{fs, io::Write as _, path::Path};

use anyhow::{Context, Result};
use serde::{Deserialize, Serialize};

use super::{facts::Facts, figure::Figure};

/// One line of a result file.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Entry {
    pub scenario: String,
    #[serde(flatten)]
    pub figure: Figure,
    pub median: f64,
    pub min: f64,
    pub max: f64,
    pub met: Option<bool>,
    pub machine: Facts,
}

impl Entry {
    pub fn new(scenario: &str, figure: Figure, machine: &Facts) -> Self {
        Self {
            scenario: scenario.to_owned(),
            median: figure.rounds.median(),
            min: figure.rounds.min(),
            max: figure.rounds.max(),
            met: figure.met(),
            figure,
            machine: machine.clone(),
        }
    }
}

/// Appends lines: what was measured before a scenario fails is kept.
pub fn append(file: &Path, entries: &[Entry]) -> Result<()> {
    let mut text = Vec::new();
    for entry in entries {
        serde_json::to_writer(&mut text, entry)?;
        text.push(b'\n');
    }
    let written = fs::File::options().create(true).append(true).open(file);
    written.and_then(|mut file| file.write_all(&text)).with_context(|| format!("write {}", file.display()))
}

pub fn read(file: &Path) -> Result<Vec<Entry>> {
    let text = fs::read_to_string(file).with_context(|| format!("read {}", file.display()))?;
    let lines = text.lines().enumerate().filter(|(_, line)| !line.trim().is_empty());
    let entries = lines.map(|(number, line)| {
        serde_json::from_str(line)
            .with_context(|| format!("{}:{}: not a result of the benchmark", file.display(), number + 1))
    });
    entries.collect()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::bench::{figure::Target, samples::Samples, scale::Scale};

    #[test]
    fn what_is_written_is_read_again() {
        let rounds: Samples = [3.5, 4.25].into_iter().collect();
        let figure = Figure::lower("CPU", "us/row", rounds.clone())
            .beside("packets only", &rounds)
            .target(Target::AtMostTimes(1.5));
        let facts = Facts::of_this_machine(Scale { rows: 1_000, rounds: 2 }, "9.7".to_owned());
        let entry = Entry::new("connector-bulk", figure, &facts);
        let file = std::env::temp_dir().join(format!("bench-results-{}.jsonl", std::process::id()));
        append(&file, std::slice::from_ref(&entry)).expect("written");
        append(&file, std::slice::from_ref(&entry)).expect("written again");
        let back = read(&file).expect("read");
        fs::remove_file(&file).expect("remove the test's own file");
        assert_eq!(back, [entry.clone(), entry]);
    }
}
