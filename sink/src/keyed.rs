//! Applying by key: many processes share the topics' partitions, each partition is applied exactly once, in its order. There is no order
//! among partitions, so none among rows of different keys; tables in which such rows have to do with each other are refused (`fit`).
//!
//! **What the records must be.** Debezium's envelopes, keyed by the table's primary key: our connector's topics, and those that Debezium itself
//! has written. The spine is not read. A reader of committed records sees no record of an attempt that was given up; where a copy of the
//! topics shows one all the same, the numbers of ours tell (`mark`).
//!
//! **Exactly once.** A partition's progress is its row of `strait.keyed_lane`: the next offset, and an epoch. A batch's transaction begins with
//! `UPDATE ... SET next_offset = new WHERE ... AND epoch = mine AND next_offset = old`, which must match one row. So rows and
//! offset commit together, and nothing is committed twice. At an assignment the process raises the epoch of that partition's row, reads the
//! offset from it in the same transaction, and begins to read there (`checkpoint` has the argument). Kafka's group only decides who
//! works on what: whether it is right about that, late, or of two minds, whoever raised the epoch last commits, and nobody else. A process
//! that was paused for longer than its session lasts finds its epoch gone at its next commit. Offsets that are committed to Kafka are for
//! those who watch the group, and never read.
//!
//! **One key, one partition.** The order of a key's records is that of its partition; what would lead it to another one halts (`topic`).
//! Compacted topics are refused: a delete may be compacted away before it is read.
//!
//! **One way to recover**, as everywhere: any fault, a lost partition too, drops everything, leaves the group, and begins again.
//!
//! **Bounds.** A partition of which more is queued than its share of `memory.queues` is paused at the client, until half of that is applied. So a
//! partition that stands still holds up no other, and the thread that polls never waits for the target longer than a takeover takes.

mod checkpoint;
mod fit;
mod key;
mod lane;
mod mark;
mod planner;
mod pump;
mod topic;
mod worker;

pub use checkpoint::{LaneRow, Part};
pub use mark::Mark;
pub use planner::Planner;
pub use pump::{Pump, Tools};
