//! Canal's flat messages: one row in each `data`, all values as text, types beside them. `id`, which counts canal's own batches,
//! is 0.

use super::{
    FlatColumn, FlatEncoder,
    plain::{Plain, plain},
};
use crate::{Change, Kind, Op, Result, SourceType, Value, json::write};

/// The key's columns by name.
pub(super) fn key(table: &FlatEncoder, row: &[Value<'_>], out: &mut Vec<u8>) -> Result<()> {
    table.object(row, |at| table.key.contains(&at), item, out)
}

/// `,"mysqlType":..,"pkNames":..,"sqlType":..`, the same for all rows of a table version.
pub(super) fn constant(table: &FlatEncoder) -> Vec<u8> {
    let mut out = b",\"mysqlType\":{".to_vec();
    for (number, column) in table.columns.iter().enumerate() {
        if number > 0 {
            out.push(b',');
        }
        out.extend_from_slice(&column.label);
        write::text(&mut out, &mysql_type(&column.column.source_type, &column.column.kind));
    }
    write::literal(&mut out, "},\"pkNames\":");
    if table.key.is_empty() {
        write::null(&mut out);
    } else {
        table.key_names(&mut out);
    }
    write::literal(&mut out, ",\"sqlType\":{");
    for (number, column) in table.columns.iter().enumerate() {
        if number > 0 {
            out.push(b',');
        }
        out.extend_from_slice(&column.label);
        write::integer(&mut out, sql_type(&column.column.source_type.name));
    }
    out.push(b'}');
    out
}

pub(super) fn value(table: &FlatEncoder, change: &Change<'_>, out: &mut Vec<u8>) -> Result<()> {
    let kind = match change.op {
        Op::Create | Op::Read => "INSERT",
        Op::Update => "UPDATE",
        Op::Delete => "DELETE",
        Op::Truncate => "TRUNCATE",
    };
    let source = &change.source;
    write::literal(out, "{\"data\":");
    match change.after.or(change.before) {
        Some(row) => {
            out.push(b'[');
            table.object(row, |_| true, item, out)?;
            out.push(b']');
        }
        None => write::null(out),
    }
    write::literal(out, ",\"database\":");
    write::text(out, &table.database);
    write::literal(out, ",\"es\":");
    write::integer(out, source.ts_us.div_euclid(1000));
    write::literal(out, ",\"gtid\":");
    write::text(out, source.gtid.unwrap_or_default());
    write::literal(out, ",\"id\":0,\"isDdl\":false");
    out.extend_from_slice(&table.constant);
    write::literal(out, ",\"old\":");
    match (change.before, change.after) {
        (Some(before), Some(after)) => {
            out.push(b'[');
            table.object(before, |at| before[at] != after[at], item, out)?;
            out.push(b']');
        }
        _ => write::null(out),
    }
    write::literal(out, ",\"sql\":\"\",\"table\":");
    write::text(out, &table.table);
    write::literal(out, ",\"ts\":");
    write::integer(out, change.ts_us.div_euclid(1000));
    write::literal(out, ",\"type\":");
    write::text(out, kind);
    out.push(b'}');
    Ok(())
}

/// Everything is text; bytes are characters of ISO 8859-1.
fn item(column: &FlatColumn, value: &Value<'_>, out: &mut Vec<u8>) -> Result<()> {
    match plain(column, value)? {
        Plain::Null => write::null(out),
        Plain::Number(text) | Plain::Json(text) | Plain::Text(text) => write::text(out, &text),
        Plain::Bytes(bytes) => {
            let text: String = bytes.iter().map(|byte| char::from(*byte)).collect();
            write::text(out, &text);
        }
    }
    Ok(())
}

/// As the table's definition has it, in lower case.
fn mysql_type(source: &SourceType, kind: &Kind) -> String {
    let name = source.name.to_lowercase();
    let (base, unsigned) = match name.strip_suffix(" unsigned") {
        Some(base) => (base, " unsigned"),
        None => (name.as_str(), ""),
    };
    match (source.length, source.scale, kind) {
        (Some(length), Some(scale), _) => format!("{base}({length},{scale}){unsigned}"),
        (Some(length), None, _) => format!("{base}({length}){unsigned}"),
        (None, _, Kind::Enum { allowed } | Kind::EnumSet { allowed }) => {
            let labels: Vec<String> = allowed.split(',').map(|label| format!("'{label}'")).collect();
            format!("{base}({})", labels.join(","))
        }
        _ => name,
    }
}

/// The numbers of java.sql.Types, as canal takes them for MySQL's types.
fn sql_type(name: &str) -> i64 {
    match name {
        "BIT" | "SET" => -7,
        "TINYINT" => -6,
        "SMALLINT" | "TINYINT UNSIGNED" => 5,
        "INT" | "MEDIUMINT" | "MEDIUMINT UNSIGNED" | "SMALLINT UNSIGNED" | "ENUM" => 4,
        "BIGINT" | "INT UNSIGNED" => -5,
        "BIGINT UNSIGNED" | "DECIMAL" | "DECIMAL UNSIGNED" => 3,
        "FLOAT" | "FLOAT UNSIGNED" => 7,
        "DOUBLE" | "DOUBLE UNSIGNED" => 8,
        "DATE" => 91,
        "TIME" => 92,
        "DATETIME" | "TIMESTAMP" => 93,
        "CHAR" => 1,
        "TINYTEXT" | "TEXT" | "MEDIUMTEXT" | "LONGTEXT" => 2005,
        "BINARY" | "VARBINARY" | "TINYBLOB" | "BLOB" | "MEDIUMBLOB" | "LONGBLOB" => 2004,
        // VARCHAR, YEAR, JSON.
        _ => 12,
    }
}
