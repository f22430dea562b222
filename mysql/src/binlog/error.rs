//! What can be wrong with binlog bytes.

use std::sync::Arc;

use super::EventType;
use crate::Disposition;

pub type Result<T, E = Error> = std::result::Result<T, E>;

#[derive(Debug, thiserror::Error)]
pub enum Error {
    #[error("{what} is cut off: {needed} bytes needed, {left} left")]
    Truncated { what: &'static str, needed: u64, left: u64 },
    #[error("{what} is malformed: {found}")]
    Malformed { what: &'static str, found: String },
    #[error("checksum mismatch: the event carries {stored:#010x}, its bytes give {computed:#010x}")]
    Checksum { stored: u32, computed: u32 },
    #[error("a compressed transaction could not be inflated")]
    Inflate(#[source] std::io::Error),
    #[error("{what} is not supported; {remedy}")]
    Unsupported { what: String, remedy: &'static str },
    /// Wraps any of the others with its place.
    #[error("event {event} ending at {file}:{pos} could not be read")]
    At {
        event: EventType,
        file: Arc<str>,
        pos: u64,
        #[source]
        source: Box<Error>,
    },
}

impl Error {
    pub fn disposition(&self) -> Disposition {
        match self {
            // A damaged transfer heals by reading again; damage on the server's disk keeps coming back, visibly.
            Self::Checksum { .. } => Disposition::Retry,
            Self::Truncated { .. } | Self::Malformed { .. } | Self::Inflate(_) | Self::Unsupported { .. } => {
                Disposition::Halt
            }
            Self::At { source, .. } => source.disposition(),
        }
    }
}
