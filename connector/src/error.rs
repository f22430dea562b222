//! Everything that can end a run of the connector, and what is done about it. There is one recovery path:
//! `Retry` drops all state and runs the start procedure again; `Halt` ends the process with the cause, for
//! going on would lose, double or invent data, or cannot succeed before somebody changes something.

use strait_service::{Disposition, Finding, Refusal, registry::RegistryError};

use crate::kafka;

pub type Result<T, E = Error> = std::result::Result<T, E>;

#[derive(Debug, thiserror::Error)]
pub enum Error {
    #[error("the source is not fit to be streamed from")]
    Preflight { place: String, findings: Vec<Finding> },

    #[error("could not {attempted}")]
    Source {
        attempted: &'static str,
        place: String,
        #[source]
        source: strait_mysql::Error,
    },

    #[error("could not {attempted}")]
    Sql {
        attempted: &'static str,
        place: String,
        #[source]
        source: strait_mysql::client::ClientError,
    },

    #[error("could not decode the binary log")]
    Binlog {
        place: String,
        #[source]
        source: strait_mysql::binlog::Error,
    },

    #[error(transparent)]
    Kafka(#[from] kafka::Error),

    #[error("could not {attempted}")]
    Registry {
        attempted: String,
        #[source]
        source: RegistryError,
    },

    #[error("could not {attempted}")]
    Wire {
        attempted: &'static str,
        place: String,
        #[source]
        source: strait_schemas::Error,
    },

    /// A condition under which going on would be wrong, with everything an operator needs.
    #[error("{}", .0.cause)]
    Refused(Box<Refused>),

    /// State in memory no longer serves; running the start procedure again makes it anew.
    #[error("{why}")]
    Restart { why: String },

    /// The shutdown came while something was waited for.
    #[error("stopped while waiting")]
    Stopped,
}

/// Cause, place and remedy of a halt.
#[derive(Debug)]
pub struct Refused {
    pub cause: String,
    pub place: String,
    pub remedy: String,
}

impl Error {
    pub fn refused(cause: impl Into<String>, place: impl Into<String>, remedy: impl Into<String>) -> Self {
        Self::Refused(Box::new(Refused { cause: cause.into(), place: place.into(), remedy: remedy.into() }))
    }

    pub fn disposition(&self) -> Disposition {
        match self {
            Self::Preflight { .. } | Self::Refused(_) | Self::Wire { .. } => Disposition::Halt,
            Self::Source { source, .. } => mysql_disposition(source.disposition()),
            Self::Binlog { source, .. } => mysql_disposition(source.disposition()),
            Self::Kafka(error) => error.disposition(),
            Self::Registry { source, .. } => source.disposition(),
            // The statements are our own and constant: what fails is the connection.
            Self::Sql { .. } | Self::Restart { .. } | Self::Stopped => Disposition::Retry,
        }
    }
}

fn mysql_disposition(disposition: strait_mysql::Disposition) -> Disposition {
    match disposition {
        strait_mysql::Disposition::Retry => Disposition::Retry,
        strait_mysql::Disposition::DeadLetter | strait_mysql::Disposition::Halt => Disposition::Halt,
    }
}

impl Refusal for Error {
    fn place(&self) -> Option<String> {
        match self {
            Self::Preflight { place, .. }
            | Self::Source { place, .. }
            | Self::Sql { place, .. }
            | Self::Binlog { place, .. }
            | Self::Wire { place, .. } => Some(place.clone()),
            Self::Refused(refused) => Some(refused.place.clone()),
            Self::Kafka(error) => error.place(),
            Self::Registry { source, .. } => source.place(),
            Self::Restart { .. } | Self::Stopped => None,
        }
    }

    fn remedy(&self) -> Option<String> {
        match self {
            Self::Refused(refused) => Some(refused.remedy.clone()),
            Self::Kafka(error) => error.remedy(),
            Self::Registry { source, .. } => source.remedy(),
            Self::Source { source: strait_mysql::Error::Server(error), .. } => {
                error.remedy().map(str::to_owned)
            }
            Self::Preflight { .. }
            | Self::Source { .. }
            | Self::Sql { .. }
            | Self::Binlog { .. }
            | Self::Wire { .. }
            | Self::Restart { .. }
            | Self::Stopped => None,
        }
    }

    fn findings(&self) -> Option<&[Finding]> {
        match self {
            Self::Preflight { findings, .. } => Some(findings),
            _ => None,
        }
    }
}
