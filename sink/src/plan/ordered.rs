//! Steps in the source's order, nothing folded: consecutive changes of one table and one kind share a step.

use std::sync::Arc;

use super::{Action, Change, Operation, Stage, Step, StepRow};

/// How one change is done by itself.
pub fn action(change: &Change) -> Action {
    let mapping = &change.mapping;
    // An upsert replaces whichever row it collides with: safe only where the primary key alone can collide,
    // and where the target is not to check what an insert does.
    let upserts = mapping.primary.is_some()
        && mapping.unique.is_empty()
        && change.stage != Stage::Ahead
        && !change.needs_native_checks()
        && !change.is_partial()
        && !change.leaves_out()
        && !change.keeps_raw();
    let key = mapping.primary.as_ref().filter(|_| change.is_keyed());
    match (change.operation, key) {
        (Operation::Clear, _) => Action::Clear,
        (Operation::Ensure, _) => Action::Keep,
        (Operation::Insert | Operation::Update, Some(_)) if change.replaces() && !change.moves() => {
            Action::Replace
        }
        (Operation::Insert | Operation::Update, Some(_)) if upserts && !change.moves() => Action::Upsert,
        (Operation::Insert, _) => Action::Insert,
        (Operation::Update, Some(_)) if change.moves() => Action::Move,
        (Operation::Update, Some(_)) => Action::Update,
        (Operation::Update, None) => Action::UpdateEqual,
        (Operation::Delete, Some(_)) => Action::Delete,
        (Operation::Delete, None) => Action::DeleteEqual,
    }
}

/// Appends a change to the last step, or begins one.
pub fn push(steps: &mut Vec<Step>, changes: &[Change], at: usize) {
    let change = &changes[at];
    let (action, lenient, checks) = (action(change), change.is_lenient(), change.needs_native_checks());
    let row = StepRow { before: at, after: at };
    let alone = lenient || change.is_partial();
    if let Some(last) = steps.last_mut()
        && last.action == action
        && !alone
        && !last.alone
        && last.foreign_key_checks == checks
        && Arc::ptr_eq(&last.mapping, &change.mapping)
    {
        last.rows.push(row);
        return;
    }
    steps.push(Step {
        mapping: change.mapping.clone(),
        action,
        foreign_key_checks: checks,
        lenient,
        alone,
        rows: vec![row],
    });
}

pub fn steps(changes: &[Change]) -> Vec<Step> {
    let mut steps = Vec::new();
    for at in 0..changes.len() {
        push(&mut steps, changes, at);
    }
    steps
}
