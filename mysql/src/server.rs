//! One MySQL or MariaDB server: how it is reached, and the facts about it that decisions rest on.

mod connect;
mod error;
mod facts;
mod identity;
mod options;
mod prepared_xids;

pub use connect::{Session, connect, connect_session, place_of};
pub use error::Error;
pub use facts::{
    BinlogPlace, Flavor, SemiSync, ServerFacts, read_binlog_files, read_binlog_place, read_facts,
    read_snapshot_place,
};
pub use identity::read_identity;
pub use options::{Password, ServerOptions, Tls, TlsMode};
pub use prepared_xids::read_prepared_xids;
