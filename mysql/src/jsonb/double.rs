//! Doubles as the server prints them in JSON: the fewest digits that read back as the same number; with an
//! exponent only where the plain form would be long; with ".0" where neither point nor exponent says that it is
//! no integer.

use std::fmt::Write;

use super::malformed;
use crate::binlog::Result;

/// Plain form up to so many digits before the point, and less than so many zeros after it.
const PLAIN: i32 = 15;

pub(super) fn write(value: f64, out: &mut String) -> Result<()> {
    if !value.is_finite() {
        return Err(malformed("a number that is not finite"));
    }
    // Rust's exponent form has the same digits: "-1.2345e-7".
    let mut shortest = String::with_capacity(32);
    write!(shortest, "{value:e}").expect("writing to a string cannot fail");
    let (mantissa, exponent) = shortest.split_once('e').expect("the exponent form has an exponent");
    let exponent: i32 = exponent.parse().expect("and that is an integer");
    let unsigned = mantissa.trim_start_matches('-');
    if unsigned.len() < mantissa.len() {
        out.push('-');
    }
    let mut digits: String = unsigned.chars().filter(|char| *char != '.').collect();
    if let Some(even) = even_neighbour(value.abs(), &digits, exponent) {
        digits = even;
    }
    let length = digits.len() as i32;
    // Digits before the point.
    let point = exponent + 1;
    if point <= -PLAIN || point > PLAIN && length <= point {
        let (first, rest) = digits.split_at(1);
        out.push_str(first);
        if !rest.is_empty() {
            out.push('.');
            out.push_str(rest);
        }
        write!(out, "e{exponent}").expect("writing to a string cannot fail");
    } else if point <= 0 {
        out.push_str("0.");
        out.extend(std::iter::repeat_n('0', point.unsigned_abs() as usize));
        out.push_str(&digits);
    } else if length > point {
        let (whole, fraction) = digits.split_at(point as usize);
        out.push_str(whole);
        out.push('.');
        out.push_str(fraction);
    } else {
        out.push_str(&digits);
        out.extend(std::iter::repeat_n('0', (point - length) as usize));
        out.push_str(".0");
    }
    Ok(())
}

/// Where the number lies exactly between two such texts, Rust takes the greater and the server the even one:
/// 2070175004671058.25 is "2070175004671058.2". This gives the even one's digits, if that is the lesser.
fn even_neighbour(value: f64, digits: &str, exponent: i32) -> Option<String> {
    /// More digits than any double has.
    const ALL: usize = 800;

    let (head, last) = digits.split_at(digits.len() - 1);
    let last = last.as_bytes()[0];
    if last.is_multiple_of(2) {
        return None;
    }
    let even = format!("{head}{}", char::from(last - 1));
    let exact_digits = |count: usize| {
        let text = format!("{value:.count$e}");
        text.split('e').next().unwrap_or_default().replace('.', "")
    };
    // Nearly always, one digit more tells that it is no tie.
    let tie = |exact: &str| exact.strip_prefix(&even).is_some_and(|rest| rest.trim_end_matches('0') == "5");
    if !tie(&exact_digits(digits.len())) || !tie(&exact_digits(ALL)) {
        return None;
    }
    let (first, rest) = even.split_at(1);
    let reads_back = format!("{first}.{rest}e{exponent}").parse() == Ok(value);
    reads_back.then_some(even)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn forms_as_the_server_prints_them() {
        for (value, expected) in [
            (0.0, "0.0"),
            (-0.0, "-0.0"),
            (1.0, "1.0"),
            (-1.5, "-1.5"),
            (0.1, "0.1"),
            (1e14, "100000000000000.0"),
            (123_456_789_012_345.0, "123456789012345.0"),
            (1e15, "1e15"),
            (1_234_567_890_123_456.7, "1234567890123456.8"),
            (1e20, "1e20"),
            (2_070_175_004_671_058.25, "2070175004671058.2"),
            (2_070_175_004_671_058.75, "2070175004671058.8"),
            (1e-14, "0.00000000000001"),
            (1e-15, "0.000000000000001"),
            (1e-16, "1e-16"),
            (1.25e-7, "0.000000125"),
            (f64::MAX, "1.7976931348623157e308"),
            (5e-324, "5e-324"),
        ] {
            let mut out = String::new();
            write(value, &mut out).unwrap();
            assert_eq!(out, expected);
            assert_eq!(out.parse::<f64>().unwrap().to_bits(), value.to_bits());
        }
        assert!(write(f64::NAN, &mut String::new()).is_err());
    }
}
