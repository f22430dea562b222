//! The crate's error, and what the caller should do about each kind.

use crate::{binlog, gtid, server};

pub type Result<T, E = Error> = std::result::Result<T, E>;

#[derive(Debug, thiserror::Error)]
pub enum Error {
    #[error("the binlog stream could not be decoded")]
    Binlog(#[from] binlog::Error),
    #[error("a GTID set could not be read")]
    Gtid(#[from] gtid::ParseError),
    #[error("a server could not be used")]
    Server(#[from] server::Error),
}

/// What the caller does after an error.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Disposition {
    /// Drop everything, back off, start again from the stored position.
    Retry,
    /// Set the one record aside with its cause and go on.
    DeadLetter,
    /// Stop with the exact cause: trying again cannot help, or would lose data.
    Halt,
}

impl Error {
    pub fn disposition(&self) -> Disposition {
        match self {
            Self::Binlog(error) => error.disposition(),
            Self::Gtid(_) => Disposition::Halt,
            Self::Server(error) => error.disposition(),
        }
    }
}
