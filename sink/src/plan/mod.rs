//! From row changes to what is done at the target, independent of how it is written there.
//!
//! `token` says what a change touches, `fold` and `ordered` make steps of a batch's changes: folded for speed,
//! or in the source's order for what must not be reordered and for what failed once. `sql` writes steps as
//! statements; a row-image path would write the same steps as row events.

mod batch;
mod change;
mod comparison;
mod fold;
mod footprint;
mod ordered;
mod step;
#[cfg(test)]
pub(crate) mod tests;
mod token;

pub use batch::Batch;
pub use change::{Change, Operation, Places, RecordAt, Stage};
pub use comparison::Comparison;
pub use footprint::{Footprint, TaskNumber};
pub use step::{Action, Step, StepRow};
pub use token::{Extent, Token};
