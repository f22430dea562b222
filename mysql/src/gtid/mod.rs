//! Global transaction identifiers of both kinds of server, MySQL's tagged ones too, and sets of them.
//!
//! Text forms are the servers': `uuid:number` or `uuid:tag:number` for one GTID of MySQL, `domain-server-number` for one
//! of MariaDB; for a set, see [`GtidSet`].

mod binary;
mod domain;
mod intervals;
mod set;

use std::{fmt, str::FromStr};

pub use domain::DomainGtid;
pub use set::GtidSet;

/// A server's UUID, the source part of a GTID.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Uuid(pub [u8; 16]);

/// A GTID tag: up to 32 lower-case letters, digits and underscores, not beginning with a digit.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Tag {
    // Zero-filled, so that the derived order is that of the text.
    bytes: [u8; Tag::MAX_LENGTH],
    length: u8,
}

/// Names one transaction.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Gtid {
    Uuid(UuidGtid),
    Domain(DomainGtid),
}

/// One transaction of MySQL.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct UuidGtid {
    pub uuid: Uuid,
    pub tag: Option<Tag>,
    /// 1 to [`UuidGtid::MAX_NUMBER`].
    pub number: u64,
}

#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("{what}: {text:?}")]
pub struct ParseError {
    what: &'static str,
    text: String,
}

impl ParseError {
    pub(crate) fn new(what: &'static str, text: &str) -> Self {
        Self { what, text: text.chars().take(200).collect() }
    }
}

impl UuidGtid {
    /// The greatest number that the server gives.
    pub const MAX_NUMBER: u64 = i64::MAX as u64 - 1;
}

impl Tag {
    pub const MAX_LENGTH: usize = 32;

    /// None for what is no tag. Upper case is taken and lowered, as the server does.
    pub fn from_bytes(text: &[u8]) -> Option<Self> {
        let starts_well = |first: &u8| first.is_ascii_alphabetic() || *first == b'_';
        if text.len() > Self::MAX_LENGTH
            || !text.first().is_some_and(starts_well)
            || !text.iter().all(|byte| byte.is_ascii_alphanumeric() || *byte == b'_')
        {
            return None;
        }
        let mut bytes = [0; Self::MAX_LENGTH];
        for (to, from) in bytes.iter_mut().zip(text) {
            *to = from.to_ascii_lowercase();
        }
        Some(Self { bytes, length: text.len() as u8 })
    }

    pub fn as_str(&self) -> &str {
        std::str::from_utf8(&self.bytes[..usize::from(self.length)]).expect("a tag is ASCII")
    }
}

impl fmt::Display for Uuid {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        const HEX: &[u8; 16] = b"0123456789abcdef";
        let mut text = [b'-'; 36];
        let mut at = 0;
        for (index, byte) in self.0.iter().enumerate() {
            if matches!(index, 4 | 6 | 8 | 10) {
                at += 1;
            }
            text[at] = HEX[usize::from(byte >> 4)];
            text[at + 1] = HEX[usize::from(byte & 15)];
            at += 2;
        }
        f.write_str(std::str::from_utf8(&text).expect("hexadecimal digits are ASCII"))
    }
}

impl FromStr for Uuid {
    type Err = ParseError;

    /// Either case, with or without dashes.
    fn from_str(text: &str) -> Result<Self, ParseError> {
        let error = || ParseError::new("not a UUID", text);
        let bytes = text.as_bytes();
        let mut digits = [0; 32];
        let found: &[u8] = match bytes.len() {
            32 => bytes,
            36 => {
                let mut count = 0;
                for (index, byte) in bytes.iter().enumerate() {
                    if matches!(index, 8 | 13 | 18 | 23) {
                        if *byte != b'-' {
                            return Err(error());
                        }
                    } else {
                        digits[count] = *byte;
                        count += 1;
                    }
                }
                &digits
            }
            _ => return Err(error()),
        };
        let digit = |byte: u8| char::from(byte).to_digit(16).ok_or_else(error);
        let mut uuid = [0; 16];
        for (byte, pair) in uuid.iter_mut().zip(found.chunks_exact(2)) {
            *byte = (digit(pair[0])? << 4 | digit(pair[1])?) as u8;
        }
        Ok(Self(uuid))
    }
}

impl fmt::Display for Tag {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.as_str())
    }
}

impl FromStr for Tag {
    type Err = ParseError;

    fn from_str(text: &str) -> Result<Self, ParseError> {
        Self::from_bytes(text.as_bytes()).ok_or_else(|| ParseError::new("not a GTID tag", text))
    }
}

impl fmt::Display for Gtid {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Uuid(gtid) => gtid.fmt(f),
            Self::Domain(gtid) => gtid.fmt(f),
        }
    }
}

impl FromStr for Gtid {
    type Err = ParseError;

    fn from_str(text: &str) -> Result<Self, ParseError> {
        if text.contains(':') { text.parse().map(Self::Uuid) } else { text.parse().map(Self::Domain) }
    }
}

impl fmt::Display for UuidGtid {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match &self.tag {
            Some(tag) => write!(f, "{}:{tag}:{}", self.uuid, self.number),
            None => write!(f, "{}:{}", self.uuid, self.number),
        }
    }
}

impl FromStr for UuidGtid {
    type Err = ParseError;

    fn from_str(text: &str) -> Result<Self, ParseError> {
        let parts: Vec<&str> = text.trim().split(':').map(str::trim).collect();
        let (uuid, tag, number) = match parts[..] {
            [uuid, number] => (uuid, None, number),
            [uuid, tag, number] => (uuid, Some(tag.parse()?), number),
            _ => return Err(ParseError::new("not a GTID (uuid:number or uuid:tag:number)", text)),
        };
        Ok(Self { uuid: uuid.parse()?, tag, number: parse_number(number)? })
    }
}

fn parse_number(text: &str) -> Result<u64, ParseError> {
    match text.parse() {
        // `parse` would take a leading plus.
        Ok(number) if text.as_bytes()[0] != b'+' && (1..=UuidGtid::MAX_NUMBER).contains(&number) => {
            Ok(number)
        }
        _ => Err(ParseError::new("not a transaction number (1 to 9223372036854775806)", text)),
    }
}

macro_rules! debug_as_displayed {
    ($($name:ty),*) => {$(
        impl fmt::Debug for $name {
            fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result { fmt::Display::fmt(self, f) }
        }
    )*};
}
debug_as_displayed!(Uuid, Tag, Gtid, UuidGtid, DomainGtid, GtidSet);

#[cfg(test)]
mod tests {
    use super::*;

    const UUID: &str = "3e11fa47-71ca-11e1-9e33-c80aa9429562";

    #[test]
    fn uuids_are_read_in_either_case_with_or_without_dashes() {
        let uuid: Uuid = UUID.parse().unwrap();
        assert_eq!(uuid.to_string(), UUID);
        assert_eq!(UUID.to_uppercase().parse(), Ok(uuid));
        assert_eq!(UUID.replace('-', "").parse(), Ok(uuid));
        for bad in
            ["", "3e11fa47", "3e11fa4771-ca-11e1-9e33-c80aa9429562", "3e11fa47-71ca-11e1-9e33-c80aa942956g"]
        {
            assert!(bad.parse::<Uuid>().is_err(), "{bad}");
        }
    }

    #[test]
    fn gtids_round_trip() {
        for text in [
            format!("{UUID}:1"),
            format!("{UUID}:9223372036854775806"),
            format!("{UUID}:a_1:7"),
            "0-1-7".into(),
        ] {
            assert_eq!(text.parse::<Gtid>().unwrap().to_string(), text);
        }
        for bad in ["0", "-1", "+1", "9223372036854775807", "1-2", "", "1:2", "1a:5", "a:"] {
            assert!(format!("{UUID}:{bad}").parse::<Gtid>().is_err(), "{bad}");
        }
    }

    #[test]
    fn tags_are_lowered_and_ordered_as_text() {
        let tag: Tag = "Orders_2".parse().unwrap();
        assert_eq!(tag.as_str(), "orders_2");
        assert!("a".repeat(32).parse::<Tag>().is_ok());
        for bad in ["", "2a", "a-b", &"a".repeat(33), "é"] {
            assert!(bad.parse::<Tag>().is_err(), "{bad}");
        }
        let mut tags: Vec<Tag> = ["b", "ab", "a", "a_"].map(|tag| tag.parse().unwrap()).to_vec();
        tags.sort();
        assert_eq!(tags.iter().map(Tag::as_str).collect::<Vec<_>>(), ["a", "a_", "ab", "b"]);
    }
}
