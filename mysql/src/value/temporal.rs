//! Dates and times as stored; zero and partial dates are kept as they are.
//!
//! Packed forms: DATE is 3 bytes little-endian (15 bits year, 4 month, 5 day). TIME, DATETIME and TIMESTAMP are
//! big-endian with a fraction of 0 to 3 bytes. TIME and DATETIME are offset so that bytes sort as values, and a
//! negative TIME is the negated packed number as a whole, fraction included.

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

const MAX_MICROS: u32 = 999_999;

/// Bytes of a fraction with so many digits.
pub(crate) const fn fraction_length(fsp: u8) -> usize {
    (fsp as usize).div_ceil(2)
}

/// Microseconds from the stored fraction (0 to 3 bytes, big-endian).
pub(crate) fn fraction_micros(stored: &[u8]) -> Option<u32> {
    let unit = match stored.len() {
        0 => return Some(0),
        1 => 10_000,
        2 => 100,
        3 => 1,
        _ => return None,
    };
    let value = stored.iter().fold(0, |value, byte| value << 8 | u32::from(*byte));
    value.checked_mul(unit).filter(|micros| *micros <= MAX_MICROS)
}

impl Date {
    pub(crate) fn from_stored(stored: [u8; 3]) -> Self {
        let packed = u32::from_le_bytes([stored[0], stored[1], stored[2], 0]);
        Self { year: (packed >> 9) as u16, month: (packed >> 5 & 15) as u8, day: (packed & 31) as u8 }
    }

    /// Days since 1970-01-01; None for zero and partial dates and days that no calendar has (2024-02-31).
    pub fn days(&self) -> Option<i32> {
        let leap =
            self.year.is_multiple_of(4) && (!self.year.is_multiple_of(100) || self.year.is_multiple_of(400));
        let length = match self.month {
            4 | 6 | 9 | 11 => 30,
            2 => 28 + u8::from(leap),
            1..=12 => 31,
            _ => return None,
        };
        if self.day == 0 || self.day > length {
            return None;
        }
        // Days from civil date, with years that begin in March so that the leap day is the last.
        let month = (i32::from(self.month) + 9) % 12;
        let year = i32::from(self.year) - i32::from(self.month <= 2);
        let day_of_year = (153 * month + 2) / 5 + i32::from(self.day) - 1;
        let (century, year_of) = (year.div_euclid(400), year.rem_euclid(400));
        Some(century * 146_097 + year_of * 365 + year_of / 4 - year_of / 100 + day_of_year - 719_468)
    }

    /// Of days since 1970-01-01, in the years 0 to 9999.
    pub fn from_days(days: i64) -> Self {
        let days = days + 719_468;
        let (era, day_of_era) = (days.div_euclid(146_097), days.rem_euclid(146_097));
        let year_of = (day_of_era - day_of_era / 1_460 + day_of_era / 36_524 - day_of_era / 146_096) / 365;
        let day_of_year = day_of_era - (365 * year_of + year_of / 4 - year_of / 100);
        let month = (5 * day_of_year + 2) / 153;
        let day = (day_of_year - (153 * month + 2) / 5 + 1) as u8;
        let month = if month < 10 { month + 3 } else { month - 9 } as u8;
        let year = era * 400 + year_of + i64::from(month <= 2);
        Self { year: year as u16, month, day }
    }

    /// "2024-02-29"
    pub fn write_text(&self, out: &mut String) {
        push_padded(u32::from(self.year), 4, out);
        out.push('-');
        push_padded(u32::from(self.month), 2, out);
        out.push('-');
        push_padded(u32::from(self.day), 2, out);
    }
}

impl Time {
    /// 3 bytes and the fraction. None for what is no TIME.
    pub(crate) fn from_stored(stored: &[u8]) -> Option<Self> {
        let (whole, fraction) =
            stored.split_first_chunk::<3>().filter(|(_, fraction)| fraction.len() <= 3)?;
        let bits = 8 * fraction.len() as u32;
        let offset = 0x80_0000_i64 << bits;
        let packed =
            whole.iter().chain(fraction).fold(0, |value, byte| value << 8 | i64::from(*byte)) - offset;
        let magnitude = packed.unsigned_abs();
        let fraction_bytes = (magnitude as u32).to_be_bytes();
        Self::from_parts(
            packed < 0,
            (magnitude >> bits) as u32,
            fraction_micros(&fraction_bytes[4 - fraction.len()..])?,
        )
    }

    /// `hms`: 10 bits hours, 6 minutes, 6 seconds.
    pub(crate) fn from_parts(negative: bool, hms: u32, micros: u32) -> Option<Self> {
        let (hours, minutes, seconds) = ((hms >> 12) as u16, (hms >> 6 & 63) as u8, (hms & 63) as u8);
        (hours <= 838 && minutes <= 59 && seconds <= 59 && micros <= MAX_MICROS).then_some(Self {
            negative,
            hours,
            minutes,
            seconds,
            micros,
        })
    }

    /// Signed microseconds.
    pub fn total_micros(&self) -> i64 {
        let seconds = i64::from(self.hours) * 3_600 + i64::from(self.minutes) * 60 + i64::from(self.seconds);
        let micros = seconds * 1_000_000 + i64::from(self.micros);
        if self.negative { -micros } else { micros }
    }

    /// "-838:59:59.000000" with `fsp` fractional digits.
    pub fn write_text(&self, fsp: u8, out: &mut String) {
        if self.negative {
            out.push('-');
        }
        push_padded(u32::from(self.hours), 2, out);
        push_minutes(self.minutes, self.seconds, out);
        push_fraction(self.micros, fsp, out);
    }
}

impl DateTime {
    /// 5 bytes and the fraction. None for what is no DATETIME.
    pub(crate) fn from_stored(stored: &[u8]) -> Option<Self> {
        let (whole, fraction) = stored.split_first_chunk::<5>()?;
        let packed = whole.iter().fold(0, |value, byte| value << 8 | u64::from(*byte));
        Self::from_parts(packed.checked_sub(0x80_0000_0000)?, fraction_micros(fraction)?)
    }

    /// `packed`: 17 bits year * 13 + month, 5 day, 5 hour, 6 minute, 6 second.
    pub(crate) fn from_parts(packed: u64, micros: u32) -> Option<Self> {
        let year_and_month = packed >> 22;
        let date = Date {
            year: u16::try_from(year_and_month / 13).ok()?,
            month: (year_and_month % 13) as u8,
            day: (packed >> 17 & 31) as u8,
        };
        let (hour, minute, second) =
            ((packed >> 12 & 31) as u8, (packed >> 6 & 63) as u8, (packed & 63) as u8);
        (hour <= 23 && minute <= 59 && second <= 59 && micros <= MAX_MICROS).then_some(Self {
            date,
            hour,
            minute,
            second,
            micros,
        })
    }

    /// Microseconds since 1970-01-01 00:00:00, without any time zone; None where [`Date::days`] is None.
    pub fn micros_since_epoch(&self) -> Option<i64> {
        let seconds = i64::from(self.hour) * 3_600 + i64::from(self.minute) * 60 + i64::from(self.second);
        Some((i64::from(self.date.days()?) * 86_400 + seconds) * 1_000_000 + i64::from(self.micros))
    }

    /// From seconds since the epoch (of the years 0 to 9999), in UTC.
    pub fn from_epoch(seconds: i64, micros: u32) -> Self {
        let (days, second) = (seconds.div_euclid(86_400), seconds.rem_euclid(86_400) as u32);
        Self {
            date: Date::from_days(days),
            hour: (second / 3_600) as u8,
            minute: (second / 60 % 60) as u8,
            second: (second % 60) as u8,
            micros,
        }
    }

    /// "2024-02-29 13:00:00.000000" with `fsp` fractional digits.
    pub fn write_text(&self, fsp: u8, out: &mut String) {
        self.date.write_text(out);
        out.push(' ');
        push_padded(u32::from(self.hour), 2, out);
        push_minutes(self.minute, self.second, out);
        push_fraction(self.micros, fsp, out);
    }
}

fn push_minutes(minutes: u8, seconds: u8, out: &mut String) {
    out.push(':');
    push_padded(u32::from(minutes), 2, out);
    out.push(':');
    push_padded(u32::from(seconds), 2, out);
}

fn push_fraction(micros: u32, fsp: u8, out: &mut String) {
    let fsp = fsp.min(6);
    if fsp > 0 {
        out.push('.');
        push_padded(micros / 10_u32.pow(6 - u32::from(fsp)), usize::from(fsp), out);
    }
}

fn push_padded(value: u32, width: usize, out: &mut String) {
    let mut digits = [b'0'; 10];
    let (mut at, mut left) = (digits.len(), value);
    while left > 0 {
        at -= 1;
        digits[at] = b'0' + (left % 10) as u8;
        left /= 10;
    }
    let from = at.min(digits.len() - width);
    out.extend(digits[from..].iter().map(|digit| char::from(*digit)));
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn text(write: impl FnOnce(&mut String)) -> String {
        let mut out = String::new();
        write(&mut out);
        out
    }

    fn time_text(stored: &[u8], fsp: u8) -> Option<String> {
        Time::from_stored(stored).map(|time| text(|out| time.write_text(fsp, out)))
    }

    #[test]
    fn negative_times_with_fractions_borrow_from_the_whole() {
        // Bytes as the server writes them, by the comment on packed TIME in its own source: -00:00:00.01 is
        // 7FFFFF.FF in TIME(2), -00:00:01.10 is 7FFFFE.F6.
        let cases: [(&[u8], u8, &str); 8] = [
            (&[0x80, 0, 0], 0, "00:00:00"),
            (&[0x7f, 0xff, 0xff, 0xff], 2, "-00:00:00.01"),
            (&[0x7f, 0xff, 0xff, 0x00], 2, "-00:00:01.00"),
            (&[0x7f, 0xff, 0xfe, 0xf6], 2, "-00:00:01.10"),
            (&[0x7f, 0xff, 0xff, 0xf6], 1, "-00:00:00.1"),
            (&[0x7f, 0xff, 0xff, 0xff, 0xff, 0xff], 6, "-00:00:00.000001"),
            (&[0x7f, 0xff, 0xff, 0xff, 0xff], 4, "-00:00:00.0001"),
            (&[0xb4, 0x6e, 0xfb], 0, "838:59:59"),
        ];
        for (stored, fsp, expected) in cases {
            assert_eq!(time_text(stored, fsp).as_deref(), Some(expected), "{stored:x?}");
        }
    }

    #[test]
    fn zero_and_partial_dates_stay_and_have_no_days() {
        for (date, expected) in
            [((0, 0, 0), "0000-00-00"), ((2024, 0, 0), "2024-00-00"), ((2024, 2, 31), "2024-02-31")]
        {
            let date = Date { year: date.0, month: date.1, day: date.2 };
            assert_eq!(text(|out| date.write_text(out)), expected);
            assert_eq!(date.days(), None);
        }
    }

    #[test]
    fn days_of_known_dates() {
        for (year, month, day, days) in [
            (1970, 1, 1, 0),
            (1969, 12, 31, -1),
            (2000, 2, 29, 11_016),
            (9999, 12, 31, 2_932_896),
            (0, 1, 1, -719_528),
        ] {
            let date = Date { year, month, day };
            assert_eq!(date.days(), Some(days));
            assert_eq!(Date::from_days(i64::from(days)), date);
        }
        assert_eq!(Date { year: 1900, month: 2, day: 29 }.days(), None);
    }

    #[test]
    fn timestamps_after_2038_are_in_2038() {
        assert_eq!(
            text(|out| DateTime::from_epoch(2_147_483_648, 5).write_text(6, out)),
            "2038-01-19 03:14:08.000005"
        );
        assert_eq!(
            text(|out| DateTime::from_epoch(i64::from(u32::MAX), 0).write_text(0, out)),
            "2106-02-07 06:28:15"
        );
    }

    proptest! {
        #[test]
        fn times_round_trip(hours in 0..=838_u16, minutes in 0..60_u8, seconds in 0..60_u8, fsp in 0..=6_u8, raw in 0..1_000_000_u32, negative: bool) {
            let unit = 10_u32.pow(6 - u32::from(fsp));
            let micros = raw / unit * unit;
            let stored_unit = [1_000_000, 10_000, 100, 1][fraction_length(fsp)];
            let hms = i64::from(hours) << 12 | i64::from(minutes) << 6 | i64::from(seconds);
            let bits = 8 * fraction_length(fsp);
            let packed = hms << bits | i64::from(micros / stored_unit);
            let negative = negative && packed != 0;
            let offset = if negative { (0x80_0000 << bits) - packed } else { (0x80_0000 << bits) + packed };
            let stored = &offset.to_be_bytes()[5 - fraction_length(fsp)..];
            prop_assert_eq!(Time::from_stored(stored), Some(Time { negative, hours, minutes, seconds, micros }));
        }

        #[test]
        fn datetimes_round_trip(
            year in 0..=9999_u16, month in 0..=12_u8, day in 0..=31_u8, hour in 0..24_u8, minute in 0..60_u8,
            second in 0..60_u8, micros in 0..1_000_000_u32,
        ) {
            let day_part = (u64::from(year) * 13 + u64::from(month)) << 5 | u64::from(day);
            let time_part = u64::from(hour) << 12 | u64::from(minute) << 6 | u64::from(second);
            let packed = (0x80_0000_0000 + (day_part << 17 | time_part)) << 24 | u64::from(micros);
            let expected = DateTime { date: Date { year, month, day }, hour, minute, second, micros };
            prop_assert_eq!(DateTime::from_stored(&packed.to_be_bytes()), Some(expected));
            if let Some(since) = expected.micros_since_epoch() {
                prop_assert_eq!(DateTime::from_epoch(since.div_euclid(1_000_000), micros), expected);
            }
        }

        #[test]
        fn no_bytes_make_it_panic(stored in prop::collection::vec(any::<u8>(), 0..9)) {
            if let Some(time) = Time::from_stored(&stored) {
                text(|out| time.write_text(6, out));
            }
            if let Some(datetime) = DateTime::from_stored(&stored) {
                datetime.micros_since_epoch();
            }
        }
    }
}
