//! JSON envelopes: whole records, and payloads of a table with every kind of column.
#![no_main]

use libfuzzer_sys::fuzz_target;
use std::sync::LazyLock;
use strait_schemas::JsonDecoder;

mod every_kind;

static SCHEMA: LazyLock<String> = LazyLock::new(|| every_kind::table().connect_json_value());

fuzz_target!(|data: &[u8]| {
    let mut decoder = JsonDecoder::new();
    let _ = decoder.decode(data);
    let record = [b"{\"schema\":", SCHEMA.as_bytes(), b",\"payload\":", data, b"}"].concat();
    let _ = decoder.decode(&record);
});
