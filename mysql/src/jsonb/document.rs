//! A document taken apart, to be changed and put together again. Scalars stay the bytes that they are stored in, so none becomes
//! another type. The form that is written is sound but not the shortest: all containers have the server's large layout.

use std::borrow::Cow;

use super::{Container, MAX_DEPTH, kind, malformed, read_length};
use crate::binlog::{Reader, Result};

#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) enum Node<'a> {
    /// In the server's order of keys: the shorter first, those of one length by their bytes.
    Object(Vec<(Cow<'a, [u8]>, Self)>),
    Array(Vec<Self>),
    Scalar {
        kind: u8,
        body: &'a [u8],
    },
}

impl<'a> Node<'a> {
    /// An empty value is the JSON null that a NOT NULL column gets from a non-strict session.
    pub fn read(bytes: &'a [u8]) -> Result<Self> {
        match bytes.split_first() {
            Some((kind, body)) => Self::read_value(*kind, body, 0, &mut bytes.len()),
            None => Ok(Self::Scalar { kind: kind::LITERAL, body: &[0] }),
        }
    }

    /// `budget`: bytes that are left for values; in a sound document no byte belongs to two.
    fn read_value(kind: u8, body: &'a [u8], depth: usize, budget: &mut usize) -> Result<Self> {
        let (large, object) = match kind {
            kind::SMALL_OBJECT => (false, true),
            kind::LARGE_OBJECT => (true, true),
            kind::SMALL_ARRAY => (false, false),
            kind::LARGE_ARRAY => (true, false),
            _ => {
                let body = scalar(kind, body)?;
                spend(budget, body.len())?;
                return Ok(Self::Scalar { kind, body });
            }
        };
        if depth >= MAX_DEPTH {
            return Err(malformed(format!("more than {MAX_DEPTH} levels")));
        }
        spend(budget, 1)?;
        let container = Container::read(body, large, object)?;
        let mut value = |index| {
            let (kind, body) = container.entry(index)?;
            Self::read_value(kind, body, depth + 1, budget)
        };
        Ok(if object {
            let member = |index| Ok((Cow::Borrowed(container.key(index)?), value(index)?));
            Self::Object((0..container.count).map(member).collect::<Result<_>>()?)
        } else {
            Self::Array((0..container.count).map(value).collect::<Result<_>>()?)
        })
    }

    /// Type and body of the whole.
    pub fn write(&self) -> Result<Vec<u8>> {
        let mut out = vec![self.kind()];
        self.write_body(&mut out)?;
        Ok(out)
    }

    fn kind(&self) -> u8 {
        match self {
            Self::Object(_) => kind::LARGE_OBJECT,
            Self::Array(_) => kind::LARGE_ARRAY,
            Self::Scalar { kind, .. } => *kind,
        }
    }

    fn write_body(&self, out: &mut Vec<u8>) -> Result<()> {
        match self {
            Self::Scalar { body, .. } => out.extend_from_slice(body),
            Self::Object(members) => {
                let keys: Vec<&[u8]> = members.iter().map(|(key, _)| &**key).collect();
                write_container(&keys, members.iter().map(|(_, value)| value), out)?;
            }
            Self::Array(values) => write_container(&[], values.iter(), out)?,
        }
        Ok(())
    }

    /// What an entry holds itself instead of where it is.
    fn inline(&self) -> Option<[u8; 4]> {
        match self {
            Self::Scalar {
                kind: kind::LITERAL | kind::INT16 | kind::UINT16 | kind::INT32 | kind::UINT32,
                body,
            } => {
                let mut held = [0; 4];
                held[..body.len()].copy_from_slice(body);
                Some(held)
            }
            _ => None,
        }
    }
}

/// The bytes of a scalar; more may follow in its place.
fn scalar(kind: u8, body: &[u8]) -> Result<&[u8]> {
    let mut reader = Reader::new("a JSON value", body);
    match kind {
        kind::LITERAL => drop(reader.take(1)?),
        kind::INT16 | kind::UINT16 => drop(reader.take(2)?),
        kind::INT32 | kind::UINT32 => drop(reader.take(4)?),
        kind::INT64 | kind::UINT64 | kind::DOUBLE => drop(reader.take(8)?),
        kind::STRING | kind::OPAQUE => {
            if kind == kind::OPAQUE {
                reader.u8()?;
            }
            let length = read_length(&mut reader)?;
            reader.take(length)?;
        }
        other => return Err(malformed(format!("type {other}"))),
    }
    Ok(&body[..body.len() - reader.left().len()])
}

/// Count and size, key entries, value entries, keys, values; offsets from the beginning.
fn write_container<'n>(
    keys: &[&[u8]],
    values: impl ExactSizeIterator<Item = &'n Node<'n>>,
    out: &mut Vec<u8>,
) -> Result<()> {
    const KEY_ENTRY: usize = 6;
    const VALUE_ENTRY: usize = 5;
    let (start, count) = (out.len(), values.len());
    let mut entry = start + 8;
    out.resize(entry + keys.len() * KEY_ENTRY + count * VALUE_ENTRY, 0);
    for key in keys {
        let length = u16::try_from(key.len()).map_err(|_| malformed("a key of more than 65535 bytes"))?;
        let offset = offset(out.len() - start)?;
        out[entry..entry + 4].copy_from_slice(&offset);
        out[entry + 4..entry + KEY_ENTRY].copy_from_slice(&length.to_le_bytes());
        out.extend_from_slice(key);
        entry += KEY_ENTRY;
    }
    for value in values {
        let held = if let Some(held) = value.inline() {
            held
        } else {
            let offset = offset(out.len() - start)?;
            value.write_body(out)?;
            offset
        };
        out[entry] = value.kind();
        out[entry + 1..entry + VALUE_ENTRY].copy_from_slice(&held);
        entry += VALUE_ENTRY;
    }
    let size = offset(out.len() - start)?;
    out[start..start + 4].copy_from_slice(&offset(count)?);
    out[start + 4..start + 8].copy_from_slice(&size);
    Ok(())
}

fn offset(at: usize) -> Result<[u8; 4]> {
    match u32::try_from(at) {
        Ok(at) => Ok(at.to_le_bytes()),
        Err(_) => Err(malformed("more than 4 GiB")),
    }
}

fn spend(budget: &mut usize, bytes: usize) -> Result<()> {
    *budget = budget.checked_sub(bytes).ok_or_else(|| malformed("values that share the same bytes"))?;
    Ok(())
}
