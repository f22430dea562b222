//! The statements that read a chunk: rows after a key, in the key's own order.
//!
//! Order and comparison are the server's, by the columns' collations: the next chunk begins after the last row of this
//! one, whatever the collation. A row constructor would be compared right but not searched by the index, so the
//! comparison is written out, with the first column's bound by itself in front.

use std::fmt::Write as _;

use super::Shape;
use crate::{charset, client::quote_name};

/// A key column's value, so that it can be written as a literal of the column's type.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub enum KeyValue {
    /// Integers, decimals, floating point numbers, and the numbers behind BIT, ENUM and SET.
    Number(String),
    /// Dates and times.
    Text(String),
    /// Characters, as bytes in the column's own charset.
    Characters(Vec<u8>),
    Bytes(Vec<u8>),
}

/// A column of a key, as far as conditions need it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct KeyColumn {
    /// For SQL.
    pub quoted: String,
    /// Of a column of characters.
    pub charset: String,
}

impl Shape {
    /// At most `rows` rows after `above`, in the key's order; all rows of a table without a key.
    pub fn chunk(&self, above: Option<&[KeyValue]>, condition: Option<&str>, rows: u64) -> String {
        let mut sql = format!("SELECT {} FROM {}", self.select, self.quoted);
        let key = self.key_columns();
        let range = above.map(|above| key_range(&key, Some(above), None));
        let condition = condition.map(|condition| format!("({condition})"));
        let all: Vec<String> = range.into_iter().chain(condition).collect();
        if !all.is_empty() {
            let _ = write!(sql, " WHERE {}", all.join(" AND "));
        }
        if !self.key.is_empty() {
            let names: Vec<&str> = key.iter().map(|column| column.quoted.as_str()).collect();
            let _ = write!(sql, " ORDER BY {} LIMIT {rows}", names.join(","));
        }
        sql
    }

    pub fn key_columns(&self) -> Vec<KeyColumn> {
        let columns = self.key.iter().map(|at| &self.map.columns[*at]);
        columns
            .map(|column| KeyColumn {
                quoted: quote_name(&column.name),
                charset: column
                    .collation
                    .and_then(charset::of_collation)
                    .map_or("binary", |it| it.name)
                    .to_owned(),
            })
            .collect()
    }
}

/// The condition that a row's key lies in `(above, through]`; an open end for `None`.
pub fn key_range(key: &[KeyColumn], above: Option<&[KeyValue]>, through: Option<&[KeyValue]>) -> String {
    let bound = |bound: Option<&[KeyValue]>, operator| {
        bound.map(|bound| {
            let parts: Vec<(String, String)> = key
                .iter()
                .zip(bound)
                .map(|(column, part)| (column.quoted.clone(), key_literal(column, part)))
                .collect();
            compare(&parts, operator)
        })
    };
    let both: Vec<String> =
        bound(above, Bound::Above).into_iter().chain(bound(through, Bound::Through)).collect();
    if both.is_empty() { "TRUE".into() } else { both.join(" AND ") }
}

#[derive(Clone, Copy)]
enum Bound {
    Above,
    Through,
}

fn compare(parts: &[(String, String)], bound: Bound) -> String {
    let (strict, weak, last) = match bound {
        Bound::Above => (">", ">=", ">"),
        Bound::Through => ("<", "<=", "<="),
    };
    match parts {
        [] => "TRUE".into(),
        [(name, value)] => format!("{name}{last}{value}"),
        [(name, value), rest @ ..] => {
            let rest = compare(rest, bound);
            format!("{name}{weak}{value} AND ({name}{strict}{value} OR ({name}={value} AND {rest}))")
        }
    }
}

/// A key's value as a literal that compares with the column as another row's value would.
pub fn key_literal(column: &KeyColumn, part: &KeyValue) -> String {
    match part {
        // Only what is a number may stand unquoted.
        KeyValue::Number(number) if is_number(number) => number.clone(),
        KeyValue::Number(text) | KeyValue::Text(text) => crate::client::quote_text(text),
        KeyValue::Characters(bytes) => {
            format!("_{} {}", column.charset, hex(bytes))
        }
        KeyValue::Bytes(bytes) => hex(bytes),
    }
}

fn is_number(text: &str) -> bool {
    let digits = text.strip_prefix('-').unwrap_or(text);
    digits.starts_with(|c: char| c.is_ascii_digit())
        && digits.chars().all(|c| c.is_ascii_digit() || matches!(c, '.' | 'e' | '-'))
}

fn hex(bytes: &[u8]) -> String {
    let mut text = String::with_capacity(bytes.len() * 2 + 3);
    text.push_str("x'");
    for byte in bytes {
        let _ = write!(text, "{byte:02x}");
    }
    text.push('\'');
    text
}

#[cfg(test)]
mod tests {
    use super::*;

    fn column(name: &str, charset: &str) -> KeyColumn {
        KeyColumn { quoted: quote_name(name), charset: charset.into() }
    }

    #[test]
    fn a_range_of_a_key_of_two_columns_is_searched_by_the_first() {
        let (a, b) = (column("a", "binary"), column("b", "latin1"));
        let above = [KeyValue::Number("5".into()), KeyValue::Characters(b"x".to_vec())];
        assert_eq!(
            key_range(&[a.clone(), b.clone()], Some(&above), None),
            "`a`>=5 AND (`a`>5 OR (`a`=5 AND `b`>_latin1 x'78'))"
        );
        assert_eq!(
            key_range(&[a.clone(), b], None, Some(&above)),
            "`a`<=5 AND (`a`<5 OR (`a`=5 AND `b`<=_latin1 x'78'))"
        );
        assert_eq!(key_range(&[a], None, None), "TRUE");
    }

    #[test]
    fn what_is_no_number_is_quoted() {
        let a = column("a", "binary");
        assert_eq!(key_literal(&a, &KeyValue::Number("-1.5e-7".into())), "-1.5e-7");
        assert_eq!(key_literal(&a, &KeyValue::Number("1 OR 1".into())), "'1 OR 1'");
        assert_eq!(key_literal(&a, &KeyValue::Number("e".into())), "'e'");
        assert_eq!(key_literal(&a, &KeyValue::Text("2024-00-00".into())), "'2024-00-00'");
        assert_eq!(key_literal(&a, &KeyValue::Bytes(vec![0, 255])), "x'00ff'");
    }
}
