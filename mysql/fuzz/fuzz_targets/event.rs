//! A binlog as a whole: split into events, expanded, framed, rows decoded, values shown. Checksums are off, since a
//! fuzzer cannot guess them.
#![no_main]

use bytes::Bytes;
use libfuzzer_sys::fuzz_target;
use strait_mysql::binlog::{Checksum, EventHeader, Framer, RawEvent, Step, expand};

mod show;

fuzz_target!(|data: &[u8]| {
    let mut bytes = Bytes::copy_from_slice(data);
    let _ = RawEvent::parse(bytes.clone(), Checksum::Crc32);
    let mut framer = Framer::new("binlog.000001", 4);
    while let Ok(header) = EventHeader::parse(&bytes) {
        let size = (header.event_size as usize).clamp(1, bytes.len());
        let Ok(event) = RawEvent::parse(bytes.split_to(size), Checksum::None) else { continue };
        for event in expand(event) {
            let Ok(event) = event else { break };
            let step = framer.complete(event);
            match step.as_ref().map_err(drop).and_then(|event| framer.step(event).map_err(drop)) {
                Ok(Step::Rows { table, rows, .. }) => drop(show::rows(&table, &rows)),
                Ok(Step::Ddl { query, .. } | Step::CreateSelect(query)) => drop(query.text().into_owned()),
                Ok(_) => {}
                // A fuzzer's events are seldom in order: begin anew rather than end.
                Err(_) => framer = Framer::new("binlog.000001", 4),
            }
        }
    }
});
