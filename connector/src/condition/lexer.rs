//! A condition's words, as MySQL reads them (sql_mode without ANSI_QUOTES).

use super::Refused;

#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Token {
    /// A keyword or a name without quotes.
    Word(String),
    /// A name in backticks.
    Name(String),
    Text(String),
    /// Digits, perhaps with a point and an exponent.
    Number(String),
    /// `=`, `<>`, `(`, ...
    Sign(&'static str),
}

/// The longer ones first.
const SIGNS: [&str; 15] = ["<=>", "<=", ">=", "<>", "!=", "&&", "||", "=", "<", ">", "(", ")", ",", "-", "+"];

/// Each token, with where it begins.
pub fn tokens(text: &str) -> Result<Vec<(usize, Token)>, Refused> {
    let mut found = Vec::new();
    let mut at = 0;
    while let Some(first) = text[at..].chars().next() {
        let rest = &text[at..];
        if first.is_whitespace() {
            at += first.len_utf8();
            continue;
        }
        let (length, token) = match first {
            '\'' | '"' => quoted(rest, first).map(|(length, text)| (length, Token::Text(text))),
            '`' => quoted(rest, first).map(|(length, name)| (length, Token::Name(name))),
            _ => plain(rest, first),
        }
        .ok_or_else(|| Refused::Syntax { at: rest.into(), expected: "a name, a value or an operator" })?;
        found.push((at, token));
        at += length;
    }
    Ok(found)
}

fn plain(rest: &str, first: char) -> Option<(usize, Token)> {
    let is_word = |c: char| c.is_alphanumeric() || matches!(c, '_' | '$');
    let followed_by_digit = rest[1..].starts_with(|c: char| c.is_ascii_digit());
    if first.is_ascii_digit() || (first == '.' && followed_by_digit) {
        let length = number(rest);
        let ends = !rest[length..].starts_with(is_word);
        return ends.then(|| (length, Token::Number(rest[..length].to_owned())));
    }
    if is_word(first) {
        let length = rest.find(|c| !is_word(c)).unwrap_or(rest.len());
        return Some((length, Token::Word(rest[..length].to_owned())));
    }
    SIGNS.into_iter().find(|sign| rest.starts_with(sign)).map(|sign| (sign.len(), Token::Sign(sign)))
}

/// How long the number is that the text begins with.
fn number(rest: &str) -> usize {
    let digits = |from: usize| rest[from..].bytes().take_while(u8::is_ascii_digit).count();
    let mut length = digits(0);
    if rest[length..].starts_with('.') {
        length += 1 + digits(length + 1);
    }
    if rest[length..].starts_with(['e', 'E']) {
        let sign = usize::from(rest[length + 1..].starts_with(['+', '-']));
        let exponent = digits(length + 1 + sign);
        if exponent > 0 {
            length += 1 + sign + exponent;
        }
    }
    length
}

/// A doubled quote stands for itself; in a text a backslash begins an escape.
fn quoted(rest: &str, quote: char) -> Option<(usize, String)> {
    let mut text = String::new();
    let mut chars = rest.char_indices().skip(1).peekable();
    while let Some((at, c)) = chars.next() {
        if c == quote {
            if chars.next_if(|(_, next)| *next == quote).is_none() {
                return Some((at + 1, text));
            }
            text.push(quote);
        } else if c == '\\' && quote != '`' {
            let (_, escaped) = chars.next()?;
            match escaped {
                'n' => text.push('\n'),
                't' => text.push('\t'),
                'r' => text.push('\r'),
                'b' => text.push('\u{8}'),
                '0' => text.push('\0'),
                'Z' => text.push('\u{1a}'),
                // Left to LIKE.
                '%' | '_' => text.extend(['\\', escaped]),
                other => text.push(other),
            }
        } else {
            text.push(c);
        }
    }
    None
}
