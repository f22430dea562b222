//! Reads envelopes in JSON, with the schema in the record or without.

use super::{
    raw::{self, Members},
    schema::{self, Layout},
    value,
};
use crate::{
    Envelope, Error, Input, Kind, Op, Result, Snapshot, SourceInfo, TableSchema, Value, carrier::Carrier,
};
use std::{collections::HashMap, str::FromStr, sync::Arc};

const INPUT: Input = Input::JsonEnvelope;
/// Compiled schemas kept: more table versions than one decoder meets at a time.
const MAX_KEPT: usize = 256;

/// What the images' columns are.
#[derive(Debug, Clone, PartialEq)]
pub enum Shape {
    /// The record carried its schema.
    Typed(Arc<TableSchema>),
    /// It did not: the column names, in the order of the images' values. The values are what JSON tells:
    /// null, boolean, integer, double, text. Nested objects and arrays are their JSON text, and so are
    /// numbers of more digits than a double keeps.
    Untyped(Arc<[String]>),
}

/// A decoded JSON record.
#[derive(Debug, Clone, PartialEq)]
pub struct JsonEnvelope<'a> {
    pub shape: Shape,
    pub envelope: Envelope<'a>,
}

/// Reads envelopes in JSON. Keeps schemas in compiled form by their text, so that each table version is
/// compiled once.
#[derive(Debug, Default)]
pub struct JsonDecoder {
    last: Option<(Arc<str>, Arc<RowPlan>)>,
    kept: HashMap<Arc<str>, Arc<RowPlan>>,
    names: Arc<[String]>,
}

#[derive(Debug)]
struct RowPlan {
    table: Arc<TableSchema>,
    columns: Vec<ColumnPlan>,
    places: HashMap<String, usize>,
}

#[derive(Debug)]
struct ColumnPlan {
    field: String,
    carrier: Carrier,
    scale: u8,
}

impl RowPlan {
    fn new(layout: Layout) -> Self {
        let plan = |(field, column): (String, &crate::Column)| ColumnPlan {
            field,
            carrier: Carrier::of(&column.kind),
            scale: match column.kind {
                Kind::Decimal { scale, .. } => scale,
                _ => 0,
            },
        };
        let columns: Vec<_> = layout.fields.into_iter().zip(&layout.table.columns).map(plan).collect();
        let places = columns.iter().enumerate().map(|(at, column)| (column.field.clone(), at)).collect();
        Self { table: Arc::new(layout.table), columns, places }
    }
}

impl JsonDecoder {
    pub fn new() -> Self {
        Self::default()
    }

    /// `body`: the whole record value. Which of the two forms it is, the body itself tells.
    pub fn decode<'a>(&mut self, body: &'a [u8]) -> Result<JsonEnvelope<'a>> {
        let top: Members<'a> =
            serde_json::from_slice(body).map_err(|source| Error::Json { input: INPUT, source })?;
        let place = Place { body };
        match (top.find("schema"), top.find("payload")) {
            (Some(schema), Some(payload)) if schema != "null" => {
                let plan = self.plan(schema)?;
                let payload = place.object(payload, "the payload")?;
                let row = |json: &'a str, image: &str| place.typed_row(&plan, json, image);
                let shape = Shape::Typed(Arc::clone(&plan.table));
                Ok(JsonEnvelope { shape, envelope: place.envelope(&payload, row)? })
            }
            (_, Some(payload)) => self.untyped(&place.object(payload, "the payload")?, place),
            (_, None) => self.untyped(&top, place),
        }
    }

    fn plan(&mut self, schema: &str) -> Result<Arc<RowPlan>> {
        if let Some((text, plan)) = &self.last
            && **text == *schema
        {
            return Ok(Arc::clone(plan));
        }
        let (text, plan) = if let Some((text, plan)) = self.kept.get_key_value(schema) {
            (Arc::clone(text), Arc::clone(plan))
        } else {
            let plan = Arc::new(RowPlan::new(schema::envelope(schema)?));
            let text: Arc<str> = schema.into();
            if self.kept.len() >= MAX_KEPT {
                self.kept.clear();
            }
            self.kept.insert(Arc::clone(&text), Arc::clone(&plan));
            (text, plan)
        };
        self.last = Some((text, Arc::clone(&plan)));
        Ok(plan)
    }

    /// Both images have the same names; those of `after` lead.
    fn untyped<'a>(&mut self, payload: &Members<'a>, place: Place<'a>) -> Result<JsonEnvelope<'a>> {
        let image = payload.find("after").filter(|json| *json != "null").or_else(|| payload.find("before"));
        let leading = match image {
            None | Some("null") => Members(Vec::new()),
            Some(json) => place.object(json, "an image")?,
        };
        if !leading.0.iter().map(|(name, _)| &**name).eq(self.names.iter().map(String::as_str)) {
            self.names = leading.0.iter().map(|(name, _)| name.clone().into_owned()).collect();
        }
        let names = Arc::clone(&self.names);
        let envelope = place.envelope(payload, |json, image| place.untyped_row(&names, json, image))?;
        Ok(JsonEnvelope { shape: Shape::Untyped(names), envelope })
    }
}

/// A record's value, to name places in it.
#[derive(Debug, Clone, Copy)]
struct Place<'a> {
    body: &'a [u8],
}

impl<'a> Place<'a> {
    /// `json` is a part of the body: its address tells where it begins.
    fn malformed(self, json: &str, cause: impl Into<String>) -> Error {
        let at = (json.as_ptr() as usize).saturating_sub(self.body.as_ptr() as usize);
        Error::malformed(INPUT, at.min(self.body.len()), cause)
    }

    fn object(self, json: &'a str, what: &str) -> Result<Members<'a>> {
        Members::of(json).map_err(|_| self.malformed(json, format!("{what} is no object")))
    }

    fn envelope(
        self,
        payload: &Members<'a>,
        row: impl Fn(&'a str, &str) -> Result<Vec<Value<'a>>>,
    ) -> Result<Envelope<'a>> {
        let image = |name| match payload.find(name) {
            None | Some("null") => Ok(None),
            Some(json) => row(json, name).map(Some),
        };
        let op = payload.find("op").ok_or_else(|| Error::malformed(INPUT, 0, "it has no `op`"))?;
        let source = match payload.find("source") {
            None | Some("null") => SourceInfo::default(),
            Some(json) => self.source(json)?,
        };
        Ok(Envelope {
            before: image("before")?,
            after: image("after")?,
            source,
            op: self.parsed::<Op>(op, "op")?,
            ts_us: self.micros(payload)?,
        })
    }

    fn source(self, json: &'a str) -> Result<SourceInfo<'a>> {
        let members = self.object(json, "`source`")?;
        let text = |name: &str| match members.find(name) {
            None | Some("null") => Ok(None),
            Some(json) => raw::string(json)
                .map(Some)
                .ok_or_else(|| self.malformed(json, format!("`source.{name}` is no string"))),
        };
        let snapshot = match members.find("snapshot") {
            None | Some("null" | "false") => Snapshot::False,
            Some("true") => Snapshot::True,
            Some(json) => self.parsed(json, "source.snapshot")?,
        };
        Ok(SourceInfo {
            ts_us: self.micros(&members)?,
            snapshot,
            database: text("db")?.unwrap_or_default(),
            table: text("table")?.unwrap_or_default(),
            gtid: text("gtid")?,
            file: text("file")?.unwrap_or_default(),
            pos: self.number(&members, "pos")?.unwrap_or(0),
            row: self.number(&members, "row")?.unwrap_or(0),
            server_id: self.number(&members, "server_id")?.unwrap_or(0),
            thread: self.number(&members, "thread")?,
        })
    }

    fn number<T: FromStr>(self, members: &Members<'a>, name: &str) -> Result<Option<T>> {
        match members.find(name) {
            None | Some("null") => Ok(None),
            Some(json) => {
                let number = json.parse().map_err(|_| self.malformed(json, format!("{json} is no `{name}`")));
                number.map(Some)
            }
        }
    }

    /// Some writers give microseconds, all of them milliseconds.
    fn micros(self, members: &Members<'a>) -> Result<i64> {
        if let Some(us) = self.number::<i64>(members, "ts_us")? {
            return Ok(us);
        }
        Ok(self.number::<i64>(members, "ts_ms")?.map_or(0, |ms| ms.saturating_mul(1000)))
    }

    fn parsed<T: FromStr<Err = Error>>(self, json: &str, name: &str) -> Result<T> {
        let text = raw::string(json).ok_or_else(|| self.malformed(json, format!("`{name}` is no string")))?;
        text.parse().map_err(|error: Error| self.malformed(json, error.to_string()))
    }

    fn typed_row(self, plan: &RowPlan, json: &'a str, image: &str) -> Result<Vec<Value<'a>>> {
        let members = self.object(json, image)?;
        let mut values: Vec<Option<Value<'a>>> = plan.columns.iter().map(|_| None).collect();
        let mut next = 0;
        for (name, json) in members.0 {
            // Members mostly stand in the schema's order.
            let expected = plan.columns.get(next).is_some_and(|column| column.field == name);
            let Some(at) = expected.then_some(next).or_else(|| plan.places.get(&*name).copied()) else {
                continue;
            };
            next = at + 1;
            if json != "null" {
                let column = &plan.columns[at];
                let value = value::typed(column.carrier, column.scale, json);
                values[at] = Some(value.map_err(|cause| self.in_column(&name, json, cause))?);
            }
        }
        let complete = values.into_iter().zip(&plan.table.columns).map(|(value, column)| match value {
            Some(value) => Ok(value),
            None if column.optional => Ok(Value::Null),
            None => Err(self.in_column(&column.name, json, format!("null or absent in `{image}`"))),
        });
        complete.collect()
    }

    fn untyped_row(self, names: &[String], json: &'a str, image: &str) -> Result<Vec<Value<'a>>> {
        let members = self.object(json, image)?;
        if members.0.len() != names.len() {
            return Err(self.malformed(json, format!("`{image}` has other columns than the other image")));
        }
        let read = |name: &str, json: &'a str| {
            value::untyped(json).map_err(|cause| self.in_column(name, json, cause))
        };
        if members.0.iter().map(|(name, _)| &**name).eq(names.iter().map(String::as_str)) {
            return members.0.iter().map(|(name, json)| read(name, json)).collect();
        }
        let by_name = names.iter().map(|name| match members.find(name) {
            Some(json) => read(name, json),
            None => Err(self.in_column(name, json, format!("absent in `{image}`"))),
        });
        by_name.collect()
    }

    fn in_column(self, column: &str, json: &str, cause: String) -> Error {
        self.malformed(json, cause).in_column(column)
    }
}
