//! Reads Avro's primitives from a body, each length and index checked against what is left. An error
//! names the byte where the item began.

use crate::{Error, Input, Result};

#[derive(Debug, Clone, Copy)]
pub(super) struct Cursor<'a> {
    body: &'a [u8],
    at: usize,
}

impl<'a> Cursor<'a> {
    pub fn new(body: &'a [u8]) -> Self {
        Self { body, at: 0 }
    }

    pub fn at(&self) -> usize {
        self.at
    }

    pub fn left(&self) -> usize {
        self.body.len() - self.at
    }

    #[inline]
    pub fn take(&mut self, length: usize) -> Result<&'a [u8]> {
        let Some(taken) = self.body[self.at..].get(..length) else {
            let cause = format!("{length} bytes are needed, {} are left", self.left());
            return Err(malformed(self.at, cause));
        };
        self.at += length;
        Ok(taken)
    }

    fn array<const N: usize>(&mut self) -> Result<[u8; N]> {
        let mut bytes = [0; N];
        bytes.copy_from_slice(self.take(N)?);
        Ok(bytes)
    }

    #[inline]
    pub fn long(&mut self) -> Result<i64> {
        match self.body.get(self.at) {
            Some(&byte) if byte < 0x80 => {
                self.at += 1;
                Ok(i64::from(byte >> 1) ^ -i64::from(byte & 1))
            }
            _ => self.longer(),
        }
    }

    /// A number of several bytes.
    fn longer(&mut self) -> Result<i64> {
        let start = self.at;
        let mut value = 0_u64;
        for (i, &byte) in self.body[start..].iter().take(10).enumerate() {
            value |= u64::from(byte & 0x7f) << (7 * i);
            if byte & 0x80 == 0 {
                if i == 9 && byte > 1 {
                    return Err(malformed(start, "a number of more than 64 bits"));
                }
                self.at = start + i + 1;
                return Ok((value >> 1) as i64 ^ -((value & 1) as i64));
            }
        }
        let cause = if self.left() < 10 { "a number is cut off" } else { "a number of more than 64 bits" };
        Err(malformed(start, cause))
    }

    pub fn int(&mut self) -> Result<i32> {
        let start = self.at;
        let value = self.long()?;
        i32::try_from(value).map_err(|_| malformed(start, format!("{value} is no 32-bit integer")))
    }

    pub fn boolean(&mut self) -> Result<bool> {
        let start = self.at;
        match self.take(1)? {
            [0] => Ok(false),
            [1] => Ok(true),
            other => Err(malformed(start, format!("{} is no boolean", other[0]))),
        }
    }

    pub fn float(&mut self) -> Result<f32> {
        self.array().map(f32::from_le_bytes)
    }

    pub fn double(&mut self) -> Result<f64> {
        self.array().map(f64::from_le_bytes)
    }

    pub fn bytes(&mut self) -> Result<&'a [u8]> {
        let start = self.at;
        let length = self.long()?;
        match usize::try_from(length) {
            Ok(length) if length <= self.left() => self.take(length),
            _ => Err(malformed(start, format!("a length of {length} bytes, {} are left", self.left()))),
        }
    }

    pub fn text(&mut self) -> Result<&'a str> {
        let start = self.at;
        let bytes = self.bytes()?;
        std::str::from_utf8(bytes).map_err(|cause| malformed(start, format!("the text is no UTF-8: {cause}")))
    }

    /// The items of the next block of an array or map; 0: the end. A block's size in bytes is passed over.
    pub fn block(&mut self) -> Result<u64> {
        let count = self.long()?;
        if count < 0 {
            let start = self.at;
            let size = self.long()?;
            if !usize::try_from(size).is_ok_and(|size| size <= self.left()) {
                return Err(malformed(start, format!("a block of {size} bytes, {} are left", self.left())));
            }
        }
        Ok(count.unsigned_abs())
    }
}

#[cold]
pub(super) fn malformed(at: usize, cause: impl Into<String>) -> Error {
    Error::malformed(Input::AvroBody, at, cause)
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    proptest! {
        #[test]
        fn longs_round_trip(value: i64) {
            let mut out = Vec::new();
            super::super::write::long(&mut out, value);
            prop_assert_eq!(Cursor::new(&out).long()?, value);
            let zigzag = ((value << 1) ^ (value >> 63)) as u64;
            prop_assert_eq!(out.len(), (1..=10).find(|n| *n == 10 || zigzag >> (7 * n) == 0).expect("10 at last"));
        }
    }

    #[test]
    fn what_is_no_number_is_refused() {
        let read = |bytes: &[u8]| Cursor::new(bytes).long().map_err(|error| error.to_string());
        assert!(read(&[]).is_err_and(|e| e.contains("cut off")));
        assert!(read(&[0x80]).is_err_and(|e| e.contains("cut off")));
        assert!(read(&[0x80; 11]).is_err_and(|e| e.contains("64 bits")));
        assert!(
            read(&[255, 255, 255, 255, 255, 255, 255, 255, 255, 2]).is_err_and(|e| e.contains("64 bits"))
        );
        assert_eq!(read(&[255, 255, 255, 255, 255, 255, 255, 255, 255, 1]), Ok(i64::MIN));
        assert!(Cursor::new(&[0x80, 0x80, 0x80, 0x80, 0x10]).int().is_err());
    }

    #[test]
    fn lengths_are_checked_against_what_is_left() {
        for bytes in [&[6, 1, 2][..], &[1], &[0xff, 0xff, 0xff, 0xff, 0x0f, 0]] {
            assert!(Cursor::new(bytes).bytes().is_err(), "{bytes:?}");
        }
        assert!(Cursor::new(&[4, 0xc3, 0x28]).text().is_err());
    }
}
