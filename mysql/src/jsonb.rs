//! MySQL's binary JSON to text, as the server prints it.

use crate::binlog::Result;

/// What the JSON text form cannot carry.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct JsonFacts {
    /// The document holds a DECIMAL, temporal, or other opaque scalar: parsing the text gives another type.
    pub opaque: bool,
}

/// Appends the text of a JSON value exactly as the server prints it. An empty value is the JSON null that a
/// NOT NULL column gets from a non-strict session.
pub fn to_text(_bytes: &[u8], _out: &mut String) -> Result<JsonFacts> {
    todo!()
}
