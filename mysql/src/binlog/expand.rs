//! Compressed transactions: TRANSACTION_PAYLOAD -> its events, inflated one event at a time; and MariaDB's compressed
//! events, each by itself.
//!
//! Memory is one inflated event plus zstd's window (at most 128 MiB by zstd's own limit); a length that the
//! payload claims is never allocated before the bytes have come. The payload says how large it is when
//! inflated: more or fewer bytes than that are an error, so that no damage passes as a shorter transaction.

use std::io::{self, Read};

use bytes::{Buf, Bytes, buf};

use super::{Error, EventHeader, EventType, RawEvent, Result, compressed, reader::Reader};

/// An event larger than this is read piece by piece, as its bytes come.
const TRUSTED_SIZE: usize = 64 * 1024;

/// No server writes a larger one (max_allowed_packet is at most 1 GiB).
const MAX_SIZE: usize = (1 << 30) + (1 << 20);

/// See [`expand`].
pub struct Expand(State);

enum State {
    /// An event, compressed or not, of which nothing has been yielded.
    Fresh(RawEvent),
    Inflating(Box<Payload>),
    Done,
}

struct Payload {
    inflated: Inflated,
    /// Inflated bytes still to come, as the payload declared.
    left: u64,
    outer: EventHeader,
}

enum Inflated {
    Zstd(zstd::Decoder<'static, buf::Reader<Bytes>>),
    Plain(buf::Reader<Bytes>),
}

/// The events in a TRANSACTION_PAYLOAD; any other event yields itself, inflated if need be. After an error the iterator
/// ends.
pub fn expand(event: RawEvent) -> Expand {
    Expand(State::Fresh(event))
}

impl Iterator for Expand {
    type Item = Result<RawEvent>;

    fn next(&mut self) -> Option<Self::Item> {
        let mut payload = match std::mem::replace(&mut self.0, State::Done) {
            State::Fresh(event) if event.header.event_type != EventType::TransactionPayload => {
                return Some(match compressed::plain_type(event.header.event_type) {
                    Some(plain) => compressed::inflate(&event, plain),
                    None => Ok(event),
                });
            }
            State::Fresh(event) => match Payload::open(&event) {
                Ok(payload) => Box::new(payload),
                Err(error) => return Some(Err(error)),
            },
            State::Inflating(payload) => payload,
            State::Done => return None,
        };
        let next = payload.next_event().transpose();
        if let Some(Ok(_)) = next {
            self.0 = State::Inflating(payload);
        }
        next
    }
}

impl Payload {
    fn open(event: &RawEvent) -> Result<Self> {
        const END: u64 = 0;
        const PAYLOAD_SIZE: u64 = 1;
        const COMPRESSION: u64 = 2;
        const UNCOMPRESSED_SIZE: u64 = 3;

        let mut reader = Reader::new("a TRANSACTION_PAYLOAD event", &event.body);
        let (mut size, mut compression, mut uncompressed) = (None, None, None);
        loop {
            let field = reader.lenenc()?;
            if field == END {
                break;
            }
            let mut value = Reader::new("a TRANSACTION_PAYLOAD field", reader.lenenc_bytes()?);
            match field {
                PAYLOAD_SIZE => size = Some(value.lenenc()?),
                COMPRESSION => compression = Some(value.lenenc()?),
                UNCOMPRESSED_SIZE => uncompressed = Some(value.lenenc()?),
                // Later servers may say more; what they say is skipped by its length.
                _ => {}
            }
        }
        let payload = event.body.slice_ref(reader.left());
        if size != Some(payload.len() as u64) {
            return Err(reader.malformed(format!("payload of {size:?} bytes has {}", payload.len())));
        }
        let length = payload.len() as u64;
        let (inflated, left) = match compression {
            Some(0) => {
                let left = uncompressed.ok_or_else(|| reader.malformed("no uncompressed size"))?;
                let decoder = zstd::Decoder::with_buffer(payload.reader()).map_err(Error::Inflate)?;
                (Inflated::Zstd(decoder), left)
            }
            Some(255) => (Inflated::Plain(payload.reader()), uncompressed.unwrap_or(length)),
            other => {
                return Err(Error::Unsupported {
                    what: format!("compression algorithm {other:?} of a TRANSACTION_PAYLOAD event"),
                    remedy: "set binlog_transaction_compression=OFF on the source",
                });
            }
        };
        Ok(Self { inflated, left, outer: event.header })
    }

    /// The next event; None at the end of the payload.
    fn next_event(&mut self) -> Result<Option<RawEvent>> {
        if self.left == 0 {
            return self.expect_end();
        }
        let mut header = [0; EventHeader::LENGTH];
        self.charge(header.len() as u64)?;
        self.inflated.read_exact(&mut header).map_err(Error::Inflate)?;
        let mut header = EventHeader::parse(&header)?;
        let length = (header.event_size as usize).checked_sub(EventHeader::LENGTH);
        let length = length.filter(|length| *length <= MAX_SIZE).ok_or_else(|| Error::Malformed {
            what: "an event in a TRANSACTION_PAYLOAD",
            found: format!("its size is {}", header.event_size),
        })?;
        self.charge(length as u64)?;
        let mut body = Vec::with_capacity(length.min(TRUSTED_SIZE));
        (&mut self.inflated).take(length as u64).read_to_end(&mut body).map_err(Error::Inflate)?;
        if body.len() != length {
            return Err(Error::Truncated {
                what: "an event in a TRANSACTION_PAYLOAD",
                needed: length as u64,
                left: body.len() as u64,
            });
        }
        // Events in a payload have no position of their own: it is in the file as a whole.
        header.log_pos = self.outer.log_pos;
        Ok(Some(RawEvent { header, body: body.into(), inside_payload: true }))
    }

    fn charge(&mut self, length: u64) -> Result<()> {
        self.left = self.left.checked_sub(length).ok_or(Error::Truncated {
            what: "the declared size of a TRANSACTION_PAYLOAD",
            needed: length,
            left: self.left,
        })?;
        Ok(())
    }

    fn expect_end(&mut self) -> Result<Option<RawEvent>> {
        match self.inflated.read(&mut [0]) {
            Ok(0) => Ok(None),
            Ok(_) => Err(Error::Malformed {
                what: "a TRANSACTION_PAYLOAD event",
                found: "it inflates to more bytes than it declares".into(),
            }),
            Err(error) => Err(Error::Inflate(error)),
        }
    }
}

impl Read for Inflated {
    fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
        match self {
            Self::Zstd(decoder) => decoder.read(buffer),
            Self::Plain(bytes) => bytes.read(buffer),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn event(event_type: EventType, body: Vec<u8>) -> RawEvent {
        let event_size = (EventHeader::LENGTH + body.len()) as u32;
        let header =
            EventHeader { timestamp: 0, event_type, server_id: 1, event_size, log_pos: 999, flags: 0 };
        RawEvent { header, body: body.into(), inside_payload: false }
    }

    fn inner(bodies: &[&[u8]]) -> Vec<u8> {
        let mut bytes = Vec::new();
        for body in bodies {
            bytes.extend_from_slice(&event(EventType::Xid, body.to_vec()).header.to_bytes());
            bytes.extend_from_slice(body);
        }
        bytes
    }

    fn lenenc(value: u64) -> Vec<u8> {
        [vec![254], value.to_le_bytes().to_vec()].concat()
    }

    fn payload(compression: u8, declared: u64, bytes: &[u8]) -> RawEvent {
        let mut body = vec![2, 1, compression];
        if compression == 255 {
            body = vec![2, 3, 252, 255, 0];
        }
        body.extend([1, 9]);
        body.extend(lenenc(bytes.len() as u64));
        body.extend([3, 9]);
        body.extend(lenenc(declared));
        body.push(0);
        body.extend_from_slice(bytes);
        event(EventType::TransactionPayload, body)
    }

    fn bodies(event: RawEvent) -> Result<Vec<Bytes>> {
        expand(event).map(|event| event.map(|event| event.body)).collect()
    }

    #[test]
    fn other_events_yield_themselves() {
        assert_eq!(bodies(event(EventType::Xid, vec![1, 2])).unwrap(), [Bytes::from_static(&[1, 2])]);
    }

    #[test]
    fn inner_events_come_in_order_at_the_position_of_the_whole() {
        let plain = inner(&[b"one", b"", &vec![7; 300_000]]);
        let zstd = zstd::encode_all(&plain[..], 3).unwrap();
        for event in [payload(0, plain.len() as u64, &zstd), payload(255, plain.len() as u64, &plain)] {
            let events: Vec<_> = expand(event).collect::<Result<_>>().unwrap();
            assert_eq!(events.iter().map(|event| event.body.len()).collect::<Vec<_>>(), [3, 0, 300_000]);
            assert!(events.iter().all(|event| event.inside_payload && event.header.log_pos == 999));
        }
    }

    #[test]
    fn more_or_fewer_bytes_than_declared_are_an_error() {
        let plain = inner(&[b"one", b"two"]);
        let zstd = zstd::encode_all(&plain[..], 3).unwrap();
        for declared in [0, 22, plain.len() as u64 - 1, plain.len() as u64 + 1, 1 << 60] {
            assert!(bodies(payload(0, declared, &zstd)).is_err(), "{declared}");
            assert!(bodies(payload(255, declared, &plain)).is_err(), "{declared}");
        }
        for cut in 0..zstd.len() {
            assert!(bodies(payload(0, plain.len() as u64, &zstd[..cut])).is_err(), "{cut}");
        }
    }

    #[test]
    fn a_size_that_the_event_does_not_have_allocates_nothing() {
        let mut plain = inner(&[b"one"]);
        plain[9..13].copy_from_slice(&u32::MAX.to_le_bytes());
        assert!(bodies(payload(255, 1 << 40, &plain)).is_err());
    }

    #[test]
    fn an_unknown_compression_is_refused_by_name() {
        let error = bodies(payload(3, 0, b"")).unwrap_err();
        assert!(matches!(error, Error::Unsupported { .. }), "{error}");
    }
}
