//! Bytes.

use super::{Kind, Type};

const SHORT: [&str; 10] = [
    "x''",
    "x'00'",
    "x'0000'",
    "x'20'",
    "x'2020'",
    "x'ff'",
    "x'00ff'",
    "x'ff0000'",
    "x'275c27'",
    "x'c328a0'",
];

pub(super) fn types() -> Vec<Type> {
    let all: String = (0..=255).map(|byte| format!("{byte:02x}")).collect();
    let new = |name, definition| Type::new(name, definition, Kind::Binary);
    vec![
        new("BINARY(n)", "BINARY(1)").with(["x''", "x'00'", "x'20'", "x'ff'"]),
        new("BINARY(n)", "BINARY(4)").with(SHORT).with([
            "x'00000000'",
            "x'20202020'",
            "x'00000001'",
            "x'01000000'",
        ]),
        new("BINARY(n)", "BINARY(255)").with(SHORT).with([format!("x'{}'", &all[2..])]),
        new("BINARY(n)", "BINARY(4) NOT NULL").with(SHORT),
        new("VARBINARY(n)", "VARBINARY(4)").with(SHORT),
        new("VARBINARY(n)", "VARBINARY(300)")
            .with(SHORT)
            .with([format!("x'{all}'"), "REPEAT(x'00', 300)".to_owned()]),
        new("VARBINARY(n)", "CHAR(8) CHARACTER SET binary").with(SHORT),
        new("TINYBLOB", "TINYBLOB").with(SHORT).with([format!("x'{}'", &all[2..])]),
        new("BLOB", "BLOB").with(SHORT).with([format!("x'{all}'"), "REPEAT(x'fe', 65535)".to_owned()]),
        new("MEDIUMBLOB", "MEDIUMBLOB")
            .with(SHORT)
            .with([format!("x'{all}'"), "REPEAT(x'fd', 65536)".to_owned()]),
        new("LONGBLOB", "LONGBLOB")
            .with(SHORT)
            .with([format!("x'{all}'"), "REPEAT(x'00', 100000)".to_owned()]),
    ]
}
