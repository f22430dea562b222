//! Which rows of a table are published: a condition as in SQL's WHERE, on the row's own columns, with SQL's NULL: what is
//! neither true nor false does not choose a row.
//!
//! A row is published while the condition holds for it. So an update that brings a row to where it holds is published as
//! the row's creation, one that takes it away as its deletion: whoever applies the log holds exactly the rows for which
//! the condition holds, at every instant.
//!
//! What MySQL would answer is given, or the condition is refused: `bind` looks at the columns' types and refuses, by name,
//! what would need a collation's order or a conversion that is not made here.

mod bind;
mod lexer;
mod like;
mod number;
mod parser;
mod test;

pub use bind::Bound;
pub use parser::{Comparison, Condition, Literal, Test, TestKind};

/// Why a condition cannot be used.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum Refused {
    #[error("at \"{at}\": {expected} was expected")]
    Syntax { at: String, expected: &'static str },
    #[error("{what} is not supported: {instead}")]
    Unsupported { what: String, instead: String },
    #[error("the table has no column {column}")]
    NoColumn { column: String },
}

impl Refused {
    fn unsupported(what: impl Into<String>, instead: impl Into<String>) -> Self {
        Self::Unsupported { what: what.into(), instead: instead.into() }
    }
}

#[cfg(test)]
mod tests {
    use strait_mysql::{
        binlog::{ColumnDef, ColumnType, TableMap},
        value::ColumnValue,
    };

    use super::*;
    use crate::mapping::tests::column;

    fn table() -> TableMap {
        let text = |name: &str, collation| ColumnDef {
            collation: Some(collation),
            ..column(name, ColumnType::VarChar { max_bytes: 80 })
        };
        let columns = vec![
            column("n", ColumnType::Long),
            text("ci", 255),
            text("bin", 46),
            ColumnDef {
                labels: ["new", "Done"].map(str::to_owned).into(),
                ..column("e", ColumnType::Enum { bytes: 1 })
            },
            column("t", ColumnType::Timestamp { fsp: 0 }),
            column("b", ColumnType::Bit { bits: 3 }),
        ];
        TableMap::new("shop".into(), "t".into(), columns, Vec::new(), true)
    }

    fn bind(text: &str) -> Result<Bound, Refused> {
        Bound::new(&Condition::parse(text)?, &table())
    }

    fn holds(text: &str, row: [ColumnValue<'_>; 3]) -> Option<bool> {
        let rest = [ColumnValue::Enum(2), ColumnValue::Null, ColumnValue::Null];
        let row: Vec<_> = row.into_iter().chain(rest).collect();
        bind(text).expect(text).holds(&row).expect("a full image")
    }

    #[test]
    fn null_is_neither_true_nor_false() {
        let row = || [ColumnValue::Null, ColumnValue::Text(b"x"), ColumnValue::Text(b"a")];
        for (text, expected) in [
            ("n = 1", None),
            ("NOT n = 1", None),
            ("n IS NULL", Some(true)),
            ("n = 1 OR bin = 'a'", Some(true)),
            ("n = 1 AND bin = 'b'", Some(false)),
            ("n = 1 AND bin = 'a'", None),
            ("n NOT IN (1, 2)", None),
            ("NOT (n IS NOT NULL) AND e IN ('DONE')", Some(true)),
        ] {
            assert_eq!(holds(text, row()), expected, "{text}");
        }
    }

    #[test]
    fn a_column_that_the_image_lacks_is_named_by_its_place() {
        let row = [ColumnValue::Absent; 6];
        assert_eq!(bind("bin = 'a'").expect("binds").holds(&row), Err(2));
        assert_eq!(bind("n IS NULL").expect("binds").holds(&row), Err(0));
    }

    #[test]
    fn what_mysql_may_answer_otherwise_is_refused_with_what_to_write() {
        for (text, words) in [
            ("ci = 'x'", "COLLATE utf8mb4_bin"),
            ("ci COLLATE utf8mb4_general_ci = 'x'", "COLLATE utf8mb4_bin"),
            ("n = 'x'", "without quotes"),
            ("n = 1e3", "without an exponent"),
            ("bin = 1", "in quotes"),
            ("e > 'new'", "= or IN"),
            ("e = 'gone'", "none of the column's labels"),
            ("t > 'yesterday'", "YYYY-MM-DD"),
            ("b = 1", "only IS NULL"),
            ("n LIKE '1%'", "columns of characters"),
            ("m = 1", "no column m"),
            ("n = NULL", "IS NULL"),
            ("n", "column = 1"),
            ("1 = n", "on the left"),
            ("n = 1 n", "the end"),
            ("n <=> 1", "one of ="),
            ("n = (SELECT 1)", "a number or a text"),
            ("n = 1 AND", "on the left"),
            ("n IN ()", "a number or a text"),
            ("n # 1", "an operator"),
            ("bin = 'a", "an operator"),
        ] {
            let refused = bind(text).expect_err(text).to_string();
            assert!(refused.contains(words), "{text}: {refused}");
        }
        assert!(Condition::parse(&format!("{}n = 1", "NOT ".repeat(1000))).is_err(), "nested too deeply");
    }
}
