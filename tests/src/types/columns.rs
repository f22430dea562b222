//! What a column may be beside its type: generated, invisible, named as nobody expects.

use super::{Kind, Type};

pub(super) fn types() -> Vec<Type> {
    let int = |definition: &'static str| Type::new("INT", definition, Kind::Int { unsigned: false });
    let text = |definition: &'static str| {
        Type::new("VARCHAR(n)", definition, Kind::Text { charset: "utf8mb4".into() })
    };
    vec![
        int("INT INVISIBLE").with(["5", "-5"]),
        int("INT NOT NULL DEFAULT 7 INVISIBLE").with(["5", "-5"]),
        int("INT AS (id + 1) VIRTUAL").with(["DEFAULT"]),
        int("INT AS (id * 2) STORED").with(["DEFAULT"]),
        int("INT AS (id - 1) VIRTUAL INVISIBLE").with(["DEFAULT"]),
        text("VARCHAR(20) CHARACTER SET utf8mb4 DEFAULT (CONCAT('d', 1))").with(["'x'", "DEFAULT"]),
        text("VARCHAR(20) CHARACTER SET utf8mb4 AS (CONCAT('n', id)) STORED").with(["DEFAULT"]),
        Type::new("JSON", "JSON AS (JSON_OBJECT('i', id, 'd', CAST(id AS DECIMAL(5,2)))) STORED", Kind::Json)
            .with(["DEFAULT"]),
    ]
}

/// A server's identifiers are of the characters up to U+FFFF; longer ones it refuses.
pub(super) fn names() -> Vec<Type> {
    let names = [
        "it's",
        "a b",
        "a.b",
        "a`b",
        "a\"b",
        "a\\b",
        "$",
        "1x",
        "名前",
        "ﾅﾏｴ",
        "naïve",
        "SELECT",
        "Ω",
        "a-b",
        "a_b",
        "A_C",
        "\u{fffd}",
    ];
    let int = |name| Type::new("INT", "INT", Kind::Int { unsigned: false }).called(name).with(["1"]);
    names.into_iter().map(int).collect()
}
