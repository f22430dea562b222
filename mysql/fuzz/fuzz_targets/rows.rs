//! A TABLE_MAP body and a rows event's body: two bytes of length, the map, then the type and the rows.
#![no_main]

use libfuzzer_sys::fuzz_target;
use strait_mysql::binlog::{EventHeader, EventType, RawEvent, RowsEvent, TableMap};

mod show;

fn event(event_type: EventType, body: &[u8]) -> RawEvent {
    let header = EventHeader { timestamp: 0, event_type, server_id: 1, event_size: 0, log_pos: 0, flags: 0 };
    RawEvent { header, body: body.to_vec().into(), inside_payload: false }
}

fuzz_target!(|data: &[u8]| {
    let Some((length, rest)) = data.split_first_chunk::<2>() else { return };
    let (map, rest) = rest.split_at(usize::from(u16::from_le_bytes(*length)).min(rest.len()));
    let Some((kind, rows)) = rest.split_first() else { return };
    let Ok((_, table)) = TableMap::parse(&event(EventType::TableMap, map)) else { return };
    let event = event((*kind).into(), rows);
    if let Ok(rows) = RowsEvent::parse(&event) {
        drop(show::rows(&table, &rows));
    }
});
