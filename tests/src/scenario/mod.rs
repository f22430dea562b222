//! The promises of the whole line, each as a scenario that can be run short (in `make test`) or long (in `make soak`).

pub mod audit;
pub mod big_transaction;
pub mod cuts;
pub mod judge;
pub mod kills;
pub mod ledger;
pub mod readers;
pub mod sysbench;
pub mod two_way;
