//! A snapshot's steps at the target.
//!
//! Until all of a table has come it is *pending*, which `strait.snapshot` remembers from the step that announces it to the
//! transaction of its last chunk: changes may come for rows that are not there yet, and children before their parents,
//! so foreign keys are not checked but for deletes. Changes of a pending table without a key are passed over: the one chunk
//! that is to come has them all.
//!
//! A chunk is one transaction of the target (`chunk`). It touches a range of keys that nobody knows beforehand, so it meets
//! everything else that touches the table.

mod chunk;
mod missing;
mod pending;

pub use chunk::{ChunkPlan, ChunkWork, Finishing, tokens};
pub use missing::{ensure_empty, ensure_whole, has_database, has_table};
pub use pending::Pending;
