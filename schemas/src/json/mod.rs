//! Connect's JSON: with the schema in each record (`{"schema":..,"payload":..}`) or the bare payload.

mod decode;
mod encode;
mod raw;
mod schema;
mod value;
pub(crate) mod write;

pub(crate) use encode::JsonEncoder;

pub use decode::{JsonDecoder, JsonEnvelope, Shape};
