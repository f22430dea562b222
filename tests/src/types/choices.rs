//! ENUM and SET: by number of labels, by charset of the labels, and the invalid value.

use super::{Kind, Type};

fn quoted(labels: &[String]) -> String {
    let quoted: Vec<String> =
        labels.iter().map(|label| format!("'{}'", label.replace('\\', "\\\\").replace('\'', "''"))).collect();
    quoted.join(",")
}

fn enumeration(labels: &[&str], more: &str, values: &[usize]) -> Type {
    let labels: Vec<String> = labels.iter().map(|label| (*label).to_owned()).collect();
    let definition = format!("ENUM({}){more}", quoted(&labels));
    Type::new("ENUM", definition, Kind::Enum { labels }).with(values.iter().map(usize::to_string))
}

/// `bitmaps` that have no bit beyond the labels.
fn set(labels: &[&str], more: &str, bitmaps: &[u64]) -> Type {
    let labels: Vec<String> = labels.iter().map(|label| (*label).to_owned()).collect();
    let definition = format!("SET({}){more}", quoted(&labels));
    let all = u64::MAX >> (64 - labels.len());
    let mut values: Vec<u64> = bitmaps.iter().map(|bits| bits & all).chain([0, 1, all]).collect();
    values.sort_unstable();
    values.dedup();
    Type::new("SET", definition, Kind::Set { labels }).with(values.iter().map(u64::to_string))
}

pub(super) fn types() -> Vec<Type> {
    let many: Vec<String> = (1..=300).map(|number| format!("l{number}")).collect();
    let many: Vec<&str> = many.iter().map(String::as_str).collect();
    let bits =
        [2, 3, 5, 0x80, 0x100, 0x8000_0000, 0x1_0000_0000, 0x8000_0000_0000_0000, 0xaaaa_aaaa_aaaa_aaaa];
    let mut types = vec![
        enumeration(&["a"], "", &[0, 1]),
        enumeration(
            &["a", "b,c", "it's", "", "x y", "ö", "back\\slash", "\"q\""],
            "",
            &[0, 1, 2, 3, 4, 5, 6, 7, 8],
        ),
        enumeration(&["a", "0", "1", "2", "-1", "NULL"], "", &[0, 1, 2, 3, 4, 5, 6]),
        enumeration(&many[..255], "", &[0, 1, 127, 128, 254, 255]),
        enumeration(&many[..256], "", &[0, 1, 255, 256]),
        enumeration(&many, "", &[0, 1, 255, 256, 257, 300]),
        enumeration(&["é", "ñ", "ß"], " CHARACTER SET latin1", &[0, 1, 2, 3]),
        enumeration(&["中", "文", "a"], " CHARACTER SET gbk", &[0, 1, 2, 3]),
        enumeration(&["あ", "い", "ｱ"], " CHARACTER SET sjis", &[0, 1, 2, 3]),
        enumeration(&["ä€", "x"], " CHARACTER SET utf16", &[0, 1, 2]),
        enumeration(&["ä€", "x"], " CHARACTER SET ucs2", &[0, 1, 2]),
        enumeration(&["ж", "x"], " CHARACTER SET koi8r", &[0, 1, 2]),
        enumeration(&["😀", "x"], " CHARACTER SET utf8mb4", &[0, 1, 2]),
        enumeration(&["a", "B"], " CHARACTER SET utf8mb4 COLLATE utf8mb4_bin", &[0, 1, 2]),
        enumeration(&["x", "y"], " NOT NULL", &[0, 1, 2]),
    ];
    for count in [1, 2, 7, 8, 9, 16, 17, 24, 25, 32, 33, 40, 63, 64] {
        types.push(set(&many[..count], "", &bits));
    }
    types.extend([
        set(&["a", "it's", "x y", "ö", "back\\slash"], "", &[2, 4, 8, 16, 21]),
        set(&["", "a"], "", &[2]),
        set(&["é", "ñ", "ß"], " CHARACTER SET latin1", &[2, 5]),
        set(&["中", "文"], " CHARACTER SET gbk", &[2]),
        set(&["ä€", "x"], " CHARACTER SET utf32", &[2]),
        set(&["😀", "x"], " CHARACTER SET utf8mb4 NOT NULL", &[2]),
    ]);
    types
}
