//! Debezium's transaction topic: a BEGIN and an END record for each source transaction.

/// The key's Avro schema, to register under `<topic>-key`.
pub fn avro_key() -> String {
    todo!()
}

/// The value's Avro schema, to register under `<topic>-value`.
pub fn avro_value() -> String {
    todo!()
}

#[derive(Debug)]
pub struct TransactionEncoder {}

impl TransactionEncoder {
    pub fn avro(_key_id: u32, _value_id: u32) -> Self {
        todo!()
    }

    pub fn json(_with_schema: bool) -> Self {
        todo!()
    }

    pub fn encode_key(&self, _id: &str, _out: &mut Vec<u8>) {
        todo!()
    }

    pub fn encode_begin(&self, _id: &str, _ts_ms: i64, _out: &mut Vec<u8>) {
        todo!()
    }

    /// `collections`: `<database>.<table>` and its number of events, in the order they first appeared.
    pub fn encode_end<'a>(
        &self,
        _id: &str,
        _ts_ms: i64,
        _collections: impl ExactSizeIterator<Item = (&'a str, i64)> + Clone,
        _out: &mut Vec<u8>,
    ) {
        todo!()
    }
}
