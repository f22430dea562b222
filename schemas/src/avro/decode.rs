//! Reads bodies by a plan. Text and bytes are borrowed from the body; what else is allocated is one list
//! of values an image.

use super::{
    cursor::{Cursor, malformed},
    plan::{self, EnvelopePlan, EnvelopeStep, Member, Optional, Read, RowPlan, SourceField},
    schema::Names,
    skip::Skips,
};
use crate::{
    Envelope, Error, Op, Result, Snapshot, SourceInfo, TableSchema, Value, carrier::Carrier, decimal,
};
use std::{borrow::Cow, str::FromStr};

/// Reads envelopes of one writer's schema.
#[derive(Debug)]
pub struct AvroDecoder {
    plan: EnvelopePlan,
    table: TableSchema,
}

/// Reads rows of one writer's schema: a record's key.
#[derive(Debug)]
pub struct AvroRowDecoder {
    plan: RowPlan,
    table: TableSchema,
    skips: Skips,
}

impl AvroDecoder {
    /// Compiles the writer's schema; refuses by name what is no change envelope or holds a column type
    /// that cannot be mapped.
    pub fn new(writer_schema: &str) -> Result<Self> {
        let json = checked(writer_schema)?;
        let (names, root) = Names::of(&json);
        let (plan, table) = plan::envelope(&names, root)?;
        Ok(Self { plan, table })
    }

    /// The columns, in the order of the images' values. The table's own names are those adjusted for Avro:
    /// the real ones are in each record's [`SourceInfo`].
    pub fn table(&self) -> &TableSchema {
        &self.table
    }

    /// `body`: what follows the five bytes of the frame.
    pub fn decode<'a>(&self, body: &'a [u8]) -> Result<Envelope<'a>> {
        let mut cursor = Cursor::new(body);
        let (mut before, mut after, mut op) = (None, None, None);
        let (mut ts_ms, mut ts_us) = (None, None);
        let mut source = SourceInfo::default();
        for step in &self.plan.steps {
            let cursor = &mut cursor;
            match step {
                EnvelopeStep::Before(optional) if present(*optional, cursor)? => {
                    before = Some(self.image(cursor)?);
                }
                EnvelopeStep::After(optional) if present(*optional, cursor)? => {
                    after = Some(self.image(cursor)?);
                }
                EnvelopeStep::Source(optional) if present(*optional, cursor)? => {
                    source = self.source(cursor)?;
                }
                EnvelopeStep::Op(optional) if present(*optional, cursor)? => {
                    op = Some(parsed::<Op>(cursor)?);
                }
                EnvelopeStep::TsMs(optional) if present(*optional, cursor)? => ts_ms = Some(cursor.long()?),
                EnvelopeStep::TsUs(optional) if present(*optional, cursor)? => ts_us = Some(cursor.long()?),
                EnvelopeStep::Skip(skip) => self.plan.skips.skip(*skip, cursor)?,
                _ => {}
            }
        }
        ended(&cursor)?;
        let op = op.ok_or_else(|| malformed(0, "`op` is null"))?;
        Ok(Envelope { before, after, source, op, ts_us: micros(ts_us, ts_ms) })
    }

    fn image<'a>(&self, cursor: &mut Cursor<'a>) -> Result<Vec<Value<'a>>> {
        row(&self.plan.row, &self.table, &self.plan.skips, cursor)
    }

    fn source<'a>(&self, cursor: &mut Cursor<'a>) -> Result<SourceInfo<'a>> {
        let mut source = SourceInfo::default();
        let (mut ts_ms, mut ts_us) = (None, None);
        for (field, optional) in &self.plan.source {
            if !present(*optional, cursor)? {
                continue;
            }
            match field {
                SourceField::TsMs => ts_ms = Some(cursor.long()?),
                SourceField::TsUs => ts_us = Some(cursor.long()?),
                SourceField::Snapshot => source.snapshot = parsed::<Snapshot>(cursor)?,
                SourceField::Database => source.database = cursor.text()?.into(),
                SourceField::Table => source.table = cursor.text()?.into(),
                SourceField::ServerId => source.server_id = unsigned(cursor, "source.server_id")?,
                SourceField::Gtid => source.gtid = Some(cursor.text()?.into()),
                SourceField::File => source.file = cursor.text()?.into(),
                SourceField::Pos => source.pos = unsigned(cursor, "source.pos")?,
                SourceField::Row => source.row = unsigned(cursor, "source.row")?,
                SourceField::Thread => source.thread = Some(unsigned(cursor, "source.thread")?),
                SourceField::Skip(skip) => self.plan.skips.skip(*skip, cursor)?,
            }
        }
        source.ts_us = micros(ts_us, ts_ms);
        Ok(source)
    }
}

impl AvroRowDecoder {
    pub fn new(writer_schema: &str) -> Result<Self> {
        let json = checked(writer_schema)?;
        let (names, root) = Names::of(&json);
        let (plan, table, skips) = plan::key(&names, root)?;
        Ok(Self { plan, table, skips })
    }

    /// The columns of the row. A key has all of them in `key`.
    pub fn table(&self) -> &TableSchema {
        &self.table
    }

    /// `body`: what follows the five bytes of the frame.
    pub fn decode<'a>(&self, body: &'a [u8]) -> Result<Vec<Value<'a>>> {
        let mut cursor = Cursor::new(body);
        let values = row(&self.plan, &self.table, &self.skips, &mut cursor)?;
        ended(&cursor)?;
        Ok(values)
    }
}

/// The schema's JSON, once apache-avro has found the schema valid.
fn checked(writer_schema: &str) -> Result<serde_json::Value> {
    apache_avro::Schema::parse_str(writer_schema)
        .map_err(|source| Error::AvroSchema { source: Box::new(source) })?;
    serde_json::from_str(writer_schema).map_err(|source| Error::SchemaText { source })
}

fn row<'a>(
    plan: &RowPlan,
    table: &TableSchema,
    skips: &Skips,
    cursor: &mut Cursor<'a>,
) -> Result<Vec<Value<'a>>> {
    let mut values = Vec::with_capacity(plan.columns.len());
    for (i, (read, optional)) in plan.columns.iter().enumerate() {
        let value = match present(*optional, cursor) {
            Ok(true) => value(read, skips, cursor),
            Ok(false) => Ok(Value::Null),
            Err(error) => Err(error),
        };
        values.push(value.map_err(|error| error.in_column(&table.columns[i].name))?);
    }
    Ok(values)
}

#[inline]
fn present(optional: Optional, cursor: &mut Cursor<'_>) -> Result<bool> {
    let start = cursor.at();
    match optional {
        Optional::No => Ok(true),
        Optional::NullAt(null) => match cursor.long()? {
            branch @ (0 | 1) => Ok(branch != i64::from(null)),
            branch => Err(malformed(start, format!("{branch} is no branch of the union"))),
        },
        Optional::Only => match cursor.long()? {
            0 => Ok(true),
            branch => Err(malformed(start, format!("{branch} is no branch of the union"))),
        },
    }
}

fn value<'a>(read: &Read, skips: &Skips, cursor: &mut Cursor<'a>) -> Result<Value<'a>> {
    let carrier = match read {
        Read::Plain(carrier) => *carrier,
        Read::Point(plan) => {
            let members = members(plan, skips, cursor)?;
            let (Some(x), Some(y)) = (members.x, members.y) else {
                return Err(malformed(cursor.at(), "a point without coordinates"));
            };
            return Ok(Value::Point { x, y, wkb: members.wkb, srid: members.srid });
        }
        Read::Geometry(plan) => {
            let members = members(plan, skips, cursor)?;
            let wkb = members.wkb.ok_or_else(|| malformed(cursor.at(), "a geometry without its WKB"))?;
            return Ok(Value::Geometry { wkb, srid: members.srid });
        }
    };
    Ok(match carrier {
        Carrier::Boolean => Value::Bool(cursor.boolean()?),
        Carrier::Int16 | Carrier::Int32 => Value::Int(cursor.int()?.into()),
        Carrier::Int64 => Value::Int(cursor.long()?),
        Carrier::Float32 => Value::Float(cursor.float()?),
        Carrier::Float64 => Value::Double(cursor.double()?),
        Carrier::Text => Value::Text(cursor.text()?.into()),
        Carrier::Bytes => Value::Bytes(cursor.bytes()?.into()),
        Carrier::Decimal => {
            let start = cursor.at();
            let unscaled = cursor.bytes()?;
            if unscaled.len() > decimal::MAX_BYTES {
                return Err(malformed(start, format!("a decimal of {} bytes", unscaled.len())));
            }
            Value::Bytes(unscaled.into())
        }
        Carrier::Vector => Value::Vector(vector(cursor)?),
        Carrier::Point | Carrier::Geometry => unreachable!("the plan reads structures by their members"),
    })
}

#[derive(Default)]
struct Members<'a> {
    x: Option<f64>,
    y: Option<f64>,
    wkb: Option<Cow<'a, [u8]>>,
    srid: Option<i32>,
}

fn members<'a>(plan: &[(Member, Optional)], skips: &Skips, cursor: &mut Cursor<'a>) -> Result<Members<'a>> {
    let mut members = Members::default();
    for (member, optional) in plan {
        if !present(*optional, cursor)? {
            continue;
        }
        match member {
            Member::X => members.x = Some(cursor.double()?),
            Member::Y => members.y = Some(cursor.double()?),
            Member::Wkb => members.wkb = Some(cursor.bytes()?.into()),
            Member::Srid => members.srid = Some(cursor.int()?),
            Member::Skip(skip) => skips.skip(*skip, cursor)?,
        }
    }
    Ok(members)
}

fn vector(cursor: &mut Cursor<'_>) -> Result<Vec<f32>> {
    let mut items = Vec::new();
    loop {
        let start = cursor.at();
        let count = cursor.block()?;
        if count == 0 {
            return Ok(items);
        }
        let count = usize::try_from(count).ok().filter(|count| *count <= cursor.left() / 4);
        let Some(count) = count else {
            return Err(malformed(start, "more vector items than bytes are left"));
        };
        items.reserve(count);
        for _ in 0..count {
            items.push(cursor.float()?);
        }
    }
}

fn parsed<T: FromStr<Err = Error>>(cursor: &mut Cursor<'_>) -> Result<T> {
    let start = cursor.at();
    let text = cursor.text()?;
    text.parse().map_err(|error: Error| malformed(start, error.to_string()))
}

fn unsigned<T: TryFrom<i64>>(cursor: &mut Cursor<'_>, place: &str) -> Result<T> {
    let start = cursor.at();
    let value = cursor.long()?;
    T::try_from(value).map_err(|_| malformed(start, format!("{value} is no `{place}`")))
}

fn ended(cursor: &Cursor<'_>) -> Result<()> {
    match cursor.left() {
        0 => Ok(()),
        left => {
            let cause = format!("{left} bytes are left over: it was written with another schema");
            Err(malformed(cursor.at(), cause))
        }
    }
}

/// Some writers give microseconds, all of them milliseconds.
fn micros(us: Option<i64>, ms: Option<i64>) -> i64 {
    us.or_else(|| ms.map(|ms| ms.saturating_mul(1000))).unwrap_or(0)
}
