//! How a statement's bytes are to be read: what of the session and of the server decides where a token ends.

use crate::{
    binlog::QueryEvent,
    charset::{self, Charset},
    server::Flavor,
};

const ANSI_QUOTES: u64 = 1 << 2;
const NO_BACKSLASH_ESCAPES: u64 = 1 << 20;

/// The settings that a text was written under.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Reading {
    /// `"` quotes names, not text.
    pub ansi_quotes: bool,
    /// A backslash in a text is itself.
    pub no_backslash_escapes: bool,
    /// `character_set_client`; None: one that is not known, read as UTF-8.
    pub charset: Option<&'static Charset>,
    pub flavor: Flavor,
    /// Executable comments of versions up to this are statements, later ones comments: 90704 for 9.7.4. In a binary
    /// log all that are left were executed: the server blanks out the `!` of the others.
    pub version: u32,
}

impl Default for Reading {
    fn default() -> Self {
        Self {
            ansi_quotes: false,
            no_backslash_escapes: false,
            charset: None,
            flavor: Flavor::Mysql,
            version: u32::MAX,
        }
    }
}

impl Reading {
    /// Of a statement in the binary log.
    pub fn of(query: &QueryEvent<'_>, flavor: Flavor) -> Self {
        Self::of_session(query.sql_mode.unwrap_or(0), query.charset.map(|ids| ids[0]), flavor)
    }

    /// Of a session's `sql_mode` bits and the collation id of its `character_set_client`, at a server of that flavor.
    pub fn of_session(sql_mode: u64, client_collation: Option<u16>, flavor: Flavor) -> Self {
        Self {
            ansi_quotes: sql_mode & ANSI_QUOTES != 0,
            no_backslash_escapes: sql_mode & NO_BACKSLASH_ESCAPES != 0,
            charset: client_collation.and_then(charset::of_collation),
            flavor,
            ..Self::default()
        }
    }

    /// Length of the character that begins the bytes, where its later bytes could be taken for a quote, a backslash
    /// or a mark: that is so in these character sets alone. Anything else is 1.
    pub(super) fn character(&self, bytes: &[u8]) -> usize {
        let name = self.charset.map_or("", |charset| charset.name);
        let &[first, second, ..] = bytes else { return 1 };
        let two = match name {
            "sjis" | "cp932" => {
                matches!(first, 0x81..=0x9f | 0xe0..=0xfc) && matches!(second, 0x40..=0x7e | 0x80..=0xfc)
            }
            "gbk" => matches!(first, 0x81..=0xfe) && matches!(second, 0x40..=0x7e | 0x80..=0xfe),
            "big5" => matches!(first, 0xa1..=0xf9) && matches!(second, 0x40..=0x7e | 0xa1..=0xfe),
            "gb18030" => {
                if let &[0x81..=0xfe, 0x30..=0x39, 0x81..=0xfe, 0x30..=0x39, ..] = bytes {
                    return 4;
                }
                matches!(first, 0x81..=0xfe) && matches!(second, 0x40..=0x7e | 0x80..=0xfe)
            }
            _ => false,
        };
        if two { 2 } else { 1 }
    }

    /// Bytes as text.
    pub(super) fn text(&self, bytes: &[u8]) -> String {
        self.charset.map_or_else(
            || String::from_utf8_lossy(bytes).into_owned(),
            |charset| charset.decode(bytes).text.into_owned(),
        )
    }
}
