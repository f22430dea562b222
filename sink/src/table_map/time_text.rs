//! Dates and times in text, as Debezium and the server write them.

/// `2024-01-31T23:59:59.123456Z` in microseconds since 1970.
pub fn zoned_micros(text: &str) -> Option<i64> {
    let text = text.strip_suffix('Z').or_else(|| text.strip_suffix("+00:00"))?;
    let (date, clock) = text.split_once('T')?;
    days(date)?.checked_mul(86_400_000_000)?.checked_add(clock_micros(clock)?)
}

/// `2024-01-31Z` in days since 1970.
pub fn iso_date(text: &str) -> Option<i64> {
    days(text.strip_suffix('Z')?)
}

/// `-838:59:59.5` in microseconds; seconds may be missing.
pub fn clock_micros(text: &str) -> Option<i64> {
    let (sign, text) = text.strip_prefix('-').map_or((1, text), |rest| (-1, rest));
    let (clock, fraction) = text.split_once('.').unwrap_or((text, ""));
    if fraction.len() > 9 || !fraction.bytes().all(|byte| byte.is_ascii_digit()) {
        return None;
    }
    let mut parts = clock.splitn(3, ':').map(|part| part.parse::<u32>().ok().map(i64::from));
    let (hours, minutes) = (parts.next()??, parts.next()??);
    let seconds = parts.next().map_or(Some(0), |part| part)?;
    let micros: i64 = format!("{fraction:0<6.6}").parse().ok()?;
    Some(sign * (((hours * 60 + minutes) * 60 + seconds) * 1_000_000 + micros))
}

fn days(date: &str) -> Option<i64> {
    let mut parts = date.splitn(3, '-').map(|part| part.parse::<u16>().ok().map(i64::from));
    Some(days_from_civil(parts.next()??, parts.next()??, parts.next()??))
}

/// Days since 1970-01-01 of a date of the proleptic Gregorian calendar (Howard Hinnant's algorithm).
fn days_from_civil(year: i64, month: i64, day: i64) -> i64 {
    let year = if month <= 2 { year - 1 } else { year };
    let era = year.div_euclid(400);
    let year_of_era = year.rem_euclid(400);
    let day_of_year = (153 * (month + if month > 2 { -3 } else { 9 }) + 2) / 5 + day - 1;
    let day_of_era = year_of_era * 365 + year_of_era / 4 - year_of_era / 100 + day_of_year;
    era * 146_097 + day_of_era - 719_468
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn zoned_times_are_read_to_the_microsecond() {
        assert_eq!(zoned_micros("1970-01-01T00:00:00Z"), Some(0));
        assert_eq!(zoned_micros("2038-01-19T03:14:07.5Z"), Some(2_147_483_647_500_000));
        assert_eq!(zoned_micros("2024-02-29T12:00:00.000001Z"), Some(1_709_208_000_000_001));
        assert_eq!(zoned_micros("2024-02-29 12:00:00"), None);
        assert_eq!(zoned_micros("2024-02-29T12:00:00+02:00"), None);
    }

    #[test]
    fn clocks_go_beyond_a_day_and_below_nothing() {
        assert_eq!(clock_micros("-838:59:59.5"), Some(-3_020_399_500_000));
        assert_eq!(clock_micros("01:02"), Some(3_720_000_000));
        assert_eq!(clock_micros("1"), None);
        assert_eq!(clock_micros("01:02:03.x"), None);
        assert_eq!(iso_date("1969-12-31Z"), Some(-1));
        assert_eq!(iso_date("1969-12-31"), None);
    }
}
