//! The JSON encoder of one table version. All that does not change from row to row (names, punctuation,
//! the schema's text) is made once; a row only fills in its values.

use super::write;
use crate::{
    Change, Column, Result, Source, TableSchema, TransactionBlock, Value,
    carrier::Carrier,
    encode::{misfit, not_nullable, row_width},
    envelope::CONNECTOR,
};

#[derive(Debug)]
pub(crate) struct JsonEncoder {
    table: String,
    columns: Vec<ColumnWriter>,
    /// Positions of the key's columns; empty: no key.
    key: Vec<usize>,
    key_wrap: Wrap,
    value_wrap: Wrap,
    name: String,
    /// The table's names as they stand in `source`, already quoted.
    database_text: Vec<u8>,
    table_text: Vec<u8>,
    /// `{"version":..,"connector":..,"name":..,"ts_ms":`
    source_head: Vec<u8>,
}

/// What stands before and after the payload.
#[derive(Debug, Default)]
struct Wrap {
    before: Vec<u8>,
    after: &'static [u8],
}

#[derive(Debug)]
struct ColumnWriter {
    name: String,
    /// `"name":`
    label: Vec<u8>,
    optional: bool,
    carrier: Carrier,
}

impl Wrap {
    fn new(schema: Option<String>) -> Self {
        match schema {
            None => Self::default(),
            Some(schema) => {
                Self { before: format!("{{\"schema\":{schema},\"payload\":").into_bytes(), after: b"}" }
            }
        }
    }
}

impl JsonEncoder {
    pub fn new(table: &TableSchema, with_schema: bool, version: &str) -> Self {
        let quoted = |name: &str| {
            let mut out = Vec::new();
            write::text(&mut out, name);
            out
        };
        let encoder = Self {
            table: format!("{}.{}", table.database, table.table),
            columns: table.columns.iter().map(ColumnWriter::new).collect(),
            key: table.key_columns().collect(),
            key_wrap: Wrap::new(table.connect_json_key().filter(|_| with_schema)),
            value_wrap: Wrap::new(with_schema.then(|| table.connect_json_value())),
            name: table.prefix.clone(),
            database_text: quoted(&table.database),
            table_text: quoted(&table.table),
            source_head: Vec::new(),
        };
        encoder.with_version(version)
    }

    pub fn with_version(mut self, version: &str) -> Self {
        let mut head = b"{\"version\":".to_vec();
        write::text(&mut head, version);
        write::literal(&mut head, ",\"connector\":");
        write::text(&mut head, CONNECTOR);
        write::literal(&mut head, ",\"name\":");
        write::text(&mut head, &self.name);
        write::literal(&mut head, ",\"ts_ms\":");
        self.source_head = head;
        self
    }

    pub fn encode_key(&self, row: &[Value<'_>], out: &mut Vec<u8>) -> Result<bool> {
        if self.key.is_empty() {
            return Ok(false);
        }
        row_width(&self.table, self.columns.len(), row.len())?;
        out.extend_from_slice(&self.key_wrap.before);
        for (i, &at) in self.key.iter().enumerate() {
            out.push(if i == 0 { b'{' } else { b',' });
            self.columns[at].write(&row[at], out)?;
        }
        out.push(b'}');
        out.extend_from_slice(self.key_wrap.after);
        Ok(true)
    }

    pub fn encode_value(&self, change: &Change<'_>, out: &mut Vec<u8>) -> Result<()> {
        out.extend_from_slice(&self.value_wrap.before);
        out.extend_from_slice(b"{\"before\":");
        self.image(change.before, out)?;
        out.extend_from_slice(b",\"after\":");
        self.image(change.after, out)?;
        out.extend_from_slice(b",\"source\":");
        self.source(&change.source, out);
        out.extend_from_slice(b",\"transaction\":");
        transaction(change.transaction.as_ref(), out);
        out.extend_from_slice(b",\"op\":\"");
        out.extend_from_slice(change.op.as_str().as_bytes());
        out.extend_from_slice(b"\",\"ts_ms\":");
        write::integer(out, change.ts_us.div_euclid(1000));
        out.extend_from_slice(b",\"ts_us\":");
        write::integer(out, change.ts_us);
        out.extend_from_slice(b",\"ts_ns\":");
        write::integer(out, change.ts_us.saturating_mul(1000));
        out.push(b'}');
        out.extend_from_slice(self.value_wrap.after);
        Ok(())
    }

    fn image(&self, row: Option<&[Value<'_>]>, out: &mut Vec<u8>) -> Result<()> {
        let Some(row) = row else {
            write::null(out);
            return Ok(());
        };
        row_width(&self.table, self.columns.len(), row.len())?;
        out.push(b'{');
        for (i, (column, value)) in self.columns.iter().zip(row).enumerate() {
            if i > 0 {
                out.push(b',');
            }
            column.write(value, out)?;
        }
        out.push(b'}');
        Ok(())
    }

    fn source(&self, source: &Source<'_>, out: &mut Vec<u8>) {
        out.extend_from_slice(&self.source_head);
        write::integer(out, source.ts_us.div_euclid(1000));
        out.extend_from_slice(b",\"snapshot\":\"");
        out.extend_from_slice(source.snapshot.as_str().as_bytes());
        out.extend_from_slice(b"\",\"db\":");
        out.extend_from_slice(&self.database_text);
        out.extend_from_slice(b",\"sequence\":null,\"ts_us\":");
        write::integer(out, source.ts_us);
        out.extend_from_slice(b",\"ts_ns\":");
        write::integer(out, source.ts_us.saturating_mul(1000));
        out.extend_from_slice(b",\"table\":");
        out.extend_from_slice(&self.table_text);
        out.extend_from_slice(b",\"server_id\":");
        write::integer(out, i64::from(source.server_id));
        out.extend_from_slice(b",\"gtid\":");
        write::optional_text(out, source.gtid);
        out.extend_from_slice(b",\"file\":");
        write::text(out, source.file);
        out.extend_from_slice(b",\"pos\":");
        write::integer(out, source.pos as i64);
        out.extend_from_slice(b",\"row\":");
        write::integer(out, i64::from(source.row.min(i32::MAX as u32)));
        out.extend_from_slice(b",\"thread\":");
        write::optional_integer(out, source.thread.map(|thread| thread as i64));
        out.extend_from_slice(b",\"query\":");
        write::optional_text(out, source.query);
        out.push(b'}');
    }
}

fn transaction(block: Option<&TransactionBlock<'_>>, out: &mut Vec<u8>) {
    let Some(block) = block else { return write::null(out) };
    out.extend_from_slice(b"{\"id\":");
    write::text(out, block.id);
    out.extend_from_slice(b",\"total_order\":");
    write::integer(out, block.total_order);
    out.extend_from_slice(b",\"data_collection_order\":");
    write::integer(out, block.data_collection_order);
    out.push(b'}');
}

impl ColumnWriter {
    fn new(column: &Column) -> Self {
        let mut label = Vec::new();
        write::text(&mut label, &column.name);
        label.push(b':');
        Self {
            name: column.name.clone(),
            label,
            optional: column.optional,
            carrier: Carrier::of(&column.kind),
        }
    }

    fn write(&self, value: &Value<'_>, out: &mut Vec<u8>) -> Result<()> {
        out.extend_from_slice(&self.label);
        match (self.carrier, value) {
            (_, Value::Null) if self.optional => write::null(out),
            (Carrier::Boolean, Value::Bool(v)) => write::literal(out, if *v { "true" } else { "false" }),
            (Carrier::Int64, Value::Int(v)) => write::integer(out, *v),
            (Carrier::Int32, Value::Int(v)) if i32::try_from(*v).is_ok() => write::integer(out, *v),
            (Carrier::Int16, Value::Int(v)) if i16::try_from(*v).is_ok() => write::integer(out, *v),
            (Carrier::Float32, Value::Float(v)) => write::float(out, *v),
            (Carrier::Float64, Value::Double(v)) => write::double(out, *v),
            (Carrier::Text, Value::Text(v)) => write::text(out, v),
            (Carrier::Bytes | Carrier::Decimal, Value::Bytes(v)) => write::binary(out, v),
            (Carrier::Point, Value::Point { x, y, wkb, srid }) => {
                point(*x, *y, wkb.as_deref(), *srid, out);
            }
            (Carrier::Geometry, Value::Geometry { wkb, srid }) => {
                out.extend_from_slice(b"{\"wkb\":");
                write::binary(out, wkb);
                srid_and_end(*srid, out);
            }
            (Carrier::Vector, Value::Vector(items)) => vector(items, out),
            (_, Value::Null) => return Err(not_nullable(&self.name)),
            (carrier, value) => return Err(misfit(&self.name, carrier, value)),
        }
        Ok(())
    }
}

fn point(x: f64, y: f64, wkb: Option<&[u8]>, srid: Option<i32>, out: &mut Vec<u8>) {
    out.extend_from_slice(b"{\"x\":");
    write::double(out, x);
    out.extend_from_slice(b",\"y\":");
    write::double(out, y);
    out.extend_from_slice(b",\"wkb\":");
    match wkb {
        Some(wkb) => write::binary(out, wkb),
        None => write::null(out),
    }
    srid_and_end(srid, out);
}

fn srid_and_end(srid: Option<i32>, out: &mut Vec<u8>) {
    out.extend_from_slice(b",\"srid\":");
    write::optional_integer(out, srid.map(i64::from));
    out.push(b'}');
}

fn vector(items: &[f32], out: &mut Vec<u8>) {
    out.push(b'[');
    for (i, item) in items.iter().enumerate() {
        if i > 0 {
            out.push(b',');
        }
        write::float(out, *item);
    }
    out.push(b']');
}
