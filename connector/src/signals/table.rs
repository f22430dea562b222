//! The signal table: its inserted rows are signals, whatever its columns are called; the first three are id, type and data.

use strait_mysql::{binlog::TableMap, charset, value::ColumnValue};
use strait_schemas::Signal;

/// Why the rows are no signals.
#[derive(Debug, thiserror::Error)]
#[error("the table has no three columns of characters: id, type and data")]
pub struct BadTable;

/// How the columns of its row images are read.
#[derive(Debug, Clone, Copy)]
pub struct SignalColumns<'a> {
    map: &'a TableMap,
}

impl<'a> SignalColumns<'a> {
    pub fn of(map: &'a TableMap) -> Result<Self, BadTable> {
        if map.columns.len() < 3 { Err(BadTable) } else { Ok(Self { map }) }
    }

    /// Data that is no JSON is kept as a string, and refused when it is to be carried out.
    pub fn read(&self, row: &[ColumnValue<'_>]) -> Result<Signal, BadTable> {
        let data = self.text(row, 2)?;
        let data = match data.trim() {
            "" => serde_json::Value::Null,
            text => serde_json::from_str(text).unwrap_or_else(|_| text.into()),
        };
        Ok(Signal { id: self.text(row, 0)?, kind: self.text(row, 1)?, data })
    }

    fn text(&self, row: &[ColumnValue<'_>], at: usize) -> Result<String, BadTable> {
        let charset = self.map.columns[at].collation.and_then(charset::of_collation);
        match (row.get(at), charset) {
            (Some(ColumnValue::Null), _) => Ok(String::new()),
            (Some(ColumnValue::Text(bytes)), Some(charset)) => Ok(charset.decode(bytes).text.into_owned()),
            _ => Err(BadTable),
        }
    }
}
