//! The two headers: what is read is written as the same bytes.
#![no_main]

use libfuzzer_sys::fuzz_target;
use strait_schemas::{RecordSeq, confluent_frame, decode_exact, encode_exact};

fuzz_target!(|data: &[u8]| {
    if let Ok(record) = RecordSeq::from_bytes(data) {
        assert_eq!(record.to_bytes(), data[..RecordSeq::LEN]);
    }
    if let Ok(values) = decode_exact(data) {
        assert_eq!(encode_exact(&values), data);
    }
    let _ = confluent_frame(data);
});
