//! A value as MySQL shows it.

use std::fmt::Write as _;

use super::FlatColumn;
use crate::{Kind, Result, Value, carrier::Carrier, decimal, encode::misfit};

/// What stands for a value.
#[derive(Debug, PartialEq, Eq)]
pub(super) enum Plain {
    Null,
    /// Digits, as JSON has them too.
    Number(String),
    Text(String),
    /// JSON already.
    Json(String),
    Bytes(Vec<u8>),
}

pub(super) fn plain(column: &FlatColumn, value: &Value<'_>) -> Result<Plain> {
    let FlatColumn { name, column, .. } = column;
    let fsp = column.source_type.length.unwrap_or(0).min(6);
    Ok(match (&column.kind, value) {
        (_, Value::Null) => Plain::Null,
        (Kind::Json, Value::Text(text)) => Plain::Json(text.to_string()),
        (Kind::ZonedTimestamp, Value::Text(text)) => Plain::Text(text.replace('T', " ").replace('Z', "")),
        (_, Value::Text(text)) => Plain::Text(text.to_string()),
        (Kind::Boolean, Value::Bool(truth)) => Plain::Number(u8::from(*truth).to_string()),
        (Kind::Int64, Value::Int(number)) if column.source_type.name == "BIGINT UNSIGNED" => {
            Plain::Number(number.cast_unsigned().to_string())
        }
        (Kind::Date, Value::Int(days)) => Plain::Text(date(*days)),
        (Kind::Timestamp, Value::Int(millis)) => Plain::Text(moment(millis.saturating_mul(1000), fsp)),
        (Kind::MicroTimestamp, Value::Int(micros)) => Plain::Text(moment(*micros, fsp)),
        (Kind::MicroTime, Value::Int(micros)) => Plain::Text(time(*micros, fsp)),
        (_, Value::Int(number)) => Plain::Number(number.to_string()),
        (_, Value::Float(number)) => Plain::Number(number.to_string()),
        (_, Value::Double(number)) => Plain::Number(number.to_string()),
        (Kind::Decimal { scale, .. }, Value::Bytes(unscaled)) => {
            Plain::Number(decimal::text_from_unscaled(unscaled, *scale))
        }
        (Kind::Bits { .. }, Value::Bytes(bytes)) => {
            let number = bytes.iter().take(8).rev().fold(0_u64, |all, byte| all << 8 | u64::from(*byte));
            Plain::Number(number.to_string())
        }
        (_, Value::Bytes(bytes)) => Plain::Bytes(bytes.to_vec()),
        (kind, value) => return Err(misfit(name, Carrier::of(kind), value)),
    })
}

/// Proleptic Gregorian, from days since 1970.
fn date(days: i64) -> String {
    let shifted = days + 719_468;
    let era = shifted.div_euclid(146_097);
    let day_of_era = shifted.rem_euclid(146_097);
    let year_of_era = (day_of_era - day_of_era / 1460 + day_of_era / 36_524 - day_of_era / 146_096) / 365;
    let day_of_year = day_of_era - (365 * year_of_era + year_of_era / 4 - year_of_era / 100);
    let month_from_march = (5 * day_of_year + 2) / 153;
    let day = day_of_year - (153 * month_from_march + 2) / 5 + 1;
    let month = if month_from_march < 10 { month_from_march + 3 } else { month_from_march - 9 };
    let year = era * 400 + year_of_era + i64::from(month <= 2);
    format!("{year:04}-{month:02}-{day:02}")
}

fn moment(micros: i64, fsp: u32) -> String {
    const DAY: i64 = 86_400_000_000;
    format!("{} {}", date(micros.div_euclid(DAY)), time(micros.rem_euclid(DAY), fsp))
}

fn time(micros: i64, fsp: u32) -> String {
    let sign = if micros < 0 { "-" } else { "" };
    let (seconds, fraction) = (micros.unsigned_abs() / 1_000_000, micros.unsigned_abs() % 1_000_000);
    let mut text = format!("{sign}{:02}:{:02}:{:02}", seconds / 3600, seconds / 60 % 60, seconds % 60);
    if fsp > 0 {
        let digits = fraction / 10_u64.pow(6 - fsp);
        let _ = write!(text, ".{digits:0width$}", width = fsp as usize);
    }
    text
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn dates_and_times_are_as_mysql_shows_them() {
        assert_eq!(
            [0, -1, 19_782, -719_528].map(date),
            ["1970-01-01", "1969-12-31", "2024-02-29", "0000-01-01"]
        );
        assert_eq!(moment(1_709_210_096_123_456, 3), "2024-02-29 12:34:56.123");
        assert_eq!(moment(-1_000_000, 0), "1969-12-31 23:59:59");
        assert_eq!(time(-3_020_399_000_000, 0), "-838:59:59");
        assert_eq!(time(1_500_000, 6), "00:00:01.500000");
    }
}
