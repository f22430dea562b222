//! What MariaDB alone has. Debezium documents UUID, INET4 and INET6 nowhere; its log has their bytes.

use super::{Kind, Type};

pub(super) fn types() -> Vec<Type> {
    let text = |definition: &'static str| {
        Type::new("LONGTEXT", definition, Kind::Text { charset: "utf8mb4".into() })
    };
    let varchar = |definition: &'static str| {
        Type::new("VARCHAR(n)", definition, Kind::Text { charset: "utf8mb4".into() })
    };
    vec![
        Type::new("UUID (MariaDB)", "UUID", Kind::Address).with([
            "'00000000-0000-0000-0000-000000000000'",
            "'ffffffff-ffff-ffff-ffff-ffffffffffff'",
            "'123e4567-e89b-12d3-a456-426614174000'",
            "'123e4567-e89b-72d3-a456-426614174000'",
            "'11111111-2222-1333-8444-555555555500'",
        ]),
        Type::new("INET4 (MariaDB)", "INET4", Kind::Address).with([
            "'0.0.0.0'",
            "'255.255.255.255'",
            "'1.2.3.0'",
            "'127.0.0.1'",
        ]),
        Type::new("INET6 (MariaDB)", "INET6", Kind::Address).with([
            "'::'",
            "'::1'",
            "'ffff:ffff:ffff:ffff:ffff:ffff:ffff:ffff'",
            "'::ffff:1.2.3.4'",
            "'fe80::'",
            "'2001:db8::2000'",
        ]),
        text("JSON").with([
            "'{\"a\": [1, 2.50, null]}'",
            "'[]'",
            "'{ }'",
            "'1'",
            "'1.0'",
            "'\"\u{1f600}\"'",
            "'{\"b\":1,\"a\":2,\"b\":3}'",
        ]),
        varchar("VARCHAR(20) COLLATE utf8mb4_uca1400_as_cs").with(["'ß'", "'x '", "''"]),
        varchar("VARCHAR(20) COLLATE utf8mb4_general_nopad_ci").with(["'x '", "'x'", "''"]),
        varchar("VARCHAR(20) CHARACTER SET utf8mb4 INVISIBLE").with(["'x '"]),
    ]
}
