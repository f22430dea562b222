//! What can go wrong in the service frame, what to do about it, and how a refusal explains itself.

use crate::finding::Finding;

pub type Result<T, E = Error> = std::result::Result<T, E>;

/// What the caller does with an error.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Disposition {
    /// Transient: back off and try again.
    Retry,
    /// The record alone is at fault: set it aside.
    DeadLetter,
    /// Nothing can go on before a human changes something.
    Halt,
}

/// An error that can say where it happened and what mends it; the command line prints all three parts.
pub trait Refusal: std::error::Error {
    /// Server, table, GTID, topic, partition, offset, file, setting: whatever locates the cause.
    fn place(&self) -> Option<String> {
        None
    }
    /// The command or setting that mends it.
    fn remedy(&self) -> Option<String> {
        None
    }
    /// Findings of the preflight, if it was they that refused: `run` then ends with 2, not 1.
    fn findings(&self) -> Option<&[Finding]> {
        None
    }
}

#[derive(Debug, thiserror::Error)]
pub enum Error {
    #[error(transparent)]
    Config(#[from] crate::config::ConfigError),
    #[error(transparent)]
    Registry(#[from] crate::registry::RegistryError),
    #[error("the HTTP pages cannot listen on {address}")]
    HttpBind { address: String, source: std::io::Error },
}

impl Error {
    pub fn disposition(&self) -> Disposition {
        match self {
            Error::Config(_) | Error::HttpBind { .. } => Disposition::Halt,
            Error::Registry(error) => error.disposition(),
        }
    }
}

impl Refusal for Error {}
