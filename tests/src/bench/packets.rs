//! The floor for reading a binary log: a client that asks for the dump and only counts packets and bytes.
//!
//! It speaks just enough of the protocol for an account with an empty password (which `caching_sha2_password` lets in
//! without an exchange), decodes nothing, checks nothing and keeps nothing. Whatever a connector does costs this plus its own work.

use std::{
    fs,
    io::{BufReader, Read, Write},
    net::TcpStream,
    time::{Duration, Instant},
};

use anyhow::{Context, Result, bail, ensure};

const COM_QUERY: u8 = 0x03;
const COM_BINLOG_DUMP_GTID: u8 = 0x1e;
/// End the dump with an EOF packet at the log's end instead of waiting for more.
const DUMP_NON_BLOCK: u16 = 0x01;
/// LONG_PASSWORD, PROTOCOL_41, TRANSACTIONS, SECURE_CONNECTION, PLUGIN_AUTH.
const CAPABILITIES: u32 = 0x1 | 0x200 | 0x2000 | 0x8000 | 0x8_0000;
const LARGEST_PAYLOAD: usize = 0x00ff_ffff;

/// What the dump sent.
#[derive(Debug, Clone, Copy, Default)]
pub struct PacketsRead {
    pub packets: u64,
    pub bytes: u64,
    pub elapsed: Duration,
    pub cpu: Duration,
}

/// Reads everything the server logged after `executed` (uuid, first, last of each interval held), to the log's end.
pub fn read_packets(
    host: &str,
    port: u16,
    user: &str,
    server_id: u32,
    executed: &[HeldInterval],
) -> Result<PacketsRead> {
    let started = Instant::now();
    let cpu_before = thread_cpu()?;
    let mut connection = RawConnection::open(host, port, user)?;
    connection.query("SET @source_binlog_checksum = 'CRC32', @master_binlog_checksum = 'CRC32'")?;
    connection.send(0, &dump_command(server_id, executed))?;
    let mut read = PacketsRead::default();
    loop {
        let length = connection.receive()?;
        let packet = connection.packet();
        match packet.first() {
            Some(0x00) => {
                read.packets += 1;
                read.bytes += length as u64;
            }
            Some(0xfe) => break,
            Some(0xff) => bail!("dump refused by {host}:{port}: {}", error_text(packet)),
            other => bail!("{host}:{port} sent a packet that begins with {other:?} inside a dump"),
        }
    }
    read.elapsed = started.elapsed();
    read.cpu = thread_cpu()?.saturating_sub(cpu_before);
    Ok(read)
}

/// One interval of transactions which the reader claims to hold already.
#[derive(Debug, Clone, Copy)]
pub struct HeldInterval {
    pub uuid: [u8; 16],
    pub first: u64,
    pub last: u64,
}

impl HeldInterval {
    /// From `uuid:first-last` or `uuid:number`, one interval.
    pub fn parse(text: &str) -> Result<Self> {
        let (uuid, interval) =
            text.split_once(':').with_context(|| format!("not a GTID interval: {text}"))?;
        let (first, last) = interval.split_once('-').unwrap_or((interval, interval));
        let hex: Vec<u8> = uuid.bytes().filter(|b| *b != b'-').collect();
        ensure!(hex.len() == 32, "not a server uuid: {uuid}");
        let mut bytes = [0; 16];
        for (to, pair) in bytes.iter_mut().zip(hex.chunks(2)) {
            *to = u8::from_str_radix(std::str::from_utf8(pair)?, 16)?;
        }
        Ok(Self { uuid: bytes, first: first.parse()?, last: last.parse()? })
    }
}

/// CPU time of the calling thread, to the nanosecond.
pub fn thread_cpu() -> Result<Duration> {
    let text = fs::read_to_string("/proc/thread-self/schedstat").context("reading this thread's CPU time")?;
    let nanoseconds = text.split(' ').next().context("empty schedstat")?;
    Ok(Duration::from_nanos(nanoseconds.parse()?))
}

fn dump_command(server_id: u32, executed: &[HeldInterval]) -> Vec<u8> {
    let mut held = (executed.len() as u64).to_le_bytes().to_vec();
    for interval in executed {
        held.extend_from_slice(&interval.uuid);
        held.extend_from_slice(&1u64.to_le_bytes());
        held.extend_from_slice(&interval.first.to_le_bytes());
        held.extend_from_slice(&(interval.last + 1).to_le_bytes());
    }
    let mut command = vec![COM_BINLOG_DUMP_GTID];
    command.extend_from_slice(&DUMP_NON_BLOCK.to_le_bytes());
    command.extend_from_slice(&server_id.to_le_bytes());
    command.extend_from_slice(&0u32.to_le_bytes()); // no file name
    command.extend_from_slice(&4u64.to_le_bytes());
    command.extend_from_slice(&(held.len() as u32).to_le_bytes());
    command.extend_from_slice(&held);
    command
}

struct RawConnection {
    reader: BufReader<TcpStream>,
    writer: TcpStream,
    buffer: Vec<u8>,
    filled: usize,
    sequence: u8,
}

impl RawConnection {
    fn open(host: &str, port: u16, user: &str) -> Result<Self> {
        let writer =
            TcpStream::connect((host, port)).with_context(|| format!("connecting to {host}:{port}"))?;
        writer.set_nodelay(true)?;
        let reader = BufReader::with_capacity(256 << 10, writer.try_clone()?);
        let mut connection = Self { reader, writer, buffer: Vec::new(), filled: 0, sequence: 0 };
        connection.receive().context("reading the handshake")?;
        ensure!(connection.packet().first() == Some(&10), "{host}:{port} does not speak protocol 10");
        let mut answer = CAPABILITIES.to_le_bytes().to_vec();
        answer.extend_from_slice(&(1u32 << 30).to_le_bytes());
        answer.push(255); // utf8mb4_0900_ai_ci
        answer.extend_from_slice(&[0; 23]);
        answer.extend_from_slice(user.as_bytes());
        answer.extend_from_slice(b"\0\0caching_sha2_password\0"); // end of the name, no password
        connection.send(connection.sequence, &answer)?;
        connection.accept_login(user)?;
        Ok(connection)
    }

    fn accept_login(&mut self, user: &str) -> Result<()> {
        loop {
            self.receive().context("reading the answer to the login")?;
            match self.packet().first() {
                Some(0x00) => return Ok(()),
                Some(0xfe) => self.send(self.sequence, &[])?, // another plugin: no password there either
                Some(0x01) => {}                              // fast authentication succeeded; OK follows
                _ => bail!("login of {user} refused: {}", error_text(self.packet())),
            }
        }
    }

    fn query(&mut self, sql: &str) -> Result<()> {
        let mut command = vec![COM_QUERY];
        command.extend_from_slice(sql.as_bytes());
        self.send(0, &command)?;
        self.receive()?;
        ensure!(self.packet().first() == Some(&0), "{sql}: {}", error_text(self.packet()));
        Ok(())
    }

    fn send(&mut self, sequence: u8, payload: &[u8]) -> Result<()> {
        let mut packet = (payload.len() as u32).to_le_bytes();
        packet[3] = sequence;
        self.writer.write_all(&[&packet, payload].concat())?;
        Ok(())
    }

    /// Reads one payload, joining those of the largest size with what follows; its length.
    fn receive(&mut self) -> Result<usize> {
        self.filled = 0;
        loop {
            let mut header = [0; 4];
            self.reader.read_exact(&mut header)?;
            self.sequence = header[3].wrapping_add(1);
            let length = u32::from_le_bytes([header[0], header[1], header[2], 0]) as usize;
            let end = self.filled + length;
            if self.buffer.len() < end {
                self.buffer.resize(end, 0);
            }
            self.reader.read_exact(&mut self.buffer[self.filled..end])?;
            self.filled = end;
            if length < LARGEST_PAYLOAD {
                return Ok(end);
            }
        }
    }

    fn packet(&self) -> &[u8] {
        &self.buffer[..self.filled]
    }
}

/// The text of an ERR packet (after its marker, code and SQL state).
fn error_text(packet: &[u8]) -> String {
    let code = packet.get(1..3).map_or(0, |b| u16::from_le_bytes([b[0], b[1]]));
    format!("error {code}: {}", String::from_utf8_lossy(packet.get(9..).unwrap_or_default()))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_interval_is_sent_half_open() {
        let held = HeldInterval::parse("00010203-0405-0607-0809-0a0b0c0d0e0f:1-7").expect("well formed");
        let command = dump_command(9, &[held]);
        assert_eq!(command[..3], [0x1e, 1, 0]);
        assert_eq!(command[19..23], 48u32.to_le_bytes());
        assert_eq!(command[31..47], [0, 1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11, 12, 13, 14, 15]);
        assert_eq!(command[command.len() - 8..], 8u64.to_le_bytes());
    }
}
