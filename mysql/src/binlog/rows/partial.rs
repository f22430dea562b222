//! PARTIAL_UPDATE_ROWS -> UPDATE_ROWS: where the log says how a document has changed, the new document is made from the old one, which
//! the row's image before the change has. So nobody else needs to know that there are two ways to log an update.
//!
//! The event is laid out as an update, but each image after begins with a number of options; if that has bit 0, a bitmap follows with one bit for
//! each JSON column of the table, whether the image has it or not. Of a column whose bit is set the changes are logged, in the place
//! of the value.

use bytes::Bytes;

use super::{Cell, Present, RowsEvent, bit, in_column};
use crate::{
    binlog::{Error, EventHeader, EventType, RawEvent, Reader, Result, TableMap},
    jsonb::apply_diffs,
};

const PARTIAL_JSON: u64 = 1;

/// The same rows, their documents whole. `event` must be a PARTIAL_UPDATE_ROWS event, and `table` the one that it names.
pub(in crate::binlog) fn complete(event: &RawEvent, table: &TableMap) -> Result<RawEvent> {
    let rows = RowsEvent::parse_any(event)?;
    let head = event.body.len() - rows.images.len();
    let mut out = event.body[..head].to_vec();
    let mut images = Reader::new("a row image", rows.images);
    rows.ensure_of(table)?;
    while !images.is_empty() {
        let before = read_before(&mut images, table, rows.before, &mut out)?;
        write_after(&mut images, table, rows.after, &before, &mut out)?;
    }
    let header = EventHeader { event_type: EventType::UpdateRows, ..event.header };
    Ok(RawEvent { header, body: Bytes::from(out), inside_payload: event.inside_payload })
}

/// The number of the table that a rows event is of.
pub(in crate::binlog) fn table_of(event: &RawEvent) -> Result<u64> {
    RowsEvent::parse_any(event).map(|rows| rows.table_id)
}

/// The JSON values of the image, in the order of the table's JSON columns; `None`: NULL, or not there.
fn read_before<'a>(
    images: &mut Reader<'a>,
    table: &TableMap,
    present: Present<'_>,
    out: &mut Vec<u8>,
) -> Result<Vec<Option<&'a [u8]>>> {
    let start = images.left();
    let nulls = images.take(present.count.div_ceil(8))?;
    let (mut documents, mut nth) = (Vec::new(), 0);
    for (column, cell) in table.cells.iter().enumerate() {
        let mut document = None;
        if bit(present.bits, column) {
            if !bit(nulls, nth) {
                let place = images.left();
                cell.skip(images).map_err(|source| in_column(table, column, source))?;
                document = Some(&place[..place.len() - images.left().len()]);
            }
            nth += 1;
        }
        if let Cell::Json { length_bytes } = cell {
            documents.push(document.map(|stored| &stored[usize::from(*length_bytes)..]));
        }
    }
    out.extend_from_slice(&start[..start.len() - images.left().len()]);
    Ok(documents)
}

fn write_after(
    images: &mut Reader<'_>,
    table: &TableMap,
    present: Present<'_>,
    before: &[Option<&[u8]>],
    out: &mut Vec<u8>,
) -> Result<()> {
    let partial = match images.lenenc()? {
        0 => None,
        PARTIAL_JSON => Some(images.take(before.len().div_ceil(8))?),
        other => return Err(images.malformed(format!("options {other}"))),
    };
    let nulls = images.take(present.count.div_ceil(8))?;
    out.extend_from_slice(nulls);
    let (mut nth, mut json) = (0, 0);
    for (column, cell) in table.cells.iter().enumerate() {
        // A bit for each document, there or not.
        let mut changes = None;
        if let Cell::Json { length_bytes } = cell {
            if partial.is_some_and(|partial| bit(partial, json)) {
                changes = Some((*length_bytes, before[json]));
            }
            json += 1;
        }
        if !bit(present.bits, column) {
            continue;
        }
        let null = bit(nulls, nth);
        nth += 1;
        if null {
            continue;
        }
        let wrap = |source| in_column(table, column, source);
        let place = images.left();
        cell.skip(images).map_err(wrap)?;
        let stored = &place[..place.len() - images.left().len()];
        match changes {
            None => out.extend_from_slice(stored),
            Some((length_bytes, before)) => {
                let before = before.ok_or_else(|| wrap(no_before()))?;
                let length_bytes = usize::from(length_bytes);
                let whole = apply_diffs(before, &stored[length_bytes..]).map_err(wrap)?;
                let length = (whole.len() as u64).to_le_bytes();
                if length[length_bytes..].iter().any(|byte| *byte != 0) {
                    return Err(wrap(images.malformed(format!("a document of {} bytes", whole.len()))));
                }
                out.extend_from_slice(&length[..length_bytes]);
                out.extend_from_slice(&whole);
            }
        }
    }
    Ok(())
}

#[cold]
fn no_before() -> Error {
    Error::Unsupported {
        what: "a PARTIAL_UPDATE_ROWS event with changes of a document, but without the document".into(),
        remedy: "SET GLOBAL binlog_row_value_options='', or binlog_row_image=FULL, on the source, in running sessions too",
    }
}
