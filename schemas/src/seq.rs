//! `Seq`, the number of a source transaction in the log, and `RecordSeq`, the header that ties a record
//! to it.
//!
//! The top 16 bits are the generation (grows with each snapshot from nothing), the low 48 the number,
//! without gaps inside a generation. So the plain order of the u64 is the order of the log.

use crate::{Error, Input, Result};
use serde::{Deserialize, Deserializer, Serialize, Serializer};
use std::{fmt, str::FromStr};

const NUMBER_BITS: u32 = 48;
const NUMBER_MASK: u64 = (1 << NUMBER_BITS) - 1;

/// A transaction's number. Text form: `<generation>-<number>`, e.g. `1-42`.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Default)]
pub struct Seq(u64);

impl Seq {
    /// The number is cut to its 48 bits: at a million transactions a second they last nine years.
    pub const fn new(generation: u16, number: u64) -> Self {
        Self(((generation as u64) << NUMBER_BITS) | (number & NUMBER_MASK))
    }

    pub const fn generation(self) -> u16 {
        (self.0 >> NUMBER_BITS) as u16
    }

    pub const fn number(self) -> u64 {
        self.0 & NUMBER_MASK
    }

    /// The next number of the same generation.
    #[must_use]
    pub const fn next(self) -> Self {
        Self::new(self.generation(), self.number() + 1)
    }

    pub const fn raw(self) -> u64 {
        self.0
    }

    pub const fn from_raw(raw: u64) -> Self {
        Self(raw)
    }
}

impl fmt::Display for Seq {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}-{}", self.generation(), self.number())
    }
}

impl FromStr for Seq {
    type Err = Error;

    fn from_str(text: &str) -> Result<Self> {
        let refuse = |cause: &str| Error::Text {
            what: "seq",
            text: text.chars().take(64).collect(),
            cause: cause.into(),
        };
        let (generation, number) =
            text.split_once('-').ok_or_else(|| refuse("expected <generation>-<number>"))?;
        let generation = generation.parse().map_err(|_| refuse("the generation must be 0 to 65535"))?;
        let number: u64 = number.parse().map_err(|_| refuse("the number must be a whole number"))?;
        if number > NUMBER_MASK {
            return Err(refuse("the number must be below 2^48"));
        }
        Ok(Self::new(generation, number))
    }
}

impl Serialize for Seq {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.collect_str(self)
    }
}

impl<'de> Deserialize<'de> for Seq {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        let text = std::borrow::Cow::<str>::deserialize(deserializer)?;
        text.parse().map_err(serde::de::Error::custom)
    }
}

/// Bits of [`RecordSeq::flags`]: those of the rows event the record came from, at the same values that
/// the server gives them.
pub mod flags {
    /// The session had foreign key checks off.
    pub const NO_FOREIGN_KEY_CHECKS: u8 = 0x02;
    /// Every effect of the foreign keys is logged, children before the parent.
    pub const USE_SQL_FOREIGN_KEY: u8 = 0x10;
    /// Ours: a snapshot is still to begin with the table, and brings rows as they are then. A row that is not at the target yet
    /// need not be put there, and must not be.
    pub const AHEAD: u8 = 0x80;
}

/// A record's place in the log: the header `strait.seq`, 17 bytes, big-endian.
///
/// `attempt` grows at each start and each abort of the connector, for a number can be given twice: only
/// the triple (seq, index, attempt) is an identity.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct RecordSeq {
    pub seq: Seq,
    pub index: u32,
    pub attempt: u32,
    pub flags: u8,
}

impl RecordSeq {
    pub const LEN: usize = 17;

    pub fn to_bytes(&self) -> [u8; Self::LEN] {
        let mut bytes = [0; Self::LEN];
        bytes[..8].copy_from_slice(&self.seq.raw().to_be_bytes());
        bytes[8..12].copy_from_slice(&self.index.to_be_bytes());
        bytes[12..16].copy_from_slice(&self.attempt.to_be_bytes());
        bytes[16] = self.flags;
        bytes
    }

    /// Bytes after the first 17 are ignored: later versions may append.
    pub fn from_bytes(bytes: &[u8]) -> Result<Self> {
        let Some(head) = bytes.first_chunk::<{ Self::LEN }>() else {
            return Err(Error::malformed(
                Input::SeqHeader,
                bytes.len(),
                format!("it has {} bytes, 17 are needed", bytes.len()),
            ));
        };
        let word = |at: usize| u32::from_be_bytes([head[at], head[at + 1], head[at + 2], head[at + 3]]);
        let seq = (u64::from(word(0)) << 32) | u64::from(word(4));
        Ok(Self { seq: Seq::from_raw(seq), index: word(8), attempt: word(12), flags: head[16] })
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    #[test]
    fn order_is_generation_then_number() {
        assert!(Seq::new(1, u64::MAX >> 16) < Seq::new(2, 0));
        assert!(Seq::new(1, 41).next() == Seq::new(1, 42));
        assert_eq!(Seq::new(3, 7).raw(), (3 << 48) | 7);
    }

    #[test]
    fn text_that_is_no_seq_is_refused() {
        for text in ["", "1", "1-", "-1", "65536-1", "1-281474976710656", "1-2-3", "a-b", "1 -2"] {
            assert!(text.parse::<Seq>().is_err(), "{text}");
        }
    }

    #[test]
    fn header_bytes_are_big_endian_and_extensible() {
        let record = RecordSeq { seq: Seq::new(1, 42), index: 7, attempt: 3, flags: 0x12 };
        let bytes = record.to_bytes();
        assert_eq!(bytes, [0, 1, 0, 0, 0, 0, 0, 42, 0, 0, 0, 7, 0, 0, 0, 3, 0x12]);
        let mut longer = bytes.to_vec();
        longer.extend_from_slice(b"later");
        assert_eq!(RecordSeq::from_bytes(&longer).expect("17 bytes and more"), record);
        let refusal = RecordSeq::from_bytes(&bytes[..16]).expect_err("16 bytes").to_string();
        assert!(refusal.contains("16 bytes"), "{refusal}");
    }

    proptest! {
        #[test]
        fn forms_round_trip(raw: u64, index: u32, attempt: u32, flags: u8) {
            let seq = Seq::from_raw(raw);
            prop_assert_eq!(seq.to_string().parse::<Seq>()?, seq);
            let json = serde_json::to_string(&seq)?;
            prop_assert_eq!(serde_json::from_str::<Seq>(&json)?, seq);
            let record = RecordSeq { seq, index, attempt, flags };
            prop_assert_eq!(RecordSeq::from_bytes(&record.to_bytes())?, record);
        }
    }
}
