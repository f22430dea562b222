//! Unicode charsets. Surrogates are never characters by themselves; the server refuses them when it is given
//! UTF-8, so bytes that hold one are not lossless.

use std::borrow::Cow;

use super::Decoded;

pub(super) fn utf8(bytes: &[u8]) -> Decoded<'_> {
    match std::str::from_utf8(bytes) {
        Ok(text) => Decoded { text: Cow::Borrowed(text), lossless: true },
        Err(_) => Decoded { text: String::from_utf8_lossy(bytes), lossless: false },
    }
}

pub(super) fn utf16(bytes: &[u8], little_endian: bool) -> Decoded<'static> {
    let (pairs, odd) = bytes.as_chunks::<2>();
    let unit =
        |pair: &[u8; 2]| if little_endian { u16::from_le_bytes(*pair) } else { u16::from_be_bytes(*pair) };
    collect(char::decode_utf16(pairs.iter().map(unit)).map(Result::ok), odd)
}

/// Two bytes a character, without surrogate pairs.
pub(super) fn ucs2(bytes: &[u8]) -> Decoded<'static> {
    let (pairs, odd) = bytes.as_chunks::<2>();
    collect(pairs.iter().map(|pair| char::from_u32(u32::from(u16::from_be_bytes(*pair)))), odd)
}

pub(super) fn utf32(bytes: &[u8]) -> Decoded<'static> {
    let (fours, odd) = bytes.as_chunks::<4>();
    collect(fours.iter().map(|four| char::from_u32(u32::from_be_bytes(*four))), odd)
}

fn collect(chars: impl Iterator<Item = Option<char>>, odd: &[u8]) -> Decoded<'static> {
    let mut lossless = odd.is_empty();
    let mut text: String = chars
        .map(|char| {
            lossless &= char.is_some();
            char.unwrap_or(char::REPLACEMENT_CHARACTER)
        })
        .collect();
    if !odd.is_empty() {
        text.push(char::REPLACEMENT_CHARACTER);
    }
    Decoded { text: Cow::Owned(text), lossless }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn surrogates_and_odd_bytes_are_not_lossless() {
        let cases: [(Decoded, &str, bool); 9] = [
            (utf16(b"\0a\xd8\x3d\xde\x00", false), "a😀", true),
            (utf16(b"a\0\x3d\xd8\x00\xde", true), "a😀", true),
            (utf16(b"\xd8\x3d\0a", false), "\u{fffd}a", false),
            (utf16(b"\0a\0", false), "a\u{fffd}", false),
            (ucs2(b"\0a\xd8\x3d\xde\x00"), "a\u{fffd}\u{fffd}", false),
            (ucs2(b"\x20\xac"), "€", true),
            (utf32(b"\0\x01\xf6\0"), "😀", true),
            (utf32(b"\0\0\xd8\0"), "\u{fffd}", false),
            (utf8(b"a\xff"), "a\u{fffd}", false),
        ];
        for (decoded, text, lossless) in cases {
            assert_eq!((&*decoded.text, decoded.lossless), (text, lossless));
        }
    }
}
