//! Text in every charset: two bytes of collation id, then the text.
#![no_main]

use libfuzzer_sys::fuzz_target;
use strait_mysql::charset;

fuzz_target!(|data: &[u8]| {
    let Some((collation, bytes)) = data.split_first_chunk::<2>() else { return };
    let Some(charset) = charset::of_collation(u16::from_le_bytes(*collation) % 512) else { return };
    let decoded = charset.decode(bytes);
    if charset.name == "utf8mb4" {
        assert_eq!(decoded.lossless, std::str::from_utf8(bytes).is_ok());
    }
});
