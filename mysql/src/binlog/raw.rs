//! One event as it came: header and body, length and CRC checked.

use bytes::{Buf, Bytes};

use super::{Error, EventType, Result, reader::Reader};

/// Whether events end with a CRC32 of their bytes (`binlog_checksum`).
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Checksum {
    None,
    Crc32,
}

impl Checksum {
    pub(crate) const LENGTH: usize = 4;

    /// By the number that FORMAT_DESCRIPTION gives.
    pub(crate) fn from_number(number: u8) -> Result<Self> {
        match number {
            0 => Ok(Self::None),
            1 => Ok(Self::Crc32),
            other => Err(Error::Malformed {
                what: "the checksum algorithm",
                found: format!("unknown number {other}"),
            }),
        }
    }
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

    pub fn parse(bytes: &[u8]) -> Result<Self> {
        let mut reader = Reader::new("an event header", bytes);
        Ok(Self {
            timestamp: reader.u32()?,
            event_type: reader.u8()?.into(),
            server_id: reader.u32()?,
            event_size: reader.u32()?,
            log_pos: reader.u32()?,
            flags: reader.u16()?,
        })
    }

    pub fn to_bytes(&self) -> [u8; Self::LENGTH] {
        let mut bytes = [0; Self::LENGTH];
        bytes[..4].copy_from_slice(&self.timestamp.to_le_bytes());
        bytes[4] = self.event_type.into();
        bytes[5..9].copy_from_slice(&self.server_id.to_le_bytes());
        bytes[9..13].copy_from_slice(&self.event_size.to_le_bytes());
        bytes[13..17].copy_from_slice(&self.log_pos.to_le_bytes());
        bytes[17..].copy_from_slice(&self.flags.to_le_bytes());
        bytes
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
    pub fn parse(mut frame: Bytes, checksum: Checksum) -> Result<Self> {
        let header = EventHeader::parse(&frame)?;
        if header.event_size as usize != frame.len() {
            return Err(Error::Malformed {
                what: "an event",
                found: format!(
                    "{} event says {} bytes, has {}",
                    header.event_type,
                    header.event_size,
                    frame.len()
                ),
            });
        }
        let trailer = match (header.event_type, checksum) {
            // Room for the checksum is always there, whether the algorithm before it is NONE or not.
            (EventType::FormatDescription, _) | (_, Checksum::Crc32) => Checksum::LENGTH,
            (_, Checksum::None) => 0,
        };
        let end = frame.len().checked_sub(trailer).filter(|end| *end >= EventHeader::LENGTH).ok_or(
            Error::Truncated {
                what: "an event with its checksum",
                needed: (EventHeader::LENGTH + trailer) as u64,
                left: frame.len() as u64,
            },
        )?;
        let checksum = match header.event_type {
            EventType::FormatDescription => {
                let algorithm = frame[EventHeader::LENGTH..end].last();
                Checksum::from_number(*algorithm.ok_or(Error::Truncated {
                    what: "a FORMAT_DESCRIPTION event",
                    needed: 1,
                    left: 0,
                })?)?
            }
            _ => checksum,
        };
        if checksum == Checksum::Crc32 {
            let stored = Reader::new("a checksum", &frame[end..]).u32()?;
            verify(stored, crc32fast::hash(&frame[..end]))?;
        }
        frame.truncate(end);
        frame.advance(EventHeader::LENGTH);
        Ok(Self { header, body: frame, inside_payload: false })
    }

    /// The same from parts that a client library has split already; `stored_checksum` is verified.
    pub fn from_parts(header: EventHeader, body: Bytes, stored_checksum: Option<u32>) -> Result<Self> {
        if let Some(stored) = stored_checksum {
            let mut hasher = crc32fast::Hasher::new();
            hasher.update(&header.to_bytes());
            hasher.update(&body);
            verify(stored, hasher.finalize())?;
        }
        Ok(Self { header, body, inside_payload: false })
    }
}

fn verify(stored: u32, computed: u32) -> Result<()> {
    if stored == computed { Ok(()) } else { Err(Error::Checksum { stored, computed }) }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn frame(event_type: u8, body: &[u8], checksum: bool) -> Vec<u8> {
        let size = EventHeader::LENGTH + body.len() + if checksum { 4 } else { 0 };
        let header = EventHeader {
            timestamp: 1,
            event_type: event_type.into(),
            server_id: 2,
            event_size: size as u32,
            log_pos: 4,
            flags: 0x20,
        };
        let mut bytes = header.to_bytes().to_vec();
        bytes.extend_from_slice(body);
        if checksum {
            let crc = crc32fast::hash(&bytes);
            bytes.extend_from_slice(&crc.to_le_bytes());
        }
        bytes
    }

    #[test]
    fn header_and_body_are_split_and_the_checksum_taken_off() {
        let event = RawEvent::parse(frame(16, &[7; 8], true).into(), Checksum::Crc32).unwrap();
        assert_eq!(event.header.event_type, EventType::Xid);
        assert_eq!((event.header.timestamp, event.header.server_id, event.header.log_pos), (1, 2, 4));
        assert_eq!(&event.body[..], [7; 8]);
        let event = RawEvent::parse(frame(200, &[7; 8], false).into(), Checksum::None).unwrap();
        assert_eq!(event.header.event_type, EventType::Unknown(200));
        assert_eq!(&event.body[..], [7; 8]);
    }

    #[test]
    fn any_flipped_bit_is_found() {
        let good = frame(16, &[7; 8], true);
        for bit in 0..good.len() * 8 {
            let mut bad = good.clone();
            bad[bit / 8] ^= 1 << (bit % 8);
            assert!(RawEvent::parse(bad.into(), Checksum::Crc32).is_err(), "bit {bit}");
        }
    }

    #[test]
    fn a_size_that_differs_is_refused_and_so_is_every_truncation() {
        let good = frame(16, &[7; 8], true);
        for length in 0..good.len() {
            let cut = Bytes::copy_from_slice(&good[..length]);
            assert!(RawEvent::parse(cut.clone(), Checksum::Crc32).is_err());
            assert!(RawEvent::parse(cut, Checksum::None).is_err());
        }
    }

    #[test]
    fn parts_give_the_same_as_the_frame() {
        let bytes = frame(16, &[7; 8], true);
        let header = EventHeader::parse(&bytes).unwrap();
        let crc = u32::from_le_bytes(bytes[27..].try_into().unwrap());
        assert!(RawEvent::from_parts(header, Bytes::copy_from_slice(&bytes[19..27]), Some(crc)).is_ok());
        assert!(matches!(
            RawEvent::from_parts(header, Bytes::copy_from_slice(&bytes[18..26]), Some(crc)),
            Err(Error::Checksum { .. })
        ));
    }
}
