//! Character sets by collation id, and decoding of column bytes into UTF-8.
//!
//! What counts is what the server would do: `lossless` promises that a server which is given the decoded text
//! stores the same bytes again. The tables here were made by asking MySQL 9.7 for every code of every charset,
//! there and back.

mod collation;
mod multi_byte;
mod single_byte;
mod unicode;

use std::borrow::Cow;

pub use collation::of_collation;

use self::{multi_byte::MultiByte, single_byte::SingleByte};

#[derive(Debug)]
pub struct Charset {
    pub name: &'static str,
    /// Bytes of its longest character.
    pub max_bytes: u8,
    decoding: Decoding,
}

#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Decoded<'a> {
    pub text: Cow<'a, str>,
    /// The server, given `text`, stores the same bytes again.
    pub lossless: bool,
}

#[derive(Debug)]
enum Decoding {
    Ascii,
    Utf8Mb3,
    Utf8Mb4,
    Ucs2,
    Utf16 {
        little_endian: bool,
    },
    Utf32,
    SingleByte(&'static SingleByte),
    MultiByte(&'static MultiByte),
    /// Bytes, not text.
    Binary,
}

impl Charset {
    /// Bytes that mean no character become U+FFFD, and the result is not lossless.
    pub fn decode<'a>(&self, bytes: &'a [u8]) -> Decoded<'a> {
        match &self.decoding {
            Decoding::Ascii => {
                let decoded = unicode::utf8(bytes);
                Decoded { lossless: bytes.is_ascii(), ..decoded }
            }
            Decoding::Utf8Mb4 => unicode::utf8(bytes),
            Decoding::Utf8Mb3 => {
                // Nothing above U+FFFF, which would be four bytes.
                let decoded = unicode::utf8(bytes);
                Decoded { lossless: decoded.lossless && bytes.iter().all(|byte| *byte < 0xf0), ..decoded }
            }
            Decoding::Ucs2 => unicode::ucs2(bytes),
            Decoding::Utf16 { little_endian } => unicode::utf16(bytes, *little_endian),
            Decoding::Utf32 => unicode::utf32(bytes),
            Decoding::SingleByte(table) => table.decode(bytes),
            Decoding::MultiByte(table) => table.decode(bytes),
            Decoding::Binary => Decoded { lossless: false, ..unicode::utf8(bytes) },
        }
    }
}

impl PartialEq for Charset {
    fn eq(&self, other: &Self) -> bool {
        self.name == other.name
    }
}

impl Eq for Charset {}
