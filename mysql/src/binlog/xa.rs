//! XA transactions: their identifier, in XA_PREPARE events and in the text of XA statements.

use std::fmt;

use super::{RawEvent, Reader, Result};

/// Identifier of an XA transaction.
#[derive(Debug, Clone, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct Xid {
    pub format_id: i64,
    pub global: Vec<u8>,
    pub branch: Vec<u8>,
}

/// As the server writes it in statements: `X'6162',X'63',1`.
impl fmt::Display for Xid {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        for part in [&self.global, &self.branch] {
            f.write_str("X'")?;
            for byte in part {
                write!(f, "{byte:02x}")?;
            }
            f.write_str("',")?;
        }
        write!(f, "{}", self.format_id)
    }
}

/// The server's limit for each of the two parts.
const MAX_PART: usize = 64;

/// The identifier, and whether the transaction is committed at once (XA COMMIT ... ONE PHASE).
pub(super) fn read_prepare(event: &RawEvent) -> Result<(Xid, bool)> {
    let mut reader = Reader::new("an XA_PREPARE event", &event.body);
    let one_phase = reader.u8()? != 0;
    let format_id = i64::from(reader.i32()?);
    let (global, branch) = (reader.i32()?, reader.i32()?);
    let part = |length: i32, reader: &mut Reader| match usize::try_from(length) {
        Ok(length) if length <= MAX_PART => Ok(reader.take(length)?.to_vec()),
        _ => Err(reader.malformed(format!("an identifier of {length} bytes"))),
    };
    let global = part(global, &mut reader)?;
    let branch = part(branch, &mut reader)?;
    Ok((Xid { format_id, global, branch }, one_phase))
}

/// `X'6162',X'63',1`, as the server writes an identifier in the binlog.
pub(super) fn parse_xid(text: &[u8]) -> Option<Xid> {
    let text = std::str::from_utf8(text).ok()?.trim();
    let mut parts = text.split(',');
    let (global, branch, format_id) = (parts.next()?, parts.next()?, parts.next()?);
    // "ONE PHASE" may follow the last.
    let format_id = format_id.split_ascii_whitespace().next()?;
    Some(Xid {
        format_id: format_id.parse().ok()?,
        global: hex_literal(global)?,
        branch: hex_literal(branch)?,
    })
}

fn hex_literal(text: &str) -> Option<Vec<u8>> {
    let digits = text.trim().strip_prefix(['X', 'x'])?.strip_prefix('\'')?.strip_suffix('\'')?.as_bytes();
    let (pairs, []) = digits.as_chunks::<2>() else { return None };
    let digit = |byte: u8| char::from(byte).to_digit(16);
    pairs.iter().map(|[high, low]| Some((digit(*high)? << 4 | digit(*low)?) as u8)).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn identifiers_in_statements() {
        let xid = Xid { format_id: 1, global: b"ab".to_vec(), branch: Vec::new() };
        assert_eq!(parse_xid(b"X'6162',X'',1"), Some(xid.clone()));
        assert_eq!(xid.to_string(), "X'6162',X'',1");
        assert_eq!(parse_xid(b" X'6162',X'',1 ONE PHASE"), Some(xid));
        for bad in
            [&b""[..], b"X'6',X'',1", b"X'61',X''", b"'ab','',1", b"X'6g',X'',1", b"X'61',X'',", b"\xff"]
        {
            assert_eq!(parse_xid(bad), None, "{bad:?}");
        }
    }
}
