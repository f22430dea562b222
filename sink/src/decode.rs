//! A record's value to its envelope: Avro by the writer's schema, fetched from the registry once an id; JSON
//! with its schema in the record or without.

use std::{collections::HashMap, sync::Arc};

use bytes::Bytes;
use strait_schemas::{AvroDecoder, Envelope, JsonDecoder, Shape, TableSchema, confluent_frame};
use strait_service::registry::Registry;

use crate::error::{Error, Place, Result};

/// How the columns of an envelope's images are known.
#[derive(Debug, Clone)]
pub enum Columns {
    Avro {
        id: u32,
        decoder: Arc<AvroDecoder>,
    },
    Json(Arc<TableSchema>),
    /// Names only: the target's types tell what the values are.
    Names(Arc<[String]>),
}

#[derive(Debug)]
pub struct Decoder {
    /// Without one, only JSON can be read.
    registry: Option<Arc<Registry>>,
    avro: HashMap<u32, Arc<AvroDecoder>>,
    json: JsonDecoder,
}

impl Decoder {
    pub fn new(registry: Option<Arc<Registry>>) -> Self {
        Self { registry, avro: HashMap::new(), json: JsonDecoder::new() }
    }

    /// Asks the registry for a schema it does not know; blocks meanwhile, on a worker of its own.
    pub fn decode<'a>(
        &mut self,
        value: &'a Bytes,
        place: &(dyn Fn() -> Place + Sync),
    ) -> Result<(Columns, Envelope<'a>)> {
        let failed = |source| Error::Decode { place: place(), source };
        if value.first() == Some(&0) {
            let (id, body) = confluent_frame(value).map_err(failed)?;
            let decoder = self.writer(id, place)?;
            let envelope = decoder.decode(body).map_err(failed)?;
            return Ok((Columns::Avro { id, decoder }, envelope));
        }
        let decoded = self.json.decode(value).map_err(|source| match foreign(value) {
            Some(format) => Error::ForeignFormat { format, place: place() },
            None => failed(source),
        })?;
        let columns = match decoded.shape {
            Shape::Typed(table) => Columns::Json(table),
            Shape::Untyped(names) => Columns::Names(names),
        };
        Ok((columns, decoded.envelope))
    }

    fn writer(&mut self, id: u32, place: &(dyn Fn() -> Place + Sync)) -> Result<Arc<AvroDecoder>> {
        if let Some(known) = self.avro.get(&id) {
            return Ok(known.clone());
        }
        let Some(registry) = self.registry.clone() else {
            return Err(Error::Setting {
                setting: "registry.url",
                cause: format!("the records are in Avro ({}), and no registry is named", place()),
            });
        };
        let schema = tokio::task::block_in_place(|| registry.schema_by_id(id))
            .map_err(|source| Error::Registry { place: place(), source })?;
        let decoder = AvroDecoder::new(&schema).map_err(|source| Error::Decode { place: place(), source })?;
        let decoder = Arc::new(decoder);
        self.avro.insert(id, decoder.clone());
        Ok(decoder)
    }
}

/// Whose flat JSON this is, if it is another tool's.
fn foreign(value: &[u8]) -> Option<&'static str> {
    let fields: HashMap<String, serde_json::Value> = serde_json::from_slice(value).ok()?;
    let has = |names: &[&str]| names.iter().all(|name| fields.contains_key(*name));
    let format = if has(&["isDdl"]) { "canal" } else { "maxwell" };
    has(&["database", "table", "type", "data", "ts"]).then_some(format)
}

impl Columns {
    /// Whether both are the same version of a table, cheaply: a miss only costs a second mapping.
    pub fn is_same(&self, other: &Self) -> bool {
        match (self, other) {
            (Self::Avro { id: a, .. }, Self::Avro { id: b, .. }) => a == b,
            (Self::Json(a), Self::Json(b)) => Arc::ptr_eq(a, b),
            (Self::Names(a), Self::Names(b)) => Arc::ptr_eq(a, b) || a == b,
            _ => false,
        }
    }
}
