//! One error type for the crate. Each variant names what was attempted and the place in the bytes or the
//! schema; the caller adds topic, partition and offset, which it alone knows.

use std::fmt;

/// What a process does about an error.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Disposition {
    /// It may go away by itself: back off and try again.
    Retry,
    /// The record itself is at fault: it can be set aside where the log's order allows it.
    DeadLetter,
    /// Going on would lose or invent data: stop, and say why.
    Halt,
}

/// What bytes were read as.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Input {
    AvroBody,
    ConfluentFrame,
    JsonEnvelope,
    SeqHeader,
    ExactHeader,
    SpineRecord,
    PositionRecord,
    SnapshotPlan,
}

impl fmt::Display for Input {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::AvroBody => "Avro body",
            Self::ConfluentFrame => "Confluent frame",
            Self::JsonEnvelope => "JSON envelope",
            Self::SeqHeader => "strait.seq header",
            Self::ExactHeader => "strait.exact header",
            Self::SpineRecord => "spine record",
            Self::PositionRecord => "position record",
            Self::SnapshotPlan => "plan of a snapshot",
        })
    }
}

#[derive(Debug, thiserror::Error)]
pub enum Error {
    /// Bytes that are not what they claim to be.
    #[error("malformed {input} at byte {at}: {cause}")]
    Malformed { input: Input, at: usize, cause: String },

    /// JSON text that does not parse, or lacks what it must have.
    #[error("cannot read a {input} as JSON")]
    Json {
        input: Input,
        #[source]
        source: serde_json::Error,
    },

    /// A text form (a seq, an op, a format name) that does not parse.
    #[error("`{text}` is not a {what}: {cause}")]
    Text { what: &'static str, text: String, cause: String },

    /// A schema's JSON text does not parse.
    #[error("cannot parse the writer's schema")]
    SchemaText {
        #[source]
        source: serde_json::Error,
    },

    /// The Avro schema text itself is not valid.
    #[error("cannot parse the writer's Avro schema")]
    AvroSchema {
        #[source]
        source: Box<apache_avro::Error>,
    },

    /// A valid schema that is not a change envelope we can map.
    #[error("cannot map the writer's schema at {place}: {cause}")]
    ForeignSchema { place: String, cause: String },

    /// A value that does not fit the column it was given for.
    #[error("cannot encode column `{column}`: {cause}")]
    Encode { column: String, cause: String },

    /// The table has a key, but the encoder was made without its schema's id.
    #[error("cannot encode a key of {table}: no key schema id was given")]
    NoKeySchema { table: String },

    /// A row image with another number of columns than its table.
    #[error("cannot encode a row of {table}: it has {got} values, the table has {expected} columns")]
    RowWidth { table: String, expected: usize, got: usize },
}

impl Error {
    /// Nothing in this crate can get better by waiting: bytes stay what they are.
    pub fn disposition(&self) -> Disposition {
        match self {
            Self::Malformed { input, .. } | Self::Json { input, .. } => match input {
                // One row's record, whose place in the log is known.
                Input::AvroBody | Input::ConfluentFrame | Input::JsonEnvelope | Input::ExactHeader => {
                    Disposition::DeadLetter
                }
                // Without them the log's order is not known.
                Input::SeqHeader | Input::SpineRecord | Input::PositionRecord | Input::SnapshotPlan => {
                    Disposition::Halt
                }
            },
            Self::Text { .. }
            | Self::SchemaText { .. }
            | Self::AvroSchema { .. }
            | Self::ForeignSchema { .. }
            | Self::Encode { .. }
            | Self::NoKeySchema { .. }
            | Self::RowWidth { .. } => Disposition::Halt,
        }
    }

    pub(crate) fn malformed(input: Input, at: usize, cause: impl Into<String>) -> Self {
        Self::Malformed { input, at, cause: cause.into() }
    }

    /// Names the column in which bytes were malformed.
    pub(crate) fn in_column(self, column: &str) -> Self {
        match self {
            Self::Malformed { input, at, cause } => {
                Self::Malformed { input, at, cause: format!("column `{column}`: {cause}") }
            }
            other => other,
        }
    }

    pub(crate) fn foreign(place: impl Into<String>, cause: impl Into<String>) -> Self {
        Self::ForeignSchema { place: place.into(), cause: cause.into() }
    }
}

pub type Result<T, E = Error> = std::result::Result<T, E>;
