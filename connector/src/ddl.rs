//! A schema change as the log tells it: the statement with its session, and what it names.

use strait_mysql::{
    binlog::QueryEvent,
    ddl::{Object, Role, Statement, classify},
    server::Flavor,
};
use strait_schemas::{Ddl, DdlObject, DdlSession};

use crate::{account_statement::tellable, filter::Filter};

/// Bits of a QUERY event's flags.
const NO_FOREIGN_KEY_CHECKS: u32 = 1 << 26;
const RELAXED_UNIQUE_CHECKS: u32 = 1 << 27;

/// What the statement is. `flavor` is the source's.
pub fn read(query: &QueryEvent<'_>, flavor: Flavor) -> Statement {
    classify(query.statement, strait_mysql::ddl::Reading::of(query, flavor))
}

/// The entry of the spine. `flavor` is the source's, `seconds` the event's own time.
pub fn told(
    query: &QueryEvent<'_>,
    statement: &Statement,
    (flavor, seconds): (Flavor, u32),
    filter: &Filter,
) -> Ddl {
    let (text, database) = (query.text(), query.database_text());
    let kind = statement.kind.name().to_owned();
    let told = tellable(&text);
    if statement.kind.is_secret() || told != *text {
        // An unknown way to say it must not be repeated either.
        let verb = if told == *text { kind.clone() } else { told };
        return Ddl { kind, ..Ddl::shown(database, verb) };
    }
    let object = |object: &Object| DdlObject {
        role: object.role.name().to_owned(),
        class: object.class.name().to_owned(),
        left_out: !filter.publishes_all_of(object, &database),
        database: object.database.clone(),
        name: object.name.clone(),
        at: (object.span.start as u32, object.span.end as u32),
    };
    Ddl {
        kind,
        objects: statement.objects.iter().map(object).collect(),
        bytes: (query.statement != text.as_bytes()).then(|| query.statement.to_vec()),
        session: session(query, flavor, seconds),
        database: database.into_owned(),
        statement: text.into_owned(),
        cut_from: None,
    }
    .bounded()
}

/// None: the event does not say enough to run the statement as it ran.
fn session(query: &QueryEvent<'_>, flavor: Flavor, seconds: u32) -> Option<DdlSession> {
    let flags = query.flags2.unwrap_or_default();
    let micros = i64::from(query.microseconds.unwrap_or_default());
    Some(DdlSession {
        mariadb: flavor == Flavor::MariaDb,
        sql_mode: query.sql_mode?,
        charset: query.charset?,
        timestamp_us: i64::from(seconds) * 1_000_000 + micros,
        foreign_key_checks: flags & NO_FOREIGN_KEY_CHECKS == 0,
        unique_checks: flags & RELAXED_UNIQUE_CHECKS == 0,
        time_zone: query.time_zone.map(|zone| String::from_utf8_lossy(zone).into_owned()),
        lc_time_names: query.lc_time_names,
        auto_increment: query.auto_increment,
        default_collation_for_utf8mb4: query.default_collation_for_utf8mb4,
        explicit_defaults_for_timestamp: query.explicit_defaults_for_timestamp,
        sql_require_primary_key: query.sql_require_primary_key.map(|value| value != 0),
        default_table_encryption: query.default_table_encryption.map(|value| value != 0),
    })
}

/// Whether all that the statement changes is left out. None: it names nothing that is in a database.
pub fn is_left_out(statement: &Statement, default: &str, filter: &Filter) -> Option<bool> {
    let mut changed = statement.objects.iter().filter(|object| object.role != Role::Referenced).peekable();
    changed.peek()?;
    Some(changed.all(|object| !filter.publishes_object(object, default)))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::config::{Choice, Config, Lists};

    fn filter() -> Filter {
        let lists = |name: &str| Lists { list: [name].into_iter().collect() };
        let database = Choice { exclude: lists("internal"), ..Choice::default() };
        let table = Choice { exclude: lists(r"shop\.log_.*"), ..Choice::default() };
        Filter::new(&Config { database, table, ..Config::default() }).expect("no contradiction")
    }

    fn query(statement: &'static str) -> QueryEvent<'static> {
        QueryEvent {
            database: b"shop",
            statement: statement.as_bytes(),
            sql_mode: Some(7),
            charset: Some([255, 255, 255]),
            flags2: Some(NO_FOREIGN_KEY_CHECKS),
            microseconds: Some(5),
            ..QueryEvent::default()
        }
    }

    fn entry(statement: &'static str) -> Ddl {
        let query = query(statement);
        told(&query, &read(&query, Flavor::Mysql), (Flavor::Mysql, 1_700_000_000), &filter())
    }

    #[test]
    fn a_statement_is_told_with_its_session_and_objects() {
        let ddl = entry("RENAME TABLE internal.x TO t");
        let session = ddl.session.expect("said");
        assert_eq!((session.sql_mode, session.timestamp_us), (7, 1_700_000_000_000_005));
        assert!(!session.foreign_key_checks && session.unique_checks);
        let objects: Vec<_> =
            ddl.objects.iter().map(|it| (it.role.as_str(), it.name.as_str(), it.left_out)).collect();
        assert_eq!(objects, [("renamed-from", "x", true), ("renamed-to", "t", false)]);
        assert_eq!(ddl.objects[0].at, (13, 23));
    }

    #[test]
    fn of_accounts_the_verb_alone_is_told_and_never_with_a_session() {
        for statement in [
            "CREATE USER a IDENTIFIED BY 'hush'",
            "GRANT ALL ON *.* TO a",
            "ALTER SERVER s OPTIONS (PASSWORD 'hush')",
        ] {
            let ddl = entry(statement);
            assert!(ddl.session.is_none() && !ddl.statement.contains("hush"), "{ddl:?}");
        }
    }

    #[test]
    fn what_touches_only_databases_left_out_is_left_out() {
        let left_out = |statement| is_left_out(&read(&query(statement), Flavor::Mysql), "shop", &filter());
        assert_eq!(left_out("DROP TABLE internal.a, internal.b"), Some(true));
        assert_eq!(left_out("DROP TABLE internal.a, b"), Some(false));
        assert_eq!(left_out("CREATE TABLE internal.a LIKE shop.t"), Some(true), "the pattern is not changed");
        assert_eq!(left_out("RENAME TABLE internal.a TO shop.a"), Some(false));
        assert_eq!(left_out("DROP DATABASE internal"), Some(true));
        assert_eq!(left_out("ALTER DATABASE COLLATE utf8mb4_bin"), Some(false));
        assert_eq!(left_out("FLUSH PRIVILEGES"), None);
        assert_eq!(left_out("TRUNCATE log_7"), Some(true));
        assert_eq!(left_out("DROP TABLE log_7, t"), Some(false));
    }

    #[test]
    fn a_database_of_which_a_table_is_left_out_is_not_dropped_whole() {
        let left_out = |statement| entry(statement).objects.iter().map(|it| it.left_out).collect::<Vec<_>>();
        assert_eq!(left_out("DROP DATABASE shop"), [true]);
        assert_eq!(left_out("DROP DATABASE crm"), [false]);
        assert_eq!(left_out("DROP TABLE log_7, t"), [true, false]);
    }
}
