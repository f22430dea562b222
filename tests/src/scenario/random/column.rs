//! Definitions of columns: every type, character sets, defaults, generated and invisible ones.

use super::{
    chance::{Rng, any, one, seldom},
    shape::Column,
};
use crate::mysql::Flavor;

const NUMBERS: [&str; 10] = [
    "TINYINT",
    "SMALLINT",
    "MEDIUMINT",
    "INT",
    "BIGINT",
    "FLOAT",
    "DOUBLE",
    "DECIMAL(10,3)",
    "DECIMAL(65,30)",
    "DECIMAL(5,0)",
];
const TEMPORALS: [&str; 12] = [
    "DATE",
    "TIME",
    "TIME(1)",
    "TIME(6)",
    "DATETIME",
    "DATETIME(3)",
    "DATETIME(6)",
    "TIMESTAMP NULL",
    "TIMESTAMP(2) NULL",
    "TIMESTAMP(6) NULL",
    "YEAR",
    "DATETIME(5)",
];
const TEXTS: [&str; 9] = [
    "CHAR(1)",
    "CHAR(20)",
    "VARCHAR(5)",
    "VARCHAR(30)",
    "VARCHAR(300)",
    "TINYTEXT",
    "TEXT",
    "MEDIUMTEXT",
    "LONGTEXT",
];
const BYTES: [&str; 9] = [
    "BINARY(1)",
    "BINARY(16)",
    "VARBINARY(10)",
    "VARBINARY(300)",
    "TINYBLOB",
    "BLOB",
    "MEDIUMBLOB",
    "LONGBLOB",
    "BIT(1)",
];
const GEOMETRIES: [&str; 6] =
    ["GEOMETRY", "POINT", "LINESTRING", "POLYGON", "MULTIPOINT", "GEOMETRYCOLLECTION"];
const CHARSETS: [&str; 17] = [
    "utf8mb4", "latin1", "utf8mb3", "ascii", "sjis", "gbk", "ucs2", "utf16", "utf32", "cp1251", "latin2",
    "big5", "euckr", "latin5", "cp932", "koi8r", "latin7",
];
const COLLATIONS: [&str; 9] = [
    "utf8mb4_bin",
    "utf8mb4_general_ci",
    "utf8mb4_unicode_ci",
    "utf8mb4_unicode_520_ci",
    "latin1_bin",
    "latin1_german2_ci",
    "latin1_swedish_ci",
    "utf8mb3_general_ci",
    "utf8mb4_spanish_ci",
];
const COLLATIONS_OF_MYSQL: [&str; 4] =
    ["utf8mb4_0900_ai_ci", "utf8mb4_0900_as_cs", "utf8mb4_0900_bin", "utf8mb4_ja_0900_as_cs_ks"];
const COLLATIONS_OF_MARIADB: [&str; 3] = ["utf8mb4_uca1400_ai_ci", "utf8mb4_nopad_bin", "latin1_nopad_bin"];

/// A character set or a collation, as a clause.
pub fn charset(flavor: Flavor, random: &mut Rng) -> String {
    let own: &[&str] = match flavor {
        Flavor::MySql => &COLLATIONS_OF_MYSQL,
        Flavor::MariaDb => &COLLATIONS_OF_MARIADB,
    };
    match random.u32(..4) {
        0 => format!("CHARACTER SET {}", one(random, &CHARSETS)),
        1 => format!("COLLATE {}", one(random, own)),
        _ => format!("COLLATE {}", one(random, &COLLATIONS)),
    }
}

/// A type with its attributes, and whether it may be part of a key without a prefix.
fn of_any_type(flavor: Flavor, random: &mut Rng) -> (String, bool) {
    match random.u32(..16) {
        0..=4 => {
            let unsigned = one(random, &["", "", " UNSIGNED", " UNSIGNED ZEROFILL"]);
            (format!("{}{unsigned}", one(random, &NUMBERS)), true)
        }
        5..=6 => (one(random, &TEMPORALS).to_owned(), true),
        7..=10 => {
            let kind = one(random, &TEXTS);
            let charset = if random.bool() { format!(" {}", charset(flavor, random)) } else { String::new() };
            (format!("{kind}{charset}"), !kind.contains("TEXT") && !kind.contains("300"))
        }
        11..=12 => {
            let kind = one(random, &BYTES);
            (kind.to_owned(), !kind.contains("BLOB"))
        }
        13 => {
            // MariaDB's CONVERT TO leaves labels in bytes of the old charset, and CREATE TABLE ... SELECT logs others: then two
            // servers make different things of the next one.
            let [e, set] = match flavor {
                Flavor::MySql => ["ENUM('a','B','é','')", "SET('x','y','Z','ö')"],
                Flavor::MariaDb => ["ENUM('a','B','e','')", "SET('x','y','Z','o')"],
            };
            (one(random, &[e, set, "ENUM('one')", "BIT(12)", "BIT(64)"]).to_owned(), true)
        }
        14 => (one(random, &GEOMETRIES).to_owned(), false),
        _ => match flavor {
            Flavor::MySql => (one(random, &["JSON", "VECTOR(3)", "JSON"]).to_owned(), false),
            Flavor::MariaDb => (one(random, &["JSON", "UUID", "INET4", "INET6"]).to_owned(), false),
        },
    }
}

/// By the type's name in the catalog.
pub fn is_geometry(kind: &str) -> bool {
    GEOMETRIES.iter().any(|name| name.eq_ignore_ascii_case(kind))
}

/// A column that may be part of a key.
pub fn for_key(number: u32, flavor: Flavor, random: &mut Rng) -> (String, String) {
    loop {
        if let (ty, true) = of_any_type(flavor, random) {
            return (format!("c{number}"), format!("{} NOT NULL", ty.trim_end_matches(" NULL")));
        }
    }
}

/// Any column: its name and its definition. Those of JSON have names of their own, for MariaDB takes them for text.
pub fn any_column(number: u32, flavor: Flavor, others: &[Column], random: &mut Rng) -> (String, String) {
    if seldom(random, 7)
        && let Some(definition) = generated(others, random)
    {
        return (format!("g{number}"), definition);
    }
    let (ty, simple) = of_any_type(flavor, random);
    let name = if ty == "JSON" { format!("j{number}") } else { format!("c{number}") };
    let mut definition = ty.clone();
    if seldom(random, 4) && !ty.ends_with(" NULL") {
        definition.push_str(" NOT NULL");
    }
    if simple && seldom(random, 3) {
        definition.push_str(&default(&ty, random));
    }
    if seldom(random, 10) {
        definition.push_str(" INVISIBLE");
        if definition.contains("NOT NULL") && !definition.contains("DEFAULT") {
            definition = definition.replace(" NOT NULL", "");
        }
    }
    if seldom(random, 10) {
        definition.push_str(" COMMENT 'it''s \\\\ \"größe\"'");
    }
    (name, definition)
}

fn default(ty: &str, random: &mut Rng) -> String {
    let plain = if ["TIMESTAMP", "DATETIME"].iter().any(|kind| ty.starts_with(kind)) {
        let digits =
            ty.split_once('(').and_then(|(_, rest)| rest.split_once(')')).map_or("", |(digits, _)| digits);
        let digits = if digits.is_empty() { String::new() } else { format!("({digits})") };
        let update =
            if random.bool() { format!(" ON UPDATE CURRENT_TIMESTAMP{digits}") } else { String::new() };
        format!("CURRENT_TIMESTAMP{digits}{update}")
    } else if ty.starts_with("DATE") {
        "'2024-01-02'".to_owned()
    } else if ty.starts_with("TIME") {
        "'-01:02:03'".to_owned()
    } else if ty.starts_with("ENUM('a'") {
        "'B'".to_owned()
    } else if ty.starts_with("BIT") {
        "b'1'".to_owned()
    } else if ty.contains("CHAR") || ty.contains("BINARY") {
        one(random, &["''", "'d'", "(CONCAT('x', 'y'))"]).to_owned()
    } else if NUMBERS.iter().any(|number| ty.starts_with(number)) {
        one(random, &["0", "7", "(3 + 4)"]).to_owned()
    } else {
        return String::new();
    };
    format!(" DEFAULT {plain}")
}

/// From a column that is there already.
fn generated(others: &[Column], random: &mut Rng) -> Option<String> {
    let plain = others.iter().filter(|column| !column.generated && !column.numbered).collect::<Vec<_>>();
    let of = any(random, &plain)?;
    let (ty, expression) = match of.kind.as_str() {
        "tinyint" | "smallint" | "mediumint" | "int" | "bigint" => {
            // Of a BIGINT it would overflow in rows that are there already, which then not even the source could read.
            ("DECIMAL(30,0)", format!("CAST(`{}` AS DECIMAL(25,0)) * 2 + 1", of.name))
        }
        "char" | "varchar" => ("VARCHAR(400) CHARACTER SET utf8mb4", format!("UPPER(`{}`)", of.name)),
        "date" | "datetime" =>
        // Not YEAR: once the column is a text, it would depend on the session's NO_ZERO_DATE.
        {
            ("DECIMAL(30,6)", format!("`{}` + 0", of.name))
        }
        "json" => ("JSON", format!("JSON_EXTRACT(`{}`, '$.k0')", of.name)),
        "binary" | "varbinary" => ("VARCHAR(700) CHARACTER SET ascii", format!("HEX(`{}`)", of.name)),
        _ => return None,
    };
    Some(format!("{ty} GENERATED ALWAYS AS ({expression}) {}", one(random, &["VIRTUAL", "STORED"])))
}
