//! Changes of a document, done to it: the first byte says where the document ends. What comes out is a document that can be read.
#![no_main]

use libfuzzer_sys::fuzz_target;
use strait_mysql::jsonb;

fuzz_target!(|data: &[u8]| {
    let Some((&at, rest)) = data.split_first() else { return };
    let Some((before, diffs)) = rest.split_at_checked(usize::from(at)) else { return };
    if let Ok(after) = jsonb::apply_diffs(before, diffs) {
        let _ = jsonb::to_text(&after, &mut String::new());
    }
});
