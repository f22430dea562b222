//! The rights of the account that is logged in, from `SHOW GRANTS`, which shows those of active roles as the
//! account's own. Grants of several databases that match one name add up here, where the server takes the
//! most specific: that may only overlook a lack, which the first statement then shows.

use mysql_async::{Conn, Row, prelude::Queryable};

use crate::{
    Result,
    client::text,
    server::{Error, place_of},
};

/// Parsed grants.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Grants {
    /// `` `user`@`host` `` as the server matched it.
    pub account: String,
    lines: Vec<Line>,
}

#[derive(Debug, Clone, PartialEq, Eq)]
struct Line {
    revoked: bool,
    privileges: Vec<String>,
    /// `None`: `*`.
    database: Option<String>,
    table: Option<String>,
}

/// Reads the grants of the session's account and active roles.
pub async fn read_grants(conn: &mut Conn) -> Result<Grants> {
    let rows: Vec<Row> = conn
        .query("SHOW GRANTS")
        .await
        .map_err(|error| Error::query(&place_of(conn), "reading the account's rights")(error))?;
    let lines: Vec<String> = rows.iter().filter_map(|row| text(row, 0)).collect();
    Ok(Grants::parse(lines.iter().map(String::as_str)))
}

impl Grants {
    /// Reads the lines that `SHOW GRANTS` prints; what grants no right on tables (roles, proxies, routines) is
    /// passed over.
    pub fn parse<'a>(lines: impl IntoIterator<Item = &'a str>) -> Self {
        let mut grants = Self::default();
        for line in lines {
            if let Some((parsed, account)) = parse_line(line) {
                if grants.account.is_empty() {
                    grants.account = account;
                }
                grants.lines.push(parsed);
            }
        }
        grants
    }

    /// Whether a right (`SELECT`, `REPLICATION SLAVE`, `REPLICATION_APPLIER`) holds for the whole server.
    pub fn globally(&self, privilege: &str) -> bool {
        self.granted(privilege, |line| line.database.is_none())
    }

    /// Whether a right holds for every table of a database.
    pub fn in_database(&self, privilege: &str, database: &str) -> bool {
        let there = self.granted(privilege, |line| {
            line.database.is_some() && line.table.is_none() && line.covers(database)
        });
        there || self.globally(privilege) && !self.revoked(privilege, database)
    }

    /// Whether a right holds for a table.
    pub fn on_table(&self, privilege: &str, database: &str, table: &str) -> bool {
        self.in_database(privilege, database)
            || self.granted(privilege, |line| {
                line.database.as_deref() == Some(database) && line.table.as_deref() == Some(table)
            })
    }

    /// How a remedy names the account.
    pub fn grantee(&self) -> &str {
        if self.account.is_empty() { "CURRENT_USER()" } else { &self.account }
    }

    fn granted(&self, privilege: &str, on: impl Fn(&Line) -> bool) -> bool {
        self.lines.iter().any(|line| !line.revoked && line.names(privilege) && on(line))
    }

    /// A partial revoke takes a global right back for one database.
    fn revoked(&self, privilege: &str, database: &str) -> bool {
        self.lines.iter().any(|line| line.revoked && line.names(privilege) && line.covers(database))
    }
}

impl Line {
    fn names(&self, privilege: &str) -> bool {
        self.privileges.iter().any(|name| name == privilege || name == "ALL PRIVILEGES" || name == "ALL")
    }

    fn covers(&self, database: &str) -> bool {
        self.database.as_ref().is_none_or(|pattern| matches(pattern.as_bytes(), database.as_bytes()))
    }
}

/// `GRANT a, b (c) ON db.table TO account ...` into its parts.
fn parse_line(line: &str) -> Option<(Line, String)> {
    let (revoked, rest, to) = match line.strip_prefix("GRANT ") {
        Some(rest) => (false, rest, " TO "),
        None => (true, line.strip_prefix("REVOKE ")?, " FROM "),
    };
    let (privileges, rest) = rest.split_once(" ON ")?;
    let (object, rest) = split_object(rest)?;
    let rest = rest.strip_prefix(to)?;
    let account = rest.split(" WITH ").next()?.split(" IDENTIFIED ").next()?.split(" REQUIRE ").next()?;
    let parsed =
        Line { revoked, privileges: split_privileges(privileges), database: object.0, table: object.1 };
    Some((parsed, account.trim().to_owned()))
}

/// Names of the rights that hold for whole tables: those for single columns are left out.
fn split_privileges(list: &str) -> Vec<String> {
    let mut names = Vec::new();
    let mut depth = 0;
    for part in list.split_inclusive([',', '(', ')']) {
        let (text, end) = part.split_at(part.len() - usize::from(part.ends_with([',', '(', ')'])));
        if depth == 0 && end != "(" && !text.trim().is_empty() {
            names.push(text.trim().to_ascii_uppercase());
        }
        match end {
            "(" => depth += 1,
            ")" => depth -= 1,
            _ => {}
        }
    }
    names
}

type Object = (Option<String>, Option<String>);

/// `*.*`, `` `db`.* `` or `` `db`.`table` `` off the front; nothing for a routine.
fn split_object(text: &str) -> Option<(Object, &str)> {
    let text = text.strip_prefix("TABLE ").unwrap_or(text);
    let (database, rest) = split_name(text)?;
    let (table, rest) = split_name(rest.strip_prefix('.')?)?;
    Some(((database, table), rest))
}

fn split_name(text: &str) -> Option<(Option<String>, &str)> {
    if let Some(rest) = text.strip_prefix('*') {
        return Some((None, rest));
    }
    let quoted = text.strip_prefix('`')?;
    let mut name = String::new();
    let mut chars = quoted.char_indices().peekable();
    while let Some((at, c)) = chars.next() {
        if c != '`' {
            name.push(c);
        } else if chars.peek().is_some_and(|(_, next)| *next == '`') {
            chars.next();
            name.push('`');
        } else {
            return Some((Some(name), &quoted[at + 1..]));
        }
    }
    None
}

/// The pattern of a database's grant: `%`, `_`, and a backslash before what is meant as such.
fn matches(pattern: &[u8], name: &[u8]) -> bool {
    match pattern.split_first() {
        None => name.is_empty(),
        Some((b'%', rest)) => (0..=name.len()).any(|skipped| matches(rest, &name[skipped..])),
        Some((b'\\', rest)) if !rest.is_empty() => {
            name.first() == rest.first() && matches(&rest[1..], &name[1..])
        }
        Some((b'_', rest)) => !name.is_empty() && matches(rest, &name[1..]),
        Some((byte, rest)) => name.first() == Some(byte) && matches(rest, &name[1..]),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn grants(lines: &[&str]) -> Grants {
        Grants::parse(lines.iter().copied())
    }

    #[test]
    fn rights_hold_where_they_were_granted() {
        let grants = grants(&[
            "GRANT REPLICATION SLAVE, RELOAD ON *.* TO `u`@`%` WITH GRANT OPTION",
            "GRANT REPLICATION_APPLIER,CONNECTION_ADMIN ON *.* TO `u`@`%`",
            "GRANT ALL PRIVILEGES ON `strait`.* TO `u`@`%`",
            "GRANT SELECT (`id`, `x`), INSERT ON `shop`.`orders` TO `u`@`%`",
            "GRANT EXECUTE ON PROCEDURE `shop`.`p` TO `u`@`%`",
            "GRANT `role`@`%` TO `u`@`%`",
            "GRANT PROXY ON ``@`` TO `u`@`%`",
        ]);
        assert_eq!(grants.account, "`u`@`%`");
        assert!(grants.globally("REPLICATION SLAVE"));
        assert!(grants.globally("CONNECTION_ADMIN"));
        assert!(!grants.globally("SELECT"));
        assert!(grants.in_database("CREATE", "strait"));
        assert!(!grants.in_database("CREATE", "strait2"));
        assert!(grants.on_table("INSERT", "shop", "orders"));
        assert!(!grants.on_table("SELECT", "shop", "orders"), "a right on a column is none on the table");
        assert!(!grants.on_table("INSERT", "shop", "lines"));
        assert!(!grants.in_database("EXECUTE", "shop"));
    }

    #[test]
    fn patterns_of_databases_match_as_the_server_matches_them() {
        let grants = grants(&[r"GRANT SELECT ON `a\_b`.* TO `u`@`%`", "GRANT INSERT ON `c_%`.* TO `u`@`%`"]);
        assert!(grants.in_database("SELECT", "a_b"));
        assert!(!grants.in_database("SELECT", "axb"));
        assert!(grants.in_database("INSERT", "cx"));
        assert!(!grants.in_database("INSERT", "c"));
    }

    #[test]
    fn a_partial_revoke_takes_a_global_right_back() {
        let grants = grants(&["GRANT SELECT ON *.* TO `u`@`%`", "REVOKE SELECT ON `cat`.* FROM `u`@`%`"]);
        assert!(grants.in_database("SELECT", "dog"));
        assert!(!grants.in_database("SELECT", "cat"));
        assert!(!grants.on_table("SELECT", "cat", "t"));
    }

    #[test]
    fn a_password_hash_is_no_part_of_the_account() {
        let grants = grants(&[
            "GRANT BINLOG MONITOR, READ_ONLY ADMIN ON *.* TO `m`@`%` IDENTIFIED BY PASSWORD '*B69'",
        ]);
        assert_eq!(grants.account, "`m`@`%`");
        assert!(grants.globally("READ_ONLY ADMIN"));
    }

    #[test]
    fn anything_else_is_passed_over() {
        for line in
            ["", "GRANT", "GRANT x ON", "GRANT x ON `a", "GRANT x ON `a`.", "REVOKE x ON *.* TO y", "grün"]
        {
            assert_eq!(grants(&[line]), Grants::default(), "{line}");
        }
    }
}
