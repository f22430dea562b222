//! Global transaction identifiers, tagged ones too, and sets of them.
//!
//! Text forms are the server's: `uuid:number` or `uuid:tag:number` for one GTID; for a set, see [`GtidSet`].

mod set;

pub use set::GtidSet;

/// A server's UUID, the source part of a GTID.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Uuid(pub [u8; 16]);

/// A GTID tag: up to 32 lower-case letters, digits and underscores, not beginning with a digit.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Tag {
    bytes: [u8; 32],
    length: u8,
}

#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Gtid {
    pub uuid: Uuid,
    pub tag: Option<Tag>,
    pub number: u64,
}

#[derive(Debug, thiserror::Error)]
#[error("{what} in GTID text {text:?}")]
pub struct ParseError {
    what: &'static str,
    text: String,
}

impl Tag {
    pub fn as_str(&self) -> &str {
        std::str::from_utf8(&self.bytes[..usize::from(self.length)]).unwrap_or_default()
    }
}

macro_rules! text {
    ($($name:ident),*) => {$(
        impl std::fmt::Debug for $name {
            fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result { std::fmt::Display::fmt(self, f) }
        }
        impl std::fmt::Display for $name {
            fn fmt(&self, _f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result { todo!() }
        }
        impl std::str::FromStr for $name {
            type Err = ParseError;
            fn from_str(_text: &str) -> Result<Self, ParseError> { todo!() }
        }
    )*};
}
text!(Uuid, Tag, Gtid);
