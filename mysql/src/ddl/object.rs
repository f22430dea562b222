//! What a statement names.

use std::ops::Range;

use super::kind::named;

named! {
    /// What the statement does to an object.
    Role {
        Created = "created",
        Altered = "altered",
        Dropped = "dropped",
        RenamedFrom = "renamed-from",
        RenamedTo = "renamed-to",
        Truncated = "truncated",
        /// Its rows change places with a partition's.
        Exchanged = "exchanged",
        /// ANALYZE, OPTIMIZE, REPAIR: it says the same as before.
        Maintained = "maintained",
        /// Only named: a foreign key's parent, the pattern of LIKE, the table of a trigger.
        Referenced = "referenced",
    }
}

named! {
    /// What an object is.
    Class {
        Table = "table",
        View = "view",
        Database = "database",
        Procedure = "procedure",
        Function = "function",
        Trigger = "trigger",
        Event = "event",
        Library = "library",
        Sequence = "sequence",
        Package = "package",
    }
}

/// An object as it is named.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Object {
    pub role: Role,
    pub class: Class,
    /// None: in the session's default database. Of a database itself None, too.
    pub database: Option<String>,
    /// Empty: the default database itself (`ALTER DATABASE COLLATE ...`).
    pub name: String,
    /// Bytes of the name in the statement, with the database and all quotes: what is to be replaced to mean
    /// another object. Empty where it is not written.
    pub span: Range<usize>,
}

impl Object {
    /// The database that the object is in, or is.
    pub fn in_database<'a>(&'a self, default: &'a str) -> &'a str {
        match (self.class, &self.database) {
            (Class::Database, _) if self.name.is_empty() => default,
            (Class::Database, _) => &self.name,
            (_, Some(database)) => database,
            (_, None) => default,
        }
    }
}
