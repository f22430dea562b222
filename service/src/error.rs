//! What can go wrong in the service frame, what to do about it, and how a refusal explains itself.

use std::io;

use crate::{config::ConfigError, finding::Finding, registry::RegistryError};

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
    /// Findings of the preflight or the configuration, if it was they that refused: the process then ends with
    /// 2, not 1.
    fn findings(&self) -> Option<&[Finding]> {
        None
    }
    /// Cause, place and remedy on one line, for status and log.
    fn line(&self) -> String {
        let mut text = self.to_string();
        let mut source = self.source();
        while let Some(cause) = source {
            text.push_str(": ");
            text.push_str(&cause.to_string());
            source = cause.source();
        }
        if let Some(place) = self.place() {
            text.push_str("; at ");
            text.push_str(&place);
        }
        if let Some(remedy) = self.remedy() {
            text.push_str("; remedy: ");
            text.push_str(&remedy);
        }
        text
    }
}

#[derive(Debug, thiserror::Error)]
pub enum Error {
    #[error(transparent)]
    Config(#[from] ConfigError),
    #[error(transparent)]
    Registry(#[from] RegistryError),
    #[error("the HTTP pages cannot listen on {address}")]
    HttpBind { address: String, source: io::Error },
    #[error("the process cannot be set up: {attempt}")]
    Setup { attempt: &'static str, source: io::Error },
}

impl Error {
    pub fn disposition(&self) -> Disposition {
        match self {
            Self::Config(_) | Self::HttpBind { .. } | Self::Setup { .. } => Disposition::Halt,
            Self::Registry(error) => error.disposition(),
        }
    }
}

impl Refusal for Error {
    fn place(&self) -> Option<String> {
        match self {
            Self::Config(error) => error.place(),
            Self::Registry(error) => error.place(),
            Self::HttpBind { .. } => Some("setting http.address".to_owned()),
            Self::Setup { .. } => None,
        }
    }

    fn remedy(&self) -> Option<String> {
        match self {
            Self::Config(error) => error.remedy(),
            Self::Registry(error) => error.remedy(),
            Self::HttpBind { .. } => Some(
                "choose a free address with --http ADDRESS:PORT (port 0 takes a free one), or stop what listens there"
                    .to_owned(),
            ),
            Self::Setup { .. } => Some("look at the limits of the account (ulimit -a)".to_owned()),
        }
    }

    fn findings(&self) -> Option<&[Finding]> {
        match self {
            Self::Config(error) => error.findings(),
            Self::Registry(_) | Self::HttpBind { .. } | Self::Setup { .. } => None,
        }
    }
}
