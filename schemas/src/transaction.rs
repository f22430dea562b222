//! Debezium's transaction topic: a BEGIN and an END record for each source transaction.

use crate::{
    avro::write as avro,
    connect::{Connect, avro_text, json_text, shared},
    json::write as json,
};

/// The key's Avro schema, to register under `<topic>-key`.
pub fn avro_key() -> String {
    avro_text(&shared::transaction_key())
}

/// The value's Avro schema, to register under `<topic>-value`.
pub fn avro_value() -> String {
    avro_text(&shared::transaction_value())
}

#[derive(Debug)]
pub struct TransactionEncoder(Form);

#[derive(Debug)]
enum Form {
    Avro {
        key_frame: [u8; 5],
        value_frame: [u8; 5],
    },
    /// What stands before the payloads: the schemas, or nothing; and after them.
    Json {
        key_head: String,
        value_head: String,
        tail: &'static str,
    },
}

impl TransactionEncoder {
    pub fn avro(key_id: u32, value_id: u32) -> Self {
        Self(Form::Avro { key_frame: avro::frame(key_id), value_frame: avro::frame(value_id) })
    }

    pub fn json(with_schema: bool) -> Self {
        let head = |schema: &Connect| {
            if with_schema {
                format!("{{\"schema\":{},\"payload\":", json_text(schema))
            } else {
                String::new()
            }
        };
        Self(Form::Json {
            key_head: head(&shared::transaction_key()),
            value_head: head(&shared::transaction_value()),
            tail: if with_schema { "}" } else { "" },
        })
    }

    pub fn encode_key(&self, id: &str, out: &mut Vec<u8>) {
        match &self.0 {
            Form::Avro { key_frame, .. } => {
                out.extend_from_slice(key_frame);
                avro::bytes(out, id.as_bytes());
            }
            Form::Json { key_head, tail, .. } => {
                json::literal(out, key_head);
                json::literal(out, "{\"id\":");
                json::text(out, id);
                json::literal(out, "}");
                json::literal(out, tail);
            }
        }
    }

    pub fn encode_begin(&self, id: &str, ts_ms: i64, out: &mut Vec<u8>) {
        match &self.0 {
            Form::Avro { value_frame, .. } => {
                out.extend_from_slice(value_frame);
                avro::bytes(out, b"BEGIN");
                avro::bytes(out, id.as_bytes());
                out.extend_from_slice(&[avro::NULL, avro::NULL]);
                avro::long(out, ts_ms);
            }
            Form::Json { value_head, tail, .. } => {
                json::literal(out, value_head);
                json::literal(out, "{\"status\":\"BEGIN\",\"id\":");
                json::text(out, id);
                json::literal(out, ",\"event_count\":null,\"data_collections\":null,\"ts_ms\":");
                json::integer(out, ts_ms);
                json::literal(out, "}");
                json::literal(out, tail);
            }
        }
    }

    /// `collections`: `<database>.<table>` and its number of events, in the order they first appeared.
    pub fn encode_end<'a>(
        &self,
        id: &str,
        ts_ms: i64,
        collections: impl ExactSizeIterator<Item = (&'a str, i64)> + Clone,
        out: &mut Vec<u8>,
    ) {
        let total = collections.clone().map(|(_, count)| count).sum();
        match &self.0 {
            Form::Avro { value_frame, .. } => {
                out.extend_from_slice(value_frame);
                avro::bytes(out, b"END");
                avro::bytes(out, id.as_bytes());
                avro::optional_long(out, Some(total));
                out.push(avro::PRESENT);
                if collections.len() > 0 {
                    avro::long(out, collections.len() as i64);
                    for (collection, count) in collections {
                        out.push(avro::PRESENT);
                        avro::bytes(out, collection.as_bytes());
                        avro::long(out, count);
                    }
                }
                out.push(0);
                avro::long(out, ts_ms);
            }
            Form::Json { value_head, tail, .. } => {
                json::literal(out, value_head);
                json::literal(out, "{\"status\":\"END\",\"id\":");
                json::text(out, id);
                json::literal(out, ",\"event_count\":");
                json::integer(out, total);
                json::literal(out, ",\"data_collections\":[");
                for (i, (collection, count)) in collections.enumerate() {
                    json::literal(
                        out,
                        if i == 0 { "{\"data_collection\":" } else { ",{\"data_collection\":" },
                    );
                    json::text(out, collection);
                    json::literal(out, ",\"event_count\":");
                    json::integer(out, count);
                    json::literal(out, "}");
                }
                json::literal(out, "],\"ts_ms\":");
                json::integer(out, ts_ms);
                json::literal(out, "}");
                json::literal(out, tail);
            }
        }
    }
}
