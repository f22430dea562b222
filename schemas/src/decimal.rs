//! DECIMAL in its two forms: the text the server prints (`-12.30`) and Connect's unscaled integer, big-
//! endian two's complement of least length (`[0xfb, 0x32]` at scale 2).
//!
//! MySQL's longest has 65 digits, 27 bytes; up to 38 digits, 16 bytes, an i128 holds it.

use crate::{Error, Result};
use num_bigint::BigInt;

/// More bytes than any MySQL decimal has; decoders refuse what is longer.
pub(crate) const MAX_BYTES: usize = 64;
const MAX_DIGITS: usize = 150;

/// Appends the unscaled integer of a decimal text at `scale`. The text may have an exponent, and fewer
/// fraction digits than `scale`; more only if they are zeros.
pub fn unscaled_from_text(text: &str, scale: u8, out: &mut Vec<u8>) -> Result<()> {
    let digits = scaled_digits(text, i64::from(scale)).map_err(|cause| Error::Text {
        what: "decimal",
        text: text.chars().take(100).collect(),
        cause: cause.to_owned(),
    })?;
    if let Ok(small) = digits.parse::<i128>() {
        push_least(&small.to_be_bytes(), out);
    } else {
        let big: BigInt = digits.parse().expect("an optional sign and digits are an integer");
        out.extend_from_slice(&big.to_signed_bytes_be());
    }
    Ok(())
}

/// The integer's digits, sign first.
fn scaled_digits(text: &str, scale: i64) -> Result<String, &'static str> {
    let (negative, unsigned) = match text.as_bytes().first() {
        Some(b'-') => (true, &text[1..]),
        Some(b'+') => (false, &text[1..]),
        _ => (false, text),
    };
    let (mantissa, exponent) = match unsigned.split_once(['e', 'E']) {
        Some((mantissa, exponent)) => {
            (mantissa, exponent.parse::<i16>().map_err(|_| "its exponent is not a small number")?)
        }
        None => (unsigned, 0),
    };
    let (whole, fraction) = mantissa.split_once('.').unwrap_or((mantissa, ""));
    if whole.len() + fraction.len() == 0 || mantissa.bytes().any(|b| !b.is_ascii_digit() && b != b'.') {
        return Err("expected digits, with at most one point");
    }
    if fraction.contains('.') {
        return Err("it has two points");
    }
    let mut digits = String::with_capacity(MAX_DIGITS);
    if negative {
        digits.push('-');
    }
    digits.push('0');
    digits.push_str(whole.trim_start_matches('0'));
    digits.push_str(fraction);
    // Shift the point behind the last digit that `scale` keeps.
    let shift = scale + i64::from(exponent) - fraction.len() as i64;
    if let Ok(zeros) = usize::try_from(shift) {
        if digits.len() + zeros > MAX_DIGITS {
            return Err("it has too many digits");
        }
        digits.extend(std::iter::repeat_n('0', zeros));
    } else {
        for _ in shift..0 {
            match digits.pop() {
                Some('0') => {}
                // All digits were zeros and are used up: what is left of 0 is 0.
                None | Some('-') => break,
                Some(_) => return Err("it has more fraction digits than the column's scale"),
            }
        }
        if digits.is_empty() || digits == "-" {
            return Ok("0".to_owned());
        }
    }
    if digits.len() > MAX_DIGITS {
        return Err("it has too many digits");
    }
    Ok(digits)
}

/// The shortest form of a big-endian two's complement: leading bytes that only repeat the sign are cut.
fn push_least(bytes: &[u8], out: &mut Vec<u8>) {
    let mut rest = bytes;
    while let [first, second, ..] = rest {
        let repeats = (*first == 0 && second & 0x80 == 0) || (*first == 0xff && second & 0x80 != 0);
        if !repeats {
            break;
        }
        rest = &rest[1..];
    }
    out.extend_from_slice(rest);
}

/// The text of an unscaled integer at `scale`, with exactly `scale` fraction digits. No bytes are 0.
pub fn text_from_unscaled(unscaled: &[u8], scale: u8) -> String {
    let mut digits = match small(unscaled) {
        Some(value) => value.to_string(),
        None => BigInt::from_signed_bytes_be(unscaled).to_string(),
    };
    let scale = usize::from(scale);
    if scale == 0 {
        return digits;
    }
    let sign = usize::from(digits.starts_with('-'));
    if digits.len() - sign <= scale {
        let zeros = scale + 1 - (digits.len() - sign);
        digits.insert_str(sign, &"0".repeat(zeros));
    }
    digits.insert(digits.len() - scale, '.');
    digits
}

fn small(unscaled: &[u8]) -> Option<i128> {
    let mut wide = match unscaled.first() {
        Some(first) if first & 0x80 != 0 => [0xff; 16],
        _ => [0; 16],
    };
    let at = wide.len().checked_sub(unscaled.len())?;
    wide[at..].copy_from_slice(unscaled);
    Some(i128::from_be_bytes(wide))
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    fn bytes(text: &str, scale: u8) -> Vec<u8> {
        let mut out = Vec::new();
        unscaled_from_text(text, scale, &mut out).expect(text);
        out
    }

    #[test]
    fn known_forms() {
        for (text, scale, unscaled) in [
            ("0", 0, &[0][..]),
            ("0.00", 2, &[0]),
            ("1.27", 2, &[127]),
            ("1.28", 2, &[0, 128]),
            ("-1.28", 2, &[128]),
            ("-1.29", 2, &[0xff, 0x7f]),
            ("-12.30", 2, &[0xfb, 0x32]),
            ("0.05", 2, &[5]),
            ("18446744073709551615", 0, &[0, 255, 255, 255, 255, 255, 255, 255, 255]),
        ] {
            assert_eq!(bytes(text, scale), unscaled, "{text}");
            assert_eq!(text_from_unscaled(unscaled, scale), text);
        }
        let longest = format!("-{}.{}", "9".repeat(35), "9".repeat(30));
        assert_eq!(text_from_unscaled(&bytes(&longest, 30), 30), longest);
        assert_eq!(text_from_unscaled(&[], 2), "0.00");
    }

    #[test]
    fn other_spellings_are_read() {
        for (text, plain) in [
            ("+1.5", "1.50"),
            ("1.5e1", "15.00"),
            ("15E-1", "1.50"),
            ("0001", "1.00"),
            (".5", "0.50"),
            ("1.5000", "1.50"),
            ("0e-300", "0.00"),
            ("-0", "0.00"),
        ] {
            assert_eq!(text_from_unscaled(&bytes(text, 2), 2), plain, "{text}");
        }
    }

    #[test]
    fn what_is_no_decimal_or_would_be_cut_is_refused() {
        for text in ["", ".", "-", "1.2.3", "1,2", "0x1", "1e", "1e99999", "1e300", "1.005", "٣", "--1", "1 "]
        {
            assert!(unscaled_from_text(text, 2, &mut Vec::new()).is_err(), "{text}");
        }
    }

    proptest! {
        #[test]
        fn text_and_bytes_agree(value: i128, scale in 0u8..=30) {
            let text = text_from_unscaled(&BigInt::from(value).to_signed_bytes_be(), scale);
            let mut out = Vec::new();
            unscaled_from_text(&text, scale, &mut out)?;
            prop_assert_eq!(out, BigInt::from(value).to_signed_bytes_be());
        }

        #[test]
        fn any_text_is_read_or_refused(text in "[-+0-9.eE]{0,20}", scale: u8) {
            let mut out = Vec::new();
            if unscaled_from_text(&text, scale, &mut out).is_ok() {
                prop_assert!(!out.is_empty() && out.len() <= MAX_BYTES);
            }
        }
    }
}
