//! Columns.

use std::collections::HashMap;

use mysql_async::{Conn, Row};

use super::query::{Scope, ask, by_table, field, number};
use crate::{Result, client::text, server::Flavor};

/// How a generated column is kept.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Generated {
    Virtual,
    Stored,
}

#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Column {
    pub name: String,
    /// From 1.
    pub ordinal: u32,
    /// Lower case without length or attributes, e.g. `varchar`, `bigint`, `enum`.
    pub data_type: String,
    /// As in the table's definition, e.g. `bigint unsigned`, `enum('a','b')`.
    pub column_type: String,
    pub charset: Option<String>,
    pub collation: Option<String>,
    pub nullable: bool,
    /// The default's text as the dictionary has it (`default_is_expression` tells an expression from a value).
    pub default: Option<String>,
    pub default_is_expression: bool,
    pub generated: Option<Generated>,
    pub auto_increment: bool,
    pub invisible: bool,
    pub unsigned: bool,
    /// DECIMAL and integers, in digits; BIT, in bits.
    pub numeric_precision: Option<u32>,
    pub numeric_scale: Option<u32>,
    /// Fractional digits of seconds of DATETIME, TIMESTAMP and TIME.
    pub fsp: Option<u32>,
    pub max_characters: Option<u64>,
    pub max_octets: Option<u64>,
    /// MySQL only: the spatial reference system that a column is restricted to.
    pub srid: Option<u32>,
}

impl Column {
    /// Whether rows carry a value for it that an INSERT may name.
    pub fn is_written(&self) -> bool {
        self.generated.is_none()
    }
}

/// Columns by table.
pub(super) async fn read(
    conn: &mut Conn,
    flavor: Flavor,
    scope: &Scope,
) -> Result<HashMap<String, Vec<Column>>> {
    let srid = match flavor {
        Flavor::Mysql => "SRS_ID",
        Flavor::MariaDb => "NULL",
    };
    let sql = format!(
        "SELECT TABLE_NAME, COLUMN_NAME, ORDINAL_POSITION, DATA_TYPE, COLUMN_TYPE, CHARACTER_SET_NAME, \
         COLLATION_NAME, IS_NULLABLE, COLUMN_DEFAULT, EXTRA, NUMERIC_PRECISION, NUMERIC_SCALE, \
         DATETIME_PRECISION, CHARACTER_MAXIMUM_LENGTH, CHARACTER_OCTET_LENGTH, {srid} \
         FROM information_schema.COLUMNS WHERE {}",
        scope.matches("TABLE_SCHEMA", "TABLE_NAME")
    );
    let rows = ask(conn, "reading columns", sql).await?;
    Ok(by_table(&rows, |row| column(row, flavor)))
}

fn column(row: &Row, flavor: Flavor) -> Column {
    let column_type = field(row, 4);
    let extra = field(row, 9).to_ascii_uppercase();
    let (default, default_is_expression) = match flavor {
        Flavor::Mysql => (text(row, 8), extra.contains("DEFAULT_GENERATED")),
        Flavor::MariaDb => maria_default(text(row, 8)),
    };
    Column {
        name: field(row, 1),
        ordinal: number(row, 2).unwrap_or(0),
        data_type: field(row, 3).to_ascii_lowercase(),
        charset: text(row, 5),
        collation: text(row, 6),
        nullable: field(row, 7).eq_ignore_ascii_case("YES"),
        default,
        default_is_expression,
        generated: generated(&extra),
        auto_increment: extra.contains("AUTO_INCREMENT"),
        invisible: extra.contains("INVISIBLE"),
        unsigned: unsigned(&column_type),
        numeric_precision: number(row, 10),
        numeric_scale: number(row, 11),
        fsp: number(row, 12),
        max_characters: number(row, 13),
        max_octets: number(row, 14),
        srid: number(row, 15),
        column_type,
    }
}

fn generated(extra: &str) -> Option<Generated> {
    if extra.contains("VIRTUAL GENERATED") {
        Some(Generated::Virtual)
    } else if extra.contains("STORED GENERATED") || extra.contains("PERSISTENT") {
        Some(Generated::Stored)
    } else {
        None
    }
}

/// An ENUM may have an element of that name, in quotes.
fn unsigned(column_type: &str) -> bool {
    column_type.split('\'').step_by(2).any(|bare| bare.contains(" unsigned"))
}

/// MariaDB prints defaults as SQL: `NULL`, `'a'`, `5`, `current_timestamp()`.
fn maria_default(sql: Option<String>) -> (Option<String>, bool) {
    let Some(sql) = sql else { return (None, false) };
    if sql == "NULL" {
        return (None, false);
    }
    if let Some(quoted) = sql.strip_prefix('\'').and_then(|rest| rest.strip_suffix('\'')) {
        return (Some(quoted.replace("''", "'")), false);
    }
    let literal = sql.parse::<f64>().is_ok() || sql.starts_with("b'") || sql.starts_with("x'");
    (Some(sql), !literal)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_words_of_extra_tell_generated_columns() {
        assert_eq!(generated("VIRTUAL GENERATED INVISIBLE"), Some(Generated::Virtual));
        assert_eq!(generated("STORED GENERATED"), Some(Generated::Stored));
        assert_eq!(generated("DEFAULT_GENERATED ON UPDATE CURRENT_TIMESTAMP"), None);
    }

    #[test]
    fn an_enum_element_is_not_an_attribute() {
        assert!(unsigned("bigint(20) unsigned zerofill"));
        assert!(!unsigned("enum('so unsigned','b')"));
        assert!(!unsigned("int"));
    }

    #[test]
    fn defaults_of_mariadb_read_like_those_of_mysql() {
        assert_eq!(maria_default(None), (None, false));
        assert_eq!(maria_default(Some("NULL".into())), (None, false));
        assert_eq!(maria_default(Some("'it''s'".into())), (Some("it's".into()), false));
        assert_eq!(maria_default(Some("-5.0".into())), (Some("-5.0".into()), false));
        assert_eq!(
            maria_default(Some("current_timestamp()".into())),
            (Some("current_timestamp()".into()), true)
        );
    }
}
