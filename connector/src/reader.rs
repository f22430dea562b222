//! The reading half: a task that takes events off the stream into a channel bounded in bytes. Waiting for
//! Kafka therefore stops the reading, and TCP carries the pressure back to the server.

use std::{
    sync::{Arc, mpsc},
    time::{Duration, Instant, SystemTime},
};

use strait_mysql::{
    binlog::{EventHeader, EventType, RawEvent},
    stream::BinlogStream,
};
use tokio::sync::{OwnedSemaphorePermit, Semaphore};

use crate::{Error, Result, metrics::Metrics};

/// What comes sooner after it was asked for lay in a buffer, for who knows how long.
const AT_ONCE: Duration = Duration::from_millis(2);

/// One event, and the room that it takes in the channel until it is dropped.
pub struct Arrived {
    pub event: RawEvent,
    /// When a heartbeat came, us since the epoch; 0 for other events.
    pub heard_us: i64,
    _room: OwnedSemaphorePermit,
}

/// The publisher's end of the channel.
pub struct Inbox {
    receiver: mpsc::Receiver<Result<Arrived>>,
    next: Option<Result<Arrived>>,
    room: Arc<Semaphore>,
    capacity: usize,
}

/// What came within the time given.
pub enum Taken {
    Event(Arrived),
    Nothing,
}

/// A channel with room for `capacity` bytes of events; one event may exceed it alone.
pub fn channel(capacity: u64) -> (Outbox, Inbox) {
    let (sender, receiver) = mpsc::channel();
    let capacity = usize::try_from(capacity).unwrap_or(usize::MAX).clamp(1, u32::MAX as usize);
    let room = Arc::new(Semaphore::new(capacity));
    let outbox = Outbox { sender, room: Arc::clone(&room), capacity };
    (outbox, Inbox { receiver, next: None, room, capacity })
}

pub struct Outbox {
    sender: mpsc::Sender<Result<Arrived>>,
    room: Arc<Semaphore>,
    capacity: usize,
}

impl Outbox {
    /// Reads until the stream fails or the inbox is gone. The failure is the last thing in the channel.
    pub async fn fill(self, mut stream: BinlogStream, place: String, metrics: Metrics) {
        loop {
            let asked = Instant::now();
            let event = match stream.next().await {
                Ok(event) => event,
                Err(source) => {
                    let attempted = "read the binary log";
                    // An inbox that is gone has a reason of its own.
                    let _ = self.sender.send(Err(Error::Source { attempted, place, source }));
                    return;
                }
            };
            let bytes = EventHeader::LENGTH + event.body.len();
            metrics.source_bytes.inc_by(bytes as u64);
            // A heartbeat says that nothing more comes now. One that lay in a buffer while we waited for room says
            // nothing: the next change may lie behind it.
            if is_heartbeat(&event) && asked.elapsed() < AT_ONCE {
                continue;
            }
            if self.put(event, bytes).await.is_err() {
                return;
            }
        }
    }

    async fn put(&self, event: RawEvent, bytes: usize) -> Result<(), ()> {
        let heard_us = if is_heartbeat(&event) { now_us() } else { 0 };
        let wanted = u32::try_from(bytes.min(self.capacity)).unwrap_or(u32::MAX);
        let room = match Arc::clone(&self.room).try_acquire_many_owned(wanted) {
            Ok(room) => room,
            // It would be old when it is looked at, and another one comes.
            Err(_) if is_heartbeat(&event) => return Ok(()),
            Err(_) => Arc::clone(&self.room).acquire_many_owned(wanted).await.map_err(drop)?,
        };
        self.sender.send(Ok(Arrived { event, heard_us, _room: room })).map_err(drop)
    }
}

fn is_heartbeat(event: &RawEvent) -> bool {
    matches!(event.header.event_type, EventType::Heartbeat | EventType::HeartbeatV2)
}

impl Inbox {
    /// Whether nothing waits.
    pub fn is_empty(&mut self) -> bool {
        if self.next.is_none() {
            self.next = self.receiver.try_recv().ok();
        }
        self.next.is_none()
    }

    /// The next event, waited for up to `patience`.
    pub fn take(&mut self, patience: Duration) -> Result<Taken> {
        if let Some(next) = self.next.take() {
            return next.map(Taken::Event);
        }
        match self.receiver.recv_timeout(patience) {
            Ok(next) => next.map(Taken::Event),
            Err(mpsc::RecvTimeoutError::Timeout) => Ok(Taken::Nothing),
            Err(mpsc::RecvTimeoutError::Disconnected) => {
                Err(Error::Restart { why: "the reader of the binary log has ended".into() })
            }
        }
    }

    /// Bytes of events that wait.
    pub fn bytes(&self) -> usize {
        self.capacity.saturating_sub(self.room.available_permits())
    }
}

pub fn now_us() -> i64 {
    let since = SystemTime::now().duration_since(SystemTime::UNIX_EPOCH).unwrap_or_default();
    i64::try_from(since.as_micros()).unwrap_or(i64::MAX)
}

#[cfg(test)]
mod tests {
    use super::*;
    use strait_mysql::binlog::EventType;

    fn event(bytes: usize) -> RawEvent {
        RawEvent {
            header: EventHeader {
                timestamp: 0,
                event_type: EventType::WriteRows,
                server_id: 1,
                event_size: 0,
                log_pos: 0,
                flags: 0,
            },
            body: vec![0; bytes - EventHeader::LENGTH].into(),
            inside_payload: false,
        }
    }

    fn taken(inbox: &mut Inbox) -> Option<usize> {
        match inbox.take(Duration::ZERO).expect("not failed") {
            Taken::Event(arrived) => Some(arrived.event.body.len() + EventHeader::LENGTH),
            Taken::Nothing => None,
        }
    }

    #[tokio::test]
    async fn the_channel_is_bounded_in_bytes() {
        let (outbox, mut inbox) = channel(100);
        assert!(inbox.is_empty());
        outbox.put(event(60), 60).await.expect("open");
        let second = outbox.put(event(60), 60);
        tokio::pin!(second);
        assert!(futures_util::poll!(&mut second).is_pending(), "120 bytes do not fit in 100");
        assert!(inbox.bytes() <= 100, "what waits for room counts too");
        assert_eq!(taken(&mut inbox), Some(60));
        second.await.expect("there is room again");
        assert!(!inbox.is_empty());
        assert_eq!(taken(&mut inbox), Some(60));
        assert_eq!((taken(&mut inbox), inbox.bytes()), (None, 0));
    }

    #[tokio::test]
    async fn one_event_may_exceed_the_bound_alone() {
        let (outbox, mut inbox) = channel(100);
        outbox.put(event(500), 500).await.expect("open");
        assert_eq!(inbox.bytes(), 100);
        assert_eq!(taken(&mut inbox), Some(500));
    }

    #[tokio::test]
    async fn a_heartbeat_does_not_wait_for_room() {
        let (outbox, mut inbox) = channel(100);
        let heartbeat = || RawEvent {
            header: EventHeader { event_type: EventType::Heartbeat, ..event(60).header },
            ..event(60)
        };
        outbox.put(heartbeat(), 60).await.expect("open");
        outbox.put(heartbeat(), 60).await.expect("passed over at once");
        assert_eq!(taken(&mut inbox), Some(60));
        assert_eq!(taken(&mut inbox), None);
    }

    #[tokio::test]
    async fn the_end_of_the_reader_is_an_error() {
        let (outbox, mut inbox) = channel(100);
        drop(outbox);
        assert!(matches!(inbox.take(Duration::ZERO), Err(Error::Restart { .. })));
    }
}
