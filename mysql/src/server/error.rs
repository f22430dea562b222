//! What can go wrong between us and a server. Each text says what was attempted and where; `remedy` what to
//! do about it, where a human has to.

use std::time::Duration;

use mysql_async::Error as ClientError;

use crate::{
    Disposition,
    client::{code, is_connection_lost, server_code},
};

/// What `TimedOut` says of a login.
pub(super) const CONNECTING: &str = "connecting";

#[derive(Debug, thiserror::Error)]
pub enum Error {
    /// No connection, or it broke before the login was done.
    #[error("cannot connect to {place}")]
    Connect {
        place: String,
        #[source]
        source: ClientError,
    },
    #[error("no answer from {place} within {} s while {doing}", .limit.as_secs_f32())]
    TimedOut { place: String, doing: &'static str, limit: Duration },
    /// 1045 and its like: the server answered, and refuses the login itself.
    #[error("{place} refuses the login; {remedy}")]
    Login {
        place: String,
        remedy: String,
        #[source]
        source: ClientError,
    },
    #[error("no encrypted connection to {place}; {remedy}")]
    Tls {
        place: String,
        remedy: String,
        #[source]
        source: ClientError,
    },
    #[error("{doing} failed at {place}")]
    Query {
        place: String,
        doing: &'static str,
        #[source]
        source: ClientError,
    },
    #[error("{place} answers {name} with {found:?}, which is not understood")]
    Answer { place: String, name: String, found: String },
    #[error(
        "the server ended the binlog stream from {place}: it is shutting down, or the connection was closed"
    )]
    StreamEnded { place: String },
    /// A name, a proxy or a virtual address has led to another server than the one meant.
    #[error("{place} is now another server (server_uuid {found}) than the one just looked at ({expected})")]
    OtherServer { place: String, expected: String, found: String },
    #[error("the binlog stream from {place} broke")]
    Stream {
        place: String,
        #[source]
        source: ClientError,
    },
    #[error("nothing from {place} for {} s, though heartbeats are due: the connection is dead", .limit.as_secs_f32())]
    StreamSilent { place: String, limit: Duration },
    /// A malformed event made the client library panic; the connection is of no more use.
    #[error("an event from {place} could not be split off the stream: {cause}")]
    StreamPanicked { place: String, cause: String },
    #[error(
        "another replica with server_id {server_id} connected to {place} and ended this stream; give one of the \
         two another source.server_id (SHOW REPLICAS lists them)"
    )]
    DuplicateServerId {
        place: String,
        server_id: u32,
        #[source]
        source: ClientError,
    },
    #[error(
        "{place} no longer has what comes after {start} in its binary log; take a new snapshot, or restore the \
         missing binary logs, and keep them longer than the longest stop (binlog_expire_logs_seconds)"
    )]
    Purged {
        place: String,
        start: String,
        #[source]
        source: ClientError,
    },
    #[error(
        "{place} may not read the binary log; GRANT REPLICATION SLAVE, REPLICATION CLIENT ON *.* TO that account"
    )]
    Rights {
        place: String,
        #[source]
        source: ClientError,
    },
    #[error("{place} cannot stream from {start}; compare with gtid_executed and SHOW BINARY LOGS there")]
    Refused {
        place: String,
        start: String,
        #[source]
        source: ClientError,
    },
}

impl Error {
    /// For `map_err`: what was attempted, and where.
    pub(crate) fn query(place: &str, doing: &'static str) -> impl FnOnce(ClientError) -> Self {
        move |source| Self::Query { place: place.to_owned(), doing, source }
    }

    /// What a human can do about it, where the text does not say it; the same words in a preflight and while running.
    pub fn remedy(&self) -> Option<&str> {
        match self {
            Self::Login { remedy, .. } | Self::Tls { remedy, .. } => Some(remedy),
            Self::Connect { .. } | Self::TimedOut { doing: CONNECTING, .. } => {
                Some("is the server up, are host and port right, does a firewall let us through?")
            }
            Self::TimedOut { .. }
            | Self::StreamEnded { .. }
            | Self::OtherServer { .. }
            | Self::Stream { .. }
            | Self::StreamSilent { .. }
            | Self::StreamPanicked { .. }
            | Self::Query { .. }
            | Self::Answer { .. }
            | Self::DuplicateServerId { .. }
            | Self::Purged { .. }
            | Self::Rights { .. }
            | Self::Refused { .. } => None,
        }
    }

    pub fn disposition(&self) -> Disposition {
        match self {
            Self::Connect { .. }
            | Self::TimedOut { .. }
            | Self::StreamEnded { .. }
            | Self::OtherServer { .. }
            | Self::Stream { .. }
            | Self::StreamSilent { .. }
            | Self::StreamPanicked { .. } => Disposition::Retry,
            Self::Query { source, .. } => {
                if is_connection_lost(source)
                    || matches!(
                        server_code(source),
                        Some(code::LOCK_WAIT_TIMEOUT | code::DEADLOCK | code::QUERY_INTERRUPTED)
                    )
                {
                    Disposition::Retry
                } else {
                    Disposition::Halt
                }
            }
            Self::Login { .. }
            | Self::Tls { .. }
            | Self::Answer { .. }
            | Self::DuplicateServerId { .. }
            | Self::Purged { .. }
            | Self::Rights { .. }
            | Self::Refused { .. } => Disposition::Halt,
        }
    }
}
