//! Dates and times in ISO 8601, in UTC, as Debezium writes them: a ZonedTimestamp with exactly the column's digits of a fraction
//! (none for a column without), IsoTime and IsoTimestamp with as many as it takes.

use strait_mysql::value::DateTime;

/// `2024-02-29T10:15:30.123Z`
pub fn write_zoned(seconds: i64, micros: u32, fsp: u8, out: &mut String) {
    let at = DateTime::from_epoch(seconds, micros);
    digits(u32::from(at.date.year), 4, out);
    out.push('-');
    digits(u32::from(at.date.month), 2, out);
    out.push('-');
    digits(u32::from(at.date.day), 2, out);
    out.push('T');
    digits(u32::from(at.hour), 2, out);
    out.push(':');
    digits(u32::from(at.minute), 2, out);
    out.push(':');
    digits(u32::from(at.second), 2, out);
    if (1..=6).contains(&fsp) {
        out.push('.');
        digits(micros / 10u32.pow(6 - u32::from(fsp)), u32::from(fsp), out);
    }
    out.push('Z');
}

/// `10:15:30.5Z` of microseconds since midnight.
pub fn iso_time(micros: i64) -> String {
    let mut out = String::with_capacity(16);
    clock(micros, &mut out);
    out.push('Z');
    out
}

/// `2024-02-29T10:15:30.5Z`; `micros` are its own since 1970.
pub fn iso_timestamp(at: &DateTime, micros: i64) -> String {
    let mut out = String::with_capacity(28);
    at.date.write_text(&mut out);
    out.push('T');
    clock(micros.rem_euclid(86_400_000_000), &mut out);
    out.push('Z');
    out
}

fn clock(micros: i64, out: &mut String) {
    let seconds = (micros / 1_000_000) as u32;
    for (part, separator) in [(seconds / 3600, ":"), (seconds / 60 % 60, ":"), (seconds % 60, "")] {
        digits(part, 2, out);
        out.push_str(separator);
    }
    let fraction = (micros % 1_000_000) as u32;
    if fraction > 0 {
        out.push('.');
        digits(fraction, 6, out);
        out.truncate(out.trim_end_matches('0').len());
    }
}

/// `number` with leading zeros.
fn digits(number: u32, width: u32, out: &mut String) {
    for place in (0..width).rev() {
        let digit = number / 10u32.pow(place) % 10;
        out.push(char::from(b'0' + digit as u8));
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn iso_has_the_digits_that_it_needs() {
        assert_eq!(iso_time(0), "00:00:00Z");
        assert_eq!(iso_time(86_399_500_000), "23:59:59.5Z");
        assert_eq!(iso_time(3_600_000_010), "01:00:00.00001Z");
        let at = DateTime::from_epoch(-1, 250_000);
        assert_eq!(iso_timestamp(&at, -750_000), "1969-12-31T23:59:59.25Z");
    }

    #[test]
    fn the_fraction_has_the_columns_digits() {
        let text = |micros, fsp| {
            let mut out = String::new();
            write_zoned(1_709_201_730, micros, fsp, &mut out);
            out
        };
        assert_eq!(text(0, 0), "2024-02-29T10:15:30Z");
        assert_eq!(text(120_000, 2), "2024-02-29T10:15:30.12Z");
        assert_eq!(text(0, 3), "2024-02-29T10:15:30.000Z");
        assert_eq!(text(1, 6), "2024-02-29T10:15:30.000001Z");
    }
}
