//! How a document has changed, as `binlog_row_value_options = PARTIAL_JSON` logs it: a list of operations on paths, which give the new
//! document when they are done to the old one, in their order.
//!
//! Each is one byte of operation, the length of the path, the path, and but for a removal the length of a value and the value in
//! binary form. <https://dev.mysql.com/doc/refman/8.4/en/replication-options-binary-log.html#sysvar_binlog_row_value_options>
//!
//! What the server means by a path counts: an element of what is no array is that value itself, if it is the first or last.

use std::borrow::Cow;

use super::{
    document::Node,
    malformed,
    path::{self, Leg},
};
use crate::binlog::{Reader, Result};

const REPLACE: u8 = 0;
const INSERT: u8 = 1;
const REMOVE: u8 = 2;

/// The document after the changes, types and all. Changes that do not fit the document are malformed.
pub fn apply_diffs<'a>(before: &'a [u8], diffs: &'a [u8]) -> Result<Cow<'a, [u8]>> {
    if diffs.is_empty() {
        return Ok(Cow::Borrowed(before));
    }
    let mut document = Node::read(before)?;
    let mut reader = Reader::new("changes of a JSON value", diffs);
    while !reader.is_empty() {
        let operation = reader.u8()?;
        let text = reader.lenenc_bytes()?;
        let legs = path::parse(text)?;
        let value = match operation {
            REMOVE => None,
            _ => Some(Node::read(reader.lenenc_bytes()?)?),
        };
        let done = match (operation, value) {
            (REPLACE, Some(value)) => seek(&mut document, &legs).map(|place| *place = value),
            (INSERT, Some(value)) => insert(&mut document, &legs, value),
            (REMOVE, None) => remove(&mut document, &legs),
            (other, _) => return Err(malformed(format!("operation {other} on a document"))),
        };
        done.ok_or_else(|| {
            malformed(format!("a change at {:?}, which the document has not", String::from_utf8_lossy(text)))
        })?;
    }
    document.write().map(Cow::Owned)
}

fn seek<'n, 'a>(node: &'n mut Node<'a>, legs: &[Leg]) -> Option<&'n mut Node<'a>> {
    let Some((leg, rest)) = legs.split_first() else { return Some(node) };
    let next = match (node, leg) {
        (Node::Object(members), Leg::Key(key)) => {
            let at = find(members, key).ok()?;
            &mut members[at].1
        }
        (Node::Array(values), Leg::Cell(cell)) => {
            let at = cell.of(values.len())?;
            &mut values[at]
        }
        (single @ (Node::Object(_) | Node::Scalar { .. }), Leg::Cell(cell)) => {
            cell.of(1)?;
            single
        }
        _ => return None,
    };
    seek(next, rest)
}

fn insert<'a>(document: &mut Node<'a>, legs: &[Leg], value: Node<'a>) -> Option<()> {
    let (last, legs) = legs.split_last()?;
    match (seek(document, legs)?, last) {
        (Node::Object(members), Leg::Key(key)) => {
            let at = find(members, key).err()?;
            members.insert(at, (Cow::Owned(key.clone()), value));
        }
        (Node::Array(values), Leg::Cell(cell)) => values.insert(cell.for_insertion(values.len()), value),
        _ => return None,
    }
    Some(())
}

fn remove(document: &mut Node<'_>, legs: &[Leg]) -> Option<()> {
    let (last, legs) = legs.split_last()?;
    match (seek(document, legs)?, last) {
        (Node::Object(members), Leg::Key(key)) => {
            let at = find(members, key).ok()?;
            members.remove(at);
        }
        (Node::Array(values), Leg::Cell(cell)) => {
            let at = cell.of(values.len())?;
            values.remove(at);
        }
        // The value itself is meant.
        (_, Leg::Cell(cell)) => {
            cell.of(1)?;
            return remove(document, legs);
        }
        _ => return None,
    }
    Some(())
}

/// Where a key is, or would be.
fn find(members: &[(Cow<'_, [u8]>, Node<'_>)], key: &[u8]) -> Result<usize, usize> {
    members.binary_search_by(|(other, _)| (other.len(), &**other).cmp(&(key.len(), key)))
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;
    use crate::jsonb::{from_typed_text, to_expression, to_text};

    fn run(bytes: &[u8]) -> Vec<u8> {
        [&[bytes.len() as u8], bytes].concat()
    }

    fn change(operation: u8, path: &str, value: Option<&[u8]>) -> Vec<u8> {
        [vec![operation], run(path.as_bytes()), value.map(run).unwrap_or_default()].concat()
    }

    fn text(bytes: &[u8]) -> String {
        let mut out = String::new();
        to_text(bytes, &mut out).expect("a sound document");
        out
    }

    fn integers(text: &str) -> Vec<u8> {
        let count = text.split(|c: char| !c.is_ascii_digit()).filter(|digits| !digits.is_empty()).count();
        let types = vec![r#""INTEGER""#; count].join(", ");
        from_typed_text(text, &format!("[{types}]")).expect("a document")
    }

    fn changed(before: &str, operation: u8, path: &str) -> Option<String> {
        let value = integers("7");
        let diffs = change(operation, path, (operation != REMOVE).then_some(&value));
        apply_diffs(&integers(before), &diffs).ok().map(|after| text(&after))
    }

    #[test]
    fn each_operation_at_each_kind_of_place() {
        for (before, operation, path, after) in [
            ("[1, [2, 3]]", REPLACE, "$[1][0]", Some("[1, [7, 3]]")),
            ("[1, [2, 3]]", REPLACE, "$[last]", Some("[1, 7]")),
            ("[1, [2, 3]]", REPLACE, "$[last-1][0]", Some("[7, [2, 3]]")),
            ("[1, [2, 3]]", REPLACE, "$[2]", None),
            ("[1, [2, 3]]", INSERT, "$[1][1]", Some("[1, [2, 7, 3]]")),
            ("[1, [2, 3]]", INSERT, "$[9]", Some("[1, [2, 3], 7]")),
            ("[1, [2, 3]]", INSERT, "$[0][0]", None),
            ("[1, [2, 3]]", INSERT, "$.a", None),
            ("[1, [2, 3]]", REMOVE, "$[0]", Some("[[2, 3]]")),
            ("[1, [2, 3]]", REMOVE, "$[0][0]", Some("[[2, 3]]")),
            ("[1, [2, 3]]", REMOVE, "$[1][2]", None),
            ("[1]", REMOVE, "$", None),
            (r#"{"b": 1, "aa": 2}"#, INSERT, "$.c", Some(r#"{"b": 1, "c": 7, "aa": 2}"#)),
            (r#"{"b": 1, "aa": 2}"#, INSERT, "$.a", Some(r#"{"a": 7, "b": 1, "aa": 2}"#)),
            (r#"{"b": 1, "aa": 2}"#, INSERT, r#"$."""#, Some(r#"{"": 7, "b": 1, "aa": 2}"#)),
            (r#"{"b": 1, "aa": 2}"#, INSERT, "$.b", None),
            (r#"{"b": 1, "aa": 2}"#, REPLACE, "$.aa", Some(r#"{"b": 1, "aa": 7}"#)),
            (r#"{"b": 1, "aa": 2}"#, REPLACE, "$.a", None),
            (r#"{"b": 1, "aa": 2}"#, REMOVE, "$.b", Some(r#"{"aa": 2}"#)),
            (r#"{"b": 1, "aa": 2}"#, REMOVE, "$.c", None),
            ("1", REPLACE, "$", Some("7")),
        ] {
            assert_eq!(changed(before, operation, path).as_deref(), after, "{before}: {operation} at {path}");
        }
    }

    #[test]
    fn scalars_keep_their_types_and_changes_come_in_their_order() {
        let before = from_typed_text(
            r#"[1.50, 5, "2024-02-29", 2, "base64:type15:AP8n", 1e100, true, null]"#,
            r#"["DECIMAL", "UNSIGNED INTEGER", "DATE", "INTEGER", "BLOB", "DOUBLE", "BOOLEAN", null]"#,
        )
        .expect("a document");
        let value = from_typed_text("9.90", r#"["DECIMAL"]"#).expect("a document");
        let diffs = [change(INSERT, "$[0]", Some(&value)), change(REMOVE, "$[4]", None)].concat();
        let after = apply_diffs(&before, &diffs).expect("changes that fit");
        assert_eq!(text(&after), r#"[9.90, 1.50, 5, "2024-02-29", "base64:type15:AP8n", 1e100, true, null]"#);
        let mut sql = String::new();
        to_expression(&after, &mut sql).expect("a sound document");
        for part in ["CAST('9.90' AS DECIMAL(3,2))", "CAST('1.50' AS DECIMAL(3,2))", "AS UNSIGNED", "AS DATE"]
        {
            assert!(sql.contains(part), "{part} is not in {sql}");
        }
        assert!(matches!(apply_diffs(&before, &[]), Ok(Cow::Borrowed(bytes)) if bytes == before));
        // The JSON null that is stored as nothing at all.
        assert_eq!(text(&apply_diffs(b"", &change(REPLACE, "$", Some(&value))).expect("fits")), "9.90");
    }

    /// Stored as the server stores them when they are small: in the entry of the container.
    #[test]
    fn integers_of_each_width_come_back() {
        let stored = [
            &[2, 4, 0, 28, 0][..],
            &[5, 0xff, 0xff, 6, 0xff, 0xff, 7, 16, 0, 4, 1, 0],
            &[0, 0, 0, 0x80, 0, 0, 0, 0, 0, 0, 0, 0],
        ]
        .concat();
        let node = Node::read(&stored).expect("an array");
        let again = node.write().expect("small");
        assert_eq!(text(&again), "[-1, 65535, -2147483648, true]");
        assert_eq!(text(&again), text(&stored));
        assert_eq!(Node::read(&again).expect("what was written"), node);
    }

    proptest! {
        #[test]
        fn no_bytes_make_it_panic(before: Vec<u8>, diffs: Vec<u8>) {
            let _ = apply_diffs(&before, &diffs);
        }

        #[test]
        fn no_path_makes_it_panic(path in "\\$([.][a-c\"]{0,3}|\\[(last)?-?[0-9]{0,3}\\]){0,4}", operation in 0_u8..4) {
            let _ = changed(r#"{"a": [1, 2], "b": 3}"#, operation, &path);
        }
    }
}
