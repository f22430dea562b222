//! Which server this is, as long as its data is this: MySQL's `server_uuid`; MariaDB has none, but `server_uid`, a hash
//! that it makes of the machine and the port (from 10.11.9 on). Where that is missing too: host, port and server_id.

use std::collections::HashMap;

use mysql_async::{Conn, Error as ClientError, Row, prelude::Queryable as _};

use crate::client::text;

/// The variables that [`identity`] looks at, as a list of SQL.
pub(super) const VARIABLES: &str = "'server_uuid', 'server_uid', 'hostname', 'port', 'server_id'";

/// The identity of the server behind `conn`.
pub async fn read_identity(conn: &mut Conn) -> Result<Option<String>, ClientError> {
    let rows: Vec<Row> =
        conn.query(format!("SHOW GLOBAL VARIABLES WHERE Variable_name IN ({VARIABLES})")).await?;
    let values =
        rows.iter().filter_map(|row| Some((text(row, 0)?.to_ascii_lowercase(), text(row, 1)?))).collect();
    Ok(identity(&values))
}

pub(super) fn identity(values: &HashMap<String, String>) -> Option<String> {
    let value = |name: &str| values.get(name).filter(|value| !value.is_empty());
    if let Some(uuid) = value("server_uuid") {
        return Some(uuid.clone());
    }
    if let Some(uid) = value("server_uid") {
        return Some(uid.trim_end_matches('=').to_owned());
    }
    Some(format!("{}:{}/{}", value("hostname")?, value("port")?, value("server_id")?))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn of(values: &[(&str, &str)]) -> Option<String> {
        identity(&values.iter().map(|(name, value)| ((*name).to_owned(), (*value).to_owned())).collect())
    }

    #[test]
    fn the_best_that_a_server_has() {
        let place = [("hostname", "db1"), ("port", "3306"), ("server_id", "7")];
        assert_eq!(of(&place).as_deref(), Some("db1:3306/7"));
        assert_eq!(of(&[&[("server_uid", "NABY=")], &place[..]].concat()).as_deref(), Some("NABY"));
        assert_eq!(of(&[&[("server_uuid", "u-u")], &place[..]].concat()).as_deref(), Some("u-u"));
        assert_eq!(of(&place[..2]), None);
    }
}
