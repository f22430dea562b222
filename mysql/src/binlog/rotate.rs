//! ROTATE: the file that follows, and where in it.

use super::{RawEvent, Reader, Result};

pub(super) fn read(event: &RawEvent) -> Result<(u64, String)> {
    let mut reader = Reader::new("a ROTATE event", &event.body);
    let pos = reader.u64()?;
    let file = reader.rest();
    if file.is_empty() {
        return Err(reader.malformed("no file name"));
    }
    Ok((pos, String::from_utf8_lossy(file).into_owned()))
}
