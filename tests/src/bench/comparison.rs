//! Two result files beside each other: what became worse by more than chance explains.
//!
//! A figure is worse when its median moved the wrong way by more than the spread of its rounds in the older file and a tenth of
//! its value together. Where the target is a ratio to a reference, the ratio is compared: both runs may have been on machines of different speed.

use std::fmt;

use super::{
    figure::{Better, Target, number},
    results::Entry,
    table::columns,
};

/// Of the older median, beside its spread.
const TOLERANCE: f64 = 0.10;

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Verdict {
    Same,
    Better,
    Worse,
    /// In one of the files only.
    Alone,
}

/// The figures of both files, in the older one's order, then those that are new.
#[derive(Debug)]
pub struct Comparison {
    lines: Vec<[String; 5]>,
    notes: Vec<String>,
    /// How many became worse.
    pub worse: usize,
}

/// Of several lines about one figure in a file the last one counts.
pub fn compare(older: &[Entry], newer: &[Entry]) -> Comparison {
    let mut comparison = Comparison { lines: Vec::new(), notes: differences(older, newer), worse: 0 };
    let older = last_of_each(older);
    let newer = last_of_each(newer);
    for entry in &older {
        let other = newer.iter().find(|other| same(entry, other)).copied();
        comparison.push(entry, Some(entry), other);
    }
    for entry in newer.iter().filter(|entry| !older.iter().any(|other| same(entry, other))) {
        comparison.push(entry, None, Some(entry));
    }
    comparison
}

fn same(one: &Entry, other: &Entry) -> bool {
    (&one.scenario, &one.figure.what) == (&other.scenario, &other.figure.what)
}

fn last_of_each(entries: &[Entry]) -> Vec<&Entry> {
    let mut kept: Vec<&Entry> = Vec::new();
    for entry in entries {
        match kept.iter_mut().find(|known| same(known, entry)) {
            Some(known) => *known = entry,
            None => kept.push(entry),
        }
    }
    kept
}

fn judge(older: &Entry, newer: &Entry) -> (f64, Verdict) {
    let (before, after) = (older.figure.compared(), newer.figure.compared());
    let change = after.median() - before.median();
    let allowed = before.spread() + TOLERANCE * before.median().abs();
    let worsening = if older.figure.better == Better::Lower { change } else { -change };
    let verdict = if worsening > allowed {
        Verdict::Worse
    } else if -worsening > allowed {
        Verdict::Better
    } else {
        Verdict::Same
    };
    (change / before.median().abs() * 100.0, verdict)
}

/// What makes the two files hard to compare.
fn differences(older: &[Entry], newer: &[Entry]) -> Vec<String> {
    let (Some(one), Some(other)) = (older.first(), newer.first()) else { return Vec::new() };
    let (one, other) = (&one.machine, &other.machine);
    let facts = [
        ("cpu", one.cpu.clone(), other.cpu.clone()),
        ("cores", one.cores.to_string(), other.cores.to_string()),
        ("memory", format!("{} MB", one.memory_mb), format!("{} MB", other.memory_mb)),
        ("kernel", one.kernel.clone(), other.kernel.clone()),
        ("mysqld", one.mysqld.clone(), other.mysqld.clone()),
        ("kafka", one.kafka.clone(), other.kafka.clone()),
        ("profile", one.profile.clone(), other.profile.clone()),
        ("rows", one.rows.to_string(), other.rows.to_string()),
        ("rounds", one.rounds.to_string(), other.rounds.to_string()),
    ];
    let differ = facts.into_iter().filter(|(_, one, other)| one != other);
    differ.map(|(what, one, other)| format!("{what} differs: {one}; {other}")).collect()
}

impl Comparison {
    fn push(&mut self, named: &Entry, older: Option<&Entry>, newer: Option<&Entry>) {
        let (change, verdict) = match (older, newer) {
            (Some(older), Some(newer)) => {
                let (change, verdict) = judge(older, newer);
                (format!("{change:+.1} %"), verdict)
            }
            _ => (String::new(), Verdict::Alone),
        };
        self.worse += usize::from(verdict == Verdict::Worse);
        let figure = &named.figure;
        let times = matches!(figure.target, Some(Target::AtMostTimes(_) | Target::AtLeastTimes(_)));
        let unit = if times { "x" } else { &figure.unit };
        let shown = |entry: Option<&Entry>| {
            entry.map_or_else(String::new, |entry| number(entry.figure.compared().median()))
        };
        let verdict = match verdict {
            Verdict::Same => "",
            Verdict::Better => "better",
            Verdict::Worse => "WORSE",
            Verdict::Alone => "in one file only",
        };
        self.lines.push([
            format!("{}: {}, {unit}", named.scenario, figure.what),
            shown(older),
            shown(newer),
            change,
            verdict.to_owned(),
        ]);
    }
}

impl fmt::Display for Comparison {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.notes.iter().try_for_each(|note| writeln!(f, "{note}"))?;
        columns(f, ["figure", "older", "newer", "change", ""], &self.lines)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::bench::{facts::Facts, figure::Figure, samples::Samples, scale::Scale};

    fn entry(what: &str, better: Better, rounds: &[f64]) -> Entry {
        let facts = Facts::of_this_machine(Scale { rows: 1_000, rounds: rounds.len() }, "9.7".to_owned());
        Entry::new("s", Figure::new(what, "u", better, rounds.iter().copied().collect()), &facts)
    }

    #[test]
    fn worse_is_what_moved_the_wrong_way_beyond_spread_and_tenth() {
        let worse = |better, older: &[f64], newer: &[f64]| {
            compare(&[entry("f", better, older)], &[entry("f", better, newer)]).worse
        };
        assert_eq!(worse(Better::Lower, &[100.0, 100.0, 100.0], &[111.0]), 1);
        assert_eq!(worse(Better::Lower, &[100.0, 100.0, 100.0], &[109.0]), 0, "within a tenth");
        assert_eq!(worse(Better::Lower, &[95.0, 100.0, 105.0], &[119.0]), 0, "within spread and tenth");
        assert_eq!(worse(Better::Lower, &[100.0], &[50.0]), 0, "an improvement");
        assert_eq!(worse(Better::Higher, &[100.0], &[89.0]), 1);
        assert_eq!(worse(Better::Higher, &[100.0], &[200.0]), 0);
    }

    #[test]
    fn a_ratio_is_compared_where_the_target_is_one() {
        let reference = |own: f64, other: f64| {
            let mut entry = entry("f", Better::Higher, &[own]);
            let other: Samples = [other].into_iter().collect();
            entry.figure = entry.figure.beside("native", &other).target(Target::AtLeastTimes(1.5));
            entry
        };
        let faster_machine = compare(&[reference(200.0, 100.0)], &[reference(400.0, 200.0)]);
        let slower_than_it = compare(&[reference(200.0, 100.0)], &[reference(200.0, 200.0)]);
        assert_eq!((faster_machine.worse, slower_than_it.worse), (0, 1));
        assert!(slower_than_it.to_string().contains("WORSE"), "{slower_than_it}");
    }

    #[test]
    fn figures_of_one_file_are_shown_and_the_last_line_of_a_figure_counts() {
        let older = [entry("gone", Better::Lower, &[1.0]), entry("f", Better::Lower, &[1.0])];
        let newer = [
            entry("f", Better::Lower, &[9.0]),
            entry("f", Better::Lower, &[1.0]),
            entry("new", Better::Lower, &[1.0]),
        ];
        let comparison = compare(&older, &newer);
        assert_eq!((comparison.worse, comparison.lines.len()), (0, 3));
        assert_eq!(comparison.lines[0][4], "in one file only");
    }
}
