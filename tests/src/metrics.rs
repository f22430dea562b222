//! What a metrics page says, in Prometheus' text form.

use std::collections::BTreeMap;

use anyhow::{Context, Result};

/// One page, read at once.
#[derive(Debug, Clone, Default)]
pub struct Metrics {
    samples: Vec<Sample>,
}

#[derive(Debug, Clone, PartialEq)]
struct Sample {
    name: String,
    labels: BTreeMap<String, String>,
    value: f64,
}

impl Metrics {
    pub fn parse(page: &str) -> Result<Self> {
        let lines = page.lines().filter(|line| !line.trim().is_empty() && !line.starts_with('#'));
        let samples = lines.map(|line| sample(line).with_context(|| format!("not a sample: {line}")));
        Ok(Self { samples: samples.collect::<Result<_>>()? })
    }

    /// The sum of all samples of this name, over all labels; `None` if there is none.
    pub fn sum(&self, name: &str) -> Option<f64> {
        self.sum_where(name, &[])
    }

    /// As [`Metrics::sum`], of those that carry these labels.
    pub fn sum_where(&self, name: &str, labels: &[(&str, &str)]) -> Option<f64> {
        let mut found = self
            .samples
            .iter()
            .filter(|sample| {
                sample.name == name
                    && labels
                        .iter()
                        .all(|(label, value)| sample.labels.get(*label).is_some_and(|own| own == value))
            })
            .peekable();
        found.peek()?;
        Some(found.map(|sample| sample.value).sum())
    }

    /// The cumulative counts of a histogram by upper bound, over all other labels.
    pub fn histogram(&self, name: &str) -> Histogram {
        let bucket = format!("{name}_bucket");
        let mut counts: Vec<(f64, f64)> = Vec::new();
        for sample in self.samples.iter().filter(|sample| sample.name == bucket) {
            let Some(bound) = sample.labels.get("le").and_then(|bound| bound.parse::<f64>().ok()) else {
                continue;
            };
            match counts.iter_mut().find(|(known, _)| known.total_cmp(&bound).is_eq()) {
                Some((_, count)) => *count += sample.value,
                None => counts.push((bound, sample.value)),
            }
        }
        counts.sort_by(|one, other| one.0.total_cmp(&other.0));
        Histogram { counts }
    }
}

/// Cumulative counts by upper bound, ascending; the last bound is infinite.
#[derive(Debug, Clone, Default, PartialEq)]
pub struct Histogram {
    counts: Vec<(f64, f64)>,
}

impl Histogram {
    /// What was counted since `earlier`, a reading of the same histogram. A process that was restarted
    /// counts from zero again, and then all of it is since.
    #[must_use]
    pub fn since(&self, earlier: &Self) -> Self {
        let known = |bound: f64| earlier.counts.iter().find(|(own, _)| own.total_cmp(&bound).is_eq());
        let counts = self.counts.iter().map(|&(bound, count)| {
            let before = known(bound).map_or(0.0, |(_, count)| *count);
            (bound, if self.total() < earlier.total() { count } else { count - before })
        });
        Self { counts: counts.collect() }
    }

    pub fn total(&self) -> f64 {
        self.counts.last().map_or(0.0, |(_, count)| *count)
    }

    /// The value below which this share of what was counted lies, interpolated within its bucket.
    pub fn quantile(&self, share: f64) -> Option<f64> {
        let wanted = self.total() * share;
        let index = self.counts.iter().position(|(_, count)| *count >= wanted && *count > 0.0)?;
        let (bound, count) = self.counts[index];
        let (from, before) = if index == 0 { (0.0, 0.0) } else { self.counts[index - 1] };
        if bound.is_infinite() {
            return Some(from);
        }
        let inside = (wanted - before) / (count - before).max(f64::MIN_POSITIVE);
        Some(from + (bound - from) * inside.clamp(0.0, 1.0))
    }
}

fn sample(line: &str) -> Option<Sample> {
    let (head, value) = match line.find('}') {
        Some(end) => line.split_at(end + 1),
        None => line.split_once(' ')?,
    };
    let value = value.split_whitespace().next()?.parse().ok()?;
    let (name, labels) = head.split_once('{').unwrap_or((head, "}"));
    let mut pairs = BTreeMap::new();
    let mut rest = labels.strip_suffix('}')?;
    while let Some((label, after)) = rest.split_once("=\"") {
        let end = closing_quote(after)?;
        let text = after[..end].replace("\\\"", "\"").replace("\\n", "\n").replace("\\\\", "\\");
        pairs.insert(label.trim_matches([',', ' ']).to_owned(), text);
        rest = &after[end + 1..];
    }
    Some(Sample { name: name.trim().to_owned(), labels: pairs, value })
}

fn closing_quote(text: &str) -> Option<usize> {
    let bytes = text.as_bytes();
    let mut at = 0;
    while at < bytes.len() {
        match bytes[at] {
            b'\\' => at += 2,
            b'"' => return Some(at),
            _ => at += 1,
        }
    }
    None
}

#[cfg(test)]
mod tests {
    use super::*;

    const PAGE: &str = "# HELP rows of a kind\n# TYPE rows counter\nrows{kind=\"a\",table=\"x\"} 3\nrows{kind=\"b\",table=\"say \\\"x\\\"\"} 4\nup 1\n\
        lag_bucket{le=\"0.1\"} 0\nlag_bucket{le=\"0.2\"} 8\nlag_bucket{le=\"0.4\"} 10\nlag_bucket{le=\"+Inf\"} 10\n";

    #[test]
    fn samples_are_summed_over_their_labels() {
        let metrics = Metrics::parse(PAGE).expect("well formed");
        assert_eq!(metrics.sum("rows"), Some(7.0));
        assert_eq!(metrics.sum_where("rows", &[("table", "say \"x\"")]), Some(4.0));
        assert_eq!(metrics.sum("up"), Some(1.0));
        assert_eq!(metrics.sum("row"), None);
    }

    #[test]
    fn quantiles_lie_within_their_bucket() {
        let lag = Metrics::parse(PAGE).expect("well formed").histogram("lag");
        assert!((lag.quantile(0.5).expect("counted") - 0.1625).abs() < 1e-9);
        assert!((lag.quantile(1.0).expect("counted") - 0.4).abs() < 1e-9);
        assert_eq!(lag.since(&lag).quantile(0.5), None, "nothing was counted since");
        assert_eq!(Histogram::default().quantile(0.5), None);
    }
}
