//! What the settings of a session are at a server of the other flavor.

use strait_mysql::{
    charset::of_collation,
    client::{ClientError, Conn, Queryable},
    server::Flavor,
};
use strait_schemas::{Ddl, DdlSession};

/// Modes that are the same bit at both: REAL_AS_FLOAT, PIPES_AS_CONCAT, ANSI_QUOTES, IGNORE_SPACE, ONLY_FULL_GROUP_BY,
/// NO_UNSIGNED_SUBTRACTION, NO_DIR_IN_CREATE, ANSI to TRADITIONAL, HIGH_NOT_PRECEDENCE, NO_ENGINE_SUBSTITUTION,
/// PAD_CHAR_TO_FULL_LENGTH. (`sql/system_variables.h`, `sql/sql_class.h`.)
const SHARED: u64 = 0b1110_1111 | 0x3ff << 18 | 0b111 << 29;
/// Of MySQL: TIME_TRUNCATE_FRACTIONAL, where MariaDB always does so, but for its TIME_ROUND_FRACTIONAL.
const MYSQL_TRUNCATES: u64 = 1 << 32;
const MARIADB_ROUNDS: u64 = 1 << 34;

pub fn sql_mode(mode: u64, source: Flavor, target: Flavor) -> u64 {
    let of = |set: bool, bit: u64| if set { bit } else { 0 };
    match (source, target) {
        (Flavor::MariaDb, Flavor::Mysql) => mode & SHARED | of(mode & MARIADB_ROUNDS == 0, MYSQL_TRUNCATES),
        (Flavor::Mysql, Flavor::MariaDb) => mode & SHARED | of(mode & MYSQL_TRUNCATES == 0, MARIADB_ROUNDS),
        _ => mode,
    }
}

/// Character set by any of its collations: a server takes the number of its default one only, while the log holds the
/// one that SET NAMES ... COLLATE chose.
pub fn character_set(collation: u16) -> String {
    of_collation(collation).map_or_else(|| collation.to_string(), |charset| charset.name.to_owned())
}

/// How to set `collation_connection` and `collation_server`. A collation that the target does not have decides nothing
/// in most statements, so the default of its character set stands for it; but where it is what a new database gets, the
/// server is asked for it, and refuses it by name.
pub async fn collations(
    conn: &mut Conn,
    ddl: &Ddl,
    session: &DdlSession,
    crossing: bool,
) -> Result<[String; 2], ClientError> {
    let [_, connection, server] = session.charset;
    let mut known = vec![connection, server];
    if crossing {
        let query =
            format!("SELECT ID FROM information_schema.COLLATIONS WHERE ID IN ({connection}, {server})");
        known = conn.query(query).await?;
    }
    let gives = ddl.kind == strait_mysql::ddl::Kind::CreateDatabase.name() && !says_charset(&ddl.statement);
    let set = |of: &str, collation: u16, needed: bool| match known.contains(&collation) || needed {
        true => format!("collation_{of} = {collation}"),
        false => format!("character_set_{of} = {}", character_set(collation)),
    };
    Ok([set("connection", connection, false), set("server", server, gives)])
}

/// Whether CREATE DATABASE chooses for itself.
fn says_charset(statement: &str) -> bool {
    let statement = statement.to_ascii_lowercase();
    ["collate", "charset", "character"].iter().any(|word| statement.contains(word))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_character_set_is_named_whichever_of_its_collations_is_told() {
        assert_eq!([45, 46, 255, 8].map(character_set), ["utf8mb4", "utf8mb4", "utf8mb4", "latin1"]);
        assert_eq!(character_set(u16::MAX), "65535", "the server says what it makes of it");
    }

    /// The defaults of MySQL 9.7 and MariaDB 10.11.
    #[test]
    fn modes_that_the_other_server_does_not_know_are_left_out() {
        let (mysql, mariadb) = (0x46a0_0020 | 1 << 24, 0x5420_0000);
        assert_eq!(sql_mode(mariadb, Flavor::MariaDb, Flavor::Mysql), 0x4420_0000 | MYSQL_TRUNCATES);
        assert_eq!(sql_mode(mysql, Flavor::Mysql, Flavor::MariaDb), mysql | MARIADB_ROUNDS);
        assert_eq!(sql_mode(mariadb | MARIADB_ROUNDS, Flavor::MariaDb, Flavor::Mysql), 0x4420_0000);
        assert_eq!(sql_mode(mysql | MYSQL_TRUNCATES, Flavor::Mysql, Flavor::MariaDb), mysql);
        assert_eq!(sql_mode(mariadb, Flavor::MariaDb, Flavor::MariaDb), mariadb);
    }
}
