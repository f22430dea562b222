//! What a prepared XA transaction has changed, read again from the binary log. The server logs the rows when the transaction
//! is prepared, perhaps long before it is known whether they count; XA COMMIT has only the identifier.
//!
//! This is a stream of its own beside the one that is followed. It comes as replica 0, as mysqlbinlog does: for that one the server
//! ends no other stream, and ends this one where the log ends instead of waiting there.

use std::time::Duration;

use super::{BinlogStream, FIRST_POSITION, Request, StartAt};
use crate::{
    Result,
    binlog::{Expand, Framer, LoggedRows, RawEvent, Step, Xid, expand},
    server::{Error, ServerOptions},
};

const REPLICA: u32 = 0;
const HEARTBEAT: Duration = Duration::from_secs(10);
/// A whole event of a gigabyte must have come within this.
const SILENCE: Duration = Duration::from_secs(300);

/// Where a transaction begins in a server's binary logs.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct LogPlace {
    pub file: String,
    pub pos: u64,
}

/// Where the transaction begins that was prepared under `xid` and has neither been committed nor rolled back since, looked for in one
/// file, up to `end` of it. `None`: it is not in this file. `server_uuid`: as in [`Request`].
pub async fn find_prepared(
    options: &ServerOptions,
    server_uuid: Option<&str>,
    xid: &Xid,
    file: &str,
    end: Option<u64>,
) -> Result<Option<LogPlace>> {
    let mut events = Events::open(options, server_uuid, file, FIRST_POSITION).await?;
    let (mut begins, mut found) = (0, None);
    loop {
        if end.is_some_and(|end| events.framer.pos() >= end) {
            break;
        }
        let event = events.next().await?;
        match events.framer.step(&event)? {
            Step::Rotate { file: next, .. } if *next != *file => break,
            Step::Begin { head, .. } => begins = head.pos,
            Step::XaPrepare { xid: prepared, one_phase: false, .. } if prepared == *xid => {
                found = Some(begins);
            }
            Step::XaCommit { xid: ended, .. } | Step::XaRollback { xid: ended, .. } if ended == *xid => {
                found = None;
            }
            _ => {}
        }
    }
    Ok(found.map(|pos| LogPlace { file: file.to_owned(), pos }))
}

/// The rows of one transaction, in their order.
pub struct PreparedRows {
    events: Events,
    place: String,
    file: String,
    pos: u64,
    begun: bool,
}

impl PreparedRows {
    /// `at`: where it begins. `server_uuid`: as in [`Request`].
    pub async fn open(options: &ServerOptions, server_uuid: Option<&str>, at: &LogPlace) -> Result<Self> {
        // The dump command cannot name a place beyond 4 GiB: what lies before it is passed over.
        let start = if u32::try_from(at.pos).is_ok() { at.pos } else { FIRST_POSITION };
        let events = Events::open(options, server_uuid, &at.file, start).await?;
        Ok(Self { events, place: options.place(), file: at.file.clone(), pos: at.pos, begun: false })
    }

    /// The next event of rows; `None`: the transaction has ended. Another transaction at this place is an error.
    pub async fn next(&mut self) -> Result<Option<LoggedRows>> {
        loop {
            let event = self.events.next().await?;
            let found = match self.events.framer.step(&event)? {
                Step::Begin { head, xa: Some(_) } if head.pos == self.pos => {
                    self.begun = true;
                    continue;
                }
                Step::Rows { table, pos, .. } if self.begun => Some((table, pos)),
                Step::XaPrepare { .. } if self.begun => None,
                Step::Rotate { file, .. } if *file != *self.file => return Err(self.misplaced().into()),
                _ if self.events.framer.pos() > self.pos && !self.is_inside() => {
                    return Err(self.misplaced().into());
                }
                _ => continue,
            };
            return Ok(found.map(|(table, pos)| LoggedRows { table, event, pos }));
        }
    }

    /// Whether the transaction at the place, or its GTID event, has been read.
    fn is_inside(&self) -> bool {
        self.events.framer.head().is_some_and(|head| head.pos == self.pos)
    }

    fn misplaced(&self) -> Error {
        Error::Answer {
            place: self.place.clone(),
            name: format!("{}:{} of its binary log", self.file, self.pos),
            found: "no XA transaction that begins there".to_owned(),
        }
    }
}

/// Single events, those of compressed transactions too.
struct Events {
    stream: BinlogStream,
    opened: Option<Expand>,
    framer: Framer,
}

impl Events {
    async fn open(options: &ServerOptions, server_uuid: Option<&str>, file: &str, pos: u64) -> Result<Self> {
        let start = StartAt::File { file: file.to_owned(), pos };
        let request = Request {
            server_id: REPLICA,
            start: &start,
            heartbeat: HEARTBEAT,
            silence: SILENCE,
            server_uuid,
        };
        let stream = BinlogStream::request(options, &request).await?;
        Ok(Self { stream, opened: None, framer: Framer::new(file, pos) })
    }

    async fn next(&mut self) -> Result<RawEvent> {
        loop {
            if let Some(event) = self.opened.as_mut().and_then(Iterator::next) {
                return Ok(self.framer.complete(event?)?);
            }
            self.opened = Some(expand(self.stream.next().await?));
        }
    }
}
