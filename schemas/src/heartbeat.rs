//! Debezium's heartbeat records: key `{serverName}`, value `{ts_ms}`.

/// The key's Avro schema, to register under `<topic>-key`.
pub fn avro_key() -> String {
    todo!()
}

/// The value's Avro schema, to register under `<topic>-value`.
pub fn avro_value() -> String {
    todo!()
}

#[derive(Debug)]
pub struct HeartbeatEncoder {}

impl HeartbeatEncoder {
    pub fn avro(_prefix: &str, _key_id: u32, _value_id: u32) -> Self {
        todo!()
    }

    pub fn json(_prefix: &str, _with_schema: bool) -> Self {
        todo!()
    }

    pub fn encode_key(&self, _out: &mut Vec<u8>) {
        todo!()
    }

    pub fn encode_value(&self, _ts_ms: i64, _out: &mut Vec<u8>) {
        todo!()
    }
}
