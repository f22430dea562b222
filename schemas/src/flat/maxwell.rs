//! Maxwell's messages, with the fields that its options for GTID, position, server, thread and primary key add. `xid` and
//! `commit` (its output_commit_info) are not told: they are known at a transaction's end alone, and rows are not held back for it.

use super::{
    FlatColumn, FlatEncoder,
    plain::{Plain, plain},
};
use crate::{Change, Kind, Op, Result, Value, json::write};

/// `{"database":..,"table":..,"pk.<column>":..}`: Maxwell's own keys.
pub(super) fn key(table: &FlatEncoder, row: &[Value<'_>], out: &mut Vec<u8>) -> Result<()> {
    write::literal(out, "{\"database\":");
    write::text(out, &table.database);
    write::literal(out, ",\"table\":");
    write::text(out, &table.table);
    for &at in &table.key {
        out.push(b',');
        write::text(out, &format!("pk.{}", table.columns[at].name.to_lowercase()));
        out.push(b':');
        item(&table.columns[at], &row[at], out)?;
    }
    out.push(b'}');
    Ok(())
}

pub(super) fn value(table: &FlatEncoder, change: &Change<'_>, out: &mut Vec<u8>) -> Result<()> {
    let kind = match change.op {
        Op::Create => "insert",
        Op::Update => "update",
        Op::Delete => "delete",
        Op::Read => "bootstrap-insert",
        Op::Truncate => "table-truncate",
    };
    let source = &change.source;
    write::literal(out, "{\"database\":");
    write::text(out, &table.database);
    write::literal(out, ",\"table\":");
    write::text(out, &table.table);
    write::literal(out, ",\"type\":");
    write::text(out, kind);
    write::literal(out, ",\"ts\":");
    write::integer(out, source.ts_us.div_euclid(1_000_000));
    write::literal(out, ",\"position\":");
    write::text(out, &format!("{}:{}", source.file, source.pos));
    if let Some(gtid) = source.gtid {
        write::literal(out, ",\"gtid\":");
        write::text(out, gtid);
    }
    write::literal(out, ",\"server_id\":");
    write::integer(out, source.server_id.into());
    if let Some(thread) = source.thread {
        write::literal(out, ",\"thread_id\":");
        write::integer(out, thread as i64);
    }
    let Some(row) = change.after.or(change.before) else {
        out.push(b'}');
        return Ok(());
    };
    if !table.key.is_empty() {
        write::literal(out, ",\"primary_key\":[");
        for (number, &at) in table.key.iter().enumerate() {
            if number > 0 {
                out.push(b',');
            }
            item(&table.columns[at], &row[at], out)?;
        }
        write::literal(out, "],\"primary_key_columns\":");
        table.key_names(out);
    }
    write::literal(out, ",\"data\":");
    table.object(row, |_| true, item, out)?;
    if let (Some(before), Some(after)) = (change.before, change.after) {
        write::literal(out, ",\"old\":");
        table.object(before, |at| before[at] != after[at], item, out)?;
    }
    out.push(b'}');
    Ok(())
}

/// Numbers as numbers, JSON as JSON, SETs as lists, bytes in base64.
fn item(column: &FlatColumn, value: &Value<'_>, out: &mut Vec<u8>) -> Result<()> {
    match plain(column, value)? {
        Plain::Null => write::null(out),
        Plain::Number(text) | Plain::Json(text) => write::literal(out, &text),
        Plain::Text(text) if matches!(column.column.kind, Kind::EnumSet { .. }) => {
            out.push(b'[');
            for (number, label) in text.split(',').filter(|label| !label.is_empty()).enumerate() {
                if number > 0 {
                    out.push(b',');
                }
                write::text(out, label);
            }
            out.push(b']');
        }
        Plain::Text(text) => write::text(out, &text),
        Plain::Bytes(bytes) => write::binary(out, &bytes),
    }
    Ok(())
}
