//! HEARTBEAT: the server is alive, and at this position. The first form has the file's name only, its position is
//! in the header; the second has both as fields.

use super::{EventType, RawEvent, Reader, Result};

pub(super) enum Pos {
    Whole(u64),
    /// The lower 32 bits.
    Low(u32),
}

const END: u64 = 0;
const FILE: u64 = 1;
const POS: u64 = 2;

pub(super) fn read(event: &RawEvent) -> Result<(String, Pos)> {
    if event.header.event_type == EventType::Heartbeat {
        let file = String::from_utf8_lossy(&event.body).into_owned();
        return Ok((file, Pos::Low(event.header.log_pos)));
    }
    let mut reader = Reader::new("a HEARTBEAT_V2 event", &event.body);
    let (mut file, mut pos) = (None, None);
    while !reader.is_empty() {
        let field = reader.lenenc()?;
        if field == END {
            break;
        }
        let value = reader.lenenc_bytes()?;
        match field {
            FILE => file = Some(String::from_utf8_lossy(value).into_owned()),
            POS => pos = Some(Reader::new("a position in a HEARTBEAT_V2 event", value).lenenc()?),
            _ => {}
        }
    }
    match (file, pos) {
        (Some(file), Some(pos)) => Ok((file, Pos::Whole(pos))),
        _ => Err(reader.malformed("no file name or no position")),
    }
}
