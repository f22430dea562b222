//! The result as people read it: a line a figure, the target beside what was measured.

use std::fmt::{self, Display, Write};

use super::{
    figure::{Figure, Target, number},
    samples::Samples,
};

const HEADINGS: [&str; 6] =
    ["scenario", "figure", "target", "measured (least .. greatest)", "reference in the same run", ""];

/// Figures with the scenario that each belongs to.
#[derive(Debug, Default)]
pub struct Table {
    lines: Vec<[String; 6]>,
    /// Lines whose target was missed.
    pub missed: usize,
}

impl Table {
    pub fn push(&mut self, scenario: &str, figure: &Figure) {
        let met = figure.met();
        self.missed += usize::from(met == Some(false));
        let verdict = met.map_or("", |met| if met { "met" } else { "MISSED" });
        self.lines.push([
            scenario.to_owned(),
            format!("{}, {}", figure.what, figure.unit),
            figure.target.map_or_else(String::new, |target| target.to_string()),
            with_spread(&figure.rounds),
            reference(figure),
            verdict.to_owned(),
        ]);
    }
}

fn reference(figure: &Figure) -> String {
    let Some(reference) = &figure.reference else { return String::new() };
    let text = format!("{} {}", with_spread(&reference.rounds), reference.what);
    match (figure.target, figure.ratio()) {
        (Some(Target::AtMostAbove(_)), _) | (_, None) => text,
        (_, Some(ratio)) => format!("{text}; {:.2}x", ratio.median()),
    }
}

fn with_spread(samples: &Samples) -> String {
    let median = number(samples.median());
    if samples.spread() > 0.0 {
        format!("{median} ({} .. {})", number(samples.min()), number(samples.max()))
    } else {
        median
    }
}

impl Display for Table {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        columns(f, HEADINGS, &self.lines)
    }
}

/// Cells in columns that line up.
pub fn columns<const N: usize>(
    f: &mut fmt::Formatter<'_>,
    headings: [&str; N],
    lines: &[[String; N]],
) -> fmt::Result {
    let headings = headings.map(str::to_owned);
    let mut widths = headings.each_ref().map(|heading| heading.chars().count());
    for line in lines {
        for (width, cell) in widths.iter_mut().zip(line) {
            *width = (*width).max(cell.chars().count());
        }
    }
    let rule = widths.map(|width| "-".repeat(width));
    for line in [&headings, &rule].into_iter().chain(lines) {
        let mut text = String::new();
        for (cell, width) in line.iter().zip(widths) {
            write!(text, "| {cell:<width$} ")?;
        }
        writeln!(f, "{text}|")?;
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn columns_line_up_and_a_missed_target_shouts() {
        let mut table = Table::default();
        let rounds: Samples = [90e3, 80e3, 95e3].into_iter().collect();
        table.push("bulk", &Figure::higher("wall", "rows/s", rounds.clone()).target(Target::AtLeast(100e3)));
        table.push("bulk", &Figure::higher("alone", "rows/s", rounds.clone()).beside("other", &rounds));
        let text = table.to_string();
        let widths: Vec<usize> = text.lines().map(str::len).collect();
        assert!(widths.windows(2).all(|pair| pair[0] == pair[1]), "{text}");
        assert!(text.contains("| >= 100,000 | 90,000 (80,000 .. 95,000) "), "{text}");
        assert!(text.contains("other; 1.00x"), "{text}");
        assert_eq!(table.missed, 1);
    }
}
