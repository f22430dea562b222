//! The header `strait.exact`: exact values of the few columns that Debezium's mapping cannot carry (zero
//! dates, text that is not valid in its charset, ENUM index 0, ...). Ordinary rows have no such header.
//!
//! Layout: a version byte, 1; then for each value the image (0 before, 1 after), the form (0 text, 1 raw,
//! 2 index, 8 absent), the column's name (u16 length), the data (u32 length); lengths are big-endian.

use crate::{Error, Input, Result};
use std::borrow::Cow;

const VERSION: u8 = 1;
const INPUT: Input = Input::ExactHeader;

#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Image {
    Before,
    After,
}

/// What the bytes of an exact value are.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum ExactForm {
    /// The literal text that MySQL accepts for the type, e.g. `0000-00-00`, without quotes.
    Text,
    /// Bytes in the column's own charset.
    Raw,
    /// The ENUM's index or the SET's bitmap, decimal text.
    Index,
    /// The image does not have the column (binlog_row_image other than FULL): what the envelope says of it is nothing.
    Absent,
}

#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Exact<'a> {
    pub image: Image,
    /// At most 65,535 bytes (a MySQL identifier has at most 256).
    pub column: Cow<'a, str>,
    pub form: ExactForm,
    pub data: Cow<'a, [u8]>,
}

pub fn encode_exact(values: &[Exact<'_>]) -> Vec<u8> {
    let size: usize = values.iter().map(|value| 8 + value.column.len() + value.data.len()).sum();
    let mut out = Vec::with_capacity(1 + size);
    out.push(VERSION);
    for value in values {
        out.push(match value.image {
            Image::Before => 0,
            Image::After => 1,
        });
        out.push(match value.form {
            ExactForm::Text => 0,
            ExactForm::Raw => 1,
            ExactForm::Index => 2,
            ExactForm::Absent => 8,
        });
        let name = u16::try_from(value.column.len()).expect("a column's name has at most 256 bytes");
        let data = u32::try_from(value.data.len()).expect("a column's value has less than 4 GiB");
        out.extend_from_slice(&name.to_be_bytes());
        out.extend_from_slice(value.column.as_bytes());
        out.extend_from_slice(&data.to_be_bytes());
        out.extend_from_slice(&value.data);
    }
    out
}

pub fn decode_exact(header: &[u8]) -> Result<Vec<Exact<'_>>> {
    let mut rest = Rest { header, at: 0 };
    let version = rest.byte("version")?;
    if version != VERSION {
        let cause = format!("it is of version {version}, this program reads version {VERSION}");
        return Err(Error::malformed(INPUT, 0, cause));
    }
    let mut values = Vec::new();
    while rest.at < header.len() {
        values.push(rest.value()?);
    }
    Ok(values)
}

struct Rest<'a> {
    header: &'a [u8],
    at: usize,
}

impl<'a> Rest<'a> {
    fn value(&mut self) -> Result<Exact<'a>> {
        let image = match self.byte("image")? {
            0 => Image::Before,
            1 => Image::After,
            other => return Err(self.unknown("image", other)),
        };
        let form = match self.byte("form")? {
            0 => ExactForm::Text,
            1 => ExactForm::Raw,
            2 => ExactForm::Index,
            8 => ExactForm::Absent,
            other => return Err(self.unknown("form", other)),
        };
        let length = self.take(2, "column name's length")?;
        let length = usize::from(u16::from_be_bytes([length[0], length[1]]));
        let start = self.at;
        let column = std::str::from_utf8(self.take(length, "column name")?)
            .map_err(|cause| Error::malformed(INPUT, start, format!("the column name: {cause}")))?;
        let length = self.take(4, "data's length")?;
        let length = u32::from_be_bytes([length[0], length[1], length[2], length[3]]) as usize;
        let data = self.take(length, "data")?;
        Ok(Exact { image, column: column.into(), form, data: data.into() })
    }

    fn byte(&mut self, what: &str) -> Result<u8> {
        self.take(1, what).map(|bytes| bytes[0])
    }

    fn take(&mut self, length: usize, what: &str) -> Result<&'a [u8]> {
        let rest = &self.header[self.at..];
        let Some(taken) = rest.get(..length) else {
            let cause = format!("the {what} needs {length} bytes, {} are left", rest.len());
            return Err(Error::malformed(INPUT, self.at, cause));
        };
        self.at += length;
        Ok(taken)
    }

    fn unknown(&self, what: &str, value: u8) -> Error {
        Error::malformed(INPUT, self.at - 1, format!("{value} is no {what}"))
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::{collection::vec, prelude::*};

    fn exact() -> impl Strategy<Value = Exact<'static>> {
        let image = prop_oneof![Just(Image::Before), Just(Image::After)];
        let form = prop_oneof![
            Just(ExactForm::Text),
            Just(ExactForm::Raw),
            Just(ExactForm::Index),
            Just(ExactForm::Absent)
        ];
        (image, "\\PC{0,20}", form, vec(any::<u8>(), 0..40)).prop_map(|(image, column, form, data)| Exact {
            image,
            column: column.into(),
            form,
            data: data.into(),
        })
    }

    #[test]
    fn golden_bytes() {
        let value = Exact {
            image: Image::After,
            column: "born".into(),
            form: ExactForm::Text,
            data: b"0000-00-00"[..].into(),
        };
        let bytes = encode_exact(std::slice::from_ref(&value));
        assert_eq!(bytes, b"\x01\x01\x00\x00\x04born\x00\x00\x00\x0a0000-00-00");
        assert_eq!(decode_exact(&bytes).expect("what was encoded"), [value]);
        assert_eq!(encode_exact(&[]), [1]);
    }

    proptest! {
        #[test]
        fn round_trip(values in vec(exact(), 0..5)) {
            let bytes = encode_exact(&values);
            prop_assert_eq!(decode_exact(&bytes)?, values);
        }

        #[test]
        fn a_cut_header_is_refused_or_ends_between_values(values in vec(exact(), 1..4), cut: prop::sample::Index) {
            let bytes = encode_exact(&values);
            let cut = &bytes[..cut.index(bytes.len())];
            if let Ok(read) = decode_exact(cut) {
                prop_assert_eq!(encode_exact(&read), cut);
            }
        }

        #[test]
        fn any_bytes_give_values_or_an_error(bytes in vec(any::<u8>(), 0..60)) {
            let _ = decode_exact(&bytes);
        }
    }
}
