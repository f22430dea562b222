//! Which tasks in flight a new one must wait for.
//!
//! Tasks are numbered in order. For each token the newest task that touches it is kept; a new task depends on
//! the newest of those that its own tokens meet. A value meets the same value, parts and the whole of its index; a part
//! meets values and the whole, but no other part; the whole meets everything.

use std::collections::HashMap;

use super::{Extent, Token};
use crate::table_map::IndexId;

/// Number of a task, from 1; 0: before all.
pub type TaskNumber = u64;

#[derive(Debug, Default)]
pub struct Footprint {
    values: HashMap<Token, TaskNumber>,
    indexes: HashMap<IndexId, Newest>,
}

/// The newest tasks that touch an index: any value of it, a part, the whole.
#[derive(Debug, Default, Clone, Copy)]
struct Newest {
    value: TaskNumber,
    part: TaskNumber,
    whole: TaskNumber,
}

/// More than that, and what is settled is forgotten.
const KEPT: usize = 1 << 16;

impl Footprint {
    /// The newest task that touches any of it, 0 for none.
    pub fn newest(&self, tokens: &[Token]) -> TaskNumber {
        tokens.iter().map(|token| self.newest_met(token)).max().unwrap_or(0)
    }

    /// Notes what a task touches.
    pub fn add(&mut self, task: TaskNumber, tokens: &[Token]) {
        for token in tokens {
            let newest = self.indexes.entry(token.index).or_default();
            match token.extent {
                Extent::Value(_) => {
                    newest.value = task;
                    self.values.insert(*token, task);
                }
                Extent::Part => newest.part = task,
                Extent::Whole => newest.whole = task,
            }
        }
    }

    fn newest_met(&self, token: &Token) -> TaskNumber {
        let Some(Newest { value, part, whole }) = self.indexes.get(&token.index).copied() else { return 0 };
        match token.extent {
            Extent::Value(_) => self.values.get(token).copied().unwrap_or(0).max(part).max(whole),
            Extent::Part => value.max(whole),
            Extent::Whole => value.max(part).max(whole),
        }
    }

    /// Forgets tasks that have committed; they meet nothing any more.
    pub fn settle(&mut self, committed: TaskNumber) {
        if self.values.len() > KEPT {
            self.values.retain(|_, task| *task > committed);
            self.indexes.retain(|_, newest| newest.value.max(newest.part).max(newest.whole) > committed);
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const fn value(index: IndexId, value: u64) -> Token {
        Token::value(index, value)
    }

    fn step(footprint: &mut Footprint, task: TaskNumber, tokens: &[Token]) -> TaskNumber {
        let newest = footprint.newest(tokens);
        footprint.add(task, tokens);
        newest
    }

    #[test]
    fn a_value_meets_itself_and_its_whole_index() {
        let mut it = Footprint::default();
        assert_eq!(step(&mut it, 1, &[value(1, 7), value(2, 7)]), 0);
        assert_eq!(step(&mut it, 2, &[value(1, 8)]), 0, "another value");
        assert_eq!(step(&mut it, 3, &[value(3, 7)]), 0, "another index");
        assert_eq!(step(&mut it, 4, &[value(2, 7), value(1, 8)]), 2, "the newer of two");
        assert_eq!(step(&mut it, 5, &[value(1, 9), Token::whole(1)]), 4, "the whole meets every value");
        assert_eq!(step(&mut it, 6, &[value(1, 1000)]), 5, "every value meets the whole");
        assert_eq!(step(&mut it, 7, &[value(2, 1)]), 0);
    }

    #[test]
    fn parts_meet_values_and_the_whole_but_not_each_other() {
        let mut it = Footprint::default();
        assert_eq!(step(&mut it, 1, &[Token::part(1)]), 0);
        assert_eq!(step(&mut it, 2, &[Token::part(1)]), 0);
        assert_eq!(step(&mut it, 3, &[value(1, 7)]), 2);
        assert_eq!(step(&mut it, 4, &[Token::part(1)]), 3);
        assert_eq!(step(&mut it, 5, &[Token::whole(1)]), 4);
        assert_eq!(step(&mut it, 6, &[Token::part(1)]), 5);
        assert_eq!(step(&mut it, 7, &[Token::part(2)]), 0);
    }

    #[test]
    fn what_has_committed_is_forgotten_only_when_there_is_much_of_it() {
        let mut footprint = Footprint::default();
        for task in 1..=KEPT as u64 + 1 {
            footprint.add(task, &[value(1, task)]);
        }
        footprint.settle(KEPT as u64);
        assert_eq!(footprint.values.len(), 1);
        assert_eq!(footprint.newest(&[value(1, KEPT as u64 + 1)]), KEPT as u64 + 1);
    }
}
