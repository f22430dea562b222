//! A partition that this process has taken: what of it is read and not applied.

use std::collections::VecDeque;

use super::checkpoint::LaneRow;
use crate::kafka::KeyedRecord;

#[derive(Debug)]
pub struct Lane {
    /// As this process left it.
    pub row: LaneRow,
    /// Which worker applies it.
    pub worker: usize,
    pub paused: bool,
    queue: VecDeque<KeyedRecord>,
    /// The offset that may come next.
    next: i64,
    bytes: usize,
    /// When the oldest record that is under way was written, milliseconds since 1970, and the bytes of all that are.
    busy: Option<(i64, usize)>,
    /// What the group was last told.
    pub hinted: i64,
}

impl Lane {
    pub fn new(row: LaneRow, worker: usize) -> Self {
        let next = row.next_offset;
        Self { row, worker, paused: false, queue: VecDeque::new(), next, bytes: 0, busy: None, hinted: next }
    }

    /// A client that began elsewhere than it was told, or again, must not make a record come twice.
    pub fn push(&mut self, record: KeyedRecord) {
        if record.offset >= self.next {
            self.next = record.offset + 1;
            self.bytes += record.cost();
            self.queue.push_back(record);
        }
    }

    /// What is to be applied next; nothing while something is.
    pub fn take(&mut self, rows: usize, bytes: usize) -> Vec<KeyedRecord> {
        let mut taken = Vec::new();
        if self.busy.is_some() {
            return taken;
        }
        let mut cost = 0;
        while taken.len() < rows && cost < bytes {
            let Some(record) = self.queue.pop_front() else { break };
            cost += record.cost();
            taken.push(record);
        }
        self.busy = taken.first().map(|first| (first.written_ms, cost));
        taken
    }

    /// Nothing more of it is to be applied than what is under way.
    pub fn clear(&mut self) {
        self.bytes -= self.queue.drain(..).map(|record| record.cost()).sum::<usize>();
    }

    pub fn is_busy(&self) -> bool {
        self.busy.is_some()
    }

    /// What was under way is applied.
    pub fn done(&mut self, row: LaneRow) {
        self.row = row;
        self.bytes -= self.busy.take().map_or(0, |(_, bytes)| bytes);
    }

    /// Of all that is queued or under way.
    pub fn bytes(&self) -> usize {
        self.bytes
    }

    /// When the oldest record that is not applied was written.
    pub fn oldest_ms(&self) -> Option<i64> {
        self.busy.map(|(written, _)| written).or(self.queue.front().map(|record| record.written_ms))
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::keyed::Mark;

    fn record(offset: i64) -> KeyedRecord {
        KeyedRecord { offset, place: None, key: None, value: None, exact: None, written_ms: offset }
    }

    #[test]
    fn one_batch_is_under_way_and_nothing_comes_twice() {
        let row = |next_offset| LaneRow { epoch: 1, next_offset, mark: Mark::default() };
        let mut lane = Lane::new(row(5), 0);
        for offset in [3, 5, 6, 6, 9] {
            lane.push(record(offset));
        }
        let offsets = |taken: Vec<KeyedRecord>| taken.iter().map(|it| it.offset).collect::<Vec<_>>();
        assert_eq!(offsets(lane.take(2, usize::MAX)), [5, 6]);
        assert_eq!((lane.oldest_ms(), lane.is_busy()), (Some(5), true));
        assert!(lane.take(2, usize::MAX).is_empty());
        lane.push(record(6));
        lane.done(row(7));
        assert_eq!(offsets(lane.take(2, 1)), [9]);
        lane.done(row(10));
        assert_eq!((lane.bytes(), lane.oldest_ms()), (0, None));
        lane.push(record(10));
        lane.push(record(11));
        assert_eq!(offsets(lane.take(1, 1)), [10]);
        lane.clear();
        lane.done(row(11));
        assert_eq!((lane.bytes(), lane.take(1, 1).len()), (0, 0));
    }
}
