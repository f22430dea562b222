//! Damaged binlogs: whatever is done to the bytes of real events, decoding ends in values or errors, never in a
//! panic; with checksums on no damage passes; and no event can be lost unseen.

use bytes::Bytes;
use strait_mysql::binlog::{Checksum, EventHeader, EventType, Framer, RawEvent, Result, Step, expand};

use super::{file, show};

/// A small generator with a fixed seed: the same damage in each run.
struct Dice(u64);

impl Dice {
    fn roll(&mut self, sides: usize) -> usize {
        self.0 ^= self.0 << 13;
        self.0 ^= self.0 >> 7;
        self.0 ^= self.0 << 17;
        (self.0 % sides as u64) as usize
    }
}

fn damage(body: &Bytes, dice: &mut Dice) -> Bytes {
    let mut bytes = body.to_vec();
    if bytes.is_empty() {
        return body.clone();
    }
    let at = dice.roll(bytes.len());
    match dice.roll(4) {
        0 => bytes.truncate(at),
        1 => bytes[at] = dice.roll(256) as u8,
        2 => bytes[at] ^= 1 << dice.roll(8),
        _ => bytes[at] = [0, 1, 0x7f, 0x80, 0xfb, 0xfe, 0xff][dice.roll(7)],
    }
    bytes.into()
}

/// Takes all events; after an error, goes on with a new framer, as after a reconnect. Counts the errors.
fn decode(events: &[RawEvent]) -> usize {
    let (mut framer, mut errors) = (Framer::new("binlog.000001", 4), 0);
    for event in events.iter().cloned().flat_map(expand) {
        if event.and_then(|event| decode_one(&mut framer, &event)).is_err() {
            framer = Framer::new("binlog.000001", 4);
            errors += 1;
        }
    }
    errors + usize::from(framer.in_transaction())
}

fn decode_one(framer: &mut Framer, event: &RawEvent) -> Result<()> {
    let event = framer.complete(event.clone())?;
    match framer.step(&event)? {
        Step::Rows { table, rows, .. } => show::rows(&table, &rows),
        _ => Ok(()),
    }
}

#[test]
fn no_damage_makes_decoding_panic() {
    let mut dice = Dice(0x5eed);
    for name in ["types", "framing", "compressed", "anonymous", "partial"] {
        let sound = file::events(name);
        assert_eq!(decode(&sound), 0);
        let mut found = 0;
        for _ in 0..40 {
            let mut events = sound.clone();
            for _ in 0..=dice.roll(8) {
                let at = dice.roll(events.len());
                events[at].body = damage(&events[at].body, &mut dice);
            }
            found += decode(&events);
        }
        assert!(found > 20, "much of the damage shows even without checksums: {found} in {name}");
    }
}

#[test]
fn checksums_find_every_damage() {
    let mut dice = Dice(0x5eed);
    for event in file::events("types") {
        let mut frame = event.header.to_bytes().to_vec();
        frame.extend_from_slice(&event.body);
        frame.extend_from_slice(&crc32fast::hash(&frame).to_le_bytes());
        assert!(RawEvent::parse(frame.clone().into(), Checksum::Crc32).is_ok());
        for _ in 0..20 {
            let mut bad = frame.clone();
            let at = EventHeader::LENGTH + dice.roll(bad.len() - EventHeader::LENGTH);
            bad[at] ^= 1 << dice.roll(8);
            assert!(RawEvent::parse(bad.into(), Checksum::Crc32).is_err());
        }
    }
}

#[test]
fn a_lost_event_never_passes() {
    for name in ["framing", "anonymous"] {
        let sound = file::events(name);
        for lost in 0..sound.len() {
            // These are of no transaction.
            let kind = sound[lost].header.event_type;
            if matches!(
                kind,
                EventType::FormatDescription | EventType::PreviousGtids | EventType::Rotate | EventType::Stop
            ) {
                continue;
            }
            let mut events = sound.clone();
            events.remove(lost);
            assert!(decode(&events) > 0, "{name}: event {lost}, {kind}");
        }
    }
}
