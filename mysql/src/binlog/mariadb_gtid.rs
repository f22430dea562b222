//! MariaDB's GTID event: the head of each transaction, which says what BEGIN, XA START or nothing at all say at MySQL.

use super::{RawEvent, Result, reader::Reader, xa::Xid};
use crate::gtid::{DomainGtid, Gtid};

#[derive(Debug, Clone, PartialEq, Eq)]
pub struct MariaDbGtidEvent {
    pub gtid: Gtid,
    /// One statement follows, which is the whole transaction; else rows, and an end of their own.
    pub standalone: bool,
    /// Marked as DDL: standalone, or CREATE TABLE ... SELECT with its rows.
    pub ddl: bool,
    /// The transaction ends with XA PREPARE of this identifier.
    pub prepares: Option<Xid>,
    pub alter: Alter,
}

/// With `binlog_alter_two_phase` an ALTER is logged when it begins and when it has ended.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Alter {
    /// Not of two phases, or the second one: it has happened.
    Done,
    /// It has only begun, or was undone.
    Nothing,
}

mod flags {
    pub const STANDALONE: u8 = 0x01;
    pub const GROUP_COMMIT: u8 = 0x02;
    pub const DDL: u8 = 0x20;
    pub const PREPARED_XA: u8 = 0x40;
    pub const COMPLETED_XA: u8 = 0x80;
}

mod extra_flags {
    pub const START_ALTER: u8 = 0x02;
    pub const ROLLBACK_ALTER: u8 = 0x08;
}

impl MariaDbGtidEvent {
    pub fn parse(event: &RawEvent) -> Result<Self> {
        let mut reader = Reader::new("a GTID event of MariaDB", &event.body);
        let (number, domain, flags) = (reader.u64()?, reader.u32()?, reader.u8()?);
        if number == 0 {
            return Err(reader.malformed("number 0"));
        }
        if flags & flags::GROUP_COMMIT != 0 {
            reader.u64()?;
        }
        let xid = match flags & (flags::PREPARED_XA | flags::COMPLETED_XA) {
            0 => None,
            _ => Some(read_xid(&mut reader)?),
        };
        // Versions before 10.8 end here, or with zeros; what follows these flags concerns the server alone.
        let extra = if reader.is_empty() { 0 } else { reader.u8()? };
        let alter = match extra & (extra_flags::START_ALTER | extra_flags::ROLLBACK_ALTER) {
            0 => Alter::Done,
            _ => Alter::Nothing,
        };
        Ok(Self {
            gtid: Gtid::Domain(DomainGtid { domain, server: event.header.server_id, number }),
            standalone: flags & flags::STANDALONE != 0,
            ddl: flags & flags::DDL != 0,
            prepares: xid.filter(|_| flags & flags::PREPARED_XA != 0),
            alter,
        })
    }
}

fn read_xid(reader: &mut Reader) -> Result<Xid> {
    let format_id = i64::from(reader.i32()?);
    let (global, branch) = (reader.u8()?, reader.u8()?);
    Ok(Xid {
        format_id,
        global: reader.take(usize::from(global))?.to_vec(),
        branch: reader.take(usize::from(branch))?.to_vec(),
    })
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::binlog::{EventHeader, EventType};

    fn parse(number: u64, flags: u8, rest: &[u8]) -> Result<MariaDbGtidEvent> {
        let body = [&number.to_le_bytes()[..], &3_u32.to_le_bytes(), &[flags], rest].concat();
        let event_type = EventType::MariaDbGtid;
        let header =
            EventHeader { timestamp: 0, event_type, server_id: 10, event_size: 0, log_pos: 0, flags: 0 };
        MariaDbGtidEvent::parse(&RawEvent { header, body: body.into(), inside_payload: false })
    }

    #[test]
    fn as_mariadb_10_11_writes_them() {
        let plain = parse(7, 0x0c, &[0; 6]).unwrap();
        assert_eq!(plain.gtid.to_string(), "3-10-7");
        assert!(!plain.standalone && !plain.ddl && plain.prepares.is_none() && plain.alter == Alter::Done);
        let ddl = parse(7, 0x29, &[0; 6]).unwrap();
        assert!(ddl.standalone && ddl.ddl);
        let create_select = parse(7, 0x28, &[0; 6]).unwrap();
        assert!(!create_select.standalone && create_select.ddl);
        let prepare = parse(7, 0x4c, &[1, 0, 0, 0, 1, 0, b'x', 1, 0xff]).unwrap();
        assert_eq!(prepare.prepares.map(|xid| xid.to_string()), Some("X'78',X'',1".into()));
        let commit = parse(7, 0x8d, &[1, 0, 0, 0, 1, 0, b'x']).unwrap();
        assert!(commit.standalone && commit.prepares.is_none(), "its statement says what it ends");
        assert!(parse(7, 0x0e, &[9; 8]).is_ok(), "with the number of a group commit");
    }

    #[test]
    fn an_alter_of_two_phases_has_happened_at_its_end() {
        let of = |extra: u8| parse(7, 0x29, &[extra, 20, 0, 0, 0, 0, 0, 0, 0]).unwrap().alter;
        assert_eq!([of(2), of(4), of(8)], [Alter::Nothing, Alter::Done, Alter::Nothing]);
    }

    #[test]
    fn zero_and_truncations_are_refused() {
        assert!(parse(0, 0, &[0; 6]).is_err());
        assert!(parse(7, 0x40, &[1, 0, 0, 0, 5, 0, b'x']).is_err());
        assert!(parse(7, 0x02, &[1, 0, 0]).is_err());
    }
}
