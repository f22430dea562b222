//! One measured figure: its rounds, the reference that was measured in turns with it, and what it ought to be.

use std::fmt;

use serde::{Deserialize, Serialize};

use super::samples::Samples;

/// Which way is an improvement.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Better {
    Lower,
    Higher,
}

/// What a figure is judged by. A ratio or a distance is taken round by round, then their median.
#[derive(Debug, Clone, Copy, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Target {
    AtMost(f64),
    AtLeast(f64),
    /// Of the reference.
    AtMostTimes(f64),
    AtLeastTimes(f64),
    /// More than the reference, in the figure's own unit.
    AtMostAbove(f64),
}

/// The same work done by somebody else, or under other conditions.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Reference {
    pub what: String,
    pub rounds: Samples,
}

#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Figure {
    /// Unique within its scenario: two result files are compared by it.
    pub what: String,
    pub unit: String,
    pub better: Better,
    pub rounds: Samples,
    pub reference: Option<Reference>,
    pub target: Option<Target>,
}

impl Figure {
    pub fn new(what: impl Into<String>, unit: &str, better: Better, rounds: Samples) -> Self {
        Self { what: what.into(), unit: unit.to_owned(), better, rounds, reference: None, target: None }
    }

    pub fn lower(what: impl Into<String>, unit: &str, rounds: Samples) -> Self {
        Self::new(what, unit, Better::Lower, rounds)
    }

    pub fn higher(what: impl Into<String>, unit: &str, rounds: Samples) -> Self {
        Self::new(what, unit, Better::Higher, rounds)
    }

    #[must_use]
    pub fn beside(mut self, what: impl Into<String>, rounds: &Samples) -> Self {
        self.reference = Some(Reference { what: what.into(), rounds: rounds.clone() });
        self
    }

    #[must_use]
    pub fn target(mut self, target: Target) -> Self {
        self.target = Some(target);
        self
    }

    /// Times the reference.
    pub fn ratio(&self) -> Option<Samples> {
        Some(self.rounds.with(&self.reference.as_ref()?.rounds, |own, other| own / other))
    }

    /// Whether the target is met; `None` without one. A target that compares with a reference that is not there is missed.
    pub fn met(&self) -> Option<bool> {
        let ratio = || self.ratio().map_or(f64::NAN, |ratio| ratio.median());
        let above = || {
            let reference = self.reference.as_ref().map(|reference| &reference.rounds);
            reference.map_or(f64::NAN, |other| self.rounds.with(other, |own, other| own - other).median())
        };
        Some(match self.target? {
            Target::AtMost(most) => self.rounds.median() <= most,
            Target::AtLeast(least) => self.rounds.median() >= least,
            Target::AtMostTimes(most) => ratio() <= most,
            Target::AtLeastTimes(least) => ratio() >= least,
            Target::AtMostAbove(most) => above() <= most,
        })
    }

    /// The reference that its target speaks of takes the machine's speed out of the figure: then a comparison looks at that alone.
    pub fn compared(&self) -> Samples {
        match self.target {
            Some(Target::AtMostTimes(_) | Target::AtLeastTimes(_)) => {
                self.ratio().unwrap_or_else(|| self.rounds.clone())
            }
            _ => self.rounds.clone(),
        }
    }
}

impl fmt::Display for Target {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::AtMost(most) => write!(f, "<= {}", number(*most)),
            Self::AtLeast(least) => write!(f, ">= {}", number(*least)),
            Self::AtMostTimes(most) => write!(f, "<= {most}x"),
            Self::AtLeastTimes(least) => write!(f, ">= {least}x"),
            Self::AtMostAbove(most) => write!(f, "<= reference + {}", number(*most)),
        }
    }
}

/// Three digits that say something, and groups of three: `1,234,567`, `12.3`, `0.35`.
pub fn number(value: f64) -> String {
    let decimals = match value.abs() {
        big if big >= 100.0 => 0,
        middle if middle >= 10.0 => 1,
        _ => 2,
    };
    let text = format!("{value:.decimals$}");
    let (whole, fraction) = text.split_once('.').map_or((&*text, ""), |(whole, fraction)| (whole, fraction));
    let mut grouped = String::new();
    for (index, digit) in whole.chars().enumerate() {
        if index > 0 && (whole.len() - index).is_multiple_of(3) && grouped != "-" {
            grouped.push(',');
        }
        grouped.push(digit);
    }
    match fraction.trim_end_matches('0') {
        "" => grouped,
        fraction => format!("{grouped}.{fraction}"),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn samples(values: &[f64]) -> Samples {
        values.iter().copied().collect()
    }

    #[test]
    fn numbers_are_grouped_and_short() {
        let shown = [1_234_567.4, 999.0, -123_456.0, 12.34, 0.35, 4.0, 40_000.0].map(number);
        assert_eq!(shown, ["1,234,567", "999", "-123,456", "12.3", "0.35", "4", "40,000"]);
    }

    #[test]
    fn each_kind_of_target_is_judged_by_the_median() {
        let judged = |target| {
            Figure::lower("x", "us", samples(&[6.0, 2.0, 3.0]))
                .beside("y", &samples(&[3.0, 1.0, 2.0]))
                .target(target)
                .met()
        };
        assert_eq!(judged(Target::AtMost(3.0)), Some(true));
        assert_eq!(judged(Target::AtLeast(3.1)), Some(false));
        assert_eq!(judged(Target::AtMostTimes(2.0)), Some(true), "of the rounds' ratios 2, 2, 1.5");
        assert_eq!(judged(Target::AtLeastTimes(2.1)), Some(false));
        assert_eq!(judged(Target::AtMostAbove(1.0)), Some(true));
        let alone = Figure::lower("x", "us", samples(&[1.0])).target(Target::AtMostTimes(2.0));
        assert_eq!(alone.met(), Some(false), "nothing to compare with");
    }
}
