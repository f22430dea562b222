//! QUERY bodies.
#![no_main]

use libfuzzer_sys::fuzz_target;
use strait_mysql::binlog::{EventHeader, EventType, QueryEvent, RawEvent};

fuzz_target!(|data: &[u8]| {
    let event = RawEvent {
        header: EventHeader {
            timestamp: 0,
            event_type: EventType::Query,
            server_id: 1,
            event_size: 0,
            log_pos: 0,
            flags: 0,
        },
        body: data.to_vec().into(),
        inside_payload: false,
    };
    if let Ok(query) = QueryEvent::parse(&event) {
        drop(query.text().into_owned());
        drop(query.database_text().into_owned());
    }
});
