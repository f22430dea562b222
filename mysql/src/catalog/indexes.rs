//! Unique indexes: what makes two rows collide.

use std::collections::HashMap;

use mysql_async::Conn;

use super::query::{Scope, ask, field, number};
use crate::{Result, client::text, server::Flavor};

/// One unique index (the primary key is one).
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Index {
    /// `PRIMARY` for the primary key.
    pub name: String,
    pub parts: Vec<IndexPart>,
}

#[derive(Debug, Clone, PartialEq, Eq)]
pub struct IndexPart {
    /// `None`: a functional part, whose value is `expression`.
    pub column: Option<String>,
    /// MySQL only.
    pub expression: Option<String>,
    /// Only so many characters (bytes for binary types) of the column are compared.
    pub prefix: Option<u32>,
    pub nullable: bool,
}

impl Index {
    /// Whether a row may have NULL in it and then never collides.
    pub fn nullable(&self) -> bool {
        self.parts.iter().any(|part| part.nullable)
    }

    /// Whether a part of it is an expression.
    pub fn functional(&self) -> bool {
        self.parts.iter().any(|part| part.column.is_none())
    }

    /// Whether it is on whole columns only, so that equal columns are what makes rows collide.
    pub fn plain(&self) -> bool {
        self.parts.iter().all(|part| part.column.is_some() && part.prefix.is_none())
    }

    /// Names of its columns in index order, without functional parts.
    pub fn columns(&self) -> impl Iterator<Item = &str> {
        self.parts.iter().filter_map(|part| part.column.as_deref())
    }
}

/// Unique indexes by table, in order of their names.
pub(super) async fn read(
    conn: &mut Conn,
    flavor: Flavor,
    scope: &Scope,
) -> Result<HashMap<String, Vec<Index>>> {
    let expression = match flavor {
        Flavor::Mysql => "EXPRESSION",
        Flavor::MariaDb => "NULL",
    };
    let sql = format!(
        "SELECT TABLE_NAME, INDEX_NAME, SEQ_IN_INDEX, COLUMN_NAME, SUB_PART, NULLABLE, {expression} \
         FROM information_schema.STATISTICS WHERE NON_UNIQUE = 0 AND {}",
        scope.matches("TABLE_SCHEMA", "TABLE_NAME")
    );
    let mut parts: Vec<(String, String, u32, IndexPart)> = ask(conn, "reading indexes", sql)
        .await?
        .iter()
        .map(|row| {
            let part = IndexPart {
                column: text(row, 3),
                expression: text(row, 6),
                prefix: number(row, 4),
                nullable: field(row, 5).eq_ignore_ascii_case("YES"),
            };
            (field(row, 0), field(row, 1), number(row, 2).unwrap_or(0), part)
        })
        .collect();
    parts.sort_by(|a, b| (&a.0, &a.1, a.2).cmp(&(&b.0, &b.1, b.2)));
    let mut tables: HashMap<String, Vec<Index>> = HashMap::new();
    for (table, name, _, part) in parts {
        let indexes = tables.entry(table).or_default();
        match indexes.last_mut() {
            Some(last) if last.name == name => last.parts.push(part),
            _ => indexes.push(Index { name, parts: vec![part] }),
        }
    }
    Ok(tables)
}
