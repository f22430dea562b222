//! Foreign keys.

use std::collections::{BTreeMap, HashMap};

use mysql_async::Conn;

use super::{
    TableName,
    query::{Scope, ask, field, number},
};
use crate::Result;

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

impl Rule {
    fn parse(text: &str) -> Self {
        match text {
            "CASCADE" => Self::Cascade,
            "SET NULL" => Self::SetNull,
            "SET DEFAULT" => Self::SetDefault,
            "RESTRICT" => Self::Restrict,
            _ => Self::NoAction,
        }
    }
}

/// Foreign keys of the tables in scope.
pub(super) async fn read_of_children(
    conn: &mut Conn,
    scope: &Scope,
) -> Result<HashMap<TableName, Vec<ForeignKey>>> {
    let keys = read(
        conn,
        &scope.matches("CONSTRAINT_SCHEMA", "TABLE_NAME"),
        &scope.matches("TABLE_SCHEMA", "TABLE_NAME"),
    )
    .await?;
    Ok(gather(keys, |key| key.child.clone()))
}

/// Foreign keys that refer to the tables in scope.
pub(super) async fn read_of_parents(
    conn: &mut Conn,
    scope: &Scope,
) -> Result<HashMap<TableName, Vec<ForeignKey>>> {
    let keys = read(
        conn,
        &scope.matches("UNIQUE_CONSTRAINT_SCHEMA", "REFERENCED_TABLE_NAME"),
        &scope.matches("REFERENCED_TABLE_SCHEMA", "REFERENCED_TABLE_NAME"),
    )
    .await?;
    Ok(gather(keys, |key| key.parent.clone()))
}

fn gather(
    keys: Vec<ForeignKey>,
    table: impl Fn(&ForeignKey) -> TableName,
) -> HashMap<TableName, Vec<ForeignKey>> {
    let mut gathered: HashMap<TableName, Vec<ForeignKey>> = HashMap::new();
    for key in keys {
        gathered.entry(table(&key)).or_default().push(key);
    }
    gathered
}

/// The rules are in one view, the columns in another; child table and name are what they share.
async fn read(conn: &mut Conn, rules_where: &str, columns_where: &str) -> Result<Vec<ForeignKey>> {
    let sql = format!(
        "SELECT CONSTRAINT_SCHEMA, TABLE_NAME, CONSTRAINT_NAME, UPDATE_RULE, DELETE_RULE \
         FROM information_schema.REFERENTIAL_CONSTRAINTS WHERE {rules_where}"
    );
    let rules = ask(conn, "reading foreign keys", sql).await?;
    if rules.is_empty() {
        return Ok(Vec::new());
    }
    let sql = format!(
        "SELECT TABLE_SCHEMA, TABLE_NAME, CONSTRAINT_NAME, ORDINAL_POSITION, COLUMN_NAME, \
         REFERENCED_TABLE_SCHEMA, REFERENCED_TABLE_NAME, REFERENCED_COLUMN_NAME \
         FROM information_schema.KEY_COLUMN_USAGE WHERE REFERENCED_TABLE_NAME IS NOT NULL AND {columns_where}"
    );
    let mut columns = ask(conn, "reading the columns of foreign keys", sql).await?;
    columns.sort_by_key(|row| number::<u32>(row, 3));
    let mut keys: BTreeMap<(TableName, String), ForeignKey> = BTreeMap::new();
    for row in &columns {
        let child = TableName::new(field(row, 0), field(row, 1));
        let name = field(row, 2);
        let key = keys.entry((child.clone(), name.clone())).or_insert_with(|| ForeignKey {
            name,
            child,
            child_columns: Vec::new(),
            parent: TableName::new(field(row, 5), field(row, 6)),
            parent_columns: Vec::new(),
            on_update: Rule::NoAction,
            on_delete: Rule::NoAction,
        });
        key.child_columns.push(field(row, 4));
        key.parent_columns.push(field(row, 7));
    }
    for row in &rules {
        if let Some(key) = keys.get_mut(&(TableName::new(field(row, 0), field(row, 1)), field(row, 2))) {
            key.on_update = Rule::parse(&field(row, 3));
            key.on_delete = Rule::parse(&field(row, 4));
        }
    }
    Ok(keys.into_values().collect())
}
