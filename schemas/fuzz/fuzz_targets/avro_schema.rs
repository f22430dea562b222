//! A writer's schema, a zero byte, and a body: neither may cost without bound.
#![no_main]

use libfuzzer_sys::fuzz_target;
use strait_schemas::{AvroDecoder, AvroRowDecoder};

fuzz_target!(|data: &[u8]| {
    let end = data.iter().position(|byte| *byte == 0).unwrap_or(data.len());
    let Ok(schema) = std::str::from_utf8(&data[..end]) else { return };
    let body = data.get(end + 1..).unwrap_or_default();
    if let Ok(decoder) = AvroDecoder::new(schema) {
        let _ = decoder.decode(body);
    }
    if let Ok(decoder) = AvroRowDecoder::new(schema) {
        let _ = decoder.decode(body);
    }
});
