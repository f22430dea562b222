//! Values as rows store them: the way back of `rows::cell`.

use crate::value::{Date, DateTime};

/// Where an image's values go.
#[derive(Debug)]
pub struct Cells<'a> {
    out: &'a mut Vec<u8>,
}

const DATETIME_OFFSET: u64 = 0x80_0000_0000;
const TIME_OFFSET: i64 = 0x80_0000;

impl<'a> Cells<'a> {
    pub(super) fn new(out: &'a mut Vec<u8>) -> Self {
        Self { out }
    }

    /// An integer, or an ENUM's number, or a SET's bits, in so many bytes; the caller knows that it fits.
    pub fn integer(&mut self, bits: u64, bytes: u8) {
        self.out.extend(&bits.to_le_bytes()[..usize::from(bytes)]);
    }

    pub fn float(&mut self, value: f32) {
        self.out.extend(value.to_le_bytes());
    }

    pub fn double(&mut self, value: f64) {
        self.out.extend(value.to_le_bytes());
    }

    /// Big-endian, without a length: DECIMAL as stored, BIT.
    pub fn stored(&mut self, bytes: &[u8]) {
        self.out.extend(bytes);
    }

    /// `bits`: BIT(n)'s n.
    pub fn bits(&mut self, value: u64, bits: u16) {
        let bytes = usize::from(bits).div_ceil(8);
        self.out.extend(&value.to_be_bytes()[8 - bytes..]);
    }

    /// A length of so many bytes, then the bytes; the caller knows that they fit.
    pub fn bytes(&mut self, bytes: &[u8], length_bytes: u8) {
        self.integer(bytes.len() as u64, length_bytes);
        self.out.extend(bytes);
    }

    pub fn date(&mut self, date: Date) {
        self.integer(u64::from(date.year) << 9 | u64::from(date.month) << 5 | u64::from(date.day), 3);
    }

    pub fn datetime(&mut self, value: DateTime, fsp: u8) {
        let DateTime { date, hour, minute, second, micros } = value;
        let days = (u64::from(date.year) * 13 + u64::from(date.month)) << 5 | u64::from(date.day);
        let clock = u64::from(hour) << 12 | u64::from(minute) << 6 | u64::from(second);
        let whole = (days << 17 | clock) + DATETIME_OFFSET;
        self.out.extend(&whole.to_be_bytes()[3..]);
        self.fraction(micros, fsp);
    }

    /// `seconds` since 1970, UTC; 0 with no micros is the zero date.
    pub fn timestamp(&mut self, seconds: u32, micros: u32, fsp: u8) {
        self.out.extend(seconds.to_be_bytes());
        self.fraction(micros, fsp);
    }

    /// `micros`, with its sign. A negative one is negated as a whole, fraction included.
    pub fn time(&mut self, micros: i64, fsp: u8) {
        let magnitude = micros.unsigned_abs();
        let (seconds, fraction) = (magnitude / 1_000_000, magnitude % 1_000_000);
        let clock = (seconds / 3600) << 12 | (seconds / 60 % 60) << 6 | (seconds % 60);
        let bytes = usize::from(fsp).div_ceil(2);
        let packed = (clock << (8 * bytes)) as i64 + (fraction / unit(bytes)) as i64;
        let offset = TIME_OFFSET << (8 * bytes);
        let stored = offset + if micros < 0 { -packed } else { packed };
        self.out.extend(&stored.to_be_bytes()[8 - 3 - bytes..]);
    }

    fn fraction(&mut self, micros: u32, fsp: u8) {
        let bytes = usize::from(fsp).div_ceil(2);
        let stored = u64::from(micros) / unit(bytes);
        self.out.extend(&stored.to_be_bytes()[8 - bytes..]);
    }
}

/// Microseconds in the last place of a fraction of so many bytes.
fn unit(bytes: usize) -> u64 {
    match bytes {
        1 => 10_000,
        2 => 100,
        _ => 1,
    }
}
