//! Character sets by collation id, and decoding of column bytes into UTF-8.

use std::borrow::Cow;

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Charset {
    pub name: &'static str,
    /// Bytes of its longest character.
    pub max_bytes: u8,
}

#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Decoded<'a> {
    pub text: Cow<'a, str>,
    /// The server, given `text`, stores the same bytes again.
    pub lossless: bool,
}

/// The charset of a collation id; None for an id that MySQL 9.7 does not have.
pub fn of_collation(_id: u16) -> Option<&'static Charset> {
    todo!()
}

impl Charset {
    /// Whether [`decode`](Self::decode) knows this charset.
    pub fn is_supported(&self) -> bool {
        todo!()
    }
    /// Bytes that mean no character become U+FFFD, and the result is not lossless. None: a charset whose
    /// decoding is not supported.
    pub fn decode<'a>(&self, _bytes: &'a [u8]) -> Option<Decoded<'a>> {
        todo!()
    }
}
