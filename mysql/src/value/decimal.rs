//! DECIMAL as stored: groups of nine digits in big-endian integers, the sign in the first bit.

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct DecimalValue<'a> {
    pub precision: u8,
    pub scale: u8,
    stored: &'a [u8],
}

impl DecimalValue<'_> {
    /// As the server prints it: "-12.30".
    pub fn write_text(&self, _out: &mut String) {
        let _ = self.stored;
        todo!()
    }
    pub fn to_text(&self) -> String {
        let mut out = String::new();
        self.write_text(&mut out);
        out
    }
    /// The unscaled value, big-endian two's complement, shortest form (as Connect's Decimal).
    pub fn write_unscaled_be(&self, _out: &mut Vec<u8>) {
        todo!()
    }
}
