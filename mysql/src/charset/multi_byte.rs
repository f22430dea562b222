//! East Asian charsets: decoded as the web does (encoding_rs), whose tables differ from the server's for some
//! codes. Those codes are listed here, and text with one of them is not lossless.

use std::borrow::Cow;

use encoding_rs::Encoding;

use super::Decoded;

#[derive(Debug)]
pub(super) struct MultiByte {
    encoding: &'static Encoding,
    layout: Layout,
    /// Codes that end in a lower byte are exceptions.
    least_trail: u8,
    /// First and last code of ranges, ascending, in which every code that encoding_rs knows is one that the
    /// server does not have, takes for another character, or writes as another code.
    exceptions: &'static [(u32, u32)],
}

/// How long a character is, by its first byte.
#[derive(Debug, Clone, Copy)]
enum Layout {
    /// 0x81 and above: two bytes.
    Plain,
    /// The same but for half-width katakana, 0xa1 to 0xdf.
    ShiftJis,
    /// 0x8f: three bytes; 0x8e, and 0xa1 and above: two.
    Euc,
    /// 0x81 and above: two, or four if the second is a digit.
    Gb18030,
}

impl MultiByte {
    pub fn decode<'a>(&self, bytes: &'a [u8]) -> Decoded<'a> {
        let (text, malformed) = self.encoding.decode_without_bom_handling(bytes);
        let lossless = !malformed && !self.has_exception(bytes);
        Decoded { text: if bytes.is_empty() { Cow::Borrowed("") } else { text }, lossless }
    }

    /// Of bytes that are well-formed.
    fn has_exception(&self, mut bytes: &[u8]) -> bool {
        while let Some(first) = bytes.first() {
            let length = self.layout.length(*first, bytes.get(1).copied()).min(bytes.len());
            let (char, rest) = bytes.split_at(length);
            bytes = rest;
            let code = char.iter().fold(0, |code, byte| code << 8 | u32::from(*byte));
            if length > 1 && char[length - 1] < self.least_trail {
                return true;
            }
            let at = self.exceptions.partition_point(|(_, last)| *last < code);
            if self.exceptions.get(at).is_some_and(|(first, _)| *first <= code) {
                return true;
            }
        }
        false
    }
}

impl Layout {
    fn length(self, first: u8, second: Option<u8>) -> usize {
        match (self, first) {
            (Self::ShiftJis, 0xa0..=0xdf) | (_, ..=0x80) => 1,
            (Self::Euc, 0x8f) => 3,
            (Self::Gb18030, _) if second.is_some_and(|second| second.is_ascii_digit()) => 4,
            _ => 2,
        }
    }
}

const ANY: u8 = 0;

pub(super) static BIG5: MultiByte = MultiByte {
    encoding: encoding_rs::BIG5,
    layout: Layout::Plain,
    least_trail: ANY,
    exceptions: &[
        (0x8740, 0xa0fe),
        (0xa145, 0xa145),
        (0xa14e, 0xa14e),
        (0xa15a, 0xa15a),
        (0xa1c2, 0xa1c3),
        (0xa1c5, 0xa1c5),
        (0xa1e3, 0xa1e3),
        (0xa1f2, 0xa1f3),
        (0xa1fe, 0xa242),
        (0xa244, 0xa244),
        (0xa246, 0xa247),
        (0xa2cc, 0xa2cc),
        (0xa2ce, 0xa2ce),
        (0xa3c0, 0xa3e1),
        (0xc6a1, 0xc8fe),
        (0xf9dd, 0xfefe),
    ],
};

pub(super) static GBK: MultiByte = MultiByte {
    encoding: encoding_rs::GBK,
    layout: Layout::Gb18030,
    least_trail: ANY,
    exceptions: &[
        (0x80, 0x80),
        (0xa140, 0xa1a0),
        (0xa240, 0xa2a0),
        (0xa2ab, 0xa2b0),
        (0xa2e3, 0xa2e4),
        (0xa2ef, 0xa2f0),
        (0xa2fd, 0xa3a0),
        (0xa440, 0xa4a0),
        (0xa4f4, 0xa5a0),
        (0xa5f7, 0xa6a0),
        (0xa6b9, 0xa6c0),
        (0xa6d9, 0xa6df),
        (0xa6ec, 0xa6ed),
        (0xa6f3, 0xa6f3),
        (0xa6f6, 0xa7a0),
        (0xa7c2, 0xa7d0),
        (0xa7f2, 0xa7fe),
        (0xa896, 0xa8a0),
        (0xa8bc, 0xa8bc),
        (0xa8bf, 0xa8bf),
        (0xa8c1, 0xa8c4),
        (0xa8ea, 0xa8fe),
        (0xa958, 0xa958),
        (0xa95b, 0xa95b),
        (0xa95d, 0xa95f),
        (0xa989, 0xa995),
        (0xa997, 0xa9a3),
        (0xa9f0, 0xa9fe),
        (0xaaa1, 0xaafe),
        (0xaba1, 0xabfe),
        (0xaca1, 0xacfe),
        (0xada1, 0xadfe),
        (0xaea1, 0xaefe),
        (0xafa1, 0xaffe),
        (0xd7fa, 0xd7fe),
        (0xf8a1, 0xf8fe),
        (0xf9a1, 0xf9fe),
        (0xfaa1, 0xfafe),
        (0xfba1, 0xfbfe),
        (0xfca1, 0xfcfe),
        (0xfda1, 0xfdfe),
        (0xfe50, 0xfefe),
        // Four bytes: the server's GBK has none.
        (0x8130_8130, 0xfe39_fe39),
    ],
};

pub(super) static GB2312: MultiByte = MultiByte {
    encoding: encoding_rs::GBK,
    layout: Layout::Gb18030,
    least_trail: 0xa1,
    exceptions: &[
        (0x80, 0xa0fe),
        (0xa1a4, 0xa1a4),
        (0xa1aa, 0xa1aa),
        (0xa2a1, 0xa2b0),
        (0xa2e3, 0xa2e4),
        (0xa2ef, 0xa2f0),
        (0xa2fd, 0xa2fe),
        (0xa4f4, 0xa4fe),
        (0xa5f7, 0xa5fe),
        (0xa6b9, 0xa6c0),
        (0xa6d9, 0xa6fe),
        (0xa7c2, 0xa7d0),
        (0xa7f2, 0xa7fe),
        (0xa8bb, 0xa8c4),
        (0xa8ea, 0xa8fe),
        (0xa9a1, 0xa9a3),
        (0xa9f0, 0xaffe),
        (0xd7fa, 0xd7fe),
        (0xf8a1, 0xffff),
    ],
};

pub(super) static EUCKR: MultiByte =
    MultiByte { encoding: encoding_rs::EUC_KR, layout: Layout::Plain, least_trail: ANY, exceptions: &[] };

pub(super) static SJIS: MultiByte = MultiByte {
    encoding: encoding_rs::SHIFT_JIS,
    layout: Layout::ShiftJis,
    least_trail: ANY,
    exceptions: &[
        // The backslash: the server reads it as ASCII's and writes that as 0x815f.
        (0x5c, 0x5c),
        (0x80, 0x80),
        (0x815f, 0x8161),
        (0x817c, 0x817c),
        (0x8191, 0x8192),
        (0x81ca, 0x81ca),
        (0x8740, 0x879c),
        (0xed40, 0xfc4b),
    ],
};

pub(super) static CP932: MultiByte = MultiByte {
    encoding: encoding_rs::SHIFT_JIS,
    layout: Layout::ShiftJis,
    least_trail: ANY,
    exceptions: &[
        (0x80, 0x80),
        (0x8790, 0x8792),
        (0x8795, 0x8797),
        (0x879a, 0x879c),
        (0xed40, 0xeefc),
        (0xfa4a, 0xfa54),
        (0xfa58, 0xfa5b),
    ],
};

pub(super) static UJIS: MultiByte = MultiByte {
    encoding: encoding_rs::EUC_JP,
    layout: Layout::Euc,
    least_trail: ANY,
    exceptions: &[
        (0xa1c0, 0xa1c2),
        (0xa1dd, 0xa1dd),
        (0xa1f1, 0xa1f2),
        (0xa2cc, 0xa2cc),
        (0xada1, 0xadfc),
        (0xf9a1, 0xfcfe),
        (0x8f_a2b7, 0x8f_a2b7),
    ],
};

pub(super) static EUCJPMS: MultiByte = MultiByte {
    encoding: encoding_rs::EUC_JP,
    layout: Layout::Euc,
    least_trail: ANY,
    exceptions: &[
        (0xadf0, 0xadf2),
        (0xadf5, 0xadf7),
        (0xadfa, 0xadfc),
        (0xf9a1, 0xfcfe),
        (0x8f_a2b7, 0x8f_a2b7),
        (0x8f_a2c3, 0x8f_a2c3),
        (0x8f_a2f1, 0x8f_a2f1),
    ],
};

pub(super) static GB18030: MultiByte = MultiByte {
    encoding: encoding_rs::GB18030,
    layout: Layout::Gb18030,
    least_trail: ANY,
    exceptions: &[
        (0x80, 0x80),
        (0xa3a0, 0xa3a0),
        (0xa6d9, 0xa6df),
        (0xa6ec, 0xa6ed),
        (0xa6f3, 0xa6f3),
        (0xfe59, 0xfe59),
        (0xfe61, 0xfe61),
        (0xfe66, 0xfe67),
        (0xfe6d, 0xfe6d),
        (0xfe7e, 0xfe7e),
        (0xfe90, 0xfe90),
        (0xfea0, 0xfea0),
    ],
};

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn codes_that_the_server_sees_otherwise_are_not_lossless() {
        let cases: [(&MultiByte, &[u8], &str, bool); 12] = [
            (&GBK, b"\xd6\xd0a", "中a", true),
            (&GBK, b"\x80", "€", false),
            (&GBK, b"\x81\x30\x81\x30", "\u{80}", false),
            (&GB2312, b"\xd6\xd0", "中", true),
            (&GB2312, b"\x81\x40", "丂", false),
            (&SJIS, b"\x82\xa0\xb1", "あｱ", true),
            (&SJIS, b"a\\b", "a\\b", false),
            (&CP932, b"a\\b", "a\\b", true),
            (&UJIS, b"\xa4\xa2\x8e\xb1\x8f\xb0\xa1", "あｱ丂", true),
            (&EUCKR, b"\xb0\xa1", "가", true),
            (&BIG5, b"\xa4\xa4", "中", true),
            (&GB18030, b"\x94\x39\xda\x33\xd6\xd0", "💩中", true),
        ];
        for (charset, bytes, text, lossless) in cases {
            let decoded = charset.decode(bytes);
            assert_eq!((&*decoded.text, decoded.lossless), (text, lossless), "{bytes:x?}");
        }
    }

    #[test]
    fn truncated_characters_are_not_lossless() {
        for charset in [&BIG5, &GBK, &GB2312, &EUCKR, &SJIS, &CP932, &UJIS, &EUCJPMS, &GB18030] {
            let decoded = charset.decode(b"a\xd6");
            assert_eq!(
                decoded.lossless,
                matches!(charset.layout, Layout::ShiftJis),
                "0xd6 is katakana in sjis"
            );
        }
        assert!(!SJIS.decode(b"\x82").lossless);
    }
}
