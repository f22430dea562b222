//! Dates and times as stored; zero and partial dates are kept as they are.

#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct Date {
    pub year: u16,
    pub month: u8,
    pub day: u8,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub struct Time {
    pub negative: bool,
    /// 0 to 838.
    pub hours: u16,
    pub minutes: u8,
    pub seconds: u8,
    pub micros: u32,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct DateTime {
    pub date: Date,
    pub hour: u8,
    pub minute: u8,
    pub second: u8,
    pub micros: u32,
}

impl Date {
    /// Days since 1970-01-01; None for zero and partial dates and days that no calendar has (2024-02-31).
    pub fn days(&self) -> Option<i32> {
        todo!()
    }
    /// "2024-02-29"
    pub fn write_text(&self, _out: &mut String) {
        todo!()
    }
}

impl Time {
    /// Signed microseconds.
    pub fn total_micros(&self) -> i64 {
        todo!()
    }
    /// "-838:59:59.000000" with `fsp` fractional digits.
    pub fn write_text(&self, _fsp: u8, _out: &mut String) {
        todo!()
    }
}

impl DateTime {
    /// Microseconds since 1970-01-01 00:00:00, without any time zone; None where [`Date::days`] is None.
    pub fn micros_since_epoch(&self) -> Option<i64> {
        todo!()
    }
    /// From seconds since the epoch, in UTC.
    pub fn from_epoch(_seconds: i64, _micros: u32) -> Self {
        todo!()
    }
    pub fn write_text(&self, _fsp: u8, _out: &mut String) {
        todo!()
    }
}
