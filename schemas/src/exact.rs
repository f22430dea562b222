//! The header `strait.exact`: exact values of the few columns that Debezium's mapping cannot carry (zero
//! dates, text that is not valid in its charset, ENUM index 0, ...). Ordinary rows have no such header.

use crate::Result;
use std::borrow::Cow;

#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Image {
    Before,
    After,
}

/// What the bytes of an exact value are.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum ExactForm {
    /// The literal text that MySQL accepts for the type, e.g. `0000-00-00`, without quotes.
    Text,
    /// Bytes in the column's own charset.
    Raw,
    /// The ENUM's index or the SET's bitmap, decimal text.
    Index,
}

#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Exact<'a> {
    pub image: Image,
    pub column: Cow<'a, str>,
    pub form: ExactForm,
    pub data: Cow<'a, [u8]>,
}

pub fn encode_exact(_values: &[Exact<'_>]) -> Vec<u8> {
    todo!()
}

pub fn decode_exact(_header: &[u8]) -> Result<Vec<Exact<'_>>> {
    todo!()
}
