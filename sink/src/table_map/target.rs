//! A table of the target, as far as applying rows needs it.

use std::{
    hash::{DefaultHasher, Hash, Hasher},
    sync::Arc,
};

use strait_mysql::catalog::{ForeignKey, Index, Table, TableName};

/// Identifies an index of a table everywhere in the process: the hash of the names.
pub type IndexId = u64;

#[derive(Debug)]
pub struct Target {
    pub table: Table,
    /// `database.table`, for messages.
    pub label: Arc<str>,
    /// Quoted, for SQL.
    pub quoted: String,
    /// Identity of the row: the primary key, or the whole table where there is none.
    pub row_index: IndexId,
    /// Whether foreign keys lead from or to it.
    pub has_foreign_keys: bool,
    /// Row identities of every table whose rows native cascades from here may write.
    pub cascades_to: Vec<IndexId>,
    /// How the parents of its foreign keys identify their rows.
    pub parents: Vec<Parent>,
}

/// A foreign key to the parent's rows: the columns that, in the order of the parent's index, are its value.
#[derive(Debug)]
pub struct Parent {
    pub index: IndexId,
    /// Child's columns in the order of the parent's index; `None`: the key is not on that index as a whole,
    /// so any row of the parent may be meant.
    pub columns: Option<Vec<String>>,
}

pub fn index_id(table: &TableName, index: &str) -> IndexId {
    let mut hasher = DefaultHasher::new();
    (&table.database, &table.table, index).hash(&mut hasher);
    hasher.finish()
}

/// The index that stands for a row's identity.
pub fn row_index(table: &TableName) -> IndexId {
    index_id(table, "PRIMARY")
}

impl Target {
    /// `parents`: the tables that its foreign keys lead to; `cascades_to`: tables reached by cascades.
    pub fn new(table: Table, parents: &[Table], cascades_to: &[TableName]) -> Self {
        let parents = table.foreign_keys.iter().map(|key| parent(key, parents, &table)).collect();
        Self {
            label: table.name.to_string().into(),
            quoted: table.name.quoted(),
            row_index: row_index(&table.name),
            has_foreign_keys: !table.foreign_keys.is_empty() || !table.referenced_by.is_empty(),
            cascades_to: cascades_to.iter().map(row_index).collect(),
            parents,
            table,
        }
    }
}

/// The parent's index that the key leads to, if its columns are the whole of one.
fn parent(key: &ForeignKey, parents: &[Table], child: &Table) -> Parent {
    let whole = Parent { index: row_index(&key.parent), columns: None };
    let table = if key.parent == child.name {
        child
    } else {
        match parents.iter().find(|table| table.name == key.parent) {
            Some(table) => table,
            None => return whole,
        }
    };
    let is_meant = |index: &&Index| {
        index.plain()
            && index.parts.len() == key.parent_columns.len()
            && index.columns().all(|column| key.parent_columns.iter().any(|named| named == column))
    };
    let Some(index) = table.primary_key.iter().chain(&table.unique).find(is_meant) else { return whole };
    let columns = index
        .columns()
        .filter_map(|column| key.parent_columns.iter().position(|named| named == column))
        .filter_map(|at| key.child_columns.get(at).cloned())
        .collect();
    Parent { index: index_id(&key.parent, &index.name), columns: Some(columns) }
}
