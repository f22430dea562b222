//! FORMAT_DESCRIPTION: the server's version, the header lengths, the checksum algorithm of what follows.

use super::{Checksum, RawEvent, Result};

#[derive(Debug, Clone, PartialEq, Eq)]
pub struct FormatDescription {
    pub server_version: String,
    pub created: u32,
    pub checksum: Checksum,
}

impl FormatDescription {
    pub fn parse(_event: &RawEvent) -> Result<Self> {
        todo!()
    }
}
