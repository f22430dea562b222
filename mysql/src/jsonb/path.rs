//! The path of one value in a document, in the text form that the server logs: `$.key."another key"[3][last-1]`.

use super::{MAX_DEPTH, malformed, text};
use crate::binlog::Result;

/// A document is no deeper, but `[0]` of what is no array is no step down.
const MOST_LEGS: usize = 2 * MAX_DEPTH;

#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) enum Leg {
    Key(Vec<u8>),
    Cell(Cell),
}

/// A place in an array.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Cell {
    FromStart(usize),
    /// 0: the last.
    FromEnd(usize),
}

impl Cell {
    /// Which element of so many it is.
    pub fn of(self, count: usize) -> Option<usize> {
        match self {
            Self::FromStart(at) => (at < count).then_some(at),
            Self::FromEnd(back) => count.checked_sub(back + 1),
        }
    }

    /// Where among so many a new element comes: beyond the end is at the end, before the beginning is at the beginning.
    pub fn for_insertion(self, count: usize) -> usize {
        match self {
            Self::FromStart(at) => at.min(count),
            Self::FromEnd(_) => self.of(count).unwrap_or(0),
        }
    }
}

pub(super) fn parse(path: &[u8]) -> Result<Vec<Leg>> {
    let bad = || malformed(format!("the path {:?}", String::from_utf8_lossy(path)));
    let text = std::str::from_utf8(path).map_err(|_| bad())?;
    let mut rest = text.strip_prefix('$').ok_or_else(bad)?;
    let mut legs = Vec::new();
    while !rest.is_empty() {
        if legs.len() >= MOST_LEGS {
            return Err(malformed(format!("a path of more than {MOST_LEGS} legs")));
        }
        let (leg, left) = leg(rest).ok_or_else(bad)?;
        legs.push(leg);
        rest = left;
    }
    Ok(legs)
}

fn leg(text: &str) -> Option<(Leg, &str)> {
    if let Some(cell) = text.strip_prefix('[') {
        let (cell, left) = cell.split_once(']')?;
        return Some((Leg::Cell(parse_cell(cell.trim())?), left));
    }
    let key = text.strip_prefix('.')?;
    if key.starts_with('"') {
        let (key, left) = text::read_quoted(key)?;
        return Some((Leg::Key(key.into_bytes()), left));
    }
    let (key, left) = key.split_at(key.find(['.', '[']).unwrap_or(key.len()));
    (!key.is_empty()).then(|| (Leg::Key(key.as_bytes().to_vec()), left))
}

fn parse_cell(text: &str) -> Option<Cell> {
    match text.strip_prefix("last") {
        None => text.parse().ok().map(Cell::FromStart),
        Some("") => Some(Cell::FromEnd(0)),
        Some(back) => {
            let back: u32 = back.trim_start().strip_prefix('-')?.trim_start().parse().ok()?;
            Some(Cell::FromEnd(back as usize))
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn paths_as_the_server_writes_them() {
        let key = |key: &str| Leg::Key(key.as_bytes().to_vec());
        let of = |path: &str| parse(path.as_bytes()).expect("a path");
        assert_eq!(of("$"), []);
        assert_eq!(of("$.a.ß[0]"), [key("a"), key("ß"), Leg::Cell(Cell::FromStart(0))]);
        assert_eq!(
            of(r#"$."a.b"."x\"y\\\u00e9\ud83d\ude00"[last][last-2]"#),
            [key("a.b"), key("x\"y\\é😀"), Leg::Cell(Cell::FromEnd(0)), Leg::Cell(Cell::FromEnd(2))]
        );
        assert_eq!(of(r#"$."""#), [key("")]);
        assert_eq!(of(&format!("${}", "[0]".repeat(MOST_LEGS))).len(), MOST_LEGS);
        assert!(parse(format!("${}", "[0]".repeat(MOST_LEGS + 1)).as_bytes()).is_err());
        for bad in [
            "",
            "a",
            "$a",
            "$.",
            "$[",
            "$[]",
            "$[x]",
            "$[-1]",
            r#"$."a"#,
            "$.a.",
            r#"$."\ud83d""#,
            "$.*",
            "$**.a",
        ] {
            let found = parse(bad.as_bytes());
            assert!(found.is_err() || bad.contains('*'), "{bad}: {found:?}");
        }
    }

    #[test]
    fn cells_from_either_end() {
        assert_eq!([0, 2, 3].map(|at| Cell::FromStart(at).of(3)), [Some(0), Some(2), None]);
        assert_eq!([0, 2, 3].map(|back| Cell::FromEnd(back).of(3)), [Some(2), Some(0), None]);
        assert_eq!([0, 3, 9].map(|at| Cell::FromStart(at).for_insertion(3)), [0, 3, 3]);
        assert_eq!([0, 2, 9].map(|back| Cell::FromEnd(back).for_insertion(3)), [2, 0, 0]);
    }
}
