//! A condition's form. Each test has a column on its left and values on its right.

use super::{
    Refused,
    lexer::{Token, tokens},
};

#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Condition {
    All(Vec<Condition>),
    Any(Vec<Condition>),
    Not(Box<Condition>),
    Test(Test),
}

#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Test {
    pub column: String,
    /// `column COLLATE name`.
    pub collation: Option<String>,
    pub kind: TestKind,
}

#[derive(Debug, Clone, PartialEq, Eq)]
pub enum TestKind {
    Null,
    Compare(Comparison, Literal),
    In(Vec<Literal>),
    Like { pattern: String, escape: Option<char> },
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Comparison {
    Equal,
    Different,
    Less,
    LessOrEqual,
    Greater,
    GreaterOrEqual,
}

#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Literal {
    Number(String),
    Text(String),
}

impl Condition {
    pub fn parse(text: &str) -> Result<Self, Refused> {
        let mut parser = Parser { text, tokens: tokens(text)?, at: 0, depth: 0 };
        let condition = parser.any()?;
        match parser.peek() {
            None => Ok(condition),
            Some(_) => Err(parser.expected("AND, OR or the end")),
        }
    }
}

/// Parentheses and NOTs within each other.
const DEEPEST: usize = 100;

struct Parser<'t> {
    text: &'t str,
    tokens: Vec<(usize, Token)>,
    at: usize,
    depth: usize,
}

impl Parser<'_> {
    fn peek(&self) -> Option<&Token> {
        self.tokens.get(self.at).map(|(_, token)| token)
    }

    fn next(&mut self) -> Option<Token> {
        let token = self.peek().cloned();
        self.at += 1;
        token
    }

    fn expected(&self, expected: &'static str) -> Refused {
        let at = self.tokens.get(self.at).map_or("", |(at, _)| &self.text[*at..]);
        Refused::Syntax { at: at.to_owned(), expected }
    }

    fn takes_word(&mut self, word: &str) -> bool {
        let is = matches!(self.peek(), Some(Token::Word(found)) if found.eq_ignore_ascii_case(word));
        self.at += usize::from(is);
        is
    }

    fn takes_sign(&mut self, sign: &str) -> bool {
        let is = matches!(self.peek(), Some(Token::Sign(found)) if *found == sign);
        self.at += usize::from(is);
        is
    }

    fn must(&mut self, taken: bool, expected: &'static str) -> Result<(), Refused> {
        if taken { Ok(()) } else { Err(self.expected(expected)) }
    }

    fn any(&mut self) -> Result<Condition, Refused> {
        let mut parts = vec![self.all()?];
        while self.takes_word("or") {
            parts.push(self.all()?);
        }
        Ok(if parts.len() == 1 { parts.swap_remove(0) } else { Condition::Any(parts) })
    }

    fn all(&mut self) -> Result<Condition, Refused> {
        let mut parts = vec![self.negatable()?];
        while self.takes_word("and") {
            parts.push(self.negatable()?);
        }
        Ok(if parts.len() == 1 { parts.swap_remove(0) } else { Condition::All(parts) })
    }

    fn negatable(&mut self) -> Result<Condition, Refused> {
        self.depth += 1;
        if self.depth > DEEPEST {
            return Err(self.expected("a condition that is nested less deeply"));
        }
        let condition = if self.takes_word("not") {
            Condition::Not(Box::new(self.negatable()?))
        } else if self.takes_sign("(") {
            let inner = self.any()?;
            let closed = self.takes_sign(")");
            self.must(closed, ")")?;
            inner
        } else {
            self.test()?
        };
        self.depth -= 1;
        Ok(condition)
    }

    fn test(&mut self) -> Result<Condition, Refused> {
        const COLUMN: &str = "a column's name on the left, without a table's";
        let column = match self.peek() {
            Some(Token::Word(word) | Token::Name(word)) => word.clone(),
            _ => return Err(self.expected(COLUMN)),
        };
        self.at += 1;
        let collation = match self.takes_word("collate") {
            true => match self.next() {
                Some(Token::Word(name) | Token::Name(name)) => Some(name),
                _ => return Err(self.expected("the name of a collation")),
            },
            false => None,
        };
        let test =
            |kind| Condition::Test(Test { column: column.clone(), collation: collation.clone(), kind });
        if self.takes_word("is") {
            let negated = self.takes_word("not");
            let null = self.takes_word("null");
            self.must(null, "NULL")?;
            return Ok(negate(test(TestKind::Null), negated));
        }
        let negated = self.takes_word("not");
        if self.takes_word("in") {
            let values = self.list()?;
            return Ok(negate(test(TestKind::In(values)), negated));
        }
        if self.takes_word("between") {
            let low = self.literal()?;
            let and = self.takes_word("and");
            self.must(and, "AND")?;
            let high = self.literal()?;
            let bounds = [(Comparison::GreaterOrEqual, low), (Comparison::LessOrEqual, high)];
            let parts = bounds.map(|(comparison, value)| test(TestKind::Compare(comparison, value)));
            return Ok(negate(Condition::All(parts.into()), negated));
        }
        if self.takes_word("like") {
            let kind = self.pattern()?;
            return Ok(negate(test(kind), negated));
        }
        self.must(!negated, "IN, BETWEEN or LIKE")?;
        let comparison = self.comparison()?;
        Ok(test(TestKind::Compare(comparison, self.literal()?)))
    }

    fn comparison(&mut self) -> Result<Comparison, Refused> {
        const KNOWN: [(&str, Comparison); 7] = [
            ("=", Comparison::Equal),
            ("<>", Comparison::Different),
            ("!=", Comparison::Different),
            ("<=", Comparison::LessOrEqual),
            ("<", Comparison::Less),
            (">=", Comparison::GreaterOrEqual),
            (">", Comparison::Greater),
        ];
        let known = KNOWN.into_iter().find(|(sign, _)| self.takes_sign(sign));
        known.map(|(_, comparison)| comparison).ok_or_else(|| {
            self.expected(
                "one of = <> < <= > >=, IS NULL, IN, BETWEEN, LIKE (a truth value is written: column = 1)",
            )
        })
    }

    fn list(&mut self) -> Result<Vec<Literal>, Refused> {
        let opened = self.takes_sign("(");
        self.must(opened, "(")?;
        let mut values = vec![self.literal()?];
        while self.takes_sign(",") {
            values.push(self.literal()?);
        }
        let closed = self.takes_sign(")");
        self.must(closed, ")")?;
        Ok(values)
    }

    fn pattern(&mut self) -> Result<TestKind, Refused> {
        const PATTERN: &str = "a pattern in quotes";
        let Some(Token::Text(pattern)) = self.peek().cloned() else { return Err(self.expected(PATTERN)) };
        self.at += 1;
        let mut escape = Some('\\');
        if self.takes_word("escape") {
            let Some(Token::Text(text)) = self.peek().cloned() else {
                return Err(self.expected("one character in quotes"));
            };
            let mut chars = text.chars();
            escape = chars.next();
            self.must(chars.next().is_none(), "one character in quotes")?;
            self.at += 1;
        }
        Ok(TestKind::Like { pattern, escape })
    }

    fn literal(&mut self) -> Result<Literal, Refused> {
        let negative = self.takes_sign("-");
        let signed = negative || self.takes_sign("+");
        match self.peek().cloned() {
            Some(Token::Number(digits)) => {
                self.at += 1;
                Ok(Literal::Number(if negative { format!("-{digits}") } else { digits }))
            }
            Some(Token::Text(text)) if !signed => {
                self.at += 1;
                // Only LIKE knows these two escapes; elsewhere the backslash stays, as in MySQL.
                Ok(Literal::Text(text))
            }
            Some(Token::Word(word)) if !signed => {
                let word = word.to_ascii_lowercase();
                match word.as_str() {
                    "true" | "false" => {
                        self.at += 1;
                        Ok(Literal::Number(u8::from(word == "true").to_string()))
                    }
                    "null" => Err(self.expected("a value (a comparison with NULL is never true: IS NULL)")),
                    // DATE '2024-01-31'
                    "date" | "timestamp" => {
                        self.at += 1;
                        let Some(Token::Text(text)) = self.next() else {
                            return Err(self.expected("a date in quotes"));
                        };
                        Ok(Literal::Text(text))
                    }
                    _ => Err(self.expected("a value: a number or a text in quotes")),
                }
            }
            _ => Err(self.expected("a value: a number or a text in quotes")),
        }
    }
}

fn negate(condition: Condition, negated: bool) -> Condition {
    if negated { Condition::Not(Box::new(condition)) } else { condition }
}
