//! Reads a fixture through the whole path: checksum, expansion, framing.

use std::{fs, path::PathBuf};

use bytes::Bytes;
use strait_mysql::binlog::{Checksum, EventHeader, Framer, RawEvent, Step, expand};

const MAGIC: &[u8] = b"\xfebin";

fn path(name: &str) -> PathBuf {
    [env!("CARGO_MANIFEST_DIR"), "tests", "fixtures", name].iter().collect()
}

pub fn text(name: &str) -> String {
    fs::read_to_string(path(name)).expect("a fixture that was committed")
}

/// The events of all files in a fixture, compressed transactions still closed.
pub fn events(name: &str) -> Vec<RawEvent> {
    let mut bytes =
        Bytes::from(fs::read(path(&format!("{name}.bin"))).expect("a fixture that was committed"));
    let mut events = Vec::new();
    while !bytes.is_empty() {
        if bytes.starts_with(MAGIC) {
            drop(bytes.split_to(MAGIC.len()));
        }
        let size = EventHeader::parse(&bytes).expect("a whole header").event_size;
        let frame = bytes.split_to(size as usize);
        events.push(RawEvent::parse(frame, Checksum::Crc32).expect("a sound event"));
    }
    events
}

pub fn each_step(name: &str, mut take: impl FnMut(Step, &Framer)) {
    let mut framer = Framer::new("binlog.000001", 4);
    for event in events(name) {
        for event in expand(event) {
            let event = framer.complete(event.expect("a sound payload")).expect("sound changes");
            let step = framer.step(&event).unwrap_or_else(|error| panic!("{error:?}"));
            take(step, &framer);
        }
    }
    assert!(!framer.in_transaction());
}

pub fn write(name: &str, text: &str) {
    fs::write(path(name), text).expect("the folder of fixtures");
}
