//! How long a statement may take before somebody looks why: three times what statements of its size took
//! lately, and at least 50 ms.

use std::{
    sync::atomic::{AtomicU64, Ordering},
    time::Duration,
};

const LEAST: Duration = Duration::from_millis(50);
const MOST: Duration = Duration::from_secs(5);

/// A moving mean of nanoseconds a row, shared by the lanes.
#[derive(Debug, Default)]
pub struct Pace(AtomicU64);

impl Pace {
    pub fn note(&self, rows: usize, took: Duration) {
        let sample = took.as_nanos() as u64 / rows.max(1) as u64;
        let mean = self.0.load(Ordering::Relaxed);
        self.0.store(if mean == 0 { sample } else { mean - mean / 8 + sample / 8 }, Ordering::Relaxed);
    }

    pub fn patience(&self, rows: usize) -> Duration {
        let expected =
            Duration::from_nanos(self.0.load(Ordering::Relaxed).saturating_mul(rows.max(1) as u64));
        (expected * 3).clamp(LEAST, MOST)
    }
}
