//! How many rows the next chunk asks for.

use std::time::Duration;

/// Reading a chunk should take so long: short windows, and still few round trips a row.
const AIM: Duration = Duration::from_millis(100);
const LEAST: u64 = 16;

#[derive(Debug)]
pub struct ChunkSize {
    rows: u64,
    most_rows: u64,
    bytes: usize,
}

impl ChunkSize {
    /// `bytes`: what a chunk may take in memory.
    pub fn new(most_rows: u64, bytes: usize) -> Self {
        Self { rows: most_rows.min(1000), most_rows, bytes }
    }

    pub fn rows(&self) -> u64 {
        self.rows
    }

    /// What a chunk may take in memory; one row may exceed it alone.
    pub fn bytes(&self) -> usize {
        self.bytes
    }

    /// A chunk was read: never more than twice, never less than half of it next.
    pub fn learn(&mut self, rows: u64, bytes: usize, took: Duration) {
        if rows == 0 {
            return;
        }
        let by_time = rows as f64 * AIM.as_secs_f64() / took.as_secs_f64().max(1e-6);
        // Rows differ: to be cut short costs a new connection.
        let by_bytes = 0.75 * rows as f64 * self.bytes as f64 / bytes.max(1) as f64;
        let wanted = by_time.min(by_bytes).clamp(rows as f64 / 2.0, rows as f64 * 2.0);
        self.rows = (wanted as u64).clamp(LEAST, self.most_rows.max(LEAST));
    }

    /// Much changed while the chunk was read: the next one is read in less time, also where this one was learnt from.
    pub fn shrink(&mut self) {
        self.rows = (self.rows / 4).max(LEAST);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn it_follows_time_and_bytes_in_steps() {
        let mut size = ChunkSize::new(10_000, 1 << 20);
        size.learn(1000, 100_000, Duration::from_millis(10));
        assert_eq!(size.rows(), 2000, "at most twice");
        size.learn(2000, 200_000, Duration::from_millis(1));
        size.learn(4000, 400_000, Duration::from_millis(1));
        size.learn(8000, 400_000, Duration::from_millis(1));
        assert_eq!(size.rows(), 10_000, "the limit");
        size.learn(10_000, 400_000, Duration::from_millis(125));
        assert_eq!(size.rows(), 8000, "too slow");
        size.learn(100, 10 << 20, Duration::from_millis(1));
        assert_eq!(size.rows(), 50, "too wide: at least half");
        size.learn(1, 10 << 20, Duration::from_secs(9));
        assert_eq!(size.rows(), LEAST);
    }
}
