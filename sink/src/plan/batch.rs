//! Consecutive whole transactions of the log, applied in one transaction of the target; or a piece of one that
//! is larger than a batch.

use super::{Change, Step, Token, change::Places, fold, ordered, token};
use crate::error::Place;

#[derive(Debug)]
pub struct Batch {
    pub changes: Vec<Change>,
    pub places: Places,
    /// Fold the changes of one key, where the batch is applied in the usual way.
    pub fold: bool,
}

impl Batch {
    /// The usual way: folded unless the configuration says otherwise.
    pub fn steps(&self) -> Vec<Step> {
        if self.fold { fold::steps(&self.changes) } else { ordered::steps(&self.changes) }
    }

    /// Every change by itself, in the source's order.
    pub fn original_steps(&self) -> Vec<Step> {
        ordered::steps(&self.changes)
    }

    /// Everything that it touches, without duplicates.
    pub fn tokens(&self) -> Vec<Token> {
        let mut tokens = Vec::with_capacity(self.changes.len() * 2);
        for change in &self.changes {
            token::tokens(change, &mut tokens);
        }
        tokens.sort_unstable();
        tokens.dedup();
        tokens
    }

    pub fn place(&self, change: usize) -> Place {
        self.places.of(self.changes[change].at)
    }
}
