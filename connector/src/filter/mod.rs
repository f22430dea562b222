//! What is published: databases, tables, columns and rows; and the fingerprint by which a restart knows that this has
//! changed.
//!
//! Databases and tables are decided by name, once a table version, so that the rows of one that is left out are never
//! decoded. A statement is decided by the objects that it changes.

mod columns;
mod promise;
mod rows;

use std::fmt::Write as _;

use sha2::{Digest as _, Sha256};
use strait_mysql::{
    binlog::QueryEvent,
    ddl::{Class, Object, Role},
};
use strait_service::{Finding, List, Patterns, config::refuse};

use crate::config::{Choice, Config};

pub use columns::{Change, ColumnRules, Treatment};
pub use promise::ensure as ensure_promises;
pub use rows::RowRules;

/// Databases that are never published: the server's own, and ours.
const PRIVATE: [&str; 5] = ["mysql", "sys", "information_schema", "performance_schema", STRAIT];

/// The database in which our sink keeps its state.
pub const STRAIT: &str = "strait";

#[derive(Debug, Clone)]
pub struct Filter {
    databases: Chosen,
    tables: Chosen,
    pub columns: ColumnRules,
    pub rows: RowRules,
    skip_origins: List,
    fingerprint: String,
}

/// What a pair of lists chooses; one of them at most says anything.
#[derive(Debug, Clone)]
struct Chosen {
    include: Patterns,
    exclude: Patterns,
}

impl Chosen {
    fn new(section: &str, choice: &Choice) -> Result<Self, Vec<Finding>> {
        let (include, exclude) = (&choice.include.list, &choice.exclude.list);
        if !include.is_empty() && !exclude.is_empty() {
            return Err(vec![contradiction(section)]);
        }
        let include = Patterns::new(&format!("{section}.include.list"), include);
        let exclude = Patterns::new(&format!("{section}.exclude.list"), exclude);
        match (include, exclude) {
            (Ok(include), Ok(exclude)) => Ok(Self { include, exclude }),
            (include, exclude) => Err(include.err().into_iter().chain(exclude.err()).collect()),
        }
    }

    fn has(&self, name: &str) -> bool {
        (self.include.is_empty() || self.include.matches(name)) && !self.exclude.matches(name)
    }
}

fn contradiction(section: &str) -> Finding {
    refuse(
        &format!("{section}.exclude.list"),
        format!("{section}.include.list is set, too: one of them would be in vain"),
        format!(
            "keep {section}.include.list, whose patterns can be written so that they leave out what is not wanted, or the other"
        ),
    )
}

impl Filter {
    pub fn new(config: &Config) -> Result<Self, Vec<Finding>> {
        let databases = Chosen::new("database", &config.database);
        let tables = Chosen::new("table", &config.table);
        let columns = match config.column.include.list.is_empty() || config.column.exclude.list.is_empty() {
            true => ColumnRules::new(&config.column),
            false => Err(vec![contradiction("column")]),
        };
        let rows = RowRules::new(&config.rows);
        match (databases, tables, columns, rows) {
            (Ok(databases), Ok(tables), Ok(columns), Ok(rows)) => {
                let fingerprint = fingerprint(config, [&databases, &tables]);
                let skip_origins = config.publish.skip_origins.clone();
                Ok(Self { databases, tables, columns, rows, skip_origins, fingerprint })
            }
            (databases, tables, columns, rows) => {
                let all = [databases.err(), tables.err(), columns.err(), rows.err()];
                Err(all.into_iter().flatten().flatten().collect())
            }
        }
    }

    pub fn publishes(&self, database: &str, table: &str) -> bool {
        self.has_database(database) && self.tables.has(&format!("{database}.{table}"))
    }

    fn has_database(&self, database: &str) -> bool {
        !PRIVATE.iter().any(|private| private.eq_ignore_ascii_case(database)) && self.databases.has(database)
    }

    /// Whether tables of the database may be published.
    pub fn publishes_in(&self, database: &str) -> bool {
        self.has_database(database)
            && (self.tables.include.is_empty()
                || self.tables.include.may_match_below(&format!("{database}.")))
    }

    /// Whether all of the database's tables are published, whatever their names.
    fn publishes_whole(&self, database: &str) -> bool {
        self.has_database(database)
            && self.tables.include.is_empty()
            && !self.tables.exclude.may_match_below(&format!("{database}."))
    }

    /// Whether what a statement does to an object is published.
    pub fn publishes_object(&self, object: &Object, default: &str) -> bool {
        let database = object.in_database(default);
        match object.class {
            Class::Table | Class::View | Class::Sequence => self.publishes(database, &object.name),
            _ => self.publishes_in(database),
        }
    }

    /// Whether all that an object is, or holds, is published.
    pub fn publishes_all_of(&self, object: &Object, default: &str) -> bool {
        match object.class {
            Class::Database if object.role == Role::Dropped => {
                self.publishes_whole(object.in_database(default))
            }
            _ => self.publishes_object(object, default),
        }
    }

    /// Whether a statement that names nothing in a database takes a number: not if the server says that all it changes is
    /// left out. One that is in no database (accounts, for example) does.
    pub fn publishes_statement(&self, query: &QueryEvent<'_>) -> bool {
        let names = query.updated_databases.as_deref().filter(|names| !names.is_empty());
        match names {
            Some(names) => names.iter().any(|name| self.publishes_in(&String::from_utf8_lossy(name))),
            None => query.database.is_empty() || self.publishes_in(&query.database_text()),
        }
    }

    /// Whether a transaction that our sink applied for this origin is left out.
    pub fn skips_origin(&self, origin: &str) -> bool {
        self.skip_origins.is_empty() || self.skip_origins.iter().any(|name| name == origin)
    }

    /// The databases that are chosen, if they are chosen by their names.
    pub fn named_databases(&self) -> Option<Vec<String>> {
        self.databases.include.literals()
    }

    /// Equal exactly if the same is filtered, whatever the order of the settings.
    pub fn fingerprint(&self) -> &str {
        &self.fingerprint
    }
}

/// Names for people; of what is done to columns and rows, which may hold a salt, the digest.
fn fingerprint(config: &Config, [databases, tables]: [&Chosen; 2]) -> String {
    let mut text = format!(
        "databases={}-{} tables={}-{} skip_origins={}",
        databases.include.fingerprint(),
        databases.exclude.fingerprint(),
        tables.include.fingerprint(),
        tables.exclude.fingerprint(),
        sorted(&config.publish.skip_origins),
    );
    if config.column != crate::config::Column::default() || config.rows != crate::config::Rows::default() {
        let rest = serde_json::to_vec(&(&config.column, &config.rows)).expect("settings always serialise");
        text.push_str(" columns and rows=");
        for byte in &Sha256::digest(rest)[..16] {
            let _ = write!(text, "{byte:02x}");
        }
    }
    text
}

fn sorted(list: &List) -> String {
    let mut names: Vec<&str> = list.iter().collect();
    names.sort_unstable();
    names.dedup();
    serde_json::to_string(&names).expect("a list of strings always serialises")
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::config::Lists;

    fn lists(include: &[&str], exclude: &[&str]) -> Choice {
        let of = |names: &[&str]| Lists { list: names.iter().copied().collect() };
        Choice { include: of(include), exclude: of(exclude) }
    }

    fn config(database: Choice, table: Choice) -> Config {
        Config { database, table, ..Config::default() }
    }

    fn filter(database: Choice, table: Choice) -> Filter {
        Filter::new(&config(database, table)).expect("no contradiction")
    }

    fn all() -> Choice {
        Choice::default()
    }

    #[test]
    fn private_databases_are_never_published() {
        let all_of_them = filter(all(), all());
        assert!(all_of_them.publishes("shop", "t"));
        for name in ["mysql", "sys", "information_schema", "performance_schema", "strait", "MYSQL"] {
            assert!(!all_of_them.publishes(name, "t"), "{name}");
            assert!(!filter(lists(&[name], &[]), all()).publishes(name, "t"), "{name} even if included");
        }
    }

    #[test]
    fn databases_and_tables_are_chosen_by_their_whole_names() {
        let some = filter(lists(&["a", "b.*"], &[]), lists(&[], &[r"b1\.log.*"]));
        for (database, table, published) in [
            ("a", "t", true),
            ("a1", "t", false),
            ("b1", "t", true),
            ("b1", "log_7", false),
            ("b2", "log", true),
        ] {
            assert_eq!(some.publishes(database, table), published, "{database}.{table}");
        }
        let one = filter(all(), lists(&[r"shop\.orders"], &[]));
        assert!(one.publishes("shop", "Orders") && !one.publishes("shop", "orders2"));
        assert!(one.publishes_in("shop") && !one.publishes_in("crm"));
    }

    #[test]
    fn both_lists_of_a_kind_contradict_each_other() {
        let both = || lists(&["a"], &["b"]);
        for (config, place) in [
            (config(both(), all()), "database.exclude.list"),
            (config(all(), both()), "table.exclude.list"),
            (
                Config {
                    column: crate::config::Column {
                        include: Lists { list: ["a"].into_iter().collect() },
                        exclude: Lists { list: ["b"].into_iter().collect() },
                        ..crate::config::Column::default()
                    },
                    ..Config::default()
                },
                "column.exclude.list",
            ),
        ] {
            let findings = Filter::new(&config).expect_err(place);
            assert!(findings.len() == 1 && findings[0].place.contains(place), "{findings:?}");
        }
    }

    #[test]
    fn statements_count_by_the_databases_that_they_change() {
        let all = filter(lists(&[], &["internal"]), all());
        let query = |database: &'static str, updated: Option<Vec<&'static [u8]>>| QueryEvent {
            database: database.as_bytes(),
            updated_databases: updated,
            ..QueryEvent::default()
        };
        assert!(all.publishes_statement(&query("shop", None)));
        assert!(!all.publishes_statement(&query("strait", None)));
        assert!(
            !all.publishes_statement(&query("shop", Some(vec![b"strait"]))),
            "CREATE TABLE strait.lane from shop"
        );
        assert!(all.publishes_statement(&query("strait", Some(vec![b"shop"]))));
        assert!(all.publishes_statement(&query("", Some(vec![b"internal", b"shop"]))));
        assert!(!all.publishes_statement(&query("shop", Some(vec![b"internal"]))));
        assert!(all.publishes_statement(&query("", None)), "CREATE USER");
    }

    #[test]
    fn origins_are_skipped_unless_others_are_named() {
        assert!(filter(all(), all()).skips_origin("anywhere"));
        let mut chain = Config::default();
        chain.publish.skip_origins = ["c"].into_iter().collect();
        let chain = Filter::new(&chain).expect("no contradiction");
        assert!(chain.skips_origin("c"));
        assert!(!chain.skips_origin("a"));
    }

    #[test]
    fn the_fingerprint_depends_on_the_content_only() {
        let of = |include: &[&str], exclude: &[&str]| {
            filter(lists(include, exclude), all()).fingerprint().to_owned()
        };
        assert_eq!(of(&["a", "b"], &[]), of(&["b", "a", "a"], &[]));
        assert_ne!(of(&["a"], &[]), of(&[], &["a"]));
        assert_ne!(of(&["a,b"], &[]), of(&["a", "b"], &[]));
        let mut masked = Config::default();
        masked.column.mask.insert("hash.v2.SHA-256.with.salt.hush".into(), ["a"].into_iter().collect());
        let masked = Filter::new(&masked).expect("read");
        assert_ne!(masked.fingerprint(), of(&[], &[]));
        assert!(!masked.fingerprint().contains("hush"));
    }
}
