//! Exact SQL literals.
//!
//! Raw bytes stand in quotes as they are: in UTF-8, which the statement is lexed as, no byte of a longer
//! character is a quote, and a byte that begins no character is taken by itself; so doubling the quotes is
//! enough for any bytes. Floats are written as the shortest decimal of their value *as a double*: the server
//! reads it back to that double, and a FLOAT column rounds it to the same float.

use std::io::Write as _;

use strait_schemas::decimal;

use super::json_expression;
use crate::{datum::Datum, table_map::MappedColumn};

const INFALLIBLE: &str = "writing to a Vec cannot fail";

/// Appends the literal; the cause, if the server has no way to write the value.
pub fn write(value: &Datum, column: &MappedColumn, out: &mut Vec<u8>) -> Result<(), String> {
    match value {
        Datum::Null => out.extend_from_slice(b"NULL"),
        Datum::Absent => return Err("the row image does not have it (binlog_row_image at the source)".into()),
        Datum::Nothing => return Err("it has no bytes, which no statement can say".into()),
        Datum::Int(v) => write!(out, "{v}").expect(INFALLIBLE),
        Datum::UInt(v) | Datum::Index(v) => write!(out, "{v}").expect(INFALLIBLE),
        Datum::Float(v) => double(f64::from(*v), out)?,
        Datum::Double(v) => double(*v, out)?,
        Datum::Decimal { unscaled, scale } => {
            out.extend_from_slice(decimal::text_from_unscaled(unscaled, *scale).as_bytes());
        }
        Datum::Text(v) | Datum::Json(v) | Datum::Literal(v) => quoted(v, out),
        Datum::JsonBinary(v) => json_expression::write(v, out)?,
        Datum::Binary(v) => binary(v, out),
        Datum::Raw(v) => raw(v, column.charset.as_deref(), out),
        Datum::Date(days) => {
            out.push(b'\'');
            date(*days, out)?;
            out.push(b'\'');
        }
        Datum::Time(micros) => time(*micros, out),
        Datum::DateTime(micros) => {
            out.push(b'\'');
            date(micros.div_euclid(86_400_000_000), out)?;
            out.push(b' ');
            clock(micros.rem_euclid(86_400_000_000).unsigned_abs(), out);
            out.push(b'\'');
        }
    }
    Ok(())
}

pub fn quoted(bytes: &[u8], out: &mut Vec<u8>) {
    out.push(b'\'');
    let mut rest = bytes;
    while let Some(at) = rest.iter().position(|byte| *byte == b'\'') {
        out.extend_from_slice(&rest[..=at]);
        out.push(b'\'');
        rest = &rest[at + 1..];
    }
    out.extend_from_slice(rest);
    out.push(b'\'');
}

pub fn binary(bytes: &[u8], out: &mut Vec<u8>) {
    out.extend_from_slice(b"_binary");
    quoted(bytes, out);
}

/// Bytes in the column's own charset.
fn raw(bytes: &[u8], charset: Option<&str>, out: &mut Vec<u8>) {
    write!(out, "_{} ", charset.unwrap_or("binary")).expect(INFALLIBLE);
    hex(bytes, out);
}

pub fn hex(bytes: &[u8], out: &mut Vec<u8>) {
    out.extend_from_slice(b"x'");
    for byte in bytes {
        write!(out, "{byte:02x}").expect(INFALLIBLE);
    }
    out.push(b'\'');
}

/// As text: a minus before the number 0 would be lost, in a text it is not.
pub fn double(value: f64, out: &mut Vec<u8>) -> Result<(), String> {
    if !value.is_finite() {
        return Err(format!("{value} is no number that the server knows"));
    }
    if value == 0.0 && value.is_sign_negative() {
        out.extend_from_slice(b"'-0'");
    } else {
        write!(out, "{value:e}").expect(INFALLIBLE);
    }
    Ok(())
}

/// `YYYY-MM-DD` of days since 1970 (Howard Hinnant's algorithm).
fn date(days: i64, out: &mut Vec<u8>) -> Result<(), String> {
    let shifted = days.checked_add(719_468).ok_or("the date is out of range")?;
    let era = shifted.div_euclid(146_097);
    let day_of_era = shifted.rem_euclid(146_097);
    let year_of_era = (day_of_era - day_of_era / 1460 + day_of_era / 36_524 - day_of_era / 146_096) / 365;
    let day_of_year = day_of_era - (365 * year_of_era + year_of_era / 4 - year_of_era / 100);
    let shifted_month = (5 * day_of_year + 2) / 153;
    let day = day_of_year - (153 * shifted_month + 2) / 5 + 1;
    let month = if shifted_month < 10 { shifted_month + 3 } else { shifted_month - 9 };
    let year = year_of_era + era * 400 + i64::from(month <= 2);
    if !(0..=9999).contains(&year) {
        return Err(format!("the year {year} is out of range"));
    }
    write!(out, "{year:04}-{month:02}-{day:02}").expect(INFALLIBLE);
    Ok(())
}

/// Not as mere text: a list of one row, `(a, b) IN ((...))`, would be compared with the column's text, which has all its digits.
fn time(micros: i64, out: &mut Vec<u8>) {
    out.extend_from_slice(if micros < 0 { b"TIME'-" } else { b"TIME'" });
    clock(micros.unsigned_abs(), out);
    out.push(b'\'');
}

fn clock(micros: u64, out: &mut Vec<u8>) {
    let (seconds, fraction) = (micros / 1_000_000, micros % 1_000_000);
    write!(out, "{:02}:{:02}:{:02}", seconds / 3600, seconds / 60 % 60, seconds % 60).expect(INFALLIBLE);
    if fraction > 0 {
        write!(out, ".{fraction:06}").expect(INFALLIBLE);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn text(write: impl FnOnce(&mut Vec<u8>)) -> String {
        let mut out = Vec::new();
        write(&mut out);
        String::from_utf8(out).expect("ASCII")
    }

    #[test]
    fn dates_and_times() {
        let day = |days| text(|out| date(days, out).expect("in range"));
        assert_eq!(day(0), "1970-01-01");
        assert_eq!(day(-1), "1969-12-31");
        assert_eq!(day(19_782), "2024-02-29");
        assert_eq!(day(2_932_896), "9999-12-31");
        assert_eq!(day(-719_528), "0000-01-01");
        assert!(date(2_932_897, &mut Vec::new()).is_err());
        assert_eq!(text(|out| time(-3_020_399_000_000, out)), "TIME'-838:59:59'");
        assert_eq!(text(|out| time(1, out)), "TIME'00:00:00.000001'");
    }

    #[test]
    fn floats_keep_every_bit() {
        let float = |v: f32| text(|out| double(f64::from(v), out).expect("finite"));
        assert_eq!(float(0.1).parse::<f64>().map(|v| v as f32), Ok(0.1));
        assert_eq!(float(f32::MIN_POSITIVE).parse::<f64>().map(|v| v as f32), Ok(f32::MIN_POSITIVE));
        assert_eq!(text(|out| double(-0.0, out).expect("finite")), "'-0'");
        assert_eq!(text(|out| double(1e300, out).expect("finite")), "1e300");
        assert!(double(f64::NAN, &mut Vec::new()).is_err());
    }

    #[test]
    fn only_quotes_are_doubled() {
        let mut out = Vec::new();
        binary(b"a'b''\\\0\xe4'\xff", &mut out);
        assert_eq!(out, b"_binary'a''b''''\\\0\xe4''\xff'");
    }
}
