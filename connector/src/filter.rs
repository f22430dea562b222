//! Which databases are published, and the fingerprint by which a restart knows that this has changed.

use strait_mysql::binlog::QueryEvent;

use crate::config::Databases;

/// Databases that are never published: the server's own, and ours.
const PRIVATE: [&str; 5] = ["mysql", "sys", "information_schema", "performance_schema", STRAIT];

/// The database in which our sink keeps its state.
pub const STRAIT: &str = "strait";

#[derive(Debug, Clone)]
pub struct Filter {
    databases: Databases,
}

impl Filter {
    pub fn new(databases: &Databases) -> Self {
        Self { databases: databases.clone() }
    }

    pub fn publishes(&self, database: &str) -> bool {
        let among = |list: &[String]| list.iter().any(|name| name == database);
        !PRIVATE.iter().any(|private| private.eq_ignore_ascii_case(database))
            && (self.databases.include.is_empty() || among(&self.databases.include))
            && !among(&self.databases.exclude)
    }

    /// Whether a statement that names nothing in a database takes a number: not if the server says that all it changes is
    /// left out. One that is in no database (accounts, for example) does.
    pub fn publishes_statement(&self, query: &QueryEvent<'_>) -> bool {
        let names = query.updated_databases.as_deref().filter(|names| !names.is_empty());
        match names {
            Some(names) => names.iter().any(|name| self.publishes(&String::from_utf8_lossy(name))),
            None => query.database.is_empty() || self.publishes(&query.database_text()),
        }
    }

    /// Whether a transaction that our sink applied for this origin is left out.
    pub fn skips_origin(&self, origin: &str) -> bool {
        self.databases.skip_origins.is_empty()
            || self.databases.skip_origins.iter().any(|name| name == origin)
    }

    /// Equal exactly if the same is filtered, whatever the order of the settings.
    pub fn fingerprint(&self) -> String {
        let list = |names: &[String]| {
            let mut names: Vec<&str> = names.iter().map(String::as_str).collect();
            names.sort_unstable();
            names.dedup();
            serde_json::to_string(&names).expect("a list of strings always serialises")
        };
        format!(
            "include={} exclude={} skip_origins={}",
            list(&self.databases.include),
            list(&self.databases.exclude),
            list(&self.databases.skip_origins)
        )
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn filter(include: &[&str], exclude: &[&str], origins: &[&str]) -> Filter {
        let own = |names: &[&str]| names.iter().map(|name| (*name).to_owned()).collect();
        Filter::new(&Databases { include: own(include), exclude: own(exclude), skip_origins: own(origins) })
    }

    #[test]
    fn private_databases_are_never_published() {
        let all = filter(&[], &[], &[]);
        assert!(all.publishes("shop"));
        for name in ["mysql", "sys", "information_schema", "performance_schema", "strait", "MYSQL"] {
            assert!(!all.publishes(name), "{name}");
            assert!(!filter(&[name], &[], &[]).publishes(name), "{name} even if included");
        }
    }

    #[test]
    fn include_and_exclude() {
        let some = filter(&["a", "b"], &["b"], &[]);
        assert!(some.publishes("a"));
        assert!(!some.publishes("b"));
        assert!(!some.publishes("c"));
    }

    #[test]
    fn statements_count_by_the_databases_that_they_change() {
        let all = filter(&[], &["internal"], &[]);
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
        assert!(filter(&[], &[], &[]).skips_origin("anywhere"));
        let chain = filter(&[], &[], &["c"]);
        assert!(chain.skips_origin("c"));
        assert!(!chain.skips_origin("a"));
    }

    #[test]
    fn the_fingerprint_depends_on_the_content_only() {
        assert_eq!(
            filter(&["a", "b"], &[], &[]).fingerprint(),
            filter(&["b", "a", "a"], &[], &[]).fingerprint()
        );
        assert_ne!(filter(&["a"], &[], &[]).fingerprint(), filter(&[], &["a"], &[]).fingerprint());
        assert_ne!(filter(&["a,b"], &[], &[]).fingerprint(), filter(&["a", "b"], &[], &[]).fingerprint());
    }
}
