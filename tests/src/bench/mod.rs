//! `make bench`: named scenarios, each of which measures Strait by turns with a reference and compares the servers afterwards.
//! `scenario` has the list.

// What a result is, and how it is shown, kept and compared.
pub mod comparison;
pub mod facts;
pub mod figure;
pub mod results;
pub mod samples;
pub mod scale;
pub mod table;
// The servers, what is in them, what passes between them.
pub mod base;
pub mod contents;
pub mod drain;
pub mod load;
pub mod rig;
pub mod topics;
// References.
pub mod bare_events;
pub mod packets;
pub mod raw_dump;
pub mod replica;
pub mod usage;
// What is measured.
pub mod latency;
pub mod scenario;
pub mod suite;
