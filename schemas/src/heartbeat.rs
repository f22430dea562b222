//! Debezium's heartbeat records: key `{serverName}`, value `{ts_ms}`.

use crate::{
    avro::write as avro,
    connect::{avro_text, json_text, shared},
    json::write as json,
};

/// The key's Avro schema, to register under `<topic>-key`.
pub fn avro_key() -> String {
    avro_text(&shared::heartbeat_key())
}

/// The value's Avro schema, to register under `<topic>-value`.
pub fn avro_value() -> String {
    avro_text(&shared::heartbeat_value())
}

#[derive(Debug)]
pub struct HeartbeatEncoder {
    /// The same in every record.
    key: Vec<u8>,
    before_time: Vec<u8>,
    form: Form,
}

#[derive(Debug)]
enum Form {
    Avro,
    Json { after_time: &'static [u8] },
}

impl HeartbeatEncoder {
    pub fn avro(prefix: &str, key_id: u32, value_id: u32) -> Self {
        let mut key = avro::frame(key_id).to_vec();
        avro::bytes(&mut key, prefix.as_bytes());
        Self { key, before_time: avro::frame(value_id).to_vec(), form: Form::Avro }
    }

    pub fn json(prefix: &str, with_schema: bool) -> Self {
        let (mut key, mut before_time) = (Vec::new(), Vec::new());
        if with_schema {
            for (out, schema) in
                [(&mut key, shared::heartbeat_key()), (&mut before_time, shared::heartbeat_value())]
            {
                json::literal(out, &format!("{{\"schema\":{},\"payload\":", json_text(&schema)));
            }
        }
        let end: &[u8] = if with_schema { b"}}" } else { b"}" };
        json::literal(&mut key, "{\"serverName\":");
        json::text(&mut key, prefix);
        key.extend_from_slice(end);
        json::literal(&mut before_time, "{\"ts_ms\":");
        Self { key, before_time, form: Form::Json { after_time: end } }
    }

    pub fn encode_key(&self, out: &mut Vec<u8>) {
        out.extend_from_slice(&self.key);
    }

    pub fn encode_value(&self, ts_ms: i64, out: &mut Vec<u8>) {
        out.extend_from_slice(&self.before_time);
        match self.form {
            Form::Avro => avro::long(out, ts_ms),
            Form::Json { after_time } => {
                json::integer(out, ts_ms);
                out.extend_from_slice(after_time);
            }
        }
    }
}
