//! The SQL side of the MySQL client, under one roof: what other crates use to execute statements.
//! They name nothing of the client library themselves, so that replacing it stays a change of this crate.

pub use mysql_async::prelude::{FromRow, FromValue, Queryable, ToValue};
pub use mysql_async::{
    Conn, Error as ClientError, IsolationLevel, Params, Row, ServerError, Statement, Transaction, TxOpts,
    Value, from_row_opt, from_value_opt, params,
};

/// Error numbers of the server that decide what is done next.
pub mod code {
    pub const ACCESS_DENIED_DATABASE: u16 = 1044;
    pub const ACCESS_DENIED: u16 = 1045;
    pub const UNKNOWN_DATABASE: u16 = 1049;
    pub const PARSE_ERROR: u16 = 1064;
    pub const HOST_BLOCKED: u16 = 1129;
    pub const HOST_NOT_ALLOWED: u16 = 1130;
    pub const PASSWORD_EXPIRED: u16 = 1820;
    pub const PASSWORD_EXPIRED_LOGIN: u16 = 1862;
    pub const ACCOUNT_LOCKED: u16 = 3118;
    pub const SECURE_TRANSPORT_REQUIRED: u16 = 3159;
    pub const BAD_FIELD: u16 = 1054;
    pub const OUT_OF_RANGE: u16 = 1264;
    pub const TRUNCATED_WRONG_VALUE: u16 = 1292;
    pub const WRONG_VALUE_FOR_FIELD: u16 = 1366;
    pub const DATA_TOO_LONG: u16 = 1406;
    pub const INVALID_CHARACTER_STRING: u16 = 1300;
    /// "Column cannot be null".
    pub const BAD_NULL: u16 = 1048;
    pub const WRONG_VALUE_FOR_TYPE: u16 = 1411;
    pub const DATETIME_OVERFLOW: u16 = 1441;
    pub const DUPLICATE_ENTRY: u16 = 1062;
    pub const DISK_FULL: u16 = 1021;
    pub const TABLE_ACCESS_DENIED: u16 = 1142;
    pub const COLUMN_ACCESS_DENIED: u16 = 1143;
    pub const NO_SUCH_TABLE: u16 = 1146;
    pub const PACKET_TOO_LARGE: u16 = 1153;
    pub const UNKNOWN_VARIABLE: u16 = 1193;
    /// "You are not using binary logging".
    pub const NO_BINARY_LOGGING: u16 = 1381;
    pub const LOCK_WAIT_TIMEOUT: u16 = 1205;
    pub const DEADLOCK: u16 = 1213;
    pub const SPECIFIC_ACCESS_DENIED: u16 = 1227;
    /// "Got fatal error from source when reading data from binary log": several causes, told apart by the text.
    pub const FATAL_BINLOG: u16 = 1236;
    /// "Data truncated for column": a warning where the strict mode is off.
    pub const DATA_TRUNCATED: u16 = 1265;
    pub const NO_DEFAULT_FOR_FIELD: u16 = 1364;
    pub const OPTION_PREVENTS_STATEMENT: u16 = 1290;
    pub const UNKNOWN_COLLATION: u16 = 1273;
    /// "You do not have the SUPER privilege and binary logging is enabled": ER_BINLOG_CREATE_ROUTINE_NEED_SUPER.
    pub const NO_ROUTINE_CREATION: u16 = 1419;
    pub const QUERY_INTERRUPTED: u16 = 1317;
    pub const ROW_IS_REFERENCED: u16 = 1451;
    pub const NO_REFERENCED_ROW: u16 = 1452;
    pub const RECORD_FILE_FULL: u16 = 1114;
}

/// The server's error number, where the server answered with an error at all.
pub fn server_code(error: &ClientError) -> Option<u16> {
    match error {
        ClientError::Server(server) => Some(server.code),
        _ => None,
    }
}

/// The server's error text, where the server answered with an error at all.
pub fn server_message(error: &ClientError) -> Option<&str> {
    match error {
        ClientError::Server(server) => Some(&server.message),
        _ => None,
    }
}

/// Whether the connection is gone or in an unknown state, so that what it was executing may or may not have
/// happened. Errors that the server sends as its last words before it closes the connection count as well.
pub fn is_connection_lost(error: &ClientError) -> bool {
    // 1053 shutdown in progress, 1077/1079 shutdown, 1927/3168/4031 killed or idle too long.
    match error {
        ClientError::Server(server) => matches!(server.code, 1053 | 1077 | 1079 | 1927 | 3168 | 3169 | 4031),
        _ => true,
    }
}

/// Quotes an identifier.
pub fn quote_name(name: &str) -> String {
    format!("`{}`", name.replace('`', "``"))
}

/// Quotes a string literal for a session whose `sql_mode` may or may not hold NO_BACKSLASH_ESCAPES: without
/// a backslash in it the text is the same under both, with one it is sent as hexadecimal.
pub fn quote_text(text: &str) -> String {
    use std::fmt::Write as _;
    if text.contains('\\') {
        let mut hex = String::with_capacity(text.len() * 2 + 12);
        hex.push_str("_utf8mb4 0x");
        for byte in text.bytes() {
            write!(hex, "{byte:02x}").expect("writing to a String cannot fail");
        }
        return hex;
    }
    format!("'{}'", text.replace('\'', "''"))
}

/// A column of a result as text; `None` for NULL, a column that is not there, and a number that the binary
/// protocol sent as such.
pub fn text(row: &Row, index: usize) -> Option<String> {
    match row.as_ref(index)? {
        Value::Bytes(bytes) => Some(String::from_utf8_lossy(bytes).into_owned()),
        Value::NULL => None,
        Value::Int(number) => Some(number.to_string()),
        Value::UInt(number) => Some(number.to_string()),
        _ => None,
    }
}
