//! What a record of ours tells of its place, without the spine.
//!
//! Within one partition the records of the log are in the order of (seq, index), and attempts never fall: a connector begins an
//! attempt only after it has fenced the one before. A reader of committed records sees nothing else. Whoever copies topics without
//! honouring transactions may show records of an attempt that was given up; at that moment nothing tells them from others. But
//! their numbers are then given again, under a greater attempt, and that shows here: the target has what never was, so the sink halts.
//! The same record once more, as a copy that delivers at least once may write it, is passed over.
//!
//! Records of another writer have no such place; for them Kafka's offset alone counts.

use strait_schemas::{RecordSeq, Seq};

/// The last record of ours that was applied of a partition; `seq` 0: there was none.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct Mark {
    pub seq: Seq,
    pub index: u32,
    pub attempt: u32,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Verdict {
    /// It follows what was applied.
    Next,
    /// It was applied before.
    Repeated,
    /// It contradicts what was applied: not all of it was committed.
    Stale,
}

impl Mark {
    /// Judges a record, and notes it if it is next.
    pub fn judge(&mut self, place: RecordSeq) -> Verdict {
        let follows = (place.seq, place.index) > (self.seq, self.index) || self.seq.raw() == 0;
        match (follows, place.attempt) {
            (true, attempt) if attempt >= self.attempt => {
                *self = Self { seq: place.seq, index: place.index, attempt };
                Verdict::Next
            }
            (false, attempt) if attempt <= self.attempt => Verdict::Repeated,
            _ => Verdict::Stale,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_number_that_is_given_again_is_found() {
        let mut mark = Mark::default();
        let mut judge = |number, index, attempt| {
            mark.judge(RecordSeq { seq: Seq::new(1, number), index, attempt, flags: 0 })
        };
        assert_eq!(judge(1, 0, 1), Verdict::Next);
        assert_eq!(judge(1, 2, 1), Verdict::Next);
        assert_eq!(judge(1, 2, 1), Verdict::Repeated);
        assert_eq!(judge(1, 0, 1), Verdict::Repeated);
        assert_eq!(judge(2, 0, 1), Verdict::Next);
        assert_eq!(judge(2, 0, 2), Verdict::Stale, "what was applied of seq 2 was given up");
        assert_eq!(judge(3, 0, 2), Verdict::Next);
        assert_eq!(judge(4, 0, 1), Verdict::Stale, "an attempt that was over has written on");
    }
}
