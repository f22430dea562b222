//! A Kafka message as the merge wants it.

use bytes::Bytes;
use rdkafka::{
    Message,
    message::{BorrowedMessage, Headers},
};
use strait_schemas::{RecordSeq, headers};

use crate::{
    error::{Error, Result},
    merge::{KeyChange, Record},
};

/// A record as it is applied by key.
#[derive(Debug, Clone)]
pub struct KeyedRecord {
    pub offset: i64,
    /// `None`: another writer's.
    pub place: Option<RecordSeq>,
    pub key: Option<Bytes>,
    /// `None`: a tombstone.
    pub value: Option<Bytes>,
    pub exact: Option<Bytes>,
    /// Kafka's time of it, milliseconds since 1970; 0: none.
    pub written_ms: i64,
}

/// What a queued record costs besides its bytes.
const OVERHEAD: usize = 160;

impl KeyedRecord {
    pub fn cost(&self) -> usize {
        let bytes = |part: &Option<Bytes>| part.as_ref().map_or(0, Bytes::len);
        OVERHEAD + bytes(&self.key) + bytes(&self.value) + bytes(&self.exact)
    }
}

/// # Errors
/// `Header`: the record carries no `strait.seq`, or one that cannot be read.
pub fn read(message: &BorrowedMessage<'_>) -> Result<Record> {
    let (mut place, mut exact, mut key_change) = (None, None, KeyChange::No);
    if let Some(all) = message.headers() {
        for header in all.iter() {
            match header.key {
                headers::SEQ => {
                    let read = RecordSeq::from_bytes(header.value.unwrap_or_default());
                    place = Some(read.map_err(|error| wrong(message, format!("unreadable: {error}")))?);
                }
                headers::EXACT => exact = header.value.map(Bytes::copy_from_slice),
                headers::NEW_KEY => key_change = KeyChange::Leaves,
                headers::OLD_KEY => key_change = KeyChange::Arrives,
                _ => {}
            }
        }
    }
    Ok(Record {
        place: place.ok_or_else(|| wrong(message, "missing".into()))?,
        offset: message.offset(),
        value: message.payload().map(Bytes::copy_from_slice),
        exact,
        key_change,
    })
}

/// As [`read`], of any writer's: without a `strait.seq` it is not ours.
pub fn read_keyed(message: &BorrowedMessage<'_>) -> Result<KeyedRecord> {
    let (mut place, mut exact) = (None, None);
    for header in message.headers().into_iter().flat_map(Headers::iter) {
        match header.key {
            headers::SEQ => {
                let read = RecordSeq::from_bytes(header.value.unwrap_or_default());
                place = Some(read.map_err(|error| wrong(message, format!("unreadable: {error}")))?);
            }
            headers::EXACT => exact = header.value.map(Bytes::copy_from_slice),
            _ => {}
        }
    }
    Ok(KeyedRecord {
        offset: message.offset(),
        place,
        key: message.key().map(Bytes::copy_from_slice),
        value: message.payload().map(Bytes::copy_from_slice),
        exact,
        written_ms: message.timestamp().to_millis().unwrap_or(0),
    })
}

fn wrong(message: &BorrowedMessage<'_>, cause: String) -> Error {
    Error::Header {
        cause,
        topic: message.topic().to_owned(),
        partition: message.partition(),
        offset: message.offset(),
    }
}
