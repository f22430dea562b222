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

fn wrong(message: &BorrowedMessage<'_>, cause: String) -> Error {
    Error::Header {
        cause,
        topic: message.topic().to_owned(),
        partition: message.partition(),
        offset: message.offset(),
    }
}
