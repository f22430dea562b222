//! A schema change in the spine: the statement, and everything of its session that decides what it does.
//!
//! With `session` it can be run at the target as it ran at the source. Without, it can only be shown: it was too
//! long for a record, it is about accounts and may hold a password, or an older connector wrote it.

use serde::{Deserialize, Serialize};

/// What a statement and its objects may take in a record of the spine, encoded.
pub const MAX_BYTES: usize = 384 * 1024;
/// Of a longer one so much is shown.
const SHOWN: usize = 4 * 1024;
/// And so many of its objects.
const SHOWN_OBJECTS: usize = 100;

#[derive(Debug, Clone, PartialEq, Eq, Default, Serialize, Deserialize)]
pub struct Ddl {
    /// The session's default database; empty: none.
    pub database: String,
    pub statement: String,
    /// The kind of statement, as the configuration names it; empty: an older connector's.
    #[serde(default, skip_serializing_if = "String::is_empty")]
    pub kind: String,
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub objects: Vec<DdlObject>,
    /// The statement in its own character set, where that is not UTF-8.
    #[serde(default, skip_serializing_if = "Option::is_none", with = "encoded")]
    pub bytes: Option<Vec<u8>>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub session: Option<DdlSession>,
    /// The length in bytes of a statement of which only the beginning is here.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub cut_from: Option<u64>,
}

/// An object that the statement names.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct DdlObject {
    /// What is done to it: "created", "altered", "renamed-to", ...
    pub role: String,
    /// "table", "view", "database", ...
    pub class: String,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub database: Option<String>,
    pub name: String,
    /// First byte of the name in the statement, and the one after its last.
    pub at: (u32, u32),
    /// It is in a database that is not published.
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    pub left_out: bool,
}

/// The session that the statement ran in.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct DdlSession {
    /// The source is MariaDB: what the statement says and the numbers below are to be read as that server does.
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    pub mariadb: bool,
    /// The bits of the variable.
    pub sql_mode: u64,
    /// Collation ids of character_set_client, collation_connection and collation_server.
    pub charset: [u16; 3],
    /// When it ran, in microseconds since 1970: what NOW() is.
    pub timestamp_us: i64,
    pub foreign_key_checks: bool,
    pub unique_checks: bool,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub time_zone: Option<String>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub lc_time_names: Option<u16>,
    /// auto_increment_increment and auto_increment_offset.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub auto_increment: Option<(u16, u16)>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub default_collation_for_utf8mb4: Option<u16>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub explicit_defaults_for_timestamp: Option<bool>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub sql_require_primary_key: Option<bool>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub default_table_encryption: Option<bool>,
}

impl Ddl {
    /// One that can only be shown.
    pub fn shown(database: impl Into<String>, statement: impl Into<String>) -> Self {
        Self { database: database.into(), statement: statement.into(), ..Self::default() }.bounded()
    }

    /// What is sent to a server.
    pub fn sql(&self) -> &[u8] {
        self.bytes.as_deref().unwrap_or(self.statement.as_bytes())
    }

    /// Cut so that it fits a record of the spine.
    #[must_use]
    pub fn bounded(mut self) -> Self {
        let length = serde_json::to_vec(&self).map_or(usize::MAX, |encoded| encoded.len());
        if length > MAX_BYTES {
            self.cut_from = Some(self.sql().len() as u64);
            self.statement.truncate(self.statement.floor_char_boundary(SHOWN));
            self.objects.truncate(SHOWN_OBJECTS);
            (self.bytes, self.session) = (None, None);
        }
        self
    }
}

/// Bytes as base64.
mod encoded {
    use base64::{Engine as _, engine::general_purpose::STANDARD};
    use serde::{Deserialize as _, Deserializer, Serializer, de::Error as _};

    #[expect(clippy::ref_option, reason = "serde's own form")]
    pub fn serialize<S: Serializer>(bytes: &Option<Vec<u8>>, to: S) -> Result<S::Ok, S::Error> {
        match bytes {
            Some(bytes) => to.serialize_some(&STANDARD.encode(bytes)),
            None => to.serialize_none(),
        }
    }

    pub fn deserialize<'de, D: Deserializer<'de>>(from: D) -> Result<Option<Vec<u8>>, D::Error> {
        let Some(text) = Option::<String>::deserialize(from)? else { return Ok(None) };
        STANDARD.decode(text).map(Some).map_err(D::Error::custom)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn whole(statement: &str) -> Ddl {
        Ddl {
            database: "shop".into(),
            statement: statement.into(),
            kind: "create-table".into(),
            objects: vec![DdlObject {
                role: "created".into(),
                class: "table".into(),
                database: None,
                name: "t".into(),
                at: (13, 14),
                left_out: false,
            }],
            bytes: Some(b"CREATE TABLE \x95\x5c (i INT)".to_vec()),
            session: Some(DdlSession {
                mariadb: false,
                sql_mode: 1 << 40,
                charset: [13, 13, 255],
                timestamp_us: 1_700_000_000_000_000,
                foreign_key_checks: false,
                unique_checks: true,
                time_zone: Some("+02:00".into()),
                lc_time_names: None,
                auto_increment: Some((2, 1)),
                default_collation_for_utf8mb4: Some(255),
                explicit_defaults_for_timestamp: Some(true),
                sql_require_primary_key: None,
                default_table_encryption: None,
            }),
            cut_from: None,
        }
    }

    #[test]
    fn all_of_it_comes_back() {
        let ddl = whole("CREATE TABLE 表 (i INT)");
        let text = serde_json::to_vec(&ddl).expect("serialises");
        assert_eq!(serde_json::from_slice::<Ddl>(&text).expect("what was encoded"), ddl);
        assert_eq!(ddl.sql(), b"CREATE TABLE \x95\x5c (i INT)");
        assert_eq!(ddl.clone().bounded(), ddl);
    }

    #[test]
    fn an_older_connectors_can_only_be_shown() {
        let ddl: Ddl = serde_json::from_str(r#"{"database":"d","statement":"DROP TABLE t"}"#).expect("valid");
        assert_eq!(ddl, Ddl::shown("d", "DROP TABLE t"));
        assert_eq!(ddl.session, None);
    }

    #[test]
    fn one_too_long_is_cut_between_characters_and_says_so() {
        let statement = format!("{}é{}", "x".repeat(SHOWN - 1), "\u{1}".repeat(MAX_BYTES / 6));
        let ddl = whole(&statement).bounded();
        assert_eq!((ddl.statement.len(), ddl.bytes, ddl.session), (SHOWN - 1, None, None));
        assert!(ddl.cut_from.is_some());
    }
}
