//! FORMAT_DESCRIPTION: the server's version, the header lengths, the checksum algorithm of what follows.

use super::{Checksum, Error, RawEvent, Result, reader::Reader};

#[derive(Debug, Clone, PartialEq, Eq)]
pub struct FormatDescription {
    pub server_version: String,
    pub created: u32,
    pub checksum: Checksum,
}

impl FormatDescription {
    pub fn parse(event: &RawEvent) -> Result<Self> {
        let mut reader = Reader::new("a FORMAT_DESCRIPTION event", &event.body);
        let version = reader.u16()?;
        if version != 4 {
            return Err(Error::Unsupported {
                what: format!("binlog format version {version}"),
                remedy: "the source must be MySQL 5.7 or later",
            });
        }
        let server_version = reader.take(50)?;
        let created = reader.u32()?;
        let header_length = reader.u8()?;
        if usize::from(header_length) != super::EventHeader::LENGTH {
            return Err(reader.malformed(format!("event headers of {header_length} bytes")));
        }
        let (checksum, _post_header_lengths) = reader.left().split_last().ok_or(Error::Truncated {
            what: "a FORMAT_DESCRIPTION event",
            needed: 1,
            left: 0,
        })?;
        let text = server_version.split(|byte| *byte == 0).next().unwrap_or_default();
        Ok(Self {
            server_version: String::from_utf8_lossy(text).into_owned(),
            created,
            checksum: Checksum::from_number(*checksum)?,
        })
    }
}
