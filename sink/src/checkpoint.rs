//! How far this sink has applied, kept in the target itself: `strait.lane`, and the start procedure that makes
//! it certain.
//!
//! A lane's row is updated first in each of its transactions, `WHERE epoch = mine AND seq = previous`, and must
//! match one row. So rows and progress commit together, and a session of an older epoch can commit nothing more.
//!
//! **Start.** (0) Rows above the epoch that this process last set are another process's: it ends,
//! fenced. (1) The connections that the former run noted are killed: they may still hold a lane row, or be in the
//! middle of a COMMIT whose answer was lost. (2) One transaction raises the epoch of every row of this
//! (origin, sink) and reads them. The UPDATE waits for whoever still holds a row, so a commit in flight is
//! either in what is read or can never happen; a plain SELECT would read past it. (3) The greatest seq is what
//! is applied, since lanes commit in the source's order.
//!
//! **Lost commits.** An asynchronous failover of the target may lose the last commit of one lane and keep an
//! earlier one of another only as a prefix of its binary log, so what is left is again a prefix. Anything else
//! (a repair by hand, a mixed restore) shows in the vectors: each commit noted what every lane had committed
//! before it, and a row that is behind what another has seen of it halts the start.

mod lane_row;
mod offset_row;
mod successor;
mod takeover;

pub use lane_row::{LaneRow, Vector};
pub use offset_row::{OffsetRow, save_offsets};
pub use successor::{Claim, Successor};
pub use takeover::{Identity, ServerRun, Started, start};
