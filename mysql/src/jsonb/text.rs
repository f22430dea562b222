//! Scalars as JSON text.

use std::fmt::Write;

pub(super) fn write_integer(value: i64, out: &mut String) {
    write!(out, "{value}").expect("writing to a string cannot fail");
}

pub(super) fn write_unsigned(value: u64, out: &mut String) {
    write!(out, "{value}").expect("writing to a string cannot fail");
}

pub(super) fn write_quoted(text: &str, out: &mut String) {
    out.push('"');
    let mut rest = text;
    while let Some(at) = rest.bytes().position(|byte| byte < 0x20 || byte == b'"' || byte == b'\\') {
        out.push_str(&rest[..at]);
        write_escaped(rest.as_bytes()[at], out);
        rest = &rest[at + 1..];
    }
    out.push_str(rest);
    out.push('"');
}

/// The string that a text begins with, and what follows it.
pub(super) fn read_quoted(text: &str) -> Option<(String, &str)> {
    let mut out = String::new();
    let mut rest = text.strip_prefix('"')?.chars();
    loop {
        match rest.next()? {
            '"' => return Some((out, rest.as_str())),
            '\\' => out.push(match rest.next()? {
                'b' => '\u{8}',
                't' => '\t',
                'n' => '\n',
                'f' => '\u{c}',
                'r' => '\r',
                'u' => {
                    let (character, after) = read_code(rest.as_str())?;
                    rest = after.chars();
                    character
                }
                other => other,
            }),
            plain => out.push(plain),
        }
    }
}

/// Four hexadecimal digits, or twice as many for one beyond 16 bits.
fn read_code(text: &str) -> Option<(char, &str)> {
    let unit = |text: &str| {
        let (digits, rest) = text.split_at_checked(4)?;
        Some((u16::from_str_radix(digits, 16).ok()?, rest.len()))
    };
    let (first, left) = unit(text)?;
    let rest = &text[text.len() - left..];
    if let Some(character) = char::from_u32(u32::from(first)) {
        return Some((character, rest));
    }
    let (second, left) = unit(rest.strip_prefix("\\u")?)?;
    let character = char::decode_utf16([first, second]).next()?.ok()?;
    Some((character, &rest[rest.len() - left..]))
}

fn write_escaped(byte: u8, out: &mut String) {
    out.push('\\');
    match byte {
        8 => out.push('b'),
        b'\t' => out.push('t'),
        b'\n' => out.push('n'),
        12 => out.push('f'),
        b'\r' => out.push('r'),
        b'"' | b'\\' => out.push(char::from(byte)),
        _ => write!(out, "u{byte:04x}").expect("writing to a string cannot fail"),
    }
}

/// `"base64:type15:AQI="`, by the number of the SQL type. The server breaks base64 into lines of 76 characters,
/// whose ends are then escaped as in any string.
pub(super) fn write_opaque(field: u8, bytes: &[u8], out: &mut String) {
    const LINE: usize = 76 / 4 * 3;

    write!(out, "\"base64:type{field}:").expect("writing to a string cannot fail");
    for (index, line) in bytes.chunks(LINE).enumerate() {
        if index > 0 {
            out.push_str("\\n");
        }
        for group in line.chunks(3) {
            write_base64_group(group, out);
        }
    }
    out.push('"');
}

/// One to three bytes as four characters.
fn write_base64_group(group: &[u8], out: &mut String) {
    const ALPHABET: &[u8; 64] = b"ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/";

    let bits = (0..3).fold(0, |bits, index| bits << 8 | u32::from(group.get(index).copied().unwrap_or(0)));
    for index in 0..4 {
        if index <= group.len() {
            out.push(char::from(ALPHABET[(bits >> (18 - 6 * index) & 63) as usize]));
        } else {
            out.push('=');
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn strings_are_escaped_as_the_server_escapes_them() {
        let mut out = String::new();
        write_quoted("a\"\\/\u{8}\u{c}\n\r\t\u{1}\u{1f}\u{7f}é😀", &mut out);
        assert_eq!(out, "\"a\\\"\\\\/\\b\\f\\n\\r\\t\\u0001\\u001f\u{7f}é😀\"");
    }

    #[test]
    fn opaque_values_are_base64() {
        for (bytes, expected) in
            [(&b""[..], ""), (b"f", "Zg=="), (b"fo", "Zm8="), (b"foo", "Zm9v"), (b"foob", "Zm9vYg==")]
        {
            let mut out = String::new();
            write_opaque(15, bytes, &mut out);
            assert_eq!(out, format!("\"base64:type15:{expected}\""));
        }
    }
}
