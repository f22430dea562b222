//! Foreign keys.

use super::TableName;

/// What happens to the child's rows when the parent's row is changed or deleted.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Rule {
    NoAction,
    Restrict,
    Cascade,
    SetNull,
    SetDefault,
}

impl Rule {
    /// Whether a change of the parent writes rows of the child.
    pub fn writes_child(self) -> bool {
        matches!(self, Rule::Cascade | Rule::SetNull | Rule::SetDefault)
    }
}

#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ForeignKey {
    pub name: String,
    pub child: TableName,
    /// In key order, paired with `parent_columns`.
    pub child_columns: Vec<String>,
    pub parent: TableName,
    pub parent_columns: Vec<String>,
    pub on_update: Rule,
    pub on_delete: Rule,
}
