//! A bounds-checked reader over bytes from the binlog: every read that does not fit is an error naming what
//! was read, so no length in the input can make a parser panic or allocate.

use super::{Error, Result};

#[derive(Clone)]
pub(crate) struct Reader<'a> {
    /// What these bytes are, for errors.
    what: &'static str,
    left: &'a [u8],
}

macro_rules! little_endian {
    ($($name:ident: $type:ty),*) => {$(
        #[inline]
        pub fn $name(&mut self) -> Result<$type> {
            Ok(<$type>::from_le_bytes(*self.array()?))
        }
    )*};
}

impl<'a> Reader<'a> {
    pub fn new(what: &'static str, bytes: &'a [u8]) -> Self {
        Self { what, left: bytes }
    }

    little_endian!(u8: u8, u16: u16, u32: u32, i32: i32, u64: u64, i64: i64);

    #[inline]
    pub fn is_empty(&self) -> bool {
        self.left.is_empty()
    }

    pub fn left(&self) -> &'a [u8] {
        self.left
    }

    #[inline]
    pub fn take(&mut self, length: usize) -> Result<&'a [u8]> {
        match self.left.split_at_checked(length) {
            Some((taken, left)) => {
                self.left = left;
                Ok(taken)
            }
            None => Err(self.cut(length as u64)),
        }
    }

    /// A length from the input, which may be larger than memory.
    pub fn take_long(&mut self, length: u64) -> Result<&'a [u8]> {
        match usize::try_from(length) {
            Ok(length) => self.take(length),
            Err(_) => Err(self.cut(length)),
        }
    }

    #[inline]
    pub fn array<const N: usize>(&mut self) -> Result<&'a [u8; N]> {
        match self.left.split_first_chunk::<N>() {
            Some((taken, left)) => {
                self.left = left;
                Ok(taken)
            }
            None => Err(self.cut(N as u64)),
        }
    }

    /// All that is left.
    pub fn rest(&mut self) -> &'a [u8] {
        std::mem::take(&mut self.left)
    }

    /// A little-endian integer of up to 8 bytes.
    pub fn uint(&mut self, bytes: usize) -> Result<u64> {
        debug_assert!(bytes <= 8);
        Ok(self.take(bytes)?.iter().rev().fold(0, |value, byte| value << 8 | u64::from(*byte)))
    }

    /// A length-encoded integer of the client protocol.
    pub fn lenenc(&mut self) -> Result<u64> {
        match self.u8()? {
            byte @ 0..=250 => Ok(u64::from(byte)),
            252 => self.uint(2),
            253 => self.uint(3),
            254 => self.uint(8),
            byte => Err(self.malformed(format!("length-encoded integer begins with {byte:#04x}"))),
        }
    }

    /// A length-encoded integer, then so many bytes.
    pub fn lenenc_bytes(&mut self) -> Result<&'a [u8]> {
        let length = self.lenenc()?;
        self.take_long(length)
    }

    /// An unsigned integer of the server's serialization library: the count of trailing one bits in the first
    /// byte is the count of bytes that follow, the value is above them, little-endian.
    pub fn varint(&mut self) -> Result<u64> {
        let first = *self.left.first().ok_or_else(|| self.cut(1))?;
        let more = first.trailing_ones() as usize;
        if more == 8 {
            self.take(1)?;
            return self.u64();
        }
        Ok(self.uint(more + 1)? >> (more + 1))
    }

    /// A signed one: the sign is the lowest bit.
    pub fn signed_varint(&mut self) -> Result<i64> {
        let bits = self.varint()?;
        let magnitude = (bits >> 1) as i64;
        Ok(if bits & 1 == 0 { magnitude } else { -magnitude - 1 })
    }

    /// Bytes up to and without the next zero byte, which is passed over.
    pub fn until_zero(&mut self) -> Result<&'a [u8]> {
        let length = memchr::memchr(0, self.left).ok_or_else(|| self.cut(self.left.len() as u64 + 1))?;
        let taken = self.take(length)?;
        self.take(1)?;
        Ok(taken)
    }

    /// An error unless everything has been read.
    pub fn finish(&self) -> Result<()> {
        if self.left.is_empty() {
            return Ok(());
        }
        Err(self.malformed(format!("{} bytes too many", self.left.len())))
    }

    #[cold]
    pub fn malformed(&self, found: impl Into<String>) -> Error {
        Error::Malformed { what: self.what, found: found.into() }
    }

    #[cold]
    fn cut(&self, needed: u64) -> Error {
        Error::Truncated { what: self.what, needed, left: self.left.len() as u64 }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn varints_take_as_many_bytes_as_the_first_says() {
        let cases: [(&[u8], u64); 6] = [
            (&[0b0000_0010], 1),
            (&[0b1111_1110], 127),
            (&[0b0000_0001, 0b0000_0010], 128),
            (&[0b1111_1101, 0b1111_1111], (1 << 14) - 1),
            (&[0x7f, 0, 0, 0, 0, 0, 0, 1], 1 << 48),
            (&[0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff], u64::MAX),
        ];
        for (bytes, expected) in cases {
            let mut reader = Reader::new("test", bytes);
            assert_eq!(reader.varint().unwrap(), expected, "{bytes:x?}");
            reader.finish().unwrap();
            assert!(Reader::new("test", &bytes[..bytes.len() - 1]).varint().is_err());
        }
    }

    #[test]
    fn signed_varints_keep_the_sign_in_the_lowest_bit() {
        for (bytes, expected) in [(0b0000_0100_u8, 1_i64), (0b0000_0010, -1), (0, 0), (0b0000_0110, -2)] {
            assert_eq!(Reader::new("test", &[bytes]).signed_varint().unwrap(), expected);
        }
        assert_eq!(Reader::new("test", &[0xff; 9]).signed_varint().unwrap(), i64::MIN);
    }

    #[test]
    fn length_encoded_integers() {
        for (bytes, expected) in [
            (&[250][..], 250),
            (&[252, 251, 0], 251),
            (&[253, 0, 0, 1], 1 << 16),
            (&[254, 0, 0, 0, 0, 1, 0, 0, 0], 1 << 32),
        ] {
            assert_eq!(Reader::new("test", bytes).lenenc().unwrap(), expected);
        }
        for bad in [&[251][..], &[255], &[], &[252, 1], &[254, 1, 2, 3, 4, 5, 6, 7]] {
            assert!(Reader::new("test", bad).lenenc().is_err(), "{bad:?}");
        }
        assert!(
            Reader::new("test", &[254, 255, 255, 255, 255, 255, 255, 255, 255, 1]).lenenc_bytes().is_err()
        );
    }
}
