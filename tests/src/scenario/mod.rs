//! The promises of the whole line, each as a scenario that can be run short (in `make test`) or long (in `make soak`).

pub mod audit;
pub mod ledger;
