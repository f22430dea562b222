//! All metrics of the connector.

use std::sync::{
    Arc,
    atomic::{AtomicI64, Ordering},
};

use prometheus::{
    Gauge, GaugeVec, Histogram, HistogramOpts, IntCounter, IntCounterVec, IntGauge, Opts, Registry,
    core::{Collector, Desc},
    proto::MetricFamily,
};

use crate::reader::now_us;

/// Cheap to clone.
#[derive(Clone)]
pub struct Metrics {
    pub source_bytes: IntCounter,
    pub record_bytes: IntCounter,
    pub rows_created: IntCounter,
    pub rows_updated: IntCounter,
    pub rows_deleted: IntCounter,
    pub snapshot_rows: IntCounter,
    pub snapshot_tables: IntGauge,
    pub transactions_published: IntCounter,
    pub transactions_looped: IntCounter,
    pub transactions_filtered: IntCounter,
    pub commits: IntCounter,
    pub commit_seconds: Histogram,
    pub restarts: IntCounter,
    pub in_flight: IntGauge,
    pub channel_bytes: IntGauge,
    pub generation: IntGauge,
    pub seq: IntGauge,
    pub attempt: IntGauge,
    pub lag: Lag,
}

/// Seconds by which the topics are behind the source, computed when it is asked for: a connector that stands
/// still shows a lag that grows, one that has published all there is shows 0.
#[derive(Clone)]
pub struct Lag {
    state: Arc<LagState>,
    gauge: Gauge,
}

#[derive(Default)]
struct LagState {
    /// Everything that the source committed before this is published; 0: not known yet.
    through_us: AtomicI64,
    /// When nothing was left to publish; 0: something is.
    caught_up_us: AtomicI64,
    /// How long that is believed without another word from the source.
    tolerance_us: i64,
}

impl Lag {
    fn new(tolerance: std::time::Duration) -> Self {
        let help = "Age of the newest change that is known to be published; 0 when all of them are.";
        let tolerance_us = i64::try_from(tolerance.as_micros()).unwrap_or(i64::MAX);
        Self {
            state: Arc::new(LagState { tolerance_us, ..LagState::default() }),
            gauge: Gauge::with_opts(Opts::new("strait_connector_lag_seconds", help)).expect("a valid metric"),
        }
    }

    /// Everything committed at the source before `at_us` is published.
    pub fn published_through(&self, at_us: i64) {
        self.state.through_us.fetch_max(at_us, Ordering::Relaxed);
    }

    /// Nothing was left to publish at `now_us`.
    pub fn caught_up(&self, now_us: i64) {
        self.state.caught_up_us.store(now_us, Ordering::Relaxed);
    }

    /// A transaction has come that is not published yet.
    pub fn behind(&self) {
        self.state.caught_up_us.store(0, Ordering::Relaxed);
    }

    pub fn seconds(&self) -> f64 {
        self.seconds_at(now_us())
    }

    fn seconds_at(&self, now_us: i64) -> f64 {
        let through = self.state.through_us.load(Ordering::Relaxed);
        let caught_up = self.state.caught_up_us.load(Ordering::Relaxed);
        if through == 0 || (caught_up != 0 && now_us - caught_up <= self.state.tolerance_us) {
            return 0.0;
        }
        (now_us - through).max(0) as f64 / 1e6
    }
}

impl Collector for Lag {
    fn desc(&self) -> Vec<&Desc> {
        self.gauge.desc()
    }

    fn collect(&self) -> Vec<MetricFamily> {
        self.gauge.set(self.seconds());
        self.gauge.collect()
    }
}

impl Metrics {
    /// `tolerance`: how old the proof of an idle source may be. Registers everything; a second connector in the same registry stays unregistered.
    pub fn new(registry: &Registry, tolerance: std::time::Duration) -> Self {
        let register = |collector: Box<dyn Collector>| drop(registry.register(collector));
        let counter = |name: &str, help: &str| {
            let counter = IntCounter::new(format!("strait_connector_{name}"), help).expect("a valid metric");
            register(Box::new(counter.clone()));
            counter
        };
        let gauge = |name: &str, help: &str| {
            let gauge = IntGauge::new(format!("strait_connector_{name}"), help).expect("a valid metric");
            register(Box::new(gauge.clone()));
            gauge
        };
        let family = |name: &str, help: &str, label: &str| {
            let family = IntCounterVec::new(Opts::new(format!("strait_connector_{name}"), help), &[label])
                .expect("a valid metric");
            register(Box::new(family.clone()));
            family
        };
        let rows = family("rows_total", "Row changes published, by op.", "op");
        let transactions = family(
            "transactions_total",
            "Source transactions read: published, looped (written by our own sink) or filtered (nothing to publish).",
            "outcome",
        );
        let commit_seconds = Histogram::with_opts(
            HistogramOpts::new(
                "strait_connector_commit_seconds",
                "Time from the decision to commit a Kafka transaction to its acknowledgement.",
            )
            .buckets(vec![0.002, 0.005, 0.01, 0.02, 0.05, 0.1, 0.2, 0.5, 1.0, 2.0, 5.0, 10.0, 30.0]),
        )
        .expect("a valid metric");
        register(Box::new(commit_seconds.clone()));
        let lag = Lag::new(tolerance);
        register(Box::new(lag.clone()));
        build_info(registry);
        Self {
            source_bytes: counter("source_bytes_total", "Bytes of binary log read from the source."),
            record_bytes: counter("record_bytes_total", "Bytes of committed records before compression."),
            rows_created: rows.with_label_values(&["c"]),
            rows_updated: rows.with_label_values(&["u"]),
            rows_deleted: rows.with_label_values(&["d"]),
            transactions_published: transactions.with_label_values(&["published"]),
            transactions_looped: transactions.with_label_values(&["looped"]),
            transactions_filtered: transactions.with_label_values(&["filtered"]),
            commits: counter("commits_total", "Kafka transactions committed."),
            commit_seconds,
            restarts: counter("restarts_total", "Runs of the start procedure after a fault."),
            in_flight: gauge("in_flight_records", "Records that Kafka has not acknowledged yet."),
            channel_bytes: gauge("channel_bytes", "Bytes of events read and not yet looked at."),
            snapshot_rows: counter("snapshot_rows_total", "Rows that a snapshot has published."),
            snapshot_tables: gauge(
                "snapshot_tables_left",
                "Tables that the snapshot under way has not finished.",
            ),
            generation: gauge("generation", "Generation of the transaction numbers."),
            seq: gauge("seq", "Number that the next published transaction gets."),
            attempt: gauge("attempt", "Attempt number of this run."),
            lag,
        }
    }
}

fn build_info(registry: &Registry) {
    let info = GaugeVec::new(Opts::new("strait_connector_build_info", "Always 1."), &["version"])
        .expect("a valid metric");
    info.with_label_values(&[env!("CARGO_PKG_VERSION")]).set(1.0);
    drop(registry.register(Box::new(info)));
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::time::Duration;

    #[test]
    fn lag_is_zero_while_idle_and_grows_when_stalled() {
        let lag = Lag::new(Duration::from_secs(3));
        assert!(lag.seconds_at(1_000_000) == 0.0, "nothing is known yet");
        lag.published_through(10_000_000);
        assert!((lag.seconds_at(10_200_000) - 0.2).abs() < 1e-9, "busy: the age of what is published");
        lag.caught_up(10_300_000);
        assert!(lag.seconds_at(13_300_000) == 0.0, "idle");
        assert!((lag.seconds_at(20_000_000) - 10.0).abs() < 1e-9, "silence is not idleness");
        lag.caught_up(20_000_000);
        lag.behind();
        assert!((lag.seconds_at(20_000_000) - 10.0).abs() < 1e-9, "a transaction waits");
        lag.published_through(5);
        assert!((lag.seconds_at(20_000_000) - 10.0).abs() < 1e-9, "it never goes back");
    }

    #[test]
    fn every_metric_has_its_prefix() {
        let registry = Registry::new();
        let _metrics = Metrics::new(&registry, Duration::from_secs(3));
        let families = registry.gather();
        assert!(families.len() >= 12);
        assert!(families.iter().all(|family| family.name().starts_with("strait_connector_")));
    }
}
