//! Text of a point in time as Debezium's ZonedTimestamp writes it: ISO 8601 in UTC, with exactly the
//! column's digits of a fraction (none for a column without).

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
