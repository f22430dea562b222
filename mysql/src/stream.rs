//! The binlog stream: events as the server's dump thread sends them, on one connection.
//!
//! Guarantee: every event that the server sends after the start is given once, in order, whole, its CRC
//! verified; or `next` fails. After an error the stream is of no use: open a new one from a known position.
//! `Disposition` tells a fault that a new connection may heal from one that only a human can.
//!
//! The client library is used for the transport only. What it gets wrong is contained here:
//! - It ends a stream without an error when the server shuts down. In blocking mode the end is a disconnect.
//! - It waits for ever on a dead connection. The server is asked for heartbeats; a silence that is too long is an
//!   error. Only whole events are seen, so a large one over a slow link is a silence, too: see `Request::silence`.
//! - It panics on some malformed events. A panic becomes an error, and the stream is dropped.
//! - It inflates compressed transactions on its own and appends their events to the stream, without a bound or
//!   a check. Those copies are passed over: our own `expand` opens the compressed event itself.
//! - It does not verify checksums. `RawEvent` does.
//! - It takes the checksum of MariaDB's very first event for a part of it. See `mariadb`.
//!
//! `@source_binlog_checksum` is left alone on purpose: asked for CRC32 by that name, the server puts a
//! checksum on the very first event, before the client can know. Which checksum is in use is read from the
//! server's format description.

mod mariadb;
mod prepared;

use std::{
    panic::AssertUnwindSafe,
    time::{Duration, Instant},
};

use bytes::Bytes;
use futures_util::{FutureExt as _, StreamExt as _};
use mysql_async::{BinlogStreamRequest, Conn, Error as ClientError, binlog::events::Event};

use crate::{
    Result,
    binlog::{Checksum, EventHeader, EventType, RawEvent},
    client::{code, server_code, server_message},
    gtid::GtidSet,
    server::{Error, ServerOptions, Session, connect_session, read_identity},
};

pub use prepared::{LogPlace, PreparedRows, find_prepared};

/// Where a stream begins.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum StartAt {
    /// After all transactions of this set.
    Gtid(GtidSet),
    /// At this position of a file. An empty file name: the oldest file that the server still has.
    File { file: String, pos: u64 },
}

impl std::fmt::Display for StartAt {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        match self {
            Self::Gtid(set) if set.is_empty() => f.write_str("the first GTID"),
            Self::Gtid(set) => write!(f, "GTID set {set}"),
            Self::File { file, .. } if file.is_empty() => f.write_str("the oldest binary log"),
            Self::File { file, pos } => write!(f, "{file}:{pos}"),
        }
    }
}

/// The stream's first byte sits at this position of every file.
const FIRST_POSITION: u64 = 4;
/// How long the server may take for the first event: it looks through its files for the start.
const OPENING: Duration = Duration::from_secs(60);
/// A reader that stops for a while (a slow Kafka) must not be taken for dead by the server.
const WRITE_TIMEOUT: Duration = Duration::from_secs(24 * 3600);

/// How a stream is asked for.
#[derive(Debug, Clone, Copy)]
pub struct Request<'a> {
    /// The replica that we are to the server.
    pub server_id: u32,
    pub start: &'a StartAt,
    /// A heartbeat comes whenever nothing was sent for so long.
    pub heartbeat: Duration,
    /// So long without a whole event is an error. Where it is longer than three heartbeats, it is so until the
    /// transaction has passed for which it was needed.
    pub silence: Duration,
    /// The one server that will do, where the start means something at that one only: a name may lead to
    /// another server with each connection.
    pub server_uuid: Option<&'a str>,
}

pub struct BinlogStream {
    events: mysql_async::BinlogStream,
    /// The first event, read while opening so that a refusal of the start is an error of `open`.
    first: Option<RawEvent>,
    origin: Origin,
    /// Longest wait for an event: now, and as a rule.
    silence: Duration,
    usual: Duration,
    /// An event has come that took longer than usual.
    was_slow: bool,
    /// The library's copies of the inner events of a compressed transaction are being passed over.
    skipping_copies: bool,
}

/// What messages say about the stream.
struct Origin {
    place: String,
    server_id: u32,
    start: String,
}

impl BinlogStream {
    /// Opens a stream as replica `server_id` of any server; three heartbeats without anything are an error.
    pub async fn open(
        options: &ServerOptions,
        server_id: u32,
        start: &StartAt,
        heartbeat: Duration,
    ) -> Result<Self> {
        let silence = usual_silence(heartbeat);
        Self::request(options, &Request { server_id, start, heartbeat, silence, server_uuid: None }).await
    }

    /// Opens a stream.
    pub async fn request(options: &ServerOptions, request: &Request<'_>) -> Result<Self> {
        let Request { server_id, start, heartbeat, .. } = *request;
        let origin = Origin { place: options.place(), server_id, start: start.to_string() };
        let session = Session {
            setup: session_setup(heartbeat),
            program: Some("strait binlog".to_owned()),
            ..Session::default()
        };
        let mut conn = connect_session(options, &session).await?;
        let opening = async {
            if let Some(expected) = request.server_uuid {
                ensure_server(&mut conn, &origin, expected).await?;
            }
            let mariadb = mariadb::prepare(&mut conn, start, &origin.place).await?;
            let dump = dump_request(server_id, start, mariadb, &origin)?;
            let events = conn.get_binlog_stream(dump).await.map_err(|error| origin.refused(error))?;
            Ok::<_, Error>(events)
        };
        let Ok(opened) = tokio::time::timeout(OPENING, opening).await else {
            return Err(Error::TimedOut {
                place: origin.place,
                doing: "opening the binlog stream",
                limit: OPENING,
            }
            .into());
        };
        let mut stream = Self {
            events: opened?,
            first: None,
            origin,
            silence: OPENING,
            usual: usual_silence(heartbeat),
            was_slow: false,
            skipping_copies: false,
        };
        stream.first = Some(stream.next().await?);
        stream.silence = request.silence;
        stream.was_slow = false;
        Ok(stream)
    }

    /// The next event, heartbeats and artificial ones included. Any error ends the stream. Cancel-safe.
    pub async fn next(&mut self) -> Result<RawEvent> {
        if let Some(event) = self.first.take() {
            return Ok(event);
        }
        loop {
            let asked = Instant::now();
            let event = self.receive().await?;
            self.note_pace(&event, asked.elapsed());
            if !self.is_copy(&event) {
                return Ok(mariadb::without_checksum(raw_event(event)?));
            }
        }
    }

    /// The next transaction after a slow one is waited for as usual again.
    fn note_pace(&mut self, event: &Event, waited: Duration) {
        let event_type = EventType::from(event.header().event_type_raw());
        if self.was_slow && begins_transaction(event_type) {
            self.silence = self.usual;
            self.was_slow = false;
        }
        self.was_slow |= waited > self.usual;
    }

    async fn receive(&mut self) -> Result<Event, Error> {
        // The stream is dropped after a panic (every error ends it), so nothing broken is seen again.
        let next = AssertUnwindSafe(self.events.next()).catch_unwind();
        let Ok(caught) = tokio::time::timeout(self.silence, next).await else {
            return Err(Error::StreamSilent { place: self.origin.place.clone(), limit: self.silence });
        };
        match caught {
            Ok(Some(Ok(event))) => Ok(event),
            Ok(Some(Err(error))) => Err(self.origin.refused(error)),
            Ok(None) => Err(Error::StreamEnded { place: self.origin.place.clone() }),
            Err(panic) => {
                Err(Error::StreamPanicked { place: self.origin.place.clone(), cause: panic_text(&*panic) })
            }
        }
    }

    /// Whether this is one of the library's copies out of a compressed transaction. A compressed event holds
    /// the whole of its transaction after the GTID, so the copies end where an event comes that is never inside one.
    fn is_copy(&mut self, event: &Event) -> bool {
        let event_type = EventType::from(event.header().event_type_raw());
        if self.skipping_copies && !begins_outside_payload(event_type) {
            return true;
        }
        self.skipping_copies = event_type == EventType::TransactionPayload;
        false
    }
}

/// Three heartbeats that did not come.
fn usual_silence(heartbeat: Duration) -> Duration {
    heartbeat * 3
}

/// Asked on the very connection that will stream.
async fn ensure_server(conn: &mut Conn, origin: &Origin, expected: &str) -> Result<(), Error> {
    match read_identity(conn)
        .await
        .map_err(Error::query(&origin.place, "asking for the server's identity"))?
    {
        Some(found) if found == expected => Ok(()),
        found => Err(Error::OtherServer {
            place: origin.place.clone(),
            expected: expected.to_owned(),
            found: found.unwrap_or_default(),
        }),
    }
}

fn begins_transaction(event_type: EventType) -> bool {
    matches!(
        event_type,
        EventType::Gtid | EventType::GtidTagged | EventType::AnonymousGtid | EventType::MariaDbGtid
    )
}

fn begins_outside_payload(event_type: EventType) -> bool {
    matches!(
        event_type,
        EventType::Gtid
            | EventType::GtidTagged
            | EventType::AnonymousGtid
            | EventType::Rotate
            | EventType::FormatDescription
            | EventType::PreviousGtids
            | EventType::Stop
            | EventType::Heartbeat
            | EventType::HeartbeatV2
            | EventType::Incident
            | EventType::TransactionPayload
    )
}

fn session_setup(heartbeat: Duration) -> Vec<String> {
    let nanos = heartbeat.as_nanos();
    vec![
        format!("SET @master_heartbeat_period = {nanos}, @source_heartbeat_period = {nanos}"),
        format!("SET SESSION net_write_timeout = {}", WRITE_TIMEOUT.as_secs()),
    ]
}

fn dump_request<'a>(
    server_id: u32,
    start: &'a StartAt,
    mariadb: bool,
    origin: &Origin,
) -> Result<BinlogStreamRequest<'a>, Error> {
    let request = BinlogStreamRequest::new(server_id).with_hostname(b"strait");
    Ok(match start {
        // It is in the session's variables.
        StartAt::Gtid(_) if mariadb => request.with_pos(FIRST_POSITION),
        StartAt::Gtid(set) => request.with_gtid().with_gtid_set(set.to_sids()),
        StartAt::File { file, pos } => {
            if u32::try_from(*pos).is_err() {
                return Err(Error::Answer {
                    place: origin.place.clone(),
                    name: "a start position".to_owned(),
                    found: format!("{pos}, beyond the 4 GiB that the dump command can name"),
                });
            }
            request.with_filename(file.as_bytes()).with_pos((*pos).max(FIRST_POSITION))
        }
    })
}

impl Origin {
    /// Sorts what the server or the connection answers in place of an event.
    fn refused(&self, source: ClientError) -> Error {
        let place = self.place.clone();
        let Some(number) = server_code(&source) else { return Error::Stream { place, source } };
        let message = server_message(&source).unwrap_or_default();
        match number {
            code::FATAL_BINLOG if says_duplicate(message) => {
                Error::DuplicateServerId { place, server_id: self.server_id, source }
            }
            code::FATAL_BINLOG if says_purged(message) => {
                Error::Purged { place, start: self.start.clone(), source }
            }
            code::FATAL_BINLOG => Error::Refused { place, start: self.start.clone(), source },
            code::ACCESS_DENIED | code::SPECIFIC_ACCESS_DENIED => Error::Rights { place, source },
            _ => Error::Stream { place, source },
        }
    }
}

/// "A replica (slave) with the same server_uuid/server_id as this replica has connected to the source ..."
fn says_duplicate(message: &str) -> bool {
    message.contains("same server_uuid/server_id")
}

/// MySQL by GTID and by file, MariaDB by GTID.
fn says_purged(message: &str) -> bool {
    message.contains("purged required binary logs")
        || message.contains("Could not find first log file name")
        || message.contains("which is not in the master's binlog")
        || message.contains("required binlog files have been purged")
}

/// Puts an event into our own form. The body is not copied: it stays where the library has it.
fn raw_event(event: Event) -> Result<RawEvent, crate::binlog::Error> {
    let header = event.header();
    let header = EventHeader {
        timestamp: header.timestamp(),
        event_type: header.event_type_raw().into(),
        server_id: header.server_id(),
        event_size: header.event_size(),
        log_pos: header.log_pos(),
        flags: header.flags_raw(),
    };
    let stored = event.checksum();
    if header.event_type == EventType::FormatDescription {
        return RawEvent::parse(format_description_frame(&header, &event), Checksum::Crc32);
    }
    RawEvent::from_parts(header, Bytes::from_owner(Body(event)), stored.map(u32::from_le_bytes))
}

struct Body(Event);

impl AsRef<[u8]> for Body {
    fn as_ref(&self) -> &[u8] {
        self.0.data()
    }
}

/// The library cuts the algorithm and the checksum off a format description; its checksum covers both.
fn format_description_frame(header: &EventHeader, event: &Event) -> Bytes {
    let mut frame = Vec::with_capacity(header.event_size as usize);
    frame.extend_from_slice(&header.to_bytes());
    frame.extend_from_slice(event.data());
    if let Ok(Some(algorithm)) = event.footer().get_checksum_alg() {
        frame.push(algorithm as u8);
        frame.extend_from_slice(&event.checksum().unwrap_or_default());
    }
    frame.into()
}

fn panic_text(panic: &(dyn std::any::Any + Send)) -> String {
    panic
        .downcast_ref::<String>()
        .cloned()
        .or_else(|| panic.downcast_ref::<&str>().map(|text| (*text).to_owned()))
        .unwrap_or_else(|| "no text".to_owned())
}
