//! One event as it came: header and body, length and CRC checked.

use bytes::Bytes;

use super::{EventType, Result};

/// Whether events end with a CRC32 of their bytes (`binlog_checksum`).
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Checksum {
    None,
    Crc32,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct EventHeader {
    /// Seconds since the epoch, when the statement began.
    pub timestamp: u32,
    pub event_type: EventType,
    pub server_id: u32,
    /// Header, body and checksum.
    pub event_size: u32,
    /// Low 32 bits of the position after the event; 0 for events that are in no file. In a compressed
    /// transaction: of the whole transaction.
    pub log_pos: u32,
    pub flags: u16,
}

impl EventHeader {
    pub const LENGTH: usize = 19;
    /// Made by the dump thread, in no file.
    pub const ARTIFICIAL: u16 = 0x20;
    /// A reader that does not know the type may pass over it.
    pub const IGNORABLE: u16 = 0x80;

    pub fn parse(_bytes: &[u8]) -> Result<Self> {
        todo!()
    }
    pub fn to_bytes(&self) -> [u8; Self::LENGTH] {
        todo!()
    }
}

#[derive(Debug, Clone)]
pub struct RawEvent {
    pub header: EventHeader,
    /// Without header and checksum.
    pub body: Bytes,
    /// Came out of a compressed transaction; its position is that of the whole transaction.
    pub inside_payload: bool,
}

impl RawEvent {
    /// Reads one whole event (header, body, checksum). A FORMAT_DESCRIPTION event says itself whether it is
    /// checksummed; `checksum` does not matter for it.
    pub fn parse(_frame: Bytes, _checksum: Checksum) -> Result<Self> {
        todo!()
    }
    /// The same from parts that a client library has split already; `stored_checksum` is verified.
    pub fn from_parts(_header: EventHeader, _body: Bytes, _stored_checksum: Option<u32>) -> Result<Self> {
        todo!()
    }
}
