//! Spine and position records: what is read is written as what reads the same, and splits into the same.
#![no_main]

use libfuzzer_sys::fuzz_target;
use strait_schemas::{Position, SpineRecord, spine};

fuzz_target!(|data: &[u8]| {
    if let Ok(record) = SpineRecord::decode(data) {
        assert_eq!(SpineRecord::decode(&record.encode()).expect("what was just written"), record);
        let counts = |records: &[SpineRecord]| -> usize {
            records.iter().flat_map(|record| &record.parts).map(|part| part.counts.len()).sum()
        };
        let all = counts(std::slice::from_ref(&record));
        assert_eq!(counts(&spine::split(record, 300)), all);
    }
    if let Ok(position) = Position::decode(data) {
        assert_eq!(Position::decode(&position.encode()).expect("what was just written"), position);
    }
});
