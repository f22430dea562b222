//! GTID, ANONYMOUS_GTID and GTID_TAGGED events: the head of each transaction.

use super::{EventType, RawEvent, Result, reader::Reader};
use crate::gtid::{Gtid, Tag, Uuid, UuidGtid};

#[derive(Debug, Clone, PartialEq, Eq)]
pub struct GtidEvent {
    /// None for ANONYMOUS_GTID.
    pub gtid: Option<Gtid>,
    pub last_committed: i64,
    pub sequence_number: i64,
    /// Commit time on the server that we read from, us since the epoch.
    pub immediate_commit_us: Option<i64>,
    /// Commit time on the server where the transaction began.
    pub original_commit_us: Option<i64>,
    /// Bytes of the whole transaction in the binlog, this event included.
    pub transaction_length: Option<u64>,
    pub immediate_server_version: Option<u32>,
    pub original_server_version: Option<u32>,
    /// False: the transaction holds row events only.
    pub may_have_statements: bool,
}

impl GtidEvent {
    pub fn parse(event: &RawEvent) -> Result<Self> {
        match event.header.event_type {
            EventType::GtidTagged => parse_tagged(&event.body),
            event_type => parse_untagged(&event.body, event_type == EventType::AnonymousGtid),
        }
    }
}

/// Fixed fields, each group since a later version; in a pair "immediate, original" the top bit of the first
/// says that the second is there, which it is only if it differs.
fn parse_untagged(body: &[u8], anonymous: bool) -> Result<GtidEvent> {
    const LOGICAL_TIMESTAMPS: u8 = 2;

    let mut reader = Reader::new("a GTID event", body);
    let flags = reader.u8()?;
    let uuid = Uuid(*reader.array()?);
    let number = reader.u64()?;
    let gtid = if anonymous { None } else { Some(checked(&reader, uuid, None, number)?) };
    let mut parsed = GtidEvent {
        gtid,
        last_committed: 0,
        sequence_number: 0,
        immediate_commit_us: None,
        original_commit_us: None,
        transaction_length: None,
        immediate_server_version: None,
        original_server_version: None,
        may_have_statements: flags & 1 != 0,
    };
    if reader.is_empty() || reader.u8()? != LOGICAL_TIMESTAMPS {
        return Ok(parsed);
    }
    parsed.last_committed = reader.i64()?;
    parsed.sequence_number = reader.i64()?;
    if reader.is_empty() {
        return Ok(parsed);
    }
    let immediate = reader.uint(7)?;
    let original = if immediate >> 55 == 1 { reader.uint(7)? } else { immediate };
    parsed.immediate_commit_us = Some((immediate & !(1 << 55)) as i64);
    parsed.original_commit_us = Some(original as i64);
    if reader.is_empty() {
        return Ok(parsed);
    }
    parsed.transaction_length = Some(reader.lenenc()?);
    if reader.is_empty() {
        return Ok(parsed);
    }
    let immediate = reader.u32()?;
    let original = if immediate >> 31 == 1 { reader.u32()? } else { immediate };
    parsed.immediate_server_version = Some(immediate & !(1 << 31));
    parsed.original_server_version = Some(original);
    // What may follow (a commit group ticket) concerns the server alone.
    Ok(parsed)
}

/// Numbered fields in the format of the server's serialization library. A field has no length, so one that we
/// do not know ends the reading: allowed only above the last field that the writer calls not ignorable.
fn parse_tagged(body: &[u8]) -> Result<GtidEvent> {
    const VERSION: u64 = 1;

    let whole = body.len() as u64;
    let mut reader = Reader::new("a GTID_TAGGED event", body);
    let version = reader.varint()?;
    if version != VERSION {
        return Err(reader.malformed(format!("serialization version {version}")));
    }
    let size = reader.varint()?;
    let last_needed = reader.varint()?;
    if size > whole {
        return Err(reader.malformed(format!("a message of {size} bytes in {whole}")));
    }
    let read = whole - reader.left().len() as u64;
    let fields = size.checked_sub(read).ok_or_else(|| reader.malformed("a message shorter than its head"))?;
    let mut fields = Reader::new("a GTID_TAGGED event", reader.take_long(fields)?);

    let (mut uuid, mut tag, mut number) = (None, None, None);
    let mut parsed = GtidEvent {
        gtid: None,
        last_committed: 0,
        sequence_number: 0,
        immediate_commit_us: None,
        original_commit_us: None,
        transaction_length: None,
        immediate_server_version: None,
        original_server_version: None,
        may_have_statements: false,
    };
    while !fields.is_empty() {
        match fields.varint()? {
            0 => parsed.may_have_statements = fields.varint()? & 1 != 0,
            1 => uuid = Some(read_uuid(&mut fields)?),
            2 => number = Some(fields.signed_varint()?),
            3 => tag = read_tag(&mut fields)?,
            4 => parsed.last_committed = fields.signed_varint()?,
            5 => parsed.sequence_number = fields.signed_varint()?,
            6 => parsed.immediate_commit_us = Some(fields.varint()? as i64),
            7 => parsed.original_commit_us = Some(fields.varint()? as i64),
            8 => parsed.transaction_length = Some(fields.varint()?),
            9 => parsed.immediate_server_version = Some(fields.varint()? as u32),
            10 => parsed.original_server_version = Some(fields.varint()? as u32),
            unknown if unknown <= last_needed => {
                return Err(fields.malformed(format!("unknown field {unknown} that must not be ignored")));
            }
            _ => break,
        }
    }
    let (Some(uuid), Some(number)) = (uuid, number) else {
        return Err(fields.malformed("no uuid or no number"));
    };
    let number = u64::try_from(number).map_err(|_| fields.malformed(format!("number {number}")))?;
    parsed.gtid = Some(checked(&fields, uuid, tag, number)?);
    parsed.original_commit_us = parsed.original_commit_us.or(parsed.immediate_commit_us);
    parsed.original_server_version = parsed.original_server_version.or(parsed.immediate_server_version);
    Ok(parsed)
}

fn checked(reader: &Reader, uuid: Uuid, tag: Option<Tag>, number: u64) -> Result<Gtid> {
    if (1..=UuidGtid::MAX_NUMBER).contains(&number) {
        return Ok(Gtid::Uuid(UuidGtid { uuid, tag, number }));
    }
    Err(reader.malformed(format!("GTID number {number}")))
}

/// Sixteen integers, as the serialization library writes an array of bytes.
fn read_uuid(fields: &mut Reader) -> Result<Uuid> {
    let mut bytes = [0; 16];
    for byte in &mut bytes {
        let value = fields.varint()?;
        *byte = u8::try_from(value).map_err(|_| fields.malformed(format!("uuid byte {value}")))?;
    }
    Ok(Uuid(bytes))
}

fn read_tag(fields: &mut Reader) -> Result<Option<Tag>> {
    let length = fields.varint()?;
    let bytes = fields.take_long(length)?;
    if bytes.is_empty() {
        return Ok(None);
    }
    match Tag::from_bytes(bytes) {
        Some(tag) => Ok(Some(tag)),
        None => Err(fields.malformed(format!("tag {:?}", String::from_utf8_lossy(bytes)))),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::binlog::EventHeader;

    fn event(event_type: EventType, body: &[u8]) -> RawEvent {
        let header =
            EventHeader { timestamp: 0, event_type, server_id: 1, event_size: 0, log_pos: 0, flags: 0 };
        RawEvent { header, body: body.to_vec().into(), inside_payload: false }
    }

    fn untagged() -> Vec<u8> {
        let mut body = vec![1];
        body.extend([0x11; 16]);
        body.extend(42_u64.to_le_bytes());
        body.push(2);
        body.extend(5_i64.to_le_bytes());
        body.extend(6_i64.to_le_bytes());
        body.extend(&(1_700_000_000_000_000_u64 + (1 << 55)).to_le_bytes()[..7]);
        body.extend(&1_600_000_000_000_000_u64.to_le_bytes()[..7]);
        body.extend([252, 0, 1]);
        body.extend((90_704_u32 + (1 << 31)).to_le_bytes());
        body.extend(80_400_u32.to_le_bytes());
        body
    }

    #[test]
    fn untagged_with_original_times_and_versions() {
        let parsed = GtidEvent::parse(&event(EventType::Gtid, &untagged())).unwrap();
        assert_eq!(parsed.gtid, Some(Gtid::Uuid(UuidGtid { uuid: Uuid([0x11; 16]), tag: None, number: 42 })));
        assert_eq!((parsed.last_committed, parsed.sequence_number), (5, 6));
        assert_eq!(parsed.immediate_commit_us, Some(1_700_000_000_000_000));
        assert_eq!(parsed.original_commit_us, Some(1_600_000_000_000_000));
        assert_eq!(parsed.transaction_length, Some(256));
        assert_eq!(
            (parsed.immediate_server_version, parsed.original_server_version),
            (Some(90_704), Some(80_400))
        );
        assert!(parsed.may_have_statements);
    }

    #[test]
    fn a_trailing_commit_group_ticket_is_passed_over() {
        let body = [untagged(), vec![9; 8]].concat();
        assert!(GtidEvent::parse(&event(EventType::Gtid, &body)).is_ok());
    }

    #[test]
    fn anonymous_has_no_gtid_and_zero_is_no_number() {
        let mut body = untagged();
        body[17..25].fill(0);
        assert_eq!(GtidEvent::parse(&event(EventType::AnonymousGtid, &body)).unwrap().gtid, None);
        assert!(GtidEvent::parse(&event(EventType::Gtid, &body)).is_err());
    }

    #[test]
    fn truncations_are_errors_or_older_forms() {
        let whole = untagged();
        let allowed = [25, 42, 56, 59];
        for length in 0..whole.len() {
            let parsed = GtidEvent::parse(&event(EventType::Gtid, &whole[..length]));
            assert_eq!(parsed.is_ok(), allowed.contains(&length), "{length}: {parsed:?}");
        }
    }
}
