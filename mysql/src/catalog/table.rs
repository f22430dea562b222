//! A table with everything that decides how its rows are read, keyed and applied.

use std::fmt;

use super::{Column, ForeignKey, Index, Trigger};

/// A table's full name, as the server spells it.
#[derive(Debug, Clone, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct TableName {
    pub database: String,
    pub table: String,
}

impl TableName {
    pub fn new(database: impl Into<String>, table: impl Into<String>) -> Self {
        Self { database: database.into(), table: table.into() }
    }

    /// `` `database`.`table` ``, for SQL.
    pub fn quoted(&self) -> String {
        format!("{}.{}", crate::client::quote_name(&self.database), crate::client::quote_name(&self.table))
    }
}

/// `database.table`, for people.
impl fmt::Display for TableName {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}.{}", self.database, self.table)
    }
}

#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Table {
    pub name: TableName,
    /// As the server names it, e.g. `InnoDB`.
    pub engine: String,
    /// Whether that engine takes part in transactions.
    pub transactional: bool,
    /// In ordinal order; generated and invisible ones included.
    pub columns: Vec<Column>,
    pub primary_key: Option<Index>,
    /// Unique indexes other than the primary key, by name.
    pub unique: Vec<Index>,
    /// Foreign keys of this table, by name.
    pub foreign_keys: Vec<ForeignKey>,
    /// Foreign keys of any table that refer to this one, by child and name. Those of tables that the account
    /// has no right on are not among them: the server hides them.
    pub referenced_by: Vec<ForeignKey>,
    /// In the order in which they fire within one timing and event.
    pub triggers: Vec<Trigger>,
}

impl Table {
    /// What tells its rows apart: the primary key, or else a unique key on whole columns that are never NULL and that statements
    /// write. Both ends choose the same one of tables that are alike.
    pub fn identity(&self) -> Option<&Index> {
        let does = |index: &&Index| {
            let written = |name| self.column(name).is_some_and(Column::is_written);
            index.plain() && !index.nullable() && index.columns().all(written)
        };
        self.primary_key.iter().chain(&self.unique).find(does)
    }

    /// The column of that name; names of columns compare without case, as the server compares them.
    pub fn column(&self, name: &str) -> Option<&Column> {
        self.columns.iter().find(|column| column.name == name).or_else(|| {
            let name = name.to_lowercase();
            self.columns.iter().find(|column| column.name.to_lowercase() == name)
        })
    }
}
