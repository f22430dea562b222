//! Flat JSON, for consumers that read Maxwell's or canal's messages already: a record a row, values as MySQL shows them, and
//! of an update the changed columns' former values.
//!
//! It carries less than the envelope (no schema, no exact values), and our own sink does not read it. What a value's kind cannot
//! carry, such as a zero date, comes as text and is written as it is.

mod canal;
mod maxwell;
mod plain;

use crate::{Change, Column, Kind, Result, TableSchema, Value, encode::row_width, json::write};

/// Whose form it is.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Form {
    Maxwell,
    Canal,
}

#[derive(Debug)]
pub(crate) struct FlatEncoder {
    form: Form,
    name: String,
    database: String,
    table: String,
    columns: Vec<FlatColumn>,
    /// Positions of the key's columns; empty: no key.
    key: Vec<usize>,
    /// What is the same in each record: canal's types.
    constant: Vec<u8>,
}

#[derive(Debug)]
struct FlatColumn {
    name: String,
    /// `"name":`
    label: Vec<u8>,
    column: Column,
}

impl FlatEncoder {
    /// `Err`: the name of a column whose values the form has no place for.
    pub fn new(table: &TableSchema, form: Form) -> Result<Self, String> {
        let no_place =
            |column: &&Column| matches!(column.kind, Kind::Point | Kind::Geometry | Kind::FloatVector);
        if let Some(column) = table.columns.iter().find(no_place) {
            return Err(column.name.clone());
        }
        let column = |column: &Column| {
            let mut label = Vec::new();
            write::text(&mut label, &column.name);
            label.push(b':');
            FlatColumn { name: column.name.clone(), label, column: column.clone() }
        };
        let mut encoder = Self {
            form,
            name: format!("{}.{}", table.database, table.table),
            database: table.database.clone(),
            table: table.table.clone(),
            columns: table.columns.iter().map(column).collect(),
            key: table.key_columns().collect(),
            constant: Vec::new(),
        };
        if form == Form::Canal {
            encoder.constant = canal::constant(&encoder);
        }
        Ok(encoder)
    }

    pub fn encode_key(&self, row: &[Value<'_>], out: &mut Vec<u8>) -> Result<bool> {
        if self.key.is_empty() {
            return Ok(false);
        }
        row_width(&self.name, self.columns.len(), row.len())?;
        match self.form {
            Form::Maxwell => maxwell::key(self, row, out)?,
            Form::Canal => canal::key(self, row, out)?,
        }
        Ok(true)
    }

    pub fn encode_value(&self, change: &Change<'_>, out: &mut Vec<u8>) -> Result<()> {
        for row in [change.before, change.after].into_iter().flatten() {
            row_width(&self.name, self.columns.len(), row.len())?;
        }
        match self.form {
            Form::Maxwell => maxwell::value(self, change, out),
            Form::Canal => canal::value(self, change, out),
        }
    }

    /// `{"name":value,...}` of the columns that are wanted.
    fn object(
        &self,
        row: &[Value<'_>],
        wanted: impl Fn(usize) -> bool,
        value: impl Fn(&FlatColumn, &Value<'_>, &mut Vec<u8>) -> Result<()>,
        out: &mut Vec<u8>,
    ) -> Result<()> {
        out.push(b'{');
        let mut first = true;
        for (at, (column, item)) in self.columns.iter().zip(row).enumerate() {
            if !wanted(at) {
                continue;
            }
            if !std::mem::replace(&mut first, false) {
                out.push(b',');
            }
            out.extend_from_slice(&column.label);
            value(column, item, out)?;
        }
        out.push(b'}');
        Ok(())
    }

    /// `["name",...]` of the key's columns.
    fn key_names(&self, out: &mut Vec<u8>) {
        out.push(b'[');
        for (number, at) in self.key.iter().enumerate() {
            if number > 0 {
                out.push(b',');
            }
            write::text(out, &self.columns[*at].name);
        }
        out.push(b']');
    }
}
