//! Reading a statement from left to right: key words, marks, names.

use std::ops::Range;

use super::{Class, Lexer, Object, Role, Token, TokenKind};

#[derive(Debug, Clone)]
pub struct Cursor<'a> {
    lexer: Lexer<'a>,
}

/// A name as it is meant, and where it stands.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Named {
    pub text: String,
    pub span: Range<usize>,
}

impl<'a> Cursor<'a> {
    pub fn new(lexer: Lexer<'a>) -> Self {
        Self { lexer }
    }

    pub fn peek(&self) -> Option<Token> {
        let mut ahead = self.lexer.clone();
        ahead.next()
    }

    pub fn next(&mut self) -> Option<Token> {
        self.lexer.next()
    }

    pub fn is_at_end(&self) -> bool {
        self.peek().is_none()
    }

    fn bytes(&self, token: Token) -> &'a [u8] {
        &self.lexer.bytes()[token.start..token.end]
    }

    /// Whether this token is that key word.
    pub fn is(&self, token: Token, word: &str) -> bool {
        token.kind == TokenKind::Word && self.bytes(token).eq_ignore_ascii_case(word.as_bytes())
    }

    pub fn sees(&self, word: &str) -> bool {
        self.peek().is_some_and(|token| self.is(token, word))
    }

    pub fn sees_any(&self, words: &[&str]) -> bool {
        words.iter().any(|word| self.sees(word))
    }

    pub fn sees_mark(&self, mark: u8) -> bool {
        self.peek().is_some_and(|token| token.kind == TokenKind::Mark(mark))
    }

    pub fn sees_number(&self) -> bool {
        let is_number = |token: Token| token.kind == TokenKind::Word && self.bytes(token)[0].is_ascii_digit();
        self.peek().is_some_and(is_number)
    }

    /// Takes the key word if it comes next.
    pub fn word(&mut self, word: &str) -> bool {
        let seen = self.sees(word);
        if seen {
            self.next();
        }
        seen
    }

    /// Takes the first of these that comes next.
    pub fn any(&mut self, words: &[&str]) -> bool {
        words.iter().any(|word| self.word(word))
    }

    /// Takes all these key words if they come next, or none.
    pub fn words(&mut self, words: &[&str]) -> bool {
        let mut ahead = self.clone();
        let all = words.iter().all(|word| ahead.word(word));
        if all {
            *self = ahead;
        }
        all
    }

    /// As `words`, and where they stand.
    pub fn span_of(&mut self, words: &[&str]) -> Option<Range<usize>> {
        let start = self.peek()?.start;
        let mut ahead = self.clone();
        let mut end = start;
        for word in words {
            let token = ahead.next()?;
            if !self.is(token, word) {
                return None;
            }
            end = token.end;
        }
        *self = ahead;
        Some(start..end)
    }

    /// `ALGORITHM = INPLACE`, `LOCK NONE` and the like if it comes next: where the value stands.
    pub fn demand(&mut self) -> Option<Range<usize>> {
        let mut ahead = self.clone();
        let values: &[&str] = if ahead.word("ALGORITHM") {
            &["INSTANT", "INPLACE", "NOCOPY"]
        } else if ahead.word("LOCK") {
            &["NONE", "SHARED"]
        } else {
            return None;
        };
        ahead.mark(b'=');
        let value = ahead.next()?;
        if !values.iter().any(|word| self.is(value, word)) {
            return None;
        }
        *self = ahead;
        Some(value.start..value.end)
    }

    /// All of them up to the statement's end.
    pub fn demands(&mut self) -> Vec<Range<usize>> {
        let mut found = Vec::new();
        while !self.is_at_end() {
            match self.demand() {
                Some(value) => found.push(value),
                None => drop(self.next()),
            }
        }
        found
    }

    pub fn mark(&mut self, mark: u8) -> bool {
        let seen = self.sees_mark(mark);
        if seen {
            self.next();
        }
        seen
    }

    /// Passes `( ... )` if it comes next.
    pub fn parentheses(&mut self) -> bool {
        if !self.mark(b'(') {
            return false;
        }
        let mut depth = 1;
        while depth > 0 {
            match self.next().map(|token| token.kind) {
                Some(TokenKind::Mark(b'(')) => depth += 1,
                Some(TokenKind::Mark(b')')) => depth -= 1,
                Some(_) => {}
                None => break,
            }
        }
        true
    }

    /// A name, in quotes or without.
    pub fn name(&mut self) -> Option<Named> {
        let token = self.peek().filter(|token| matches!(token.kind, TokenKind::Word | TokenKind::Name))?;
        self.next();
        Some(self.named(token))
    }

    /// A name or a text: a part of an account.
    pub fn name_or_text(&mut self) -> Option<Named> {
        let token = self.peek().filter(|token| !matches!(token.kind, TokenKind::Mark(_)))?;
        self.next();
        Some(self.named(token))
    }

    fn named(&self, token: Token) -> Named {
        let bytes = self.bytes(token);
        let span = token.start..token.end;
        let text = match token.kind {
            TokenKind::Word | TokenKind::Mark(_) => self.lexer.reading().text(bytes),
            TokenKind::Name | TokenKind::Text => self.unquoted(bytes),
        };
        Named { text, span }
    }

    /// Without its quotes, and with those inside it once. (Escapes of a text stay: no name of ours has one.)
    fn unquoted(&self, bytes: &[u8]) -> String {
        let reading = self.lexer.reading();
        let Some((&quote, inner)) = bytes.split_first() else { return String::new() };
        let mut plain = Vec::with_capacity(inner.len());
        let mut at = 0;
        while at < inner.len() {
            let length = reading.character(&inner[at..]);
            if length == 1 && inner[at] == quote {
                // The one of a pair, or the end.
                if inner.get(at + 1) == Some(&quote) {
                    plain.push(quote);
                }
                at += 2;
                continue;
            }
            plain.extend_from_slice(&inner[at..at + length]);
            at += length;
        }
        reading.text(&plain)
    }

    /// `name`, `database.name` or `.name`.
    pub fn object(&mut self, role: Role, class: Class) -> Option<Object> {
        let start = self.peek()?.start;
        if self.mark(b'.') {
            let name = self.name()?;
            return Some(Object { role, class, database: None, name: name.text, span: start..name.span.end });
        }
        let first = self.name()?;
        let mut ahead = self.clone();
        if ahead.mark(b'.')
            && let Some(second) = ahead.name()
        {
            *self = ahead;
            let span = first.span.start..second.span.end;
            return Some(Object { role, class, database: Some(first.text), name: second.text, span });
        }
        Some(Object { role, class, database: None, name: first.text, span: first.span })
    }

    /// A database's own name.
    pub fn database(&mut self, role: Role) -> Option<Object> {
        let name = self.name()?;
        Some(Object { role, class: Class::Database, database: None, name: name.text, span: name.span })
    }

    /// Objects with commas between.
    pub fn list(&mut self, role: Role, class: Class, into: &mut Vec<Object>) {
        loop {
            into.extend(self.object(role, class));
            if !self.mark(b',') {
                return;
            }
        }
    }
}
