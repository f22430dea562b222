//! DECIMAL in its two forms: the text the server prints (`-12.30`) and Connect's unscaled integer, big-
//! endian two's complement of least length.

use crate::Result;

/// Appends the least two's complement of the text's digits, the point dropped, scaled to `scale`.
pub fn unscaled_from_text(_text: &str, _scale: u8, _out: &mut Vec<u8>) -> Result<()> {
    todo!()
}

/// The text of an unscaled integer at `scale`: `[0xfb, 0x32]` at 2 is `-12.30`.
pub fn text_from_unscaled(_unscaled: &[u8], _scale: u8) -> String {
    todo!()
}
