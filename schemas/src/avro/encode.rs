//! The Avro encoder of one table version: a list of write instructions, one a column, and the bytes of
//! `source` that do not change from row to row. Values go straight into the output; nothing is built in
//! between.
//!
//! Correctness rests on two things: the instructions and the registered schema are made from the same
//! [`TableSchema`], and an Avro body is the concatenation of its fields in the schema's order.

use super::write::{self, NULL, PRESENT};
use crate::{
    Change, Column, Error, Result, Source, TableSchema, TransactionBlock, Value,
    carrier::Carrier,
    encode::{misfit, not_nullable, row_width},
    envelope::CONNECTOR,
};

#[derive(Debug)]
pub(crate) struct AvroEncoder {
    table: String,
    columns: Vec<ColumnWriter>,
    /// Positions of the key's columns; empty: no key.
    key: Vec<usize>,
    key_frame: Option<[u8; 5]>,
    frame: [u8; 5],
    name: String,
    database: String,
    table_name: String,
    fixed: Fixed,
}

/// Runs of `source` fields that are the same in every record.
#[derive(Debug, Default)]
struct Fixed {
    /// version, connector, name
    head: Vec<u8>,
    /// db, sequence
    database: Vec<u8>,
    /// table
    table: Vec<u8>,
}

#[derive(Debug)]
struct ColumnWriter {
    name: String,
    optional: bool,
    carrier: Carrier,
}

impl AvroEncoder {
    pub fn new(table: &TableSchema, key_id: Option<u32>, value_id: u32, version: &str) -> Self {
        let encoder = Self {
            table: format!("{}.{}", table.database, table.table),
            columns: table.columns.iter().map(ColumnWriter::new).collect(),
            key: table.key_columns().collect(),
            key_frame: key_id.map(write::frame),
            frame: write::frame(value_id),
            name: table.prefix.clone(),
            database: table.database.clone(),
            table_name: table.table.clone(),
            fixed: Fixed::default(),
        };
        encoder.with_version(version)
    }

    pub fn with_version(mut self, version: &str) -> Self {
        let mut head = Vec::new();
        write::bytes(&mut head, version.as_bytes());
        write::bytes(&mut head, CONNECTOR.as_bytes());
        write::bytes(&mut head, self.name.as_bytes());
        let mut database = Vec::new();
        write::bytes(&mut database, self.database.as_bytes());
        database.push(NULL);
        let mut table = vec![PRESENT];
        write::bytes(&mut table, self.table_name.as_bytes());
        self.fixed = Fixed { head, database, table };
        self
    }

    pub fn encode_key(&self, row: &[Value<'_>], out: &mut Vec<u8>) -> Result<bool> {
        if self.key.is_empty() {
            return Ok(false);
        }
        let frame = self.key_frame.ok_or_else(|| Error::NoKeySchema { table: self.table.clone() })?;
        row_width(&self.table, self.columns.len(), row.len())?;
        out.extend_from_slice(&frame);
        for &at in &self.key {
            self.columns[at].write(&row[at], out)?;
        }
        Ok(true)
    }

    pub fn encode_value(&self, change: &Change<'_>, out: &mut Vec<u8>) -> Result<()> {
        out.extend_from_slice(&self.frame);
        self.image(change.before, out)?;
        self.image(change.after, out)?;
        self.source(&change.source, out);
        transaction(change.transaction.as_ref(), out);
        write::bytes(out, change.op.as_str().as_bytes());
        write::optional_long(out, Some(change.ts_us.div_euclid(1000)));
        write::optional_long(out, Some(change.ts_us));
        write::optional_long(out, Some(change.ts_us.saturating_mul(1000)));
        Ok(())
    }

    fn image(&self, row: Option<&[Value<'_>]>, out: &mut Vec<u8>) -> Result<()> {
        let Some(row) = row else {
            out.push(NULL);
            return Ok(());
        };
        row_width(&self.table, self.columns.len(), row.len())?;
        out.push(PRESENT);
        for (column, value) in self.columns.iter().zip(row) {
            column.write(value, out)?;
        }
        Ok(())
    }

    fn source(&self, source: &Source<'_>, out: &mut Vec<u8>) {
        out.extend_from_slice(&self.fixed.head);
        write::long(out, source.ts_us.div_euclid(1000));
        // A union whose first branch is the string: it has a default.
        out.push(0);
        write::bytes(out, source.snapshot.as_str().as_bytes());
        out.extend_from_slice(&self.fixed.database);
        write::optional_long(out, Some(source.ts_us));
        write::optional_long(out, Some(source.ts_us.saturating_mul(1000)));
        out.extend_from_slice(&self.fixed.table);
        write::long(out, i64::from(source.server_id));
        write::optional_bytes(out, source.gtid.map(str::as_bytes));
        write::bytes(out, source.file.as_bytes());
        write::long(out, source.pos as i64);
        write::long(out, i64::from(source.row.min(i32::MAX as u32)));
        write::optional_long(out, source.thread.map(|thread| thread as i64));
        write::optional_bytes(out, source.query.map(str::as_bytes));
    }
}

fn transaction(block: Option<&TransactionBlock<'_>>, out: &mut Vec<u8>) {
    match block {
        None => out.push(NULL),
        Some(block) => {
            out.push(PRESENT);
            write::bytes(out, block.id.as_bytes());
            write::long(out, block.total_order);
            write::long(out, block.data_collection_order);
        }
    }
}

impl ColumnWriter {
    fn new(column: &Column) -> Self {
        Self { name: column.name.clone(), optional: column.optional, carrier: Carrier::of(&column.kind) }
    }

    #[inline]
    fn write(&self, value: &Value<'_>, out: &mut Vec<u8>) -> Result<()> {
        if self.optional {
            if matches!(value, Value::Null) {
                out.push(NULL);
                return Ok(());
            }
            out.push(PRESENT);
        }
        match (self.carrier, value) {
            (Carrier::Boolean, Value::Bool(v)) => out.push(u8::from(*v)),
            (Carrier::Int64, Value::Int(v)) => write::long(out, *v),
            (Carrier::Int32, Value::Int(v)) if i32::try_from(*v).is_ok() => write::long(out, *v),
            (Carrier::Int16, Value::Int(v)) if i16::try_from(*v).is_ok() => write::long(out, *v),
            (Carrier::Float32, Value::Float(v)) => out.extend_from_slice(&v.to_le_bytes()),
            (Carrier::Float64, Value::Double(v)) => out.extend_from_slice(&v.to_le_bytes()),
            (Carrier::Text, Value::Text(v)) => write::bytes(out, v.as_bytes()),
            (Carrier::Bytes | Carrier::Decimal, Value::Bytes(v)) => write::bytes(out, v),
            (Carrier::Point, Value::Point { x, y, wkb, srid }) => {
                out.extend_from_slice(&x.to_le_bytes());
                out.extend_from_slice(&y.to_le_bytes());
                write::optional_bytes(out, wkb.as_deref());
                write::optional_long(out, srid.map(i64::from));
            }
            (Carrier::Geometry, Value::Geometry { wkb, srid }) => {
                write::bytes(out, wkb);
                write::optional_long(out, srid.map(i64::from));
            }
            (Carrier::Vector, Value::Vector(items)) => vector(items, out),
            (_, Value::Null) => return Err(not_nullable(&self.name)),
            (carrier, value) => return Err(misfit(&self.name, carrier, value)),
        }
        Ok(())
    }
}

fn vector(items: &[f32], out: &mut Vec<u8>) {
    if !items.is_empty() {
        write::long(out, items.len() as i64);
        for item in items {
            out.extend_from_slice(&item.to_le_bytes());
        }
    }
    out.push(0);
}
