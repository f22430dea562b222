//! The signal table: its inserted rows are signals, whatever its columns are called; the first three are id, type and data.

use strait_mysql::{binlog::TableMap, charset, value::ColumnValue};
use strait_schemas::Signal;

/// Why the rows are no signals.
#[derive(Debug, thiserror::Error)]
#[error("the table has no three columns of characters: id, type and data")]
pub struct BadTable;

/// Data that is no JSON is kept as a string, and refused when it is to be carried out.
pub fn read(map: &TableMap, row: &[ColumnValue<'_>]) -> Result<Signal, BadTable> {
    let data = text(map, row, 2)?;
    let data = match data.trim() {
        "" => serde_json::Value::Null,
        text => serde_json::from_str(text).unwrap_or_else(|_| text.into()),
    };
    Ok(Signal { id: text(map, row, 0)?, kind: text(map, row, 1)?, data })
}

fn text(map: &TableMap, row: &[ColumnValue<'_>], at: usize) -> Result<String, BadTable> {
    let charset = map.columns.get(at).and_then(|column| column.collation).and_then(charset::of_collation);
    match (row.get(at), charset) {
        (Some(ColumnValue::Null), _) => Ok(String::new()),
        (Some(ColumnValue::Text(bytes)), Some(charset)) => Ok(charset.decode(bytes).text.into_owned()),
        _ => Err(BadTable),
    }
}
