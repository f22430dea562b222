//! A set of numbers as sorted, disjoint, not adjacent intervals: one form for each set, so equality is equality
//! of the lists.

/// First and last number, both within the interval.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Interval {
    pub first: u64,
    pub last: u64,
}

#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub(super) struct Intervals(Vec<Interval>);

impl Intervals {
    /// From intervals in any order, overlapping or not.
    pub fn from_unordered(mut intervals: Vec<Interval>) -> Self {
        intervals.sort_unstable_by_key(|interval| interval.first);
        let mut merged: Vec<Interval> = Vec::with_capacity(intervals.len());
        for interval in intervals {
            match merged.last_mut() {
                // Numbers end below i64::MAX, so one more is no overflow.
                Some(last) if interval.first <= last.last + 1 => last.last = last.last.max(interval.last),
                _ => merged.push(interval),
            }
        }
        Self(merged)
    }

    pub fn as_slice(&self) -> &[Interval] {
        &self.0
    }

    pub fn is_empty(&self) -> bool {
        self.0.is_empty()
    }

    pub fn contains(&self, number: u64) -> bool {
        self.0.get(self.first_reaching(number)).is_some_and(|interval| interval.first <= number)
    }

    pub fn contains_all(&self, other: &Self) -> bool {
        other.0.iter().all(|wanted| {
            // Neighbours are merged, so one interval must hold all of it.
            let found = self.0.get(self.first_reaching(wanted.first));
            found.is_some_and(|interval| interval.first <= wanted.first && wanted.last <= interval.last)
        })
    }

    pub fn intersects(&self, other: &Self) -> bool {
        other.0.iter().any(|wanted| {
            self.0
                .get(self.first_reaching(wanted.first))
                .is_some_and(|interval| interval.first <= wanted.last)
        })
    }

    /// False if it was there already.
    pub fn add(&mut self, number: u64) -> bool {
        // The common case, a source's next number, is the last interval's end.
        if let Some(last) = self.0.last_mut()
            && last.last + 1 == number
        {
            last.last = number;
            return true;
        }
        let at = self.first_reaching(number);
        if self.0.get(at).is_some_and(|interval| interval.first <= number) {
            return false;
        }
        let joins_left = at > 0 && self.0[at - 1].last + 1 == number;
        let joins_right = self.0.get(at).is_some_and(|right| right.first == number + 1);
        match (joins_left, joins_right) {
            (true, true) => {
                self.0[at - 1].last = self.0[at].last;
                self.0.remove(at);
            }
            (true, false) => self.0[at - 1].last = number,
            (false, true) => self.0[at].first = number,
            (false, false) => self.0.insert(at, Interval { first: number, last: number }),
        }
        true
    }

    /// False if it was not there.
    pub fn remove(&mut self, number: u64) -> bool {
        let at = self.first_reaching(number);
        let Some(interval) = self.0.get_mut(at).filter(|interval| interval.first <= number) else {
            return false;
        };
        let Interval { first, last } = *interval;
        match (first == number, last == number) {
            (true, true) => {
                self.0.remove(at);
            }
            (true, false) => interval.first = number + 1,
            (false, true) => interval.last = number - 1,
            (false, false) => {
                interval.last = number - 1;
                self.0.insert(at + 1, Interval { first: number + 1, last });
            }
        }
        true
    }

    pub fn union(&mut self, other: &Self) {
        let both = [self.0.as_slice(), other.0.as_slice()].concat();
        *self = Self::from_unordered(both);
    }

    pub fn subtract(&mut self, other: &Self) {
        let mut kept = Vec::with_capacity(self.0.len());
        let mut holes = other.0.iter().peekable();
        for interval in &self.0 {
            let mut first = interval.first;
            while let Some(hole) = holes.peek() {
                if hole.last < first {
                    holes.next();
                    continue;
                }
                if hole.first > interval.last {
                    break;
                }
                if hole.first > first {
                    kept.push(Interval { first, last: hole.first - 1 });
                }
                first = hole.last + 1;
                if first > interval.last {
                    break;
                }
            }
            if first <= interval.last {
                kept.push(Interval { first, last: interval.last });
            }
        }
        self.0 = kept;
    }

    /// Index of the first interval that ends at or after `number`.
    fn first_reaching(&self, number: u64) -> usize {
        self.0.partition_point(|interval| interval.last < number)
    }
}
