//! The columns of a record's key, by the source's names: to be held against the table's primary key.

use std::sync::Arc;

use bytes::Bytes;
use strait_schemas::{AvroRowDecoder, confluent_frame};
use strait_service::registry::Registry;

use crate::error::{Error, Place, Result};

/// `None`: the record has no key. Asks the registry; blocks meanwhile, on a worker of its own.
pub fn columns(
    key: Option<&Bytes>,
    registry: Option<&Arc<Registry>>,
    place: &dyn Fn() -> Place,
) -> Result<Option<Vec<String>>> {
    let Some(key) = key else { return Ok(None) };
    if key.first() != Some(&0) {
        return Ok(json_columns(key));
    }
    let failed = |source| Error::Decode { place: place(), source };
    let (id, _) = confluent_frame(key).map_err(failed)?;
    let Some(registry) = registry else {
        return Err(Error::Setting {
            setting: "registry.url",
            cause: format!("the records are in Avro ({}), and no registry is named", place()),
        });
    };
    let schema = tokio::task::block_in_place(|| registry.schema_by_id(id))
        .map_err(|source| Error::Registry { place: place(), source })?;
    let decoder = AvroRowDecoder::new(&schema).map_err(failed)?;
    Ok(Some(decoder.table().columns.iter().map(|column| column.name.clone()).collect()))
}

/// With its schema or without. What is no object names no column.
fn json_columns(key: &[u8]) -> Option<Vec<String>> {
    let json: serde_json::Value = serde_json::from_slice(key).ok()?;
    let row = json.get("payload").filter(|_| json.get("schema").is_some()).unwrap_or(&json);
    row.as_object().map(|row| row.keys().cloned().collect())
}

#[cfg(test)]
mod tests {
    use super::json_columns;

    #[test]
    fn keys_in_json_with_and_without_schema() {
        let id = Some(vec!["id".to_owned()]);
        assert_eq!(json_columns(br#"{"id":7}"#), id);
        assert_eq!(json_columns(br#"{"schema":{"type":"struct"},"payload":{"id":7}}"#), id);
        assert_eq!(json_columns(br#"{"schema":7,"payload":8}"#).map(|names| names.len()), None);
        assert_eq!(json_columns(b"7"), None);
    }
}
