//! What the server says that the tables are: what is refused, or comes out otherwise than it was asked for, needs no model of ours.

use std::collections::BTreeMap;

use anyhow::Result;
use mysql_async::{Conn, prelude::Queryable};

#[derive(Debug, Clone)]
pub struct Column {
    pub name: String,
    /// `varchar`
    pub kind: String,
    /// `varchar(20)`
    pub full: String,
    pub nullable: bool,
    pub generated: bool,
    pub numbered: bool,
    /// The table and column that its values come from, by a foreign key.
    pub parent: Option<(String, String)>,
}

#[derive(Debug, Clone, Default)]
pub struct Shape {
    pub name: String,
    pub columns: Vec<Column>,
    /// Names, `PRIMARY` among them.
    pub keys: Vec<String>,
    /// Names; none of a table that is not partitioned.
    pub partitions: Vec<String>,
    /// `RANGE`, `HASH` and the like.
    pub method: String,
}

impl Shape {
    pub fn has_primary_key(&self) -> bool {
        self.keys.iter().any(|key| key == "PRIMARY")
    }

    /// Those that a statement may write.
    pub fn writable(&self) -> impl Iterator<Item = &Column> {
        self.columns.iter().filter(|column| !column.generated)
    }
}

/// All base tables of a database, in the order of their names.
pub async fn read(conn: &mut Conn, database: &str) -> Result<Vec<Shape>> {
    let mut shapes = BTreeMap::new();
    let tables: Vec<String> = conn
        .exec(
            "SELECT table_name FROM information_schema.tables WHERE table_schema = ? AND table_type = 'BASE TABLE'",
            (database,),
        )
        .await?;
    for name in tables {
        shapes.insert(name.clone(), Shape { name, ..Shape::default() });
    }
    let columns: Vec<(String, String, String, String, String, String)> = conn
        .exec(
            "SELECT table_name, column_name, data_type, CAST(column_type AS CHAR), is_nullable, LOWER(extra) \
             FROM information_schema.columns WHERE table_schema = ? ORDER BY table_name, ordinal_position",
            (database,),
        )
        .await?;
    for (table, name, kind, full, nullable, extra) in columns {
        if let Some(shape) = shapes.get_mut(&table) {
            shape.columns.push(Column {
                name,
                kind,
                full,
                nullable: nullable == "YES",
                // Not "default_generated", which is a default that is an expression.
                generated: ["virtual generated", "stored generated"].iter().any(|kind| extra.contains(kind)),
                numbered: extra.contains("auto_increment"),
                parent: None,
            });
        }
    }
    let keys: Vec<(String, String)> = conn
        .exec(
            "SELECT DISTINCT table_name, index_name FROM information_schema.statistics WHERE table_schema = ? \
             ORDER BY 1, 2",
            (database,),
        )
        .await?;
    for (table, key) in keys {
        if let Some(shape) = shapes.get_mut(&table) {
            shape.keys.push(key);
        }
    }
    let partitions: Vec<(String, String, String)> = conn
        .exec(
            "SELECT table_name, partition_name, partition_method FROM information_schema.partitions \
             WHERE table_schema = ? AND partition_name IS NOT NULL ORDER BY table_name, partition_ordinal_position",
            (database,),
        )
        .await?;
    for (table, partition, method) in partitions {
        if let Some(shape) = shapes.get_mut(&table) {
            shape.partitions.push(partition);
            shape.method = method;
        }
    }
    for (table, column, parent, key) in foreign_keys(conn, database).await? {
        let column = shapes
            .get_mut(&table)
            .and_then(|shape| shape.columns.iter_mut().find(|other| other.name == column));
        if let Some(column) = column {
            column.parent = Some((parent, key));
        }
    }
    Ok(shapes.into_values().collect())
}

/// Table and column, and where they come from.
async fn foreign_keys(conn: &mut Conn, database: &str) -> Result<Vec<(String, String, String, String)>> {
    let found = conn
        .exec(
            "SELECT table_name, column_name, referenced_table_name, referenced_column_name \
             FROM information_schema.key_column_usage \
             WHERE table_schema = ? AND referenced_table_name IS NOT NULL ORDER BY 1, 2",
            (database,),
        )
        .await?;
    Ok(found)
}
