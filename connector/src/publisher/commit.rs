//! When a Kafka transaction ends, and what ends it: spine and position join the records, and all become visible at once.

use std::time::{Duration, Instant};

use strait_schemas::{Inside, Position, SpineRecord, spine};

use super::{Publisher, STEP};
use crate::{Result, commit_rule::Load, current::Current, kafka::Record, reader::now_us};

/// Longest wait for an event: the thread must look at the shutdown and at Kafka's events.
const LOOK: Duration = Duration::from_millis(50);
const SNAPSHOT_LOOK: Duration = Duration::from_millis(1);

impl Publisher {
    pub(super) fn is_snapshot_busy(&self) -> bool {
        self.snapshot.as_ref().is_some_and(|snapshot| snapshot.desk.is_busy())
    }

    pub(super) fn is_at_bare_table(&self) -> bool {
        self.state.current.as_ref().is_some_and(Current::is_bare_table)
    }

    pub(super) fn has_pending(&self) -> bool {
        self.producer.age().is_some() || self.numbering.has_parts()
    }

    pub(super) fn is_due(&self, more_waits: bool) -> bool {
        if self.is_at_bare_table() {
            return false;
        }
        if self.has_pending() {
            return self.rule.is_due(&self.load(more_waits));
        }
        let news = self.state.moved || self.state.idle_us > self.progress.as_of_us;
        news && self.state.last_commit.elapsed() >= self.heartbeat_interval
    }

    pub(super) fn load(&self, more_waits: bool) -> Load {
        Load {
            more_waits,
            between: self.state.current.is_none(),
            age: self.state.pending_since.map_or(Duration::ZERO, |since| since.elapsed()),
            bytes: self.producer.bytes(),
            parts: self.numbering.parts(),
        }
    }

    pub(super) fn patience(&self) -> Duration {
        let heartbeat = self.heartbeat_interval.saturating_sub(self.state.last_commit.elapsed());
        let commit = match self.state.pending_since {
            Some(since) => self.rule.patience(since.elapsed()),
            None => LOOK,
        };
        // Readers wait for windows, and a chunk for its turn.
        let look = if self.is_snapshot_busy() { SNAPSHOT_LOOK } else { LOOK };
        heartbeat.min(commit).clamp(Duration::from_millis(1), look)
    }

    /// Where an unfinished transaction stands, for the position.
    pub(super) fn inside(&self) -> Option<Inside> {
        if self.unfinished.is_some() {
            return self.unfinished.clone();
        }
        let (seq, next_index) = self.numbering.current()?;
        let Some(current) = &self.state.current else {
            // A table without a key, of which a part is in the log: it is void after a restart, and read anew.
            return Some(Inside { gtid: STEP.into(), seq, next_index, row_bytes: 0, crc: 0 });
        };
        Some(Inside {
            gtid: current.id.clone(),
            seq,
            next_index,
            row_bytes: current.row_bytes(),
            crc: current.crc(),
        })
    }

    /// Ends the Kafka transaction: spine and position join the records, and all become visible at once.
    pub fn commit(&mut self, more_waits: bool) -> Result<()> {
        let began = Instant::now();
        self.gate.pass(&mut self.source, &self.status)?;
        let idle = !self.has_pending() && self.state.idle_us > 0;
        if self.state.idle_us > 0 && self.state.current.is_none() {
            self.progress.as_of_us = self.progress.as_of_us.max(self.state.idle_us);
        }
        let inside = self.inside();
        let as_of_us = self.progress.as_of_us;
        let record = SpineRecord { parts: self.numbering.cut(), begin: self.begin.take(), as_of_us };
        for piece in spine::split(record, spine::MAX_BYTES) {
            let value = piece.encode();
            self.producer.send(&Record {
                topic: &self.spine,
                partition: 0,
                key: None,
                value: Some(&value),
                headers: &[],
            })?;
        }
        if idle && let Some(heartbeats) = &self.heartbeats {
            heartbeats.send(as_of_us / 1000, &mut self.producer)?;
        }
        let mut position =
            self.progress.position(self.numbering.next_seq(), self.numbering.attempt(), inside);
        position.instance = self.instance.to_string();
        self.send_position(&position)?;
        let bytes = self.producer.bytes();
        self.metrics.in_flight.set(self.producer.in_flight() as i64);
        self.producer.commit()?;
        self.metrics.in_flight.set(0);
        self.committed(began, bytes, more_waits);
        Ok(())
    }

    pub(super) fn send_position(&mut self, position: &Position) -> Result<()> {
        let value = position.encode();
        let (topic, key) = (&self.position, Some(self.position_key.as_slice()));
        self.producer.send(&Record { topic, partition: 0, key, value: Some(&value), headers: &[] })?;
        Ok(())
    }

    pub(super) fn committed(&mut self, began: Instant, bytes: u64, more_waits: bool) {
        self.state.pending_since = None;
        self.state.moved = false;
        self.state.last_commit = Instant::now();
        let next = self.numbering.next_seq();
        self.metrics.commits.inc();
        self.metrics.commit_seconds.observe(began.elapsed().as_secs_f64());
        self.metrics.record_bytes.inc_by(bytes);
        self.metrics.generation.set(i64::from(next.generation()));
        self.metrics.seq.set(next.number() as i64);
        self.metrics.attempt.set(i64::from(self.numbering.attempt()));
        self.metrics.lag.published_through(self.progress.as_of_us);
        if !more_waits && self.state.current.is_none() {
            self.metrics.lag.caught_up(now_us());
        }
        if self.state.idle_us == 0 {
            self.status.moving();
        }
    }
}
