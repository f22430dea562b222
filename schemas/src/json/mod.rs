//! Connect's JSON: with the schema in each record (`{"schema":..,"payload":..}`) or the bare payload.

mod encode;
pub(crate) mod write;

pub(crate) use encode::JsonEncoder;

use crate::{Envelope, Result, TableSchema};
use std::sync::Arc;

/// What the images' columns are.
#[derive(Debug, Clone, PartialEq)]
pub enum Shape {
    /// The record carried its schema.
    Typed(Arc<TableSchema>),
    /// It did not: the column names, in the order of the images' values. The values are what JSON tells:
    /// null, boolean, integer, double, text (nested objects and arrays as their JSON text).
    Untyped(Arc<[String]>),
}

/// A decoded JSON record.
#[derive(Debug, Clone, PartialEq)]
pub struct JsonEnvelope<'a> {
    pub shape: Shape,
    pub envelope: Envelope<'a>,
}

/// Reads envelopes in JSON. Keeps the compiled form of the last schema seen, so that a run of records of
/// one table version compiles it once.
#[derive(Debug, Default)]
pub struct JsonDecoder {}

impl JsonDecoder {
    pub fn new() -> Self {
        Self::default()
    }

    /// `body`: the whole record value. Which of the two forms it is, the body itself tells.
    pub fn decode<'a>(&mut self, _body: &'a [u8]) -> Result<JsonEnvelope<'a>> {
        todo!()
    }
}
