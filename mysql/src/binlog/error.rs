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
    #[error("column {column} of {table} could not be decoded")]
    Column {
        table: String,
        column: String,
        #[source]
        source: Box<Error>,
    },
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
    /// Says where it happened; an error that knows its place already stays as it is.
    #[must_use]
    pub fn at(self, event: EventType, file: &Arc<str>, pos: u64) -> Self {
        match self {
            Self::At { .. } => self,
            source => Self::At { event, file: file.clone(), pos, source: Box::new(source) },
        }
    }

    pub fn disposition(&self) -> Disposition {
        match self {
            // A damaged transfer heals by reading again; damage on the server's disk keeps coming back, visibly.
            Self::Checksum { .. } => Disposition::Retry,
            Self::Truncated { .. } | Self::Malformed { .. } | Self::Inflate(_) | Self::Unsupported { .. } => {
                Disposition::Halt
            }
            Self::Column { source, .. } | Self::At { source, .. } => source.disposition(),
        }
    }
}
