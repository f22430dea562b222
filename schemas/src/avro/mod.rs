//! Avro in Confluent's wire format: a zero byte, the schema's id (u32, big-endian), the body.

mod cursor;
mod decode;
mod encode;
mod kind;
mod plan;
mod schema;
mod skip;
pub(crate) mod write;

pub(crate) use encode::AvroEncoder;

pub use decode::{AvroDecoder, AvroRowDecoder};

use crate::{Error, Input, Result};

/// Splits a Confluent-framed record into the schema's id and the Avro body.
pub fn confluent_frame(record: &[u8]) -> Result<(u32, &[u8])> {
    match record {
        [0, a, b, c, d, body @ ..] => Ok((u32::from_be_bytes([*a, *b, *c, *d]), body)),
        [magic, _, _, _, _, ..] => {
            Err(Error::malformed(Input::ConfluentFrame, 0, format!("the first byte is {magic}, not 0")))
        }
        _ => Err(Error::malformed(Input::ConfluentFrame, record.len(), "it is shorter than 5 bytes")),
    }
}
