//! The connector against real servers: what it publishes, and what it does when something is wrong.
//! One file a behaviour; each test has a database, a prefix and a process of its own.

mod pipe;

mod acls;
mod by_file;
mod cascades;
mod choosing;
mod ddl;
mod envelope;
mod failover;
mod flat;
mod idle;
mod kills;
mod loops;
mod lost_tail;
mod mariadb;
mod mariadb_failover;
mod refusals;
mod slow;
mod split;
mod tls;
mod topics;

pub use pipe::{Pipe, Published, Settings};
