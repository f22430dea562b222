//! Measurements, each beside its reference in the same run. See `run` for what is measured.

pub mod choosing;
pub mod drain;
pub mod latency;
pub mod load;
pub mod packets;
pub mod raw_dump;
pub mod replica;
pub mod rig;
pub mod run;
pub mod snapshot;
pub mod table;
pub mod usage;
