//! Binary JSON: work and text are bounded by the input.
#![no_main]

use libfuzzer_sys::fuzz_target;
use strait_mysql::jsonb;

fuzz_target!(|data: &[u8]| {
    let mut text = String::new();
    if jsonb::to_text(data, &mut text).is_ok() {
        // The longest text for its bytes: a control character is six, a small DECIMAL up to 34 for 4 bytes.
        assert!(text.len() <= 32 + 400 * data.len());
    }
});
