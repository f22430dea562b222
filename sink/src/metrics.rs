//! All metrics of the sink.

use std::{
    sync::{
        Arc,
        atomic::{AtomicI64, Ordering},
    },
    time::SystemTime,
};

use prometheus::{
    Gauge, GaugeVec, Histogram, HistogramOpts, IntCounter, IntCounterVec, IntGauge, Opts, Registry,
    core::{Collector, Desc},
    proto::MetricFamily,
};

use crate::apply::{Applied, Events};

/// Cheap to clone.
#[derive(Clone, Debug)]
pub struct Metrics {
    pub rows: IntCounter,
    pub records: IntCounter,
    pub transactions: IntCounter,
    pub batches: IntCounter,
    pub batch_rows: Histogram,
    /// Source commit to target commit, a source transaction each.
    pub delay: Histogram,
    pub ddl_applied: IntCounter,
    pub ddl_ignored: IntCounter,
    /// Of the schema change that is being made; 0: none is.
    pub ddl_running_seconds: Gauge,
    pub redone: IntCounterVec,
    pub event_rows: IntCounter,
    pub repaired: IntCounter,
    pub restarts: IntCounter,
    pub queue_bytes: IntGauge,
    pub parked: IntGauge,
    pub in_flight: IntGauge,
    pub generation: IntGauge,
    pub seq: IntGauge,
    pub lag: Lag,
    /// Of the order of keys.
    pub keyed: KeyedMetrics,
}

/// What is told where the order is that of keys.
#[derive(Clone, Debug)]
pub struct KeyedMetrics {
    pub partitions: IntGauge,
    pub partition_lag: GaugeVec,
    pub rebalances: IntCounter,
    pub fenced: IntCounter,
    pub repeated: IntCounter,
}

/// Microseconds since 1970.
pub fn now_us() -> i64 {
    SystemTime::UNIX_EPOCH.elapsed().map_or(0, |since| since.as_micros() as i64)
}

/// Seconds by which the target is behind the source, computed when it is asked for: it grows while something
/// stands still, and is 0 when everything up to the source's last sign of life is applied.
#[derive(Clone, Debug)]
pub struct Lag {
    state: Arc<LagState>,
    gauge: Gauge,
}

#[derive(Debug, Default)]
struct LagState {
    /// Commit time of the oldest transaction that is known and not applied; 0: there is none.
    oldest_us: AtomicI64,
    /// The source's log was published to its end as of this time; 0: not known yet.
    as_of_us: AtomicI64,
}

/// A connector speaks every second: so long a silence is still idleness.
const TOLERANCE_US: i64 = 5_000_000;

impl Lag {
    fn new() -> Self {
        let help = "Age of the oldest change that is known and not applied; 0 when all are.";
        let gauge = Gauge::with_opts(Opts::new("strait_sink_lag_seconds", help)).expect("a valid metric");
        Self { state: Arc::default(), gauge }
    }

    pub fn note(&self, oldest_us: Option<i64>, as_of_us: i64) {
        self.state.oldest_us.store(oldest_us.unwrap_or(0), Ordering::Relaxed);
        self.state.as_of_us.store(as_of_us, Ordering::Relaxed);
    }

    pub fn seconds(&self) -> f64 {
        self.seconds_at(now_us())
    }

    fn seconds_at(&self, now_us: i64) -> f64 {
        let oldest = self.state.oldest_us.load(Ordering::Relaxed);
        let as_of = self.state.as_of_us.load(Ordering::Relaxed);
        let since = if oldest > 0 { oldest } else { as_of };
        if since == 0 || (oldest == 0 && now_us - as_of <= TOLERANCE_US) {
            return 0.0;
        }
        (now_us - since).max(0) as f64 / 1e6
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
    /// Registers everything; a second sink in the same registry stays unregistered.
    pub fn new(registry: &Registry) -> Self {
        let register = |collector: Box<dyn Collector>| drop(registry.register(collector));
        let counter = |name: &str, help: &str| {
            let counter = IntCounter::new(format!("strait_sink_{name}"), help).expect("a valid metric");
            register(Box::new(counter.clone()));
            counter
        };
        let gauge = |name: &str, help: &str| {
            let gauge = IntGauge::new(format!("strait_sink_{name}"), help).expect("a valid metric");
            register(Box::new(gauge.clone()));
            gauge
        };
        let histogram = |name: &str, help: &str, buckets: Vec<f64>| {
            let options = HistogramOpts::new(format!("strait_sink_{name}"), help).buckets(buckets);
            let histogram = Histogram::with_opts(options).expect("a valid metric");
            register(Box::new(histogram.clone()));
            histogram
        };
        let redone = IntCounterVec::new(
            Opts::new(
                "strait_sink_redone_total",
                "Batches rolled back and done again: yielded to the head, lock, or conflict.",
            ),
            &["reason"],
        )
        .expect("a valid metric");
        register(Box::new(redone.clone()));
        let help = "For how long the schema change under way has been running; 0: none is.";
        let options = Opts::new("strait_sink_ddl_running_seconds", help);
        let ddl_running_seconds = Gauge::with_opts(options).expect("a valid metric");
        register(Box::new(ddl_running_seconds.clone()));
        let options = Opts::new(
            "strait_sink_partition_lag_seconds",
            "Age of the oldest record of a partition that is read and not applied; 0 when all are.",
        );
        let partition_lag = GaugeVec::new(options, &["topic", "partition"]).expect("a valid metric");
        register(Box::new(partition_lag.clone()));
        let lag = Lag::new();
        register(Box::new(lag.clone()));
        build_info(registry);
        Self {
            rows: counter("rows_total", "Rows written to the target, after folding."),
            records: counter("records_total", "Records applied, tombstones included."),
            transactions: counter("transactions_total", "Source transactions applied."),
            batches: counter("batches_total", "Transactions committed at the target."),
            batch_rows: histogram(
                "batch_rows",
                "Rows a transaction at the target.",
                vec![1.0, 3.0, 10.0, 30.0, 100.0, 300.0, 1000.0, 3000.0, 10_000.0],
            ),
            delay: histogram(
                "delay_seconds",
                "From the commit at the source to the commit at the target, by the two servers' clocks.",
                vec![0.005, 0.01, 0.02, 0.03, 0.05, 0.075, 0.1, 0.2, 0.5, 1.0, 2.0, 5.0, 30.0, 300.0],
            ),
            ddl_applied: counter(
                "ddl_applied_total",
                "Schema changes of the source that were made here too.",
            ),
            ddl_ignored: counter("ddl_ignored_total", "Schema changes of the source that were only logged."),
            ddl_running_seconds,
            redone,
            event_rows: counter(
                "event_rows_total",
                "Rows written as row events (apply.path), also of batches that were rolled back.",
            ),
            repaired: counter(
                "repaired_total",
                "Rows that were not as the source's history says, and were made so.",
            ),
            restarts: counter("restarts_total", "Runs of the start procedure after a fault."),
            queue_bytes: gauge("queue_bytes", "Bytes of records read and not yet given to a lane."),
            parked: gauge("parked_partitions", "Partitions that run far ahead and are not read for now."),
            in_flight: gauge("lanes_busy", "Lanes that apply a batch."),
            generation: gauge("generation", "Generation of the last applied transaction."),
            seq: gauge("seq", "Number of the last applied transaction."),
            lag,
            keyed: KeyedMetrics {
                partitions: gauge("partitions", "Partitions that this process applies by key."),
                partition_lag,
                rebalances: counter(
                    "rebalances_total",
                    "Times that the group gave or took partitions (order = \"key\").",
                ),
                fenced: counter(
                    "fenced_total",
                    "Commits that were refused, as another process had taken the partition over.",
                ),
                repeated: counter(
                    "repeated_records_total",
                    "Records that the topic holds twice, passed over (order = \"key\").",
                ),
            },
        }
    }

    pub fn applied(&self, applied: &Applied) {
        self.batches.inc();
        self.batch_rows.observe(applied.rows as f64);
        self.rows.inc_by(applied.rows as u64);
        for stamp in &applied.stamps {
            self.transactions.inc();
            self.records.inc_by(stamp.records);
            self.delay.observe((applied.applied_us - stamp.commit_us).max(0) as f64 / 1e6);
        }
        self.generation.set(i64::from(applied.last.generation()));
        self.seq.set(applied.last.number() as i64);
    }
}

impl Events for Metrics {
    fn redone(&self, reason: &'static str) {
        self.redone.with_label_values(&[reason]).inc();
    }

    fn written_as_events(&self, rows: usize) {
        self.event_rows.inc_by(rows as u64);
    }

    fn repaired(&self) {
        self.repaired.inc();
    }
}

fn build_info(registry: &Registry) {
    let info = GaugeVec::new(Opts::new("strait_sink_build_info", "Always 1."), &["version"])
        .expect("a valid metric");
    info.with_label_values(&[env!("CARGO_PKG_VERSION")]).set(1.0);
    drop(registry.register(Box::new(info)));
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn lag_is_zero_while_idle_and_grows_when_something_stands_still() {
        let lag = Lag::new();
        assert!(lag.seconds_at(1_000_000) == 0.0, "nothing is known yet");
        lag.note(None, 10_000_000);
        assert!(lag.seconds_at(14_000_000) == 0.0, "idle");
        assert!((lag.seconds_at(20_000_000) - 10.0).abs() < 1e-9, "silence is not idleness");
        lag.note(Some(19_000_000), 20_000_000);
        assert!((lag.seconds_at(20_500_000) - 1.5).abs() < 1e-9, "a transaction waits");
    }

    #[test]
    fn every_metric_has_its_prefix() {
        let registry = Registry::new();
        let _metrics = Metrics::new(&registry);
        let families = registry.gather();
        assert!(families.len() >= 12);
        assert!(families.iter().all(|family| family.name().starts_with("strait_sink_")));
    }
}
