//! What the rounds of one measurement gave: judged by the median, shown with the spread.

use serde::{Deserialize, Serialize};

/// One value a round, in the order of the rounds.
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize)]
#[serde(transparent)]
pub struct Samples(Vec<f64>);

impl Samples {
    pub fn push(&mut self, value: f64) {
        self.0.push(value);
    }

    pub fn median(&self) -> f64 {
        let mut sorted = self.0.clone();
        sorted.sort_by(f64::total_cmp);
        match sorted.len() {
            0 => f64::NAN,
            count if count % 2 == 1 => sorted[count / 2],
            count => f64::midpoint(sorted[count / 2 - 1], sorted[count / 2]),
        }
    }

    pub fn min(&self) -> f64 {
        self.0.iter().copied().fold(f64::NAN, f64::min)
    }

    pub fn max(&self) -> f64 {
        self.0.iter().copied().fold(f64::NAN, f64::max)
    }

    /// From the least to the greatest.
    pub fn spread(&self) -> f64 {
        self.max() - self.min()
    }

    /// Round by round: what disturbed a round disturbed both sides of it.
    #[must_use]
    pub fn with(&self, other: &Self, of: impl Fn(f64, f64) -> f64) -> Self {
        self.0.iter().zip(&other.0).map(|(one, other)| of(*one, *other)).collect()
    }
}

impl FromIterator<f64> for Samples {
    fn from_iter<I: IntoIterator<Item = f64>>(values: I) -> Self {
        Self(values.into_iter().collect())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_median_is_the_middle_or_between_the_two_middles() {
        let odd: Samples = [9.0, 1.0, 2.0].into_iter().collect();
        let even: Samples = [4.0, 1.0, 2.0, 8.0].into_iter().collect();
        assert!((odd.median() - 2.0).abs() < 1e-9 && (even.median() - 3.0).abs() < 1e-9);
        assert!((odd.spread() - 8.0).abs() < 1e-9);
        assert!(Samples::default().median().is_nan());
    }
}
