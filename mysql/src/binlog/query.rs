//! QUERY: a statement as text, with the session it ran in.

use std::borrow::Cow;

use super::{RawEvent, Result};

#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct QueryEvent<'a> {
    pub thread_id: u32,
    pub execution_seconds: u32,
    pub error_code: u16,
    /// The default database of the session; empty if none.
    pub database: &'a [u8],
    /// The statement, in `client_collation`'s charset.
    pub statement: &'a [u8],
    pub flags2: Option<u32>,
    pub sql_mode: Option<u64>,
    pub catalog: Option<&'a [u8]>,
    pub auto_increment: Option<(u16, u16)>,
    /// Collation ids of character_set_client, collation_connection, collation_server.
    pub charset: Option<[u16; 3]>,
    pub time_zone: Option<&'a [u8]>,
    pub lc_time_names: Option<u16>,
    pub database_collation: Option<u16>,
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
    pub fn parse(_event: &'a RawEvent) -> Result<Self> {
        todo!()
    }
    /// The statement as text, decoded by the session's client charset.
    pub fn text(&self) -> Cow<'a, str> {
        todo!()
    }
    pub fn database_text(&self) -> Cow<'a, str> {
        todo!()
    }
}
