//! A record's key: its form, which all keys of a table share as long as their bytes mean the same, and its columns by the source's names, to
//! be held against the table's primary key.

use std::sync::Arc;

use bytes::Bytes;
use serde::Deserialize;
use serde_json::value::RawValue;
use strait_schemas::{AvroRowDecoder, confluent_frame, partition::murmur2};
use strait_service::registry::Registry;

use crate::error::{Error, Place, Result};

/// What of a key's bytes is no value. With another, the same values are other bytes, and may lie in another partition.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Form {
    /// By the id of its schema.
    Avro(u32),
    /// The schema that goes with it, as text.
    Schema(String),
    /// JSON without a schema tells names only.
    Names(Vec<String>),
}

#[derive(Deserialize)]
struct WithSchema<'a> {
    #[serde(borrow)]
    schema: &'a RawValue,
    payload: serde_json::Map<String, serde_json::Value>,
}

impl Form {
    /// `None`: there is no key, or one that names no column.
    pub fn of(key: Option<&Bytes>, place: &dyn Fn() -> Place) -> Result<Option<Self>> {
        let Some(key) = key else { return Ok(None) };
        if key.first() == Some(&0) {
            let (id, _) = confluent_frame(key).map_err(|source| Error::Decode { place: place(), source })?;
            return Ok(Some(Self::Avro(id)));
        }
        if let Ok(WithSchema { schema, .. }) = serde_json::from_slice(key) {
            return Ok(Some(Self::Schema(schema.get().to_owned())));
        }
        let names = serde_json::from_slice::<serde_json::Map<String, serde_json::Value>>(key);
        Ok(names.ok().map(|row| Self::Names(row.keys().cloned().collect())))
    }

    /// Short, and without commas.
    pub fn name(&self) -> String {
        let hashed = |text: &str| format!("json-{:08x}-{}", murmur2(text.as_bytes()), text.len());
        match self {
            Self::Avro(id) => format!("avro-{id}"),
            Self::Schema(text) => hashed(text),
            Self::Names(names) => hashed(&names.join("\n")),
        }
    }

    /// The columns of a key of this form. Asks the registry; blocks meanwhile, on a worker of its own.
    pub fn columns(
        self,
        key: &Bytes,
        registry: Option<&Arc<Registry>>,
        place: &dyn Fn() -> Place,
    ) -> Result<Vec<String>> {
        let id = match self {
            Self::Avro(id) => id,
            Self::Names(names) => return Ok(names),
            Self::Schema(_) => {
                let read: Result<WithSchema<'_>, _> = serde_json::from_slice(key);
                return Ok(read.map_or_else(|_| Vec::new(), |key| key.payload.keys().cloned().collect()));
            }
        };
        let Some(registry) = registry else {
            return Err(Error::Setting {
                setting: "registry.url",
                cause: format!("the records are in Avro ({}), and no registry is named", place()),
            });
        };
        let schema = tokio::task::block_in_place(|| registry.schema_by_id(id))
            .map_err(|source| Error::Registry { place: place(), source })?;
        let decoder =
            AvroRowDecoder::new(&schema).map_err(|source| Error::Decode { place: place(), source })?;
        Ok(decoder.table().columns.iter().map(|column| column.name.clone()).collect())
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::merge::PartitionId;

    fn form(key: &'static str) -> Option<Form> {
        let place = || {
            crate::plan::Places::default().of(crate::plan::RecordAt {
                partition: PartitionId(0),
                offset: 0,
                index: 0,
                transaction: 0,
            })
        };
        Form::of(Some(&Bytes::from_static(key.as_bytes())), &place).expect("it is no Avro")
    }

    #[test]
    fn keys_in_json_with_and_without_schema() {
        let id = Some(Form::Names(vec!["id".to_owned()]));
        assert_eq!(form(r#"{"id":7}"#), id);
        assert_eq!(form(r#"{"schema":7,"payload":8}"#).map(|form| form.name().len() > 5), Some(true));
        assert_eq!(form("7"), None);
        let int = form(r#"{"schema":{"type":"int32"},"payload":{"id":7}}"#);
        assert_eq!(int, form(r#"{"schema":{"type":"int32"},"payload":{"id":8}}"#));
        let long = form(r#"{"schema":{"type":"int64"},"payload":{"id":7}}"#);
        assert_ne!(int.map(|form| form.name()), long.map(|form| form.name()));
    }
}
