//! The benchmark's result: one table, each line beside its reference, each floor as met or missed.

use std::fmt::{self, Display, Write};

/// One measured thing. Cells are text already: units differ from line to line.
#[derive(Debug, Clone, Default)]
pub struct Line {
    pub what: String,
    pub measured: String,
    pub reference: String,
    pub floor: Option<Floor>,
}

#[derive(Debug, Clone)]
pub struct Floor {
    pub text: String,
    pub met: bool,
}

impl Floor {
    /// `value` must be at least `floor`.
    pub fn at_least(value: f64, floor: f64, text: impl Into<String>) -> Self {
        Self { text: text.into(), met: value >= floor }
    }

    /// `value` must be at most `ceiling`.
    pub fn at_most(value: f64, ceiling: f64, text: impl Into<String>) -> Self {
        Self { text: text.into(), met: value <= ceiling }
    }
}

#[derive(Debug, Default)]
pub struct Table {
    lines: Vec<Line>,
}

const HEADINGS: [&str; 4] = ["what", "measured", "reference in the same run", "floor"];

impl Table {
    pub fn push(&mut self, line: Line) {
        self.lines.push(line);
    }

    /// The lines whose floor was missed.
    pub fn missed(&self) -> usize {
        self.lines.iter().filter(|line| line.floor.as_ref().is_some_and(|floor| !floor.met)).count()
    }
}

impl Display for Table {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let cells: Vec<[String; 4]> = self.lines.iter().map(cells).collect();
        let width = |column: usize| {
            let widest = cells.iter().map(|line| line[column].chars().count()).max().unwrap_or(0);
            widest.max(HEADINGS[column].len())
        };
        let widths = [width(0), width(1), width(2), width(3)];
        let headings = HEADINGS.map(str::to_owned);
        let rule = widths.map(|width| "-".repeat(width));
        for line in [&headings, &rule].into_iter().chain(&cells) {
            let mut text = String::new();
            for (cell, width) in line.iter().zip(widths) {
                write!(text, "| {cell:<width$} ")?;
            }
            writeln!(f, "{text}|")?;
        }
        Ok(())
    }
}

fn cells(line: &Line) -> [String; 4] {
    let floor = line.floor.as_ref().map_or(String::new(), |floor| {
        format!("{} {}", floor.text, if floor.met { "met" } else { "MISSED" })
    });
    [line.what.clone(), line.measured.clone(), line.reference.clone(), floor]
}

/// `1234567` as `1,234,567`.
pub fn thousands(number: f64) -> String {
    let digits = format!("{:.0}", number.max(0.0));
    let mut text = String::new();
    for (index, digit) in digits.chars().enumerate() {
        if index > 0 && (digits.len() - index).is_multiple_of(3) {
            text.push(',');
        }
        text.push(digit);
    }
    text
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn columns_line_up_and_a_missed_floor_shouts() {
        let mut table = Table::default();
        table.push(Line {
            what: "drain".into(),
            measured: "90,000 rows/s".into(),
            reference: "1".into(),
            floor: Some(Floor::at_least(90e3, 100e3, ">= 100,000")),
        });
        let text = table.to_string();
        let widths: Vec<usize> = text.lines().map(str::len).collect();
        assert!(widths.windows(2).all(|pair| pair[0] == pair[1]), "{text}");
        assert!(text.contains(">= 100,000 MISSED"), "{text}");
        assert_eq!(table.missed(), 1);
    }

    #[test]
    fn numbers_are_grouped() {
        assert_eq!(thousands(1_234_567.4), "1,234,567");
        assert_eq!(thousands(999.0), "999");
    }
}
