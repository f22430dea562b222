//! One error type for the crate. Each variant names what was attempted and the place in the bytes or the
//! schema; the caller adds topic, partition and offset, which it alone knows.

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

#[derive(Debug, thiserror::Error)]
pub enum Error {
    /// Bytes that are not what they claim to be.
    #[error("malformed {what} at byte {at}: {cause}")]
    Malformed { what: &'static str, at: usize, cause: String },

    /// JSON text that does not parse, or lacks what it must have.
    #[error("cannot read {what} as JSON")]
    Json {
        what: &'static str,
        #[source]
        source: serde_json::Error,
    },

    /// A text form (a seq, an op, a format name) that does not parse.
    #[error("`{text}` is not a {what}: {cause}")]
    Text { what: &'static str, text: String, cause: String },

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
            Self::Malformed { .. } | Self::Json { .. } => Disposition::DeadLetter,
            Self::Text { .. }
            | Self::AvroSchema { .. }
            | Self::ForeignSchema { .. }
            | Self::Encode { .. }
            | Self::NoKeySchema { .. }
            | Self::RowWidth { .. } => Disposition::Halt,
        }
    }

    pub(crate) fn malformed(what: &'static str, at: usize, cause: impl Into<String>) -> Self {
        Self::Malformed { what, at, cause: cause.into() }
    }

    /// Names the column in which bytes were malformed.
    pub(crate) fn in_column(self, column: &str) -> Self {
        match self {
            Self::Malformed { what, at, cause } => {
                Self::Malformed { what, at, cause: format!("column `{column}`: {cause}") }
            }
            other => other,
        }
    }

    pub(crate) fn foreign(place: impl Into<String>, cause: impl Into<String>) -> Self {
        Self::ForeignSchema { place: place.into(), cause: cause.into() }
    }
}

pub type Result<T, E = Error> = std::result::Result<T, E>;
