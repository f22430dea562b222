//! One test of one value.

use std::{borrow::Cow, cmp::Ordering};

use strait_mysql::{
    charset::Charset,
    value::{ColumnValue, Date, DateTime},
};

use super::{Comparison, like::Pattern, number::Number};

/// As what a column's values are compared.
#[derive(Debug, Clone, PartialEq)]
pub enum Reading {
    Number,
    Double,
    /// Dates and times, to the microsecond.
    Moment,
    /// An ENUM's index.
    Label,
    Bytes,
    /// By the characters' codes; `padded`: spaces at the end do not count.
    Text {
        charset: Option<&'static Charset>,
        padded: bool,
    },
}

#[derive(Debug, Clone, PartialEq)]
pub enum Operand<'v> {
    Number(Number),
    Double(f64),
    /// `YYYY-MM-DD hh:mm:ss.ffffff`, which compares as the moments do.
    Moment(String),
    Label(u16),
    Bytes(Cow<'v, [u8]>),
    Text {
        text: Cow<'v, str>,
        padded: bool,
    },
    /// Nothing of what the column's type promises.
    Other,
}

#[derive(Debug)]
pub enum Check {
    Compare(Comparison, Operand<'static>),
    In(Vec<Operand<'static>>),
    Like(Pattern),
}

impl Reading {
    pub fn read<'v>(&self, value: ColumnValue<'v>) -> Operand<'v> {
        match (self, value) {
            (Self::Number, ColumnValue::Int(v)) => Operand::Number(Number::Integer(v.into())),
            (Self::Number, ColumnValue::UInt(v)) => Operand::Number(Number::Integer(v.into())),
            (Self::Number, ColumnValue::Year(v)) => Operand::Number(Number::Integer(v.into())),
            (Self::Number, ColumnValue::Decimal(v)) => {
                Number::parse(&v.to_text()).map_or(Operand::Other, Operand::Number)
            }
            (Self::Double, ColumnValue::Float(v)) => Operand::Double(v.into()),
            (Self::Double, ColumnValue::Double(v)) => Operand::Double(v),
            (Self::Moment, ColumnValue::Date(date)) => Operand::Moment(text_of(at_midnight(date))),
            (Self::Moment, ColumnValue::DateTime(at)) => Operand::Moment(text_of(at)),
            (Self::Moment, ColumnValue::Timestamp { seconds: 0, micros: 0 }) => {
                Operand::Moment(text_of(at_midnight(Date { year: 0, month: 0, day: 0 })))
            }
            (Self::Moment, ColumnValue::Timestamp { seconds, micros }) => {
                Operand::Moment(text_of(DateTime::from_epoch(seconds, micros)))
            }
            (Self::Label, ColumnValue::Enum(index)) => Operand::Label(index),
            (Self::Bytes, ColumnValue::Binary(bytes)) => Operand::Bytes(bytes.to_bytes()),
            (Self::Text { charset, padded }, ColumnValue::Text(bytes)) => {
                let text = match charset {
                    Some(charset) => charset.decode(bytes).text,
                    None => String::from_utf8_lossy(bytes),
                };
                Operand::Text { text, padded: *padded }
            }
            _ => Operand::Other,
        }
    }
}

fn at_midnight(date: Date) -> DateTime {
    DateTime { date, hour: 0, minute: 0, second: 0, micros: 0 }
}

fn text_of(at: DateTime) -> String {
    let mut text = String::with_capacity(26);
    at.write_text(6, &mut text);
    text
}

/// A literal as `Operand::Moment` has it.
pub fn moment(text: &str) -> Option<String> {
    const FORM: &str = "0000-00-00 00:00:00.000000";
    let text = text.trim();
    if text.len() > FORM.len() || text.len() < 10 || matches!(text.len(), 11..=18 | 20) {
        return None;
    }
    let fits = text.bytes().zip(FORM.bytes()).all(|(byte, form)| match form {
        b'0' => byte.is_ascii_digit(),
        b' ' => matches!(byte, b' ' | b'T'),
        form => byte == form,
    });
    let whole = fits.then(|| format!("{}{}", text.replace('T', " "), &FORM[text.len()..]))?;
    let most = [(5..7, 12), (8..10, 31), (11..13, 23), (14..16, 59), (17..19, 59)];
    let in_bounds = most.into_iter().all(|(at, most)| whole[at].parse::<u8>().is_ok_and(|v| v <= most));
    in_bounds.then_some(whole)
}

impl Check {
    pub fn holds(&self, value: &Operand<'_>) -> bool {
        match self {
            Self::Compare(comparison, literal) => {
                value.compare(literal).is_some_and(|ordering| comparison.holds(ordering))
            }
            Self::In(literals) => {
                literals.iter().any(|literal| value.compare(literal) == Some(Ordering::Equal))
            }
            Self::Like(pattern) => matches!(value, Operand::Text { text, .. } if pattern.matches(text)),
        }
    }
}

impl Operand<'_> {
    fn compare(&self, other: &Operand<'static>) -> Option<Ordering> {
        Some(match (self, other) {
            (Self::Number(one), Operand::Number(other)) => one.compare(other),
            (Self::Double(one), Operand::Double(other)) => return one.partial_cmp(other),
            (Self::Moment(one), Operand::Moment(other)) => one.cmp(other),
            (Self::Label(one), Operand::Label(other)) => one.cmp(other),
            (Self::Bytes(one), Operand::Bytes(other)) => one.cmp(other),
            (Self::Text { text: one, padded: true }, Operand::Text { text: other, .. }) => {
                compare_padded(one, other)
            }
            (Self::Text { text: one, .. }, Operand::Text { text: other, .. }) => one.cmp(other),
            _ => return None,
        })
    }
}

/// As if the shorter one were followed by spaces.
fn compare_padded(one: &str, other: &str) -> Ordering {
    let longest = one.len().max(other.len());
    let padded = |text: &str| text.chars().chain(std::iter::repeat(' ')).take(longest).collect::<Vec<_>>();
    padded(one).cmp(&padded(other))
}

impl Comparison {
    fn holds(self, ordering: Ordering) -> bool {
        match self {
            Self::Equal => ordering.is_eq(),
            Self::Different => ordering.is_ne(),
            Self::Less => ordering.is_lt(),
            Self::LessOrEqual => ordering.is_le(),
            Self::Greater => ordering.is_gt(),
            Self::GreaterOrEqual => ordering.is_ge(),
        }
    }
}
