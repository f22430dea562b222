//! MariaDB's compressed events (`log_bin_compress`): each becomes the event that it stands for. To pass over them would
//! lose rows.
//!
//! Only the tail of the body is compressed, a statement or row images: a byte with how many bytes of length follow (the
//! lower three bits) and the algorithm (the four above them), the length when inflated, highest byte first, a zlib stream.
//! No more is inflated than that length, and exactly that much must come.

use std::io::Read as _;

use bytes::Bytes;

use super::{Error, EventType, RawEvent, Result, reader::Reader};

/// No server writes a larger one (max_allowed_packet is at most 1 GiB).
const MAX_SIZE: u64 = 1 << 30;
/// More is taken from memory as the bytes come.
const TRUSTED_SIZE: usize = 64 * 1024;

/// The type of the event that a compressed one stands for.
pub(super) fn plain_type(event_type: EventType) -> Option<EventType> {
    Some(match event_type {
        EventType::QueryCompressed => EventType::Query,
        EventType::WriteRowsCompressedV1 => EventType::WriteRowsV1,
        EventType::UpdateRowsCompressedV1 => EventType::UpdateRowsV1,
        EventType::DeleteRowsCompressedV1 => EventType::DeleteRowsV1,
        EventType::WriteRowsCompressed => EventType::WriteRows,
        EventType::UpdateRowsCompressed => EventType::UpdateRows,
        EventType::DeleteRowsCompressed => EventType::DeleteRows,
        _ => return None,
    })
}

/// The event as it would have been written without compression; its header keeps the size that it has in the log.
pub(super) fn inflate(event: &RawEvent, plain: EventType) -> Result<RawEvent> {
    let head = match plain {
        EventType::Query => query_head(&event.body)?,
        _ => rows_head(&event.body, plain)?,
    };
    let mut header = event.header;
    header.event_type = plain;
    let body = inflate_tail(&event.body, head)?;
    Ok(RawEvent { header, body, inside_payload: event.inside_payload })
}

/// Everything before the statement.
fn query_head(body: &[u8]) -> Result<usize> {
    let mut reader = Reader::new("a QUERY_COMPRESSED event", body);
    reader.take(8)?;
    let database = usize::from(reader.u8()?);
    reader.take(2)?;
    let variables = usize::from(reader.u16()?);
    reader.take(variables)?;
    reader.take(database)?;
    reader.u8()?;
    Ok(body.len() - reader.left().len())
}

/// Everything before the row images.
fn rows_head(body: &[u8], plain: EventType) -> Result<usize> {
    let mut reader = Reader::new("a compressed rows event", body);
    reader.take(8)?;
    if matches!(plain, EventType::WriteRows | EventType::UpdateRows | EventType::DeleteRows) {
        // Its length counts itself.
        let length = usize::from(reader.u16()?);
        reader
            .take(length.checked_sub(2).ok_or_else(|| reader.malformed("extra data of negative length"))?)?;
    }
    let columns = reader.lenenc()?;
    reader.take_long(columns.div_ceil(8))?;
    if matches!(plain, EventType::UpdateRows | EventType::UpdateRowsV1) {
        reader.take_long(columns.div_ceil(8))?;
    }
    Ok(body.len() - reader.left().len())
}

fn inflate_tail(body: &Bytes, head: usize) -> Result<Bytes> {
    const ZLIB: u8 = 0;

    let (head, tail) = body.split_at(head);
    let mut reader = Reader::new("the compressed part of an event", tail);
    let kind = reader.u8()?;
    let algorithm = kind >> 4 & 0x07;
    if kind & 0x80 == 0 || algorithm != ZLIB {
        return Err(Error::Unsupported {
            what: format!("an event that is compressed in another way ({kind:#04x})"),
            remedy: "SET GLOBAL log_bin_compress = OFF on the source; a later version needs a later Strait",
        });
    }
    let length_bytes = usize::from(kind & 0x07);
    if !(1..=4).contains(&length_bytes) {
        return Err(reader.malformed(format!("a length of {length_bytes} bytes")));
    }
    let length = reader.take(length_bytes)?.iter().fold(0, |value, byte| value << 8 | u64::from(*byte));
    if length > MAX_SIZE {
        return Err(reader.malformed(format!("{length} bytes when inflated")));
    }
    let length = length as usize;
    let mut inflated = Vec::with_capacity(head.len() + length.min(TRUSTED_SIZE));
    inflated.extend_from_slice(head);
    // One byte more, if there is one, shows that the length is wrong.
    flate2::read::ZlibDecoder::new(reader.left())
        .take(length as u64 + 1)
        .read_to_end(&mut inflated)
        .map_err(Error::Inflate)?;
    let found = inflated.len() - head.len();
    if found != length {
        return Err(reader.malformed(format!("{found} bytes or more instead of {length}")));
    }
    Ok(inflated.into())
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::binlog::{EventHeader, QueryEvent, RowsEvent};

    /// As MariaDB 10.11 wrote them.
    const INSERT: &str =
        "1b0000000000010008ff813f789cbb27cfc0c0c09a919a93937f4f01c814c9c002ee29e29201008247157c";
    const UPDATE: &str = "1b0000000000010008ffff8187789cbb27cfc0c0c09a919a93937f0fc414aac200f71480e22219580058069b0e459c3a14\
                          b1eb0000dcbd3268";
    const DROP: &str = "0a0000000000000001000023000000000001010000205400000000060373746404210021000800814b00000000000000640081\
         28789c7309f20f50087174f2715548c84d50d0d752484fcd4b2d4a2c494d5148aa54284e2d2a4b2d52d0d20700f5940c7e";

    fn event(event_type: EventType, hex: &str) -> RawEvent {
        let hex: String = hex.split_ascii_whitespace().collect();
        let body: Vec<u8> =
            (0..hex.len()).step_by(2).map(|at| u8::from_str_radix(&hex[at..at + 2], 16).unwrap()).collect();
        let event_size = (EventHeader::LENGTH + body.len() + 4) as u32;
        let header =
            EventHeader { timestamp: 0, event_type, server_id: 1, event_size, log_pos: 999, flags: 0 };
        RawEvent { header, body: body.into(), inside_payload: false }
    }

    fn inflated(event_type: EventType, hex: &str) -> RawEvent {
        inflate(&event(event_type, hex), plain_type(event_type).unwrap()).unwrap()
    }

    #[test]
    fn rows_come_out_as_if_they_had_not_been_compressed() {
        let insert = inflated(EventType::WriteRowsCompressedV1, INSERT);
        assert_eq!(insert.header.event_type, EventType::WriteRowsV1);
        let rows = RowsEvent::parse(&insert).unwrap();
        assert!(rows.is_full() && rows.images.len() == 63 && rows.images.windows(5).any(|it| it == b"hello"));
        let update = inflated(EventType::UpdateRowsCompressedV1, UPDATE);
        assert_eq!(RowsEvent::parse(&update).unwrap().images.len(), 0x87);
        let size = event(EventType::UpdateRowsCompressedV1, UPDATE).header.event_size;
        assert_eq!(update.header.event_size, size, "its place in the log stays");
    }

    #[test]
    fn statements_come_out_as_if_they_had_not_been_compressed() {
        let drop = inflated(EventType::QueryCompressed, DROP);
        let query = QueryEvent::parse(&drop).unwrap();
        assert_eq!((query.database, query.thread_id), (&b"d"[..], 10));
        assert_eq!(query.text(), "DROP TABLE `m` /* generated by server */");
    }

    #[test]
    fn what_is_cut_or_says_another_length_is_refused() {
        let whole = event(EventType::WriteRowsCompressedV1, INSERT);
        for length in 0..whole.body.len() - 4 {
            let cut = RawEvent { body: whole.body.slice(..length), ..whole.clone() };
            assert!(inflate(&cut, EventType::WriteRowsV1).is_err(), "{length}");
        }
        for (from, to) in
            [("813f", "813e"), ("813f", "8140"), ("813f", "913f"), ("813f", "013f"), ("813f", "853f")]
        {
            let other = event(EventType::WriteRowsCompressedV1, &INSERT.replace(from, to));
            assert!(inflate(&other, EventType::WriteRowsV1).is_err(), "{to}");
        }
    }
}
