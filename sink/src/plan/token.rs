//! What a change touches: values of unique indexes. Changes whose tokens meet are applied one after the other.

use std::hash::{DefaultHasher, Hasher};

use super::{Change, Comparison, Operation};
use crate::{
    datum::{Datum, Row},
    table_map::{IndexId, MappedColumn, Mapping},
};

/// What of an index is touched.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct Token {
    pub index: IndexId,
    pub extent: Extent,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub enum Extent {
    /// One value, hashed.
    Value(u64),
    /// Any values, but none that another such part has.
    Part,
    /// Any values, where it cannot be told which.
    Whole,
}

impl Token {
    pub const fn value(index: IndexId, hash: u64) -> Self {
        Self { index, extent: Extent::Value(hash) }
    }

    pub const fn part(index: IndexId) -> Self {
        Self { index, extent: Extent::Part }
    }

    pub const fn whole(index: IndexId) -> Self {
        Self { index, extent: Extent::Whole }
    }
}

/// The row's own place: its primary key; the whole table where it has none.
pub fn row_token(mapping: &Mapping, row: &Row) -> Token {
    let index = mapping.target.row_index;
    match &mapping.primary {
        Some(places) => value_token(mapping, index, places, row).unwrap_or(Token::whole(index)),
        None => Token::whole(index),
    }
}

/// `None`: a part is NULL, which collides with nothing.
fn value_token(mapping: &Mapping, index: IndexId, places: &[usize], row: &Row) -> Option<Token> {
    let mut bytes = Vec::with_capacity(64);
    for place in places {
        let column: &MappedColumn = &mapping.columns[*place];
        match &row[*place] {
            Datum::Null => return None,
            Datum::Absent => return Some(Token::whole(index)),
            value
                if column.comparison == Comparison::Doubtful
                    || !column.comparison.write(value, &mut bytes) =>
            {
                return Some(Token::whole(index));
            }
            _ => {}
        }
    }
    let mut hasher = DefaultHasher::new();
    hasher.write(&bytes);
    Some(Token::value(index, hasher.finish()))
}

/// Tokens of an image in the secondary unique indexes.
pub fn unique_tokens(mapping: &Mapping, row: &Row, out: &mut Vec<Token>) {
    for key in &mapping.unique {
        match &key.columns {
            Some(places) => out.extend(value_token(mapping, key.id, places, row)),
            None => out.push(Token::whole(key.id)),
        }
    }
}

fn parent_tokens(mapping: &Mapping, row: &Row, out: &mut Vec<Token>) {
    for (index, places) in &mapping.parents {
        match places {
            Some(places) => out.extend(value_token(mapping, *index, places, row)),
            None => out.push(Token::whole(*index)),
        }
    }
}

/// Everything a change touches.
pub fn tokens(change: &Change, out: &mut Vec<Token>) {
    let mapping = &change.mapping;
    if change.operation == Operation::Clear {
        out.push(Token::whole(mapping.target.row_index));
        out.extend(mapping.unique.iter().map(|key| Token::whole(key.id)));
    }
    for row in [&change.before, &change.after].into_iter().flatten() {
        out.push(row_token(mapping, row));
        unique_tokens(mapping, row, out);
        parent_tokens(mapping, row, out);
    }
    if change.needs_native_checks() && change.before.is_some() {
        // What the target's own cascades write is named nowhere.
        out.extend(mapping.target.cascades_to.iter().map(|index| Token::whole(*index)));
    }
}
