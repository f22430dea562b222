//! QUERY: a statement as text, with the session it ran in.

use std::borrow::Cow;

use super::{RawEvent, Result, reader::Reader};
use crate::charset;

/// The session's variables are None where the event does not say them.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct QueryEvent<'a> {
    pub thread_id: u32,
    pub execution_seconds: u32,
    pub error_code: u16,
    /// The default database of the session; empty if none.
    pub database: &'a [u8],
    /// The statement, in the charset of character_set_client.
    pub statement: &'a [u8],
    pub flags2: Option<u32>,
    pub sql_mode: Option<u64>,
    pub catalog: Option<&'a [u8]>,
    /// auto_increment_increment and auto_increment_offset.
    pub auto_increment: Option<(u16, u16)>,
    /// Collation ids of character_set_client, collation_connection, collation_server.
    pub charset: Option<[u16; 3]>,
    pub time_zone: Option<&'a [u8]>,
    pub lc_time_names: Option<u16>,
    pub database_collation: Option<u16>,
    /// Fraction of the header's second.
    pub microseconds: Option<u32>,
    /// The invoker, user and host.
    pub invoker: Option<(&'a [u8], &'a [u8])>,
    /// Databases that the statement changes; None if more than the event can list, or not said.
    pub updated_databases: Option<Vec<&'a [u8]>>,
    pub explicit_defaults_for_timestamp: Option<bool>,
    pub ddl_xid: Option<u64>,
    pub default_collation_for_utf8mb4: Option<u16>,
    pub sql_require_primary_key: Option<u8>,
    pub default_table_encryption: Option<u8>,
}

impl<'a> QueryEvent<'a> {
    pub fn parse(event: &'a RawEvent) -> Result<Self> {
        let mut reader = Reader::new("a QUERY event", &event.body);
        let mut query =
            Self { thread_id: reader.u32()?, execution_seconds: reader.u32()?, ..Self::default() };
        let database_length = usize::from(reader.u8()?);
        query.error_code = reader.u16()?;
        let variables_length = usize::from(reader.u16()?);
        let mut variables =
            Reader::new("the session variables of a QUERY event", reader.take(variables_length)?);
        query.database = reader.take(database_length)?;
        if reader.u8()? != 0 {
            return Err(reader.malformed("no zero byte after the database name"));
        }
        query.statement = reader.rest();
        while !variables.is_empty() {
            if !query.read_variable(&mut variables)? {
                break;
            }
        }
        Ok(query)
    }

    /// False for a variable that we do not know: they have no length, so all after it is lost, and that is
    /// allowed: new variables are always added at the end.
    fn read_variable(&mut self, reader: &mut Reader<'a>) -> Result<bool> {
        const MORE_THAN_LISTED: u8 = 254;

        match reader.u8()? {
            0 => self.flags2 = Some(reader.u32()?),
            1 => self.sql_mode = Some(reader.u64()?),
            2 => {
                self.catalog = Some(short_bytes(reader)?);
                reader.u8()?;
            }
            3 => self.auto_increment = Some((reader.u16()?, reader.u16()?)),
            4 => self.charset = Some([reader.u16()?, reader.u16()?, reader.u16()?]),
            5 => self.time_zone = Some(short_bytes(reader)?),
            6 => self.catalog = Some(short_bytes(reader)?),
            7 => self.lc_time_names = Some(reader.u16()?),
            8 => self.database_collation = Some(reader.u16()?),
            // The tables that a multi-table UPDATE changes.
            9 => drop(reader.u64()?),
            // Size of the event at the first source.
            10 => drop(reader.u32()?),
            11 => self.invoker = Some((short_bytes(reader)?, short_bytes(reader)?)),
            12 => {
                let count = reader.u8()?;
                if count != MORE_THAN_LISTED {
                    let names = (0..count).map(|_| reader.until_zero());
                    self.updated_databases = Some(names.collect::<Result<_>>()?);
                }
            }
            // MySQL's; MariaDB's.
            13 | 128 => self.microseconds = Some(reader.uint(3)? as u32),
            16 => self.explicit_defaults_for_timestamp = Some(reader.u8()? != 0),
            17 | 129 => self.ddl_xid = Some(reader.u64()?),
            18 => self.default_collation_for_utf8mb4 = Some(reader.u16()?),
            19 => self.sql_require_primary_key = Some(reader.u8()?),
            20 => self.default_table_encryption = Some(reader.u8()?),
            _ => return Ok(false),
        }
        Ok(true)
    }

    /// The statement as text, decoded by the session's client charset.
    pub fn text(&self) -> Cow<'a, str> {
        self.charset
            .and_then(|[client, ..]| charset::of_collation(client))
            .map(|charset| charset.decode(self.statement))
            .map_or_else(|| String::from_utf8_lossy(self.statement), |decoded| decoded.text)
    }

    pub fn database_text(&self) -> Cow<'a, str> {
        String::from_utf8_lossy(self.database)
    }
}

fn short_bytes<'a>(reader: &mut Reader<'a>) -> Result<&'a [u8]> {
    let length = reader.u8()?;
    reader.take(usize::from(length))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::binlog::{EventHeader, EventType};

    fn event(variables: &[u8], database: &[u8], statement: &[u8]) -> RawEvent {
        let mut body = Vec::new();
        body.extend(77_u32.to_le_bytes());
        body.extend(3_u32.to_le_bytes());
        body.push(database.len() as u8);
        body.extend(0_u16.to_le_bytes());
        body.extend((variables.len() as u16).to_le_bytes());
        body.extend_from_slice(variables);
        body.extend_from_slice(database);
        body.push(0);
        body.extend_from_slice(statement);
        let event_type = EventType::Query;
        let header =
            EventHeader { timestamp: 0, event_type, server_id: 1, event_size: 0, log_pos: 0, flags: 0 };
        RawEvent { header, body: body.into(), inside_payload: false }
    }

    const VARIABLES: &[u8] = &[
        0, 1, 0, 0, 0, 1, 32, 0, 0, 0, 0, 0, 0, 0, 6, 3, b's', b't', b'd', 3, 2, 0, 1, 0, 4, 8, 0, 8, 0, 255,
        0, 5, 6, b'+', b'0', b'2', b':', b'0', b'0', 8, 255, 0, 11, 1, b'u', 1, b'h', 12, 2, b'a', 0, b'b',
        b'b', 0, 13, 1, 2, 3, 16, 1, 17, 9, 0, 0, 0, 0, 0, 0, 0, 18, 255, 0, 19, 0, 20, 1,
    ];

    #[test]
    fn all_variables_are_read() {
        let event = event(VARIABLES, b"shop", b"CREATE TABLE t\xe9 (i INT)");
        let query = QueryEvent::parse(&event).unwrap();
        assert_eq!((query.thread_id, query.database, query.sql_mode), (77, &b"shop"[..], Some(32)));
        assert_eq!((query.auto_increment, query.charset), (Some((2, 1)), Some([8, 8, 255])));
        assert_eq!((query.time_zone, query.catalog), (Some(&b"+02:00"[..]), Some(&b"std"[..])));
        assert_eq!(query.invoker, Some((&b"u"[..], &b"h"[..])));
        assert_eq!(query.updated_databases, Some(vec![&b"a"[..], b"bb"]));
        assert_eq!((query.microseconds, query.ddl_xid), (Some(0x03_02_01), Some(9)));
        assert_eq!(
            (query.default_collation_for_utf8mb4, query.default_table_encryption),
            (Some(255), Some(1))
        );
        assert_eq!(query.text(), "CREATE TABLE té (i INT)", "latin1, as character_set_client says");
    }

    #[test]
    fn mariadb_has_numbers_of_its_own() {
        let event = event(&[128, 1, 2, 3, 129, 9, 0, 0, 0, 0, 0, 0, 0], b"shop", b"CREATE TABLE t (i INT)");
        let query = QueryEvent::parse(&event).unwrap();
        assert_eq!((query.microseconds, query.ddl_xid), (Some(0x03_02_01), Some(9)));
    }

    #[test]
    fn unknown_variables_end_the_list_and_truncated_ones_are_an_error() {
        let longer = [VARIABLES, &[99, 1, 2, 3]].concat();
        let event_with_unknown = event(&longer, b"", b"BEGIN");
        assert_eq!(QueryEvent::parse(&event_with_unknown).unwrap().default_table_encryption, Some(1));
        assert!(QueryEvent::parse(&event(&VARIABLES[..3], b"", b"BEGIN")).is_err());
        let whole = event(VARIABLES, b"shop", b"");
        for length in 0..whole.body.len() {
            let cut = RawEvent { body: whole.body.slice(..length), ..whole.clone() };
            assert!(QueryEvent::parse(&cut).is_err(), "{length}");
        }
    }
}
