//! GTID sets from text and from binary: what is read prints as something that reads as the same set.
#![no_main]

use libfuzzer_sys::fuzz_target;
use strait_mysql::gtid::{Gtid, GtidSet};

fuzz_target!(|data: &[u8]| {
    if let Ok(set) = GtidSet::from_binary(data) {
        check(&set);
    }
    if let Ok(set) = GtidSet::from_gtid_list(data) {
        check(&set);
    }
    let Ok(text) = std::str::from_utf8(data) else { return };
    if let Ok(gtid) = text.parse::<Gtid>() {
        assert_eq!(gtid.to_string().parse::<Gtid>().unwrap(), gtid);
    }
    if let Ok(set) = text.parse::<GtidSet>() {
        check(&set);
    }
});

fn check(set: &GtidSet) {
    assert_eq!(&set.to_string().parse::<GtidSet>().unwrap(), set);
    assert!(set.contains_set(set));
    let mut twice = set.clone();
    twice.union(set);
    assert_eq!(&twice, set);
    twice.subtract(set);
    assert!(twice.is_empty());
    assert_eq!(set.to_sids().is_empty() && set.connect_state().is_empty(), set.is_empty());
}
