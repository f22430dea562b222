//! A condition becomes tests of a table version's columns.

use strait_mysql::{
    binlog::{ColumnDef, ColumnType, TableMap},
    charset::{self, Charset},
    value::ColumnValue,
};

use super::{
    Comparison, Condition, Literal, Refused, Test, TestKind,
    like::Pattern,
    number::Number,
    test::{Check, Operand, Reading, moment},
};

/// A condition on the columns of one table version.
#[derive(Debug)]
pub enum Bound {
    All(Vec<Bound>),
    Any(Vec<Bound>),
    Not(Box<Bound>),
    Null { at: usize },
    Check { at: usize, reading: Reading, check: Check },
}

impl Bound {
    pub fn new(condition: &Condition, map: &TableMap) -> Result<Self, Refused> {
        let each =
            |parts: &[Condition]| parts.iter().map(|part| Self::new(part, map)).collect::<Result<_, _>>();
        Ok(match condition {
            Condition::All(parts) => Self::All(each(parts)?),
            Condition::Any(parts) => Self::Any(each(parts)?),
            Condition::Not(inner) => Self::Not(Box::new(Self::new(inner, map)?)),
            Condition::Test(test) => {
                let no_column = || Refused::NoColumn { column: test.column.clone() };
                let at = map.column(&test.column).ok_or_else(no_column)?;
                match &test.kind {
                    TestKind::Null => Self::Null { at },
                    _ => {
                        let (reading, check) = bind(test, &map.columns[at])?;
                        Self::Check { at, reading, check }
                    }
                }
            }
        })
    }

    /// SQL's three values; `None` is neither true nor false. An error is the place of a column that the row image lacks.
    pub fn holds(&self, row: &[ColumnValue<'_>]) -> Result<Option<bool>, usize> {
        Ok(match self {
            Self::All(parts) => {
                let mut all = Some(true);
                for part in parts {
                    match part.holds(row)? {
                        Some(false) => return Ok(Some(false)),
                        None => all = None,
                        Some(true) => {}
                    }
                }
                all
            }
            Self::Any(parts) => {
                let mut any = Some(false);
                for part in parts {
                    match part.holds(row)? {
                        Some(true) => return Ok(Some(true)),
                        None => any = None,
                        Some(false) => {}
                    }
                }
                any
            }
            Self::Not(inner) => inner.holds(row)?.map(|holds| !holds),
            Self::Null { at } => match row[*at] {
                ColumnValue::Absent => return Err(*at),
                value => Some(value == ColumnValue::Null),
            },
            Self::Check { at, reading, check } => match row[*at] {
                ColumnValue::Absent => return Err(*at),
                ColumnValue::Null => None,
                value => Some(check.holds(&reading.read(value))),
            },
        })
    }

    /// Places of the columns that it asks for.
    pub fn columns(&self) -> Vec<usize> {
        match self {
            Self::All(parts) | Self::Any(parts) => parts.iter().flat_map(Self::columns).collect(),
            Self::Not(inner) => inner.columns(),
            Self::Null { at } | Self::Check { at, .. } => vec![*at],
        }
    }
}

/// How the column is read, and what is asked of it.
fn bind(test: &Test, column: &ColumnDef) -> Result<(Reading, Check), Refused> {
    let reading = reading(test, column)?;
    let operand = |literal: &Literal| operand(&reading, literal, column);
    let check = match &test.kind {
        TestKind::Compare(comparison, literal) => {
            ensure_ordered(&reading, *comparison, column)?;
            Check::Compare(*comparison, operand(literal)?)
        }
        TestKind::In(literals) => Check::In(literals.iter().map(operand).collect::<Result<_, _>>()?),
        TestKind::Like { pattern, escape } if matches!(reading, Reading::Text { .. }) => {
            Check::Like(Pattern::new(pattern, *escape))
        }
        TestKind::Like { .. } | TestKind::Null => {
            let what = format!("LIKE on column {}", column.name);
            return Err(Refused::unsupported(what, "it is for columns of characters"));
        }
    };
    Ok((reading, check))
}

fn reading(test: &Test, column: &ColumnDef) -> Result<Reading, Refused> {
    let reading = match column.ty {
        ColumnType::Tiny
        | ColumnType::Short
        | ColumnType::Int24
        | ColumnType::Long
        | ColumnType::LongLong
        | ColumnType::Year
        | ColumnType::Decimal { .. } => Reading::Number,
        ColumnType::Float | ColumnType::Double => Reading::Double,
        ColumnType::Date | ColumnType::DateTime { .. } | ColumnType::Timestamp { .. } => Reading::Moment,
        ColumnType::Enum { .. } => Reading::Label,
        ColumnType::Char { .. } | ColumnType::VarChar { .. } | ColumnType::Blob { .. } => {
            if column.is_binary() { Reading::Bytes } else { return text_reading(test, column) }
        }
        _ => {
            let what = format!("a comparison of column {} of type {:?}", column.name, column.ty);
            return Err(Refused::unsupported(what, "of such a column only IS NULL can be asked"));
        }
    };
    match &test.collation {
        None => Ok(reading),
        Some(_) => Err(Refused::unsupported(
            format!("COLLATE on column {}", column.name),
            "it is for columns of characters",
        )),
    }
}

/// Characters compare by their codes in these alone.
fn text_reading(test: &Test, column: &ColumnDef) -> Result<Reading, Refused> {
    const NO_PAD: &str = "utf8mb4_0900_bin";
    let charset = column.collation.and_then(charset::of_collation);
    let name = charset.map_or("utf8mb4", |charset| charset.name);
    let own = match column.collation {
        Some(46) => Some("utf8mb4_bin"),
        Some(309) => Some(NO_PAD),
        Some(83) => Some("utf8mb3_bin"),
        Some(47) => Some("latin1_bin"),
        Some(65) => Some("ascii_bin"),
        _ => None,
    };
    let by_codes = format!("{name}_bin");
    let known = |collation: &str| {
        collation.eq_ignore_ascii_case(&by_codes)
            || (name == "utf8mb4" && collation.eq_ignore_ascii_case(NO_PAD))
            || (name == "utf8mb3" && collation.eq_ignore_ascii_case("utf8_bin"))
    };
    let collation = test.collation.as_deref().or(own).filter(|collation| known(collation));
    match collation {
        Some(collation) => Ok(Reading::Text { charset, padded: !collation.eq_ignore_ascii_case(NO_PAD) }),
        None => Err(Refused::unsupported(
            format!("a comparison of column {} by its collation", column.name),
            format!("write `{}` COLLATE {by_codes}, which compares characters by their codes", column.name),
        )),
    }
}

/// Whether less and greater mean what they mean to the server.
fn ensure_ordered(reading: &Reading, comparison: Comparison, column: &ColumnDef) -> Result<(), Refused> {
    if matches!(comparison, Comparison::Equal | Comparison::Different) {
        return Ok(());
    }
    let by_codes = |charset: Option<&'static Charset>| {
        charset.is_none_or(|charset| matches!(charset.name, "utf8mb4" | "utf8mb3" | "ascii"))
    };
    match reading {
        Reading::Label => Err(Refused::unsupported(
            format!("an order of the ENUM column {}", column.name),
            "ask for its labels by = or IN",
        )),
        Reading::Text { charset, .. } if !by_codes(*charset) => Err(Refused::unsupported(
            format!("an order of column {} in its character set", column.name),
            "ask by =, IN or LIKE",
        )),
        _ => Ok(()),
    }
}

fn operand(reading: &Reading, literal: &Literal, column: &ColumnDef) -> Result<Operand<'static>, Refused> {
    let misfit = |instead: &str| {
        let (Literal::Number(shown) | Literal::Text(shown)) = literal;
        Err(Refused::unsupported(format!("{shown:?} for column {}", column.name), instead))
    };
    match (reading, literal) {
        (Reading::Number, Literal::Number(text)) => match Number::parse(text) {
            Some(number) => Ok(Operand::Number(number)),
            None => misfit("write an exact number, without an exponent"),
        },
        (Reading::Double, Literal::Number(text)) => match text.parse() {
            Ok(number) => Ok(Operand::Double(number)),
            Err(_) => misfit("write a number"),
        },
        (Reading::Text { padded, .. }, Literal::Text(text)) => {
            Ok(Operand::Text { text: text.clone().into(), padded: *padded })
        }
        (Reading::Bytes, Literal::Text(text)) => Ok(Operand::Bytes(text.clone().into_bytes().into())),
        (Reading::Moment, Literal::Text(text)) => match moment(text) {
            Some(text) => Ok(Operand::Moment(text)),
            None => misfit("write 'YYYY-MM-DD' or 'YYYY-MM-DD hh:mm:ss', a TIMESTAMP in UTC"),
        },
        (Reading::Label, Literal::Text(text)) => {
            let labels = || column.labels.iter();
            let exact = labels().position(|label| label == text);
            let found = exact.or_else(|| labels().position(|label| label.eq_ignore_ascii_case(text)));
            match found {
                Some(at) => Ok(Operand::Label(at as u16 + 1)),
                None => misfit("it is none of the column's labels"),
            }
        }
        (Reading::Number | Reading::Double, Literal::Text(_)) => misfit("write a number without quotes"),
        (_, Literal::Number(_)) => misfit("write a text in quotes"),
    }
}
