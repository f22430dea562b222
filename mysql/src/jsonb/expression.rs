//! A document as an SQL expression that gives the same document, types included. Text alone loses some: read back
//! from it, a DECIMAL becomes a DOUBLE, a DATE a STRING, an UNSIGNED INTEGER an INTEGER.

use std::fmt::Write;

use super::{Container, JsonFacts, Printer, field, kind, malformed, read_length, to_text};
use crate::binlog::{Reader, Result};

/// Of a DECIMAL.
const MOST_DIGITS: u8 = 65;

/// Appends the expression, for a session with `NO_BACKSLASH_ESCAPES` and `SET NAMES utf8mb4`. Where its text tells
/// the whole document, that is the text in quotes.
pub fn to_expression(bytes: &[u8], out: &mut String) -> Result<()> {
    let mut text = String::with_capacity(bytes.len() * 2);
    // This also finds that the document is sound: what follows need not look at depth and work again.
    let facts = to_text(bytes, &mut text)?;
    match bytes.split_first() {
        Some((kind, body)) if !is_told(facts) => value(*kind, body, out),
        _ => {
            quote(&text, out);
            Ok(())
        }
    }
}

fn is_told(facts: JsonFacts) -> bool {
    !facts.opaque && !facts.unsigned
}

fn value(kind: u8, body: &[u8], out: &mut String) -> Result<()> {
    let mut text = String::new();
    let mut printer = Printer { out: &mut text, facts: JsonFacts::default(), budget: usize::MAX };
    printer.value(kind, body, 0)?;
    let facts = printer.facts;
    if is_told(facts) {
        out.push_str("CAST(");
        quote(&text, out);
        out.push_str(" AS JSON)");
        return Ok(());
    }
    match kind {
        kind::SMALL_OBJECT => container(&Container::read(body, false, true)?, out),
        kind::LARGE_OBJECT => container(&Container::read(body, true, true)?, out),
        kind::SMALL_ARRAY => container(&Container::read(body, false, false)?, out),
        kind::LARGE_ARRAY => container(&Container::read(body, true, false)?, out),
        kind::OPAQUE => opaque(body, &text, out),
        // Nothing else is lost in text but an unsigned integer.
        _ => {
            write!(out, "CAST(CAST({text} AS UNSIGNED) AS JSON)").expect(INFALLIBLE);
            Ok(())
        }
    }
}

fn container(container: &Container, out: &mut String) -> Result<()> {
    out.push_str(if container.object { "JSON_OBJECT(" } else { "JSON_ARRAY(" });
    for index in 0..container.count {
        if index > 0 {
            out.push(',');
        }
        if container.object {
            let key = std::str::from_utf8(container.key(index)?);
            quote(key.map_err(|_| malformed("a key that is not UTF-8"))?, out);
            out.push(',');
        }
        let (kind, body) = container.entry(index)?;
        value(kind, body, out)?;
    }
    out.push(')');
    Ok(())
}

/// A scalar of an SQL type; `text` is how it is printed.
fn opaque(body: &[u8], text: &str, out: &mut String) -> Result<()> {
    let mut reader = Reader::new("a JSON value", body);
    let field = reader.u8()?;
    let length = read_length(&mut reader)?;
    let bytes = reader.take(length)?;
    let plain = text.trim_matches('"');
    let written = match (field, bytes) {
        (field::NEWDECIMAL, [precision, scale, ..]) => {
            // The server counts one digit too many in some that have all of them.
            let precision = (*precision).min(MOST_DIGITS);
            write!(out, "CAST(CAST('{plain}' AS DECIMAL({precision},{scale})) AS JSON)")
        }
        (field::DATE, _) => write!(out, "CAST(CAST('{plain}' AS DATE) AS JSON)"),
        (field::DATETIME, _) => write!(out, "CAST(CAST('{plain}' AS DATETIME(6)) AS JSON)"),
        (field::TIME, _) => write!(out, "CAST(CAST('{plain}' AS TIME(6)) AS JSON)"),
        // No CAST gives the others: a column does.
        (field::TIMESTAMP, _) => column("TIMESTAMP(6)", &format!("'{plain}'"), out),
        (field::BIT, [_, ..]) if bytes.len() <= 8 => {
            let bits = bytes.iter().fold(0_u64, |bits, byte| bits << 8 | u64::from(*byte));
            column(&format!("BIT({})", bytes.len() * 8), &bits.to_string(), out)
        }
        // Printed as the string that it is.
        (field::VAR_STRING, _) => {
            out.push_str("CAST(");
            quote(text, out);
            out.push_str(" AS JSON)");
            Ok(())
        }
        (field::VARCHAR, _) => write!(out, "CAST({} AS JSON)", hex(bytes)),
        (field::STRING, [_, ..]) => column(&format!("BINARY({})", bytes.len()), &hex(bytes), out),
        (field::TINY_BLOB, _) => column("TINYBLOB", &hex(bytes), out),
        (field::BLOB, _) => column("BLOB", &hex(bytes), out),
        (field::MEDIUM_BLOB, _) => column("MEDIUMBLOB", &hex(bytes), out),
        (field::LONG_BLOB, _) => column("LONGBLOB", &hex(bytes), out),
        _ => return Err(malformed(format!("a scalar of SQL type {field}, which no expression gives"))),
    };
    written.expect(INFALLIBLE);
    Ok(())
}

/// The value of a column of that type.
fn column(sql_type: &str, value: &str, out: &mut String) -> std::fmt::Result {
    write!(
        out,
        "(SELECT CAST(v AS JSON) FROM JSON_TABLE(JSON_ARRAY({value}),'$[*]' COLUMNS(v {sql_type} PATH '$' \
         ERROR ON ERROR)) AS strait_json)"
    )
}

fn hex(bytes: &[u8]) -> String {
    let mut text = String::with_capacity(bytes.len() * 2 + 3);
    text.push_str("x'");
    for byte in bytes {
        write!(text, "{byte:02x}").expect(INFALLIBLE);
    }
    text.push('\'');
    text
}

fn quote(text: &str, out: &mut String) {
    out.push('\'');
    out.push_str(&text.replace('\'', "''"));
    out.push('\'');
}

const INFALLIBLE: &str = "writing to a string cannot fail";

#[cfg(test)]
mod tests {
    use super::*;

    fn expression(bytes: &[u8]) -> String {
        let mut out = String::new();
        to_expression(bytes, &mut out).unwrap();
        out
    }

    #[test]
    fn what_text_tells_stays_text() {
        assert_eq!(expression(&[12, 4, b'i', b't', b'\'', b's']), r#"'"it''s"'"#);
        assert_eq!(expression(&[]), "'null'");
    }

    #[test]
    fn types_that_text_loses_are_cast() {
        assert_eq!(expression(&[6, 5, 0]), "CAST(CAST(5 AS UNSIGNED) AS JSON)");
        let decimal = [15, 246, 4, 3, 2, 0x81, 50];
        assert_eq!(expression(&decimal), "CAST(CAST('1.50' AS DECIMAL(3,2)) AS JSON)");
        assert_eq!(expression(&[15, 15, 2, 0, 0xff]), "CAST(x'00ff' AS JSON)");
        assert!(to_expression(&[15, 245, 1, 0], &mut String::new()).is_err());
    }

    #[test]
    fn only_what_holds_such_a_value_is_taken_apart() {
        // [5 unsigned, "a", [1]]
        let array = [2, 3, 0, 22, 0, 6, 5, 0, 12, 13, 0, 2, 15, 0, 1, b'a', 1, 0, 7, 0, 5, 1, 0];
        assert_eq!(
            expression(&array),
            r#"JSON_ARRAY(CAST(CAST(5 AS UNSIGNED) AS JSON),CAST('"a"' AS JSON),CAST('[1]' AS JSON))"#
        );
    }
}
