//! Avro in Confluent's wire format: a zero byte, the schema's id (u32, big-endian), the body.

mod encode;
pub(crate) mod write;

pub(crate) use encode::AvroEncoder;

use crate::{Envelope, Error, Result, TableSchema, Value};

/// Splits a Confluent-framed record into the schema's id and the Avro body.
pub fn confluent_frame(record: &[u8]) -> Result<(u32, &[u8])> {
    match record {
        [0, a, b, c, d, body @ ..] => Ok((u32::from_be_bytes([*a, *b, *c, *d]), body)),
        [magic, _, _, _, _, ..] => {
            Err(Error::malformed("Confluent frame", 0, format!("the first byte is {magic}, not 0")))
        }
        _ => Err(Error::malformed("Confluent frame", record.len(), "it is shorter than 5 bytes")),
    }
}

/// Reads envelopes of one writer's schema.
#[derive(Debug)]
pub struct AvroDecoder {}

impl AvroDecoder {
    /// Compiles the writer's schema; refuses by name what is no change envelope or holds a column type
    /// that cannot be mapped.
    pub fn new(_writer_schema: &str) -> Result<Self> {
        todo!()
    }

    pub fn table(&self) -> &TableSchema {
        todo!()
    }

    /// `body`: what follows the five bytes of the frame.
    pub fn decode<'a>(&self, _body: &'a [u8]) -> Result<Envelope<'a>> {
        todo!()
    }
}

/// Reads rows of one writer's schema: a record's key.
#[derive(Debug)]
pub struct AvroRowDecoder {}

impl AvroRowDecoder {
    pub fn new(_writer_schema: &str) -> Result<Self> {
        todo!()
    }

    /// The columns of the row.
    pub fn table(&self) -> &TableSchema {
        todo!()
    }

    pub fn decode<'a>(&self, _body: &'a [u8]) -> Result<Vec<Value<'a>>> {
        todo!()
    }
}
