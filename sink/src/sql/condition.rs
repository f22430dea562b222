//! WHERE conditions: the row with a primary key; the rows with many; a row that equals an image byte by byte.

use super::{Dialect, literal};
use crate::{
    datum::{Datum, Row},
    table_map::{ColumnClass, MappedColumn, Mapping},
};

/// The primary key's places. Steps by key are planned for tables that have one.
pub fn key(mapping: &Mapping) -> &[usize] {
    mapping.primary.as_deref().expect("only a table with a primary key is planned by key")
}

/// `a = 1 AND b = 'x'`.
pub fn by_key(mapping: &Mapping, row: &Row, out: &mut Vec<u8>) -> Result<(), (String, String)> {
    for (at, place) in key(mapping).iter().enumerate() {
        if at > 0 {
            out.extend_from_slice(b" AND ");
        }
        let column = &mapping.columns[*place];
        // What MariaDB leaves of a geometry that may no longer be NULL.
        if row[*place] == Datum::Nothing {
            out.extend_from_slice(b"HEX(");
            out.extend_from_slice(column.quoted.as_bytes());
            out.extend_from_slice(b")=''");
            continue;
        }
        out.extend_from_slice(column.quoted.as_bytes());
        out.push(b'=');
        key_value(column, &row[*place], out)?;
    }
    Ok(())
}

/// Before the first of many rows by their keys; `)` ends them.
///
/// An ENUM's invalid value, its empty label, and a SET's value whose labels no text tells, go by their numbers. In a list of several columns one number makes
/// MariaDB compare all the labels as numbers, so that a label finds the row of the invalid value; and MySQL compares
/// the number as a text, so that it finds nothing. So such keys are compared one by one.
pub fn keys_head(mapping: &Mapping, out: &mut Vec<u8>) {
    if are_listed(mapping) {
        list(key(mapping), out, |place, out| {
            out.extend_from_slice(mapping.columns[place].quoted.as_bytes());
            Ok(())
        })
        .expect("names are written without fail");
        out.extend_from_slice(b" IN");
    }
    out.extend_from_slice(b" (");
}

/// Between two rows.
pub fn keys_separator(mapping: &Mapping) -> &'static [u8] {
    if are_listed(mapping) { b"," } else { b" OR " }
}

/// One of the rows.
pub fn keys_row(mapping: &Mapping, row: &Row, out: &mut Vec<u8>) -> Result<(), (String, String)> {
    if are_listed(mapping) { key_values(mapping, row, out) } else { by_key(mapping, row, out) }
}

fn are_listed(mapping: &Mapping) -> bool {
    let classes: Vec<ColumnClass> = key(mapping).iter().map(|place| mapping.columns[*place].class).collect();
    can_be_listed(&classes)
}

/// Whether rows with such a key may stand in one list.
pub fn can_be_listed(key: &[ColumnClass]) -> bool {
    let is_listed = |class: &ColumnClass| match class {
        ColumnClass::Enum | ColumnClass::Set => key.len() == 1,
        // One without bytes has no literal.
        ColumnClass::Geometry => false,
        _ => true,
    };
    key.iter().all(is_listed)
}

/// `1` or `(1, 'x')`.
fn key_values(mapping: &Mapping, row: &Row, out: &mut Vec<u8>) -> Result<(), (String, String)> {
    let several = key(mapping).len() > 1;
    list(key(mapping), out, |place, out| {
        let (column, datum) = (&mapping.columns[place], &row[place]);
        match (&column.charset, datum) {
            // MariaDB compares lists of rows without bringing a text to the column's charset: it would find none of them,
            // and say nothing.
            (Some(charset), Datum::Text(_)) if several && charset != "utf8mb4" => {
                out.extend_from_slice(b"CONVERT(");
                value(column, datum, out)?;
                out.extend_from_slice(b" USING ");
                out.extend_from_slice(charset.as_bytes());
                out.push(b')');
                // Else it has the charset's default one, which may not be compared with the column's.
                if let Some(collation) = &column.collation {
                    out.extend_from_slice(b" COLLATE ");
                    out.extend_from_slice(collation.as_bytes());
                }
                Ok(())
            }
            _ => key_value(column, datum, out),
        }
    })
}

/// An empty label goes by its number, or the row of the invalid value would be meant, too.
fn key_value(column: &MappedColumn, datum: &Datum, out: &mut Vec<u8>) -> Result<(), (String, String)> {
    match (datum, column.empty_label) {
        (Datum::Text(text), Some(number)) if text.is_empty() => {
            value(column, &Datum::Index(number as u64), out)
        }
        _ => value(column, datum, out),
    }
}

fn list(
    places: &[usize],
    out: &mut Vec<u8>,
    write: impl Fn(usize, &mut Vec<u8>) -> Result<(), (String, String)>,
) -> Result<(), (String, String)> {
    if let [place] = places {
        return write(*place, out);
    }
    for (at, place) in places.iter().enumerate() {
        out.push(if at == 0 { b'(' } else { b',' });
        write(*place, out)?;
    }
    out.push(b')');
    Ok(())
}

/// Every column that the image has equal by bytes, NULL equal to NULL.
pub fn by_image(
    mapping: &Mapping,
    row: &Row,
    dialect: Dialect,
    out: &mut Vec<u8>,
) -> Result<(), (String, String)> {
    let told = mapping.columns.iter().zip(row.iter()).filter(|(_, datum)| **datum != Datum::Absent);
    for (at, (column, datum)) in told.enumerate() {
        if at > 0 {
            out.extend_from_slice(b" AND ");
        }
        equal(column, datum, dialect, out)?;
        let zero = match datum {
            Datum::Float(value) if *value == 0.0 => value.is_sign_negative(),
            Datum::Double(value) if *value == 0.0 => value.is_sign_negative(),
            _ => continue,
        };
        // Its sign is seen in its text alone. MariaDB stores none.
        if dialect == Dialect::Mysql && matches!(column.class, ColumnClass::Float | ColumnClass::Double) {
            out.extend_from_slice(b" AND INSTR(");
            out.extend_from_slice(column.quoted.as_bytes());
            out.extend_from_slice(if zero { b",'-')>0" } else { b",'-')=0" });
        }
    }
    Ok(())
}

fn equal(
    column: &MappedColumn,
    datum: &Datum,
    dialect: Dialect,
    out: &mut Vec<u8>,
) -> Result<(), (String, String)> {
    let name = column.quoted.as_bytes();
    let wrapped = |before: &[u8], after: &[u8], out: &mut Vec<u8>| {
        out.extend_from_slice(before);
        out.extend_from_slice(name);
        out.extend_from_slice(after);
    };
    match (column.class, datum) {
        // Of a NOT NULL one, IS NULL is true of the zero date ("IS NULL" in the manual of comparison operators).
        (ColumnClass::Date | ColumnClass::DateTime { .. }, Datum::Null) => wrapped(b"", b"<=>NULL", out),
        (_, Datum::Null) => wrapped(b"", b" IS NULL", out),
        (_, Datum::Nothing) => wrapped(b"HEX(", b")=''", out),
        // An ENUM's invalid value is the empty text, too, and so is a SET of nothing but an empty label.
        (ColumnClass::Enum, Datum::Text(text)) if text.is_empty() => {
            wrapped(b"", b"+0<>0 AND ", out);
            wrapped(b"HEX(", b")=''", out);
        }
        (ColumnClass::Set, Datum::Text(text)) if text.is_empty() => wrapped(b"", b"+0<=>0", out),
        // By the column's own bytes: another row's, or a label's, may be no text at all, and to convert them would be an error.
        (_, Datum::Text(text)) => match column.charset.as_deref() {
            Some(charset) if !matches!(charset, "utf8mb4" | "utf8mb3" | "utf8" | "ascii") => match dialect {
                // It has no such bytes, but warns of charsets that it will not have for ever.
                Dialect::Mysql => {
                    wrapped(b"CAST(CONVERT(", b" USING utf8mb4) AS BINARY)<=>", out);
                    literal::binary(text, out);
                }
                Dialect::MariaDb => {
                    wrapped(b"CAST(", b" AS BINARY)<=>CAST(CONVERT(", out);
                    literal::quoted(text, out);
                    out.extend_from_slice(b" USING ");
                    out.extend_from_slice(charset.as_bytes());
                    // A character that it lacks becomes a question mark.
                    out.extend_from_slice(b") AS BINARY) AND CAST(CONVERT(CONVERT(");
                    literal::quoted(text, out);
                    out.extend_from_slice(b" USING ");
                    out.extend_from_slice(charset.as_bytes());
                    out.extend_from_slice(b") USING utf8mb4) AS BINARY)<=>");
                    literal::binary(text, out);
                }
            },
            _ => {
                wrapped(b"CAST(", b" AS BINARY)<=>", out);
                literal::binary(text, out);
            }
        },
        (ColumnClass::Vector, Datum::Raw(bytes)) => {
            wrapped(b"HEX(", b")=HEX(", out);
            literal::hex(bytes, out);
            out.push(b')');
        }
        (_, Datum::Raw(bytes)) => {
            wrapped(b"CAST(", b" AS BINARY)<=>", out);
            literal::hex(bytes, out);
        }
        (_, Datum::Index(_)) => {
            wrapped(b"", b"+0<=>", out);
            value(column, datum, out)?;
        }
        (ColumnClass::Json, _) => {
            wrapped(b"", b"<=>CAST(", out);
            value(column, datum, out)?;
            out.extend_from_slice(b" AS JSON)");
        }
        (ColumnClass::Geometry | ColumnClass::Vector, Datum::Binary(bytes)) => {
            wrapped(b"HEX(", b")=HEX(", out);
            literal::hex(bytes, out);
            out.push(b')');
        }
        _ => {
            wrapped(b"", b"<=>", out);
            value(column, datum, out)?;
        }
    }
    Ok(())
}

/// A literal; an error carries the column's name and the cause.
pub fn value(column: &MappedColumn, datum: &Datum, out: &mut Vec<u8>) -> Result<(), (String, String)> {
    literal::write(datum, column, out).map_err(|cause| (column.name.to_string(), cause))
}
