//! Which tasks in flight a new one must wait for.
//!
//! Tasks are numbered in order. For each token the newest task that touches it is kept; a new task depends on
//! the newest of those that its own tokens meet. A value meets the same value and its whole index; a whole
//! index meets every value of it.

use std::collections::HashMap;

use super::Token;
use crate::table_map::IndexId;

/// Number of a task, from 1; 0: before all.
pub type TaskNumber = u64;

#[derive(Debug, Default)]
pub struct Footprint {
    values: HashMap<Token, TaskNumber>,
    /// The newest task that touches any value of an index; the newest that touches it as a whole.
    touched: HashMap<IndexId, TaskNumber>,
    whole: HashMap<IndexId, TaskNumber>,
}

/// More than that, and what is settled is forgotten.
const KEPT: usize = 1 << 16;

impl Footprint {
    /// The newest task that touches any of it, 0 for none.
    pub fn newest(&self, tokens: &[Token]) -> TaskNumber {
        tokens.iter().filter_map(|token| self.newest_met(token)).max().unwrap_or(0)
    }

    /// Notes what a task touches.
    pub fn add(&mut self, task: TaskNumber, tokens: &[Token]) {
        for token in tokens {
            match token.value {
                Some(_) => self.values.insert(*token, task),
                None => self.whole.insert(token.index, task),
            };
            self.touched.insert(token.index, task);
        }
    }

    fn newest_met(&self, token: &Token) -> Option<TaskNumber> {
        match token.value {
            Some(_) => self.values.get(token).max(self.whole.get(&token.index)),
            None => self.touched.get(&token.index),
        }
        .copied()
    }

    /// Forgets tasks that have committed; they meet nothing any more.
    pub fn settle(&mut self, committed: TaskNumber) {
        if self.values.len() > KEPT {
            self.values.retain(|_, task| *task > committed);
            self.touched.retain(|_, task| *task > committed);
            self.whole.retain(|_, task| *task > committed);
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const fn value(index: IndexId, value: u64) -> Token {
        Token { index, value: Some(value) }
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
