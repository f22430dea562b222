//! TABLE_MAP bodies.
#![no_main]

use libfuzzer_sys::fuzz_target;
use strait_mysql::binlog::{EventHeader, EventType, RawEvent, TableMap};

fuzz_target!(|data: &[u8]| {
    let event = RawEvent {
        header: EventHeader {
            timestamp: 0,
            event_type: EventType::TableMap,
            server_id: 1,
            event_size: 0,
            log_pos: 0,
            flags: 0,
        },
        body: data.to_vec().into(),
        inside_payload: false,
    };
    if let Ok((_, table)) = TableMap::parse(&event) {
        assert!(table.primary_key.iter().all(|part| part.column < table.columns.len()));
    }
});
