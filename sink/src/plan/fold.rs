//! Folds the changes of one key to what they amount to, so that many rows fit one statement.
//!
//! Changes are gathered into *groups*. Within a group every primary key stands for itself: no two keys of it
//! collide in any unique index, before or after any of the changes, and none may be equal to another under its
//! collation. So the order among keys is free, and the changes of one key amount to its first image before and
//! its last image after. Where a change would break that, the group is closed, and a new one begins with it.
//!
//! By themselves and in order are done: changes of a primary key, rows of tables without one, rows that the
//! target must check and cascade itself, and rows that need the strict mode off, or have bytes that SQL cannot write.

use std::{collections::HashMap, sync::Arc};

use super::{Action, Change, Extent, Operation, Stage, Step, StepRow, Token, ordered, token};
use crate::table_map::IndexId;

/// A primary key of a group, and what its changes amount to.
#[derive(Debug)]
struct Slot {
    /// Whether the row was there before the group, by what the log says.
    existed: bool,
    first: usize,
    last: usize,
}

/// Who touches an index in the group: a single slot, or several.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Owner {
    One(usize),
    Many,
}

#[derive(Debug, Default)]
struct Group {
    slots: Vec<Slot>,
    values: HashMap<Token, usize>,
    touched: HashMap<IndexId, Owner>,
    whole: HashMap<IndexId, Owner>,
}

pub fn steps(changes: &[Change]) -> Vec<Step> {
    let mut steps = Vec::new();
    let mut group = Group::default();
    let mut tokens = Vec::new();
    for (at, change) in changes.iter().enumerate() {
        if !is_foldable(change) {
            group.flush(changes, &mut steps);
            ordered::push(&mut steps, changes, at);
            continue;
        }
        tokens.clear();
        for row in [&change.before, &change.after].into_iter().flatten() {
            tokens.push(token::row_token(&change.mapping, row));
            token::unique_tokens(&change.mapping, row, &mut tokens);
        }
        if !group.take(changes, at, &tokens) {
            group.flush(changes, &mut steps);
            let taken = group.take(changes, at, &tokens);
            debug_assert!(taken, "an empty group takes anything");
        }
    }
    group.flush(changes, &mut steps);
    steps
}

fn is_foldable(change: &Change) -> bool {
    change.is_keyed()
        && !matches!(change.operation, Operation::Clear | Operation::Ensure)
        && change.stage != Stage::Ahead
        && !change.moves()
        && !change.replaces()
        && !change.needs_native_checks()
        && !change.is_lenient()
        && !change.is_partial()
        && !change.keeps_raw()
}

impl Group {
    /// Adds a change; false: it would break what the group promises.
    fn take(&mut self, changes: &[Change], at: usize, tokens: &[Token]) -> bool {
        let change = &changes[at];
        let slot = match self.owner(tokens) {
            None => self.slots.len(),
            Some(Owner::One(slot)) if self.is_same_key(changes, slot, change) => slot,
            Some(_) => return false,
        };
        match self.slots.get_mut(slot) {
            Some(known) => known.last = at,
            None => {
                self.slots.push(Slot { existed: change.operation != Operation::Insert, first: at, last: at });
            }
        }
        for token in tokens {
            match token.extent {
                Extent::Value(_) => {
                    self.values.insert(*token, slot);
                }
                Extent::Part | Extent::Whole => add(&mut self.whole, token.index, slot),
            }
            add(&mut self.touched, token.index, slot);
        }
        true
    }

    /// The slots that any of the tokens meets.
    fn owner(&self, tokens: &[Token]) -> Option<Owner> {
        let mut owner: Option<Owner> = None;
        let mut meet = |met: Option<Owner>| {
            if let Some(met) = met {
                owner = Some(if owner.is_none_or(|owner| owner == met) { met } else { Owner::Many });
            }
        };
        for token in tokens {
            match token.extent {
                Extent::Value(_) => {
                    meet(self.values.get(token).copied().map(Owner::One));
                    meet(self.whole.get(&token.index).copied());
                }
                Extent::Part | Extent::Whole => meet(self.touched.get(&token.index).copied()),
            }
        }
        owner
    }

    /// Whether a change is of the slot's key, byte for byte, and of the same version of the table.
    fn is_same_key(&self, changes: &[Change], slot: usize, change: &Change) -> bool {
        let known = &changes[self.slots[slot].last];
        let (Some(key), Some(a), Some(b)) = (
            &change.mapping.primary,
            known.after.as_ref().or(known.before.as_ref()),
            change.before.as_ref().or(change.after.as_ref()),
        ) else {
            return false;
        };
        Arc::ptr_eq(&known.mapping, &change.mapping)
            && key.iter().all(|place| a[*place].is_identical(&b[*place]))
    }

    /// Closes the group: for each table its deletes, then its updates, then its inserts.
    fn flush(&mut self, changes: &[Change], steps: &mut Vec<Step>) {
        let begin = steps.len();
        for slot in std::mem::take(&mut self.slots) {
            let last = &changes[slot.last];
            let exists = last.operation != Operation::Delete;
            let action = match (slot.existed, exists) {
                // Elsewhere a row may be there whatever the log says, and must go all the same.
                (false, false) if last.stage == Stage::Steady => continue,
                (_, false) => Action::Delete,
                (_, true) if last.mapping.unique.is_empty() => Action::Upsert,
                (true, true) => Action::Update,
                (false, true) => Action::Insert,
            };
            let row = StepRow { before: slot.first, after: slot.last };
            let same = |step: &&mut Step| step.action == action && Arc::ptr_eq(&step.mapping, &last.mapping);
            match steps[begin..].iter_mut().find(same) {
                Some(step) => step.rows.push(row),
                None => steps.push(Step {
                    mapping: last.mapping.clone(),
                    action,
                    foreign_key_checks: false,
                    lenient: false,
                    alone: false,
                    rows: vec![row],
                }),
            }
        }
        let order = |action| match action {
            Action::Delete => 0,
            Action::Update => 1,
            _ => 2,
        };
        steps[begin..].sort_by_key(|step| order(step.action));
        join(steps, begin);
        self.values.clear();
        self.touched.clear();
        self.whole.clear();
    }
}

/// Where a group begins with what the one before ended with, the two steps are one: a step's rows are written in
/// its order.
fn join(steps: &mut Vec<Step>, begin: usize) {
    let Some((last, next)) = begin.checked_sub(1).and_then(|at| Some((&steps[at], steps.get(begin)?))) else {
        return;
    };
    let one = last.action == next.action
        && !last.alone
        && !last.foreign_key_checks
        && Arc::ptr_eq(&last.mapping, &next.mapping);
    if one {
        let next = steps.remove(begin);
        steps[begin - 1].rows.extend(next.rows);
    }
}

fn add(owners: &mut HashMap<IndexId, Owner>, index: IndexId, slot: usize) {
    owners
        .entry(index)
        .and_modify(|owner| {
            if *owner != Owner::One(slot) {
                *owner = Owner::Many;
            }
        })
        .or_insert(Owner::One(slot));
}
