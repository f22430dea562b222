//! One byte of an event is another and its checksum is right again, as after a fault in the server's memory: no checksum finds that.
//!
//! It is done to each byte of each event, header and all, of every kind that the captured binlogs have, and to those within compressed
//! transactions. What then comes is other values or an error that names its place: never a panic, a loop without an end, or
//! memory for a length that the bytes only claim.

use std::{
    fs,
    time::{Duration, Instant},
};

use bytes::Bytes;
use strait_mysql::binlog::{Checksum, Error, EventHeader, EventType, Framer, RawEvent, Result, Step, expand};

use super::{file, show};

/// A longer event repeats itself.
const LONG: usize = 600;
/// Address space that all this may take beside what is taken before; a length of a flipped byte claims more.
const MEMORY_KB: u64 = 1 << 20;
/// A damaged transaction takes milliseconds; this is for machines that are busy.
const TIME: Duration = Duration::from_secs(10);
const FILE: &str = "binlog.000001";

/// A transaction's events, or those between transactions; and where they begin.
struct Run {
    events: Vec<RawEvent>,
    start: u64,
}

fn runs(events: impl IntoIterator<Item = RawEvent>) -> Vec<Run> {
    let mut runs: Vec<Run> = Vec::new();
    for event in events {
        let header = event.header;
        let begins = matches!(
            header.event_type,
            EventType::Gtid
                | EventType::GtidTagged
                | EventType::AnonymousGtid
                | EventType::MariaDbGtid
                | EventType::FormatDescription
        );
        match runs.last_mut() {
            Some(run) if !begins => run.events.push(event),
            _ => runs.push(Run {
                start: u64::from(header.log_pos.saturating_sub(header.event_size)),
                events: vec![event],
            }),
        }
    }
    runs
}

fn flipped(event: &RawEvent, at: usize, mask: u8) -> Result<RawEvent> {
    let mut bytes = [&event.header.to_bytes()[..], &event.body].concat();
    bytes[at] ^= mask;
    if event.inside_payload {
        let header = EventHeader::parse(&bytes)?;
        return Ok(RawEvent { header, body: Bytes::from(bytes).split_off(EventHeader::LENGTH), ..*event });
    }
    bytes.extend_from_slice(&crc32fast::hash(&bytes).to_le_bytes());
    RawEvent::parse(bytes.into(), Checksum::Crc32)
}

fn decode<'e>(start: u64, events: impl Iterator<Item = &'e RawEvent>) -> Result<()> {
    let mut framer = Framer::new(FILE, start);
    for event in events {
        if event.inside_payload {
            step(&mut framer, event)?;
            continue;
        }
        for inner in expand(event.clone()) {
            step(&mut framer, &inner?)?;
        }
    }
    Ok(())
}

fn step(framer: &mut Framer, event: &RawEvent) -> Result<()> {
    let event = framer.complete(event.clone()).map_err(placed)?;
    match framer.step(&event).map_err(placed)? {
        Step::Rows { table, rows, .. } => show::rows(&table, &rows),
        Step::Ddl { query, .. } | Step::CreateSelect(query) => {
            query.text();
            Ok(())
        }
        _ => Ok(()),
    }
}

/// An error names its place.
fn placed(error: Error) -> Error {
    let text = error.to_string();
    assert!(matches!(error, Error::At { .. }) && text.contains(&format!(" at {FILE}:")), "{text}");
    error
}

/// Flips each byte of the events in turn. How many flips there were, and how many showed.
fn flip_all(runs: &[Run]) -> (usize, usize) {
    let (mut flips, mut errors) = (0, 0);
    for Run { events, start } in runs {
        decode(*start, events.iter()).expect("a sound transaction");
        for (nth, event) in events.iter().enumerate() {
            for at in 0..(EventHeader::LENGTH + event.body.len()).min(LONG) {
                for mask in [0xff, 0x01] {
                    let began = Instant::now();
                    let outcome = flipped(event, at, mask).and_then(|bad| {
                        let others = events[..nth].iter().chain([&bad]).chain(&events[nth + 1..]);
                        decode(*start, others)
                    });
                    let kind = event.header.event_type;
                    assert!(
                        began.elapsed() < TIME,
                        "byte {at} of {kind} at {start} ^ {mask:#x}: {outcome:?}"
                    );
                    flips += 1;
                    errors += usize::from(outcome.is_err());
                }
            }
        }
    }
    (flips, errors)
}

/// The most address space that this process has had.
fn peak_kb() -> u64 {
    let status = fs::read_to_string("/proc/self/status").expect("Linux");
    let line = status.lines().find(|line| line.starts_with("VmPeak:")).expect("a line of it");
    line.split_ascii_whitespace().nth(1).and_then(|kb| kb.parse().ok()).expect("a number")
}

fn assert_flips_of(events: impl IntoIterator<Item = RawEvent>) {
    let before = peak_kb();
    let (flips, errors) = flip_all(&runs(events));
    let taken = peak_kb() - before;
    assert!(taken < MEMORY_KB, "{taken} KB");
    assert!(errors * 10 > flips, "headers and lengths show: {errors} of {flips}");
}

#[test]
fn flips_in_rows_of_every_type() {
    assert_flips_of(file::events("types"));
}

#[test]
fn flips_in_xa_savepoints_ddl_tags_and_partial_images() {
    assert_flips_of(file::events("framing"));
}

#[test]
fn flips_in_anonymous_transactions_and_statements() {
    assert_flips_of(file::events("anonymous"));
    assert_flips_of(file::events("statements"));
}

#[test]
fn flips_in_changes_of_documents() {
    assert_flips_of(file::events("partial"));
}

#[test]
fn flips_in_what_mariadb_writes() {
    assert_flips_of(file::events("mariadb"));
}

#[test]
fn flips_in_compressed_transactions() {
    assert_flips_of(file::events("compressed"));
}

#[test]
fn flips_within_compressed_transactions() {
    for name in ["anonymous", "compressed"] {
        let inner = file::events(name).into_iter().flat_map(expand).collect::<Result<Vec<_>>>();
        assert_flips_of(inner.expect("sound payloads"));
    }
}
