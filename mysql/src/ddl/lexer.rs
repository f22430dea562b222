//! The tokens of a statement. It never fails: what is unfinished reaches to the end of the text.

use super::Reading;

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Token {
    pub kind: TokenKind,
    /// First byte, and the one after the last.
    pub start: usize,
    pub end: usize,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum TokenKind {
    /// A key word, a name without quotes, a number.
    Word,
    /// A name in quotes.
    Name,
    /// A literal in quotes.
    Text,
    /// Any other byte.
    Mark(u8),
}

/// Gives the tokens one after the other, comments left out. A copy is a place to come back to.
#[derive(Debug, Clone)]
pub struct Lexer<'a> {
    bytes: &'a [u8],
    at: usize,
    reading: Reading,
    /// Within an executable comment, whose end is no token.
    executing: bool,
}

impl<'a> Lexer<'a> {
    pub fn new(bytes: &'a [u8], reading: Reading) -> Self {
        Self { bytes, at: 0, reading, executing: false }
    }

    pub fn bytes(&self) -> &'a [u8] {
        self.bytes
    }

    pub fn reading(&self) -> &Reading {
        &self.reading
    }

    fn rest(&self) -> &'a [u8] {
        self.bytes.get(self.at..).unwrap_or_default()
    }

    /// Passes white space and comments.
    fn skip(&mut self) {
        loop {
            let rest = self.rest();
            let length = match rest {
                [b' ' | b'\t' | b'\n' | 0x0b | 0x0c | b'\r', ..] => 1,
                [b'#', ..] => line(rest),
                [b'-', b'-', after, ..] if after.is_ascii_whitespace() || after.is_ascii_control() => {
                    line(rest)
                }
                [b'-', b'-'] => 2,
                [b'*', b'/', ..] if self.executing => {
                    self.executing = false;
                    2
                }
                [b'/', b'*', ..] => self.comment(rest),
                _ => return,
            };
            self.at += length;
        }
    }

    /// How much of the beginning of a comment to pass: all of it, or the marks that make its text a statement.
    fn comment(&mut self, rest: &[u8]) -> usize {
        let marks = match rest {
            [b'/', b'*', b'!', ..] => 3,
            [b'/', b'*', b'M', b'!', ..] if self.reading.flavor == crate::server::Flavor::MariaDb => 4,
            _ => return find_end(rest, 2),
        };
        let digits = rest[marks..].iter().take(6).take_while(|byte| byte.is_ascii_digit()).count();
        if digits < 5 {
            self.executing = true;
            return marks;
        }
        let version =
            rest[marks..marks + digits].iter().fold(0, |sum, byte| sum * 10 + u32::from(byte - b'0'));
        if version <= self.reading.version {
            self.executing = true;
            return marks + digits;
        }
        find_nested_end(rest, marks)
    }

    fn quoted(&self, quote: u8, escapes: bool) -> usize {
        let rest = self.rest();
        let mut at = 1;
        while at < rest.len() {
            let length = self.reading.character(&rest[at..]);
            if length > 1 {
                at += length;
            } else if escapes && rest[at] == b'\\' {
                at += 2;
            } else if rest[at] != quote {
                at += 1;
            } else if rest.get(at + 1) == Some(&quote) {
                at += 2;
            } else {
                return at + 1;
            }
        }
        rest.len()
    }

    fn word(&self) -> usize {
        let rest = self.rest();
        let mut at = 0;
        while at < rest.len() {
            match self.reading.character(&rest[at..]) {
                1 if !is_word(rest[at]) => break,
                length => at += length,
            }
        }
        at.min(rest.len())
    }
}

impl Iterator for Lexer<'_> {
    type Item = Token;

    fn next(&mut self) -> Option<Token> {
        self.skip();
        let start = self.at;
        let &first = self.bytes.get(start)?;
        let escapes = !self.reading.no_backslash_escapes;
        let (kind, length) = match first {
            b'`' => (TokenKind::Name, self.quoted(first, false)),
            b'"' if self.reading.ansi_quotes => (TokenKind::Name, self.quoted(first, false)),
            b'"' | b'\'' => (TokenKind::Text, self.quoted(first, escapes)),
            _ if is_word(first) => (TokenKind::Word, self.word()),
            _ => (TokenKind::Mark(first), 1),
        };
        self.at += length;
        Some(Token { kind, start, end: self.at })
    }
}

/// What a name without quotes is made of; every byte of a character beyond ASCII is.
fn is_word(byte: u8) -> bool {
    byte.is_ascii_alphanumeric() || matches!(byte, b'_' | b'$' | 0x80..)
}

/// To the end of the line, with it.
fn line(rest: &[u8]) -> usize {
    memchr::memchr(b'\n', rest).map_or(rest.len(), |at| at + 1)
}

fn find_end(rest: &[u8], from: usize) -> usize {
    memchr::memmem::find(&rest[from..], b"*/").map_or(rest.len(), |at| from + at + 2)
}

/// A comment that is left out because of its version may hold comments.
fn find_nested_end(rest: &[u8], from: usize) -> usize {
    let (mut at, mut depth) = (from, 1);
    while let Some(two) = rest.get(at..at + 2) {
        match two {
            b"*/" => {
                depth -= 1;
                at += 2;
                if depth == 0 {
                    return at;
                }
            }
            b"/*" => {
                depth += 1;
                at += 2;
            }
            _ => at += 1,
        }
    }
    rest.len()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::{charset, server::Flavor};
    use proptest::prelude::*;

    fn tokens(text: &[u8], reading: Reading) -> Vec<String> {
        Lexer::new(text, reading)
            .map(|token| String::from_utf8_lossy(&text[token.start..token.end]).into_owned())
            .collect()
    }

    fn plain(text: &str) -> Vec<String> {
        tokens(text.as_bytes(), Reading::default())
    }

    #[test]
    fn comments_are_passed_over() {
        assert_eq!(plain("a/**/b -- c\n--\td\n#e\nf --1 /* unfinished"), ["a", "b", "f", "-", "-", "1"]);
        assert_eq!(plain("a --"), ["a"]);
        assert_eq!(plain("'/*' /* ' */ `--` \"#\""), ["'/*'", "`--`", "\"#\""]);
    }

    #[test]
    fn executable_comments_are_text_of_the_statement() {
        assert_eq!(plain("CREATE /*!50503 IF NOT EXISTS */ x"), ["CREATE", "IF", "NOT", "EXISTS", "x"]);
        assert_eq!(plain("/*! a */ /*!080100 b*/ /*!123 c*/"), ["a", "b", "123", "c"]);
        assert_eq!(plain("a * / /*!b*/*/"), ["a", "*", "/", "b", "*", "/"]);
        let old = Reading { version: 80_000, ..Reading::default() };
        assert_eq!(tokens(b"a /*!80001 b /* c */ d */ e /*!80000 f */", old), ["a", "e", "f"]);
        let mariadb = Reading { flavor: Flavor::MariaDb, ..Reading::default() };
        assert_eq!(tokens(b"a /*M!100100 b */", mariadb), ["a", "b"]);
        assert_eq!(plain("a /*M!100100 b */"), ["a"]);
    }

    #[test]
    fn quotes_end_as_the_session_says() {
        assert_eq!(plain(r"'a''b' 'c\'d' `e``f\`"), ["'a''b'", r"'c\'d'", r"`e``f\`"]);
        let literal = Reading { no_backslash_escapes: true, ..Reading::default() };
        assert_eq!(tokens(br"'a\' b", literal), [r"'a\'", "b"]);
        let ansi = Reading { ansi_quotes: true, ..Reading::default() };
        let first = Lexer::new(br#""a\" b"#, ansi).next().expect("a token");
        assert_eq!((first.kind, first.end), (TokenKind::Name, 4), "a name knows no backslash");
    }

    #[test]
    fn second_bytes_of_characters_are_no_quotes() {
        // The last byte of 表 in sjis, and of 功 in big5, is a backslash; that of a gbk one a grave accent.
        for (collation, text) in [(13, &b"'\x95\x5c' x"[..]), (1, b"'\xa5\x5c' x"), (28, b"`\x81\x60` x")] {
            let reading = Reading { charset: charset::of_collation(collation), ..Reading::default() };
            let ends: Vec<_> = Lexer::new(text, reading).map(|token| token.end).collect();
            assert_eq!(ends, [4, 6]);
            let other = Reading::default();
            assert_ne!(Lexer::new(text, other).map(|token| token.end).collect::<Vec<_>>(), [4, 6]);
        }
        let gb18030 = Reading { charset: charset::of_collation(248), ..Reading::default() };
        assert_eq!(Lexer::new(b"a\x81\x30\x81\x30b.c", gb18030).next().map(|token| token.end), Some(6));
    }

    proptest! {
        #[test]
        fn any_bytes_give_tokens_in_order(
            bytes in proptest::collection::vec(prop_oneof![
                3 => proptest::sample::select(b"`'\"\\/*!#- \n;,.()M@aB9\x80\x81\x5c".to_vec()), 1 => any::<u8>(),
            ], 0..80),
            ansi_quotes: bool, no_backslash_escapes: bool, collation in 0..320_u16, version in 0..100_000_u32,
        ) {
            let charset = charset::of_collation(collation);
            let reading = Reading { ansi_quotes, no_backslash_escapes, charset, version, ..Reading::default() };
            let mut end = 0;
            for token in Lexer::new(&bytes, reading) {
                prop_assert!(end <= token.start && token.start < token.end && token.end <= bytes.len());
                end = token.end;
            }
        }

        /// What the tokens are made of comes back, whatever stands between them.
        #[test]
        fn tokens_are_found_again_between_comments(
            words in proptest::collection::vec("[a-z_$][a-z0-9_$]{0,5}|`([a-z]|``){1,5}`|'([a-z]|'')*'|[(),.=]", 1..12),
            between in proptest::sample::select(vec![" ", "/**/", " -- x\n", "#'\n", "\t/* ` */\r\n"]),
        ) {
            prop_assert_eq!(plain(&words.join(between)), words);
        }
    }
}
