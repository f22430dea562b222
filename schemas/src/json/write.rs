//! JSON's primitives, appended to a buffer without allocating: as Jackson, which Kafka's JSON converter
//! uses, would write them, as far as a reader can tell.

use base64::{Engine, engine::general_purpose::STANDARD};

/// A string literal. Most text needs no escape: it is copied in runs.
pub(crate) fn text(out: &mut Vec<u8>, text: &str) {
    out.push(b'"');
    escaped(out, text);
    out.push(b'"');
}

fn escaped(out: &mut Vec<u8>, text: &str) {
    let bytes = text.as_bytes();
    let mut start = 0;
    for (at, &byte) in bytes.iter().enumerate() {
        if byte >= 0x20 && byte != b'"' && byte != b'\\' {
            continue;
        }
        out.extend_from_slice(&bytes[start..at]);
        start = at + 1;
        let short = match byte {
            b'"' => b'"',
            b'\\' => b'\\',
            b'\n' => b'n',
            b'\r' => b'r',
            b'\t' => b't',
            0x08 => b'b',
            0x0c => b'f',
            control => {
                let hex = |nibble: u8| b"0123456789ABCDEF"[usize::from(nibble & 15)];
                out.extend_from_slice(&[b'\\', b'u', b'0', b'0', hex(control >> 4), hex(control)]);
                continue;
            }
        };
        out.extend_from_slice(&[b'\\', short]);
    }
    out.extend_from_slice(&bytes[start..]);
}

pub(crate) fn integer(out: &mut Vec<u8>, value: i64) {
    let mut digits = [0; 20];
    let mut at = digits.len();
    let mut rest = value.unsigned_abs();
    loop {
        at -= 1;
        digits[at] = b'0' + (rest % 10) as u8;
        rest /= 10;
        if rest == 0 {
            break;
        }
    }
    if value < 0 {
        at -= 1;
        digits[at] = b'-';
    }
    out.extend_from_slice(&digits[at..]);
}

/// The shortest digits that read back as the same double.
pub(crate) fn double(out: &mut Vec<u8>, value: f64) {
    match not_finite(value) {
        Some(name) => text(out, name),
        None => serde_json::to_writer(&mut *out, &value).expect("writing a number to a Vec does not fail"),
    }
}

/// The shortest digits that read back as the same float.
pub(crate) fn float(out: &mut Vec<u8>, value: f32) {
    match not_finite(f64::from(value)) {
        Some(name) => text(out, name),
        None => serde_json::to_writer(&mut *out, &value).expect("writing a number to a Vec does not fail"),
    }
}

/// JSON has no such numbers; Jackson writes them as strings.
fn not_finite(value: f64) -> Option<&'static str> {
    if value.is_finite() {
        None
    } else if value.is_nan() {
        Some("NaN")
    } else if value > 0.0 {
        Some("Infinity")
    } else {
        Some("-Infinity")
    }
}

/// Base64 in a string literal.
pub(crate) fn binary(out: &mut Vec<u8>, value: &[u8]) {
    out.push(b'"');
    let start = out.len();
    out.resize(start + value.len().div_ceil(3) * 4, 0);
    let written =
        STANDARD.encode_slice(value, &mut out[start..]).expect("four characters for each three bytes");
    out.truncate(start + written);
    out.push(b'"');
}

pub(crate) fn null(out: &mut Vec<u8>) {
    out.extend_from_slice(b"null");
}

pub(crate) fn optional_text(out: &mut Vec<u8>, value: Option<&str>) {
    match value {
        Some(value) => text(out, value),
        None => null(out),
    }
}

pub(crate) fn optional_integer(out: &mut Vec<u8>, value: Option<i64>) {
    match value {
        Some(value) => integer(out, value),
        None => null(out),
    }
}

/// Text that is JSON already.
pub(crate) fn literal(out: &mut Vec<u8>, text: &str) {
    out.extend_from_slice(text.as_bytes());
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    fn written(write: impl Fn(&mut Vec<u8>)) -> Vec<u8> {
        let mut out = b"x".to_vec();
        write(&mut out);
        out.split_off(1)
    }

    proptest! {
        #[test]
        fn a_reader_reads_what_was_written(
            string in any::<String>(), number: i64, double_: f64, float_: f32, bytes: Vec<u8>,
        ) {
            let read: String = serde_json::from_slice(&written(|out| text(out, &string)))?;
            prop_assert_eq!(&read, &string);
            let read = written(|out| integer(out, number));
            prop_assert_eq!(std::str::from_utf8(&read)?.parse::<i64>()?, number);
            let read = written(|out| double(out, double_));
            if double_.is_finite() {
                prop_assert_eq!(std::str::from_utf8(&read)?.parse::<f64>()?.to_bits(), double_.to_bits());
            }
            let read = written(|out| float(out, float_));
            if float_.is_finite() {
                prop_assert_eq!(std::str::from_utf8(&read)?.parse::<f32>()?.to_bits(), float_.to_bits());
            }
            let read: String = serde_json::from_slice(&written(|out| binary(out, &bytes)))?;
            prop_assert_eq!(STANDARD.decode(read)?, bytes);
        }
    }

    #[test]
    fn edges() {
        let control: String = (0..0x20_u8).map(char::from).collect();
        let read: String = serde_json::from_slice(&written(|out| text(out, &control))).expect("valid");
        assert_eq!(read, control);
        assert_eq!(written(|out| integer(out, i64::MIN)), b"-9223372036854775808");
        assert_eq!(written(|out| integer(out, 0)), b"0");
        assert_eq!(written(|out| double(out, -0.0)), b"-0.0");
        assert_eq!(written(|out| float(out, f32::NAN)), b"\"NaN\"");
        assert_eq!(written(|out| double(out, f64::NEG_INFINITY)), b"\"-Infinity\"");
    }
}
