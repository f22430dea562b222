//! GTID sets in the server's binary forms: PREVIOUS_GTIDS events and the dump command.
//!
//! Both: a count of sources, and for each its uuid, (in the tagged format) its tag, and its intervals with the
//! end left out. The count's top byte is the format, 0 or 1; in format 1 the count is above its lowest byte.

use std::collections::BTreeMap;

use mysql_async::{GnoInterval, Sid};

use super::{DomainGtid, Gtid, GtidSet, Tag, Uuid, UuidGtid, intervals::Interval};
use crate::binlog::{Error, Reader, Result};

impl GtidSet {
    /// As the dump command wants it.
    pub fn to_sids(&self) -> Vec<Sid<'static>> {
        let sources = self.sources.iter().map(|((uuid, tag), numbers)| {
            let intervals =
                numbers.as_slice().iter().map(|it| GnoInterval::new(it.first, it.last + 1)).collect();
            // The client gives no other way to make a tagged one than to parse it.
            let sid = match tag {
                Some(tag) => format!("{uuid}:{tag}:1").parse().expect("our tags follow the client's rule"),
                None => Sid::new(uuid.0),
            };
            sid.with_intervals(intervals)
        });
        sources.collect()
    }

    /// Decodes the binary form of PREVIOUS_GTIDS events.
    pub fn from_binary(bytes: &[u8]) -> Result<Self> {
        let mut reader = Reader::new("a GTID set", bytes);
        let head = reader.u64()?;
        let (tagged, count) = match head >> 56 {
            0 => (false, head),
            1 => (true, (head & !(0xff << 56)) >> 8),
            format => return Err(reader.malformed(format!("format {format}"))),
        };
        let mut parts: BTreeMap<(Uuid, Option<Tag>), Vec<Interval>> = BTreeMap::new();
        for _ in 0..count {
            let uuid = Uuid(*reader.array()?);
            let tag = if tagged { read_tag(&mut reader)? } else { None };
            let intervals = parts.entry((uuid, tag)).or_default();
            for _ in 0..reader.u64()? {
                intervals.push(read_interval(&mut reader)?);
            }
        }
        reader.finish()?;
        Ok(Self::from_parts(parts))
    }

    /// Decodes MariaDB's GTID_LIST events: the last number of each server in each domain, before the file.
    pub fn from_gtid_list(bytes: &[u8]) -> Result<Self> {
        /// The four bits above are flags.
        const COUNT: u32 = (1 << 28) - 1;

        let mut reader = Reader::new("a GTID_LIST event", bytes);
        let count = reader.u32()? & COUNT;
        let mut set = Self::new();
        for _ in 0..count {
            let (domain, server, number) = (reader.u32()?, reader.u32()?, reader.u64()?);
            if number > 0 {
                set.add(&Gtid::Domain(DomainGtid { domain, server, number }));
            }
        }
        Ok(set)
    }
}

fn read_tag(reader: &mut Reader) -> Result<Option<Tag>> {
    let length = reader.varint()?;
    let bytes = reader.take_long(length)?;
    if bytes.is_empty() {
        return Ok(None);
    }
    let malformed = || reader.malformed(format!("tag {:?}", String::from_utf8_lossy(bytes)));
    Tag::from_bytes(bytes).map(Some).ok_or_else(malformed)
}

fn read_interval(reader: &mut Reader) -> Result<Interval, Error> {
    let (first, end) = (reader.u64()?, reader.u64()?);
    if first == 0 || end <= first || end > UuidGtid::MAX_NUMBER + 1 {
        return Err(reader.malformed(format!("interval from {first} to before {end}")));
    }
    Ok(Interval { first, last: end - 1 })
}

#[cfg(test)]
mod tests {
    use super::*;

    const A: &str = "3e11fa47-71ca-11e1-9e33-c80aa9429562";

    fn binary(tagged: bool) -> Vec<u8> {
        let uuid: Uuid = A.parse().unwrap();
        let mut bytes =
            if tagged { (1_u64 << 56 | 2 << 8 | 1).to_le_bytes() } else { 1_u64.to_le_bytes() }.to_vec();
        bytes.extend(uuid.0);
        if tagged {
            bytes.push(0);
        }
        bytes.extend(2_u64.to_le_bytes());
        for number in [1_u64, 6, 8, 9] {
            bytes.extend(number.to_le_bytes());
        }
        if tagged {
            bytes.extend(uuid.0);
            bytes.extend([3 << 1, b't', b'a', b'g']);
            bytes.extend(1_u64.to_le_bytes());
            bytes.extend(7_u64.to_le_bytes());
            bytes.extend(8_u64.to_le_bytes());
        }
        bytes
    }

    #[test]
    fn both_formats_are_read() {
        assert_eq!(GtidSet::from_binary(&binary(false)).unwrap().to_string(), format!("{A}:1-5:8"));
        assert_eq!(GtidSet::from_binary(&binary(true)).unwrap().to_string(), format!("{A}:1-5:8:tag:7"));
        assert!(GtidSet::from_binary(&0_u64.to_le_bytes()).unwrap().is_empty());
    }

    #[test]
    fn lists_of_mariadb_are_read() {
        let mut bytes = (1_u32 << 28 | 2).to_le_bytes().to_vec();
        for (domain, server, number) in [(0_u32, 7_u32, 22_u64), (3, 8, 1)] {
            bytes.extend(domain.to_le_bytes());
            bytes.extend(server.to_le_bytes());
            bytes.extend(number.to_le_bytes());
        }
        assert_eq!(GtidSet::from_gtid_list(&bytes).unwrap().to_string(), "0-7-22,3-8-1");
        for length in 0..bytes.len() {
            assert!(GtidSet::from_gtid_list(&bytes[..length]).is_err(), "{length}");
        }
    }

    #[test]
    fn every_truncation_and_huge_count_is_an_error() {
        for tagged in [false, true] {
            let whole = binary(tagged);
            for length in 0..whole.len() {
                assert!(GtidSet::from_binary(&whole[..length]).is_err(), "{length}");
            }
            assert!(GtidSet::from_binary(&[whole, vec![0]].concat()).is_err());
        }
        assert!(GtidSet::from_binary(&[255, 255, 255, 255, 255, 255, 255, 0]).is_err());
    }

    #[test]
    fn sids_leave_the_end_out_and_keep_the_tag() {
        let set: GtidSet = format!("{A}:1-5:8:tag:7").parse().unwrap();
        let sids = set.to_sids();
        assert_eq!(sids.len(), 2);
        let bounds = |sid: &Sid| sid.intervals().iter().map(|it| (it.start(), it.end())).collect::<Vec<_>>();
        assert_eq!(bounds(&sids[0]), [(1, 6), (8, 9)]);
        assert_eq!(bounds(&sids[1]), [(7, 8)]);
        assert_eq!(sids[1].tag().map(|tag| tag.as_str().to_owned()).as_deref(), Some("tag"));
    }
}
