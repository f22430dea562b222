//! A value for a column, as SQL: the edges of its type more often than what lies between.

use super::{
    chance::{Rng, one, seldom},
    shape::Column,
};

/// Of letters that collations take for others, of widths of one to four bytes, of what must be escaped.
const LETTERS: [&str; 35] = [
    "a", "A", "b", "B", "z", "e", "é", "É", "ß", "ss", "ö", "o", "Ö", "ñ", "ı", "I", "i", "0", "9", " ", " ",
    "''", "\\\\", "\"", "`", "%", "_", "я", "Я", "字", "漢", "か", "ガ", "€", "😀",
];

/// An expression for a column of the table that is written to.
pub fn literal(column: &Column, random: &mut Rng) -> String {
    if column.nullable && seldom(random, 8) || column.numbered && random.bool() {
        return "NULL".to_owned();
    }
    if let Some((table, key)) = &column.parent
        && !seldom(random, 10)
    {
        // Through a table of its own, for the parent may be the table that is written to.
        let order = random.u32(..);
        return format!(
            "(SELECT k FROM (SELECT `{key}` AS k FROM `{table}` ORDER BY RAND({order}) LIMIT 1) AS parent)"
        );
    }
    if seldom(random, 20) && !column.numbered {
        return "DEFAULT".to_owned();
    }
    value(column, random)
}

/// As [`literal`], and never a word that only an assignment knows.
pub fn value(column: &Column, random: &mut Rng) -> String {
    let size = |at: usize| sizes(&column.full).get(at).copied().unwrap_or(0);
    match column.kind.as_str() {
        "tinyint" => integer(random, 8),
        "smallint" => integer(random, 16),
        "mediumint" => integer(random, 24),
        "int" => integer(random, 32),
        "bigint" => integer(random, 64),
        "decimal" => decimal(random, size(0), size(1)),
        "float" => one(
            random,
            &["0", "-0e0", "1.5", "-3.25", "3.4028234e38", "1.17549e-38", "0.1", "16777217", "1e-45"],
        )
        .to_owned(),
        "double" => one(
            random,
            &[
                "0",
                "-0e0",
                "0.1",
                "1e308",
                "-1.7976931348623157e308",
                "5e-324",
                "123456789.125",
                "9007199254740993",
                "1e15",
            ],
        )
        .to_owned(),
        "bit" => format!("b'{}'", repeat(random, size(0).clamp(1, 64), |random| random.u8(0..2).to_string())),
        "year" | "date" | "time" | "datetime" | "timestamp" => temporal(&column.kind, random),
        "char" | "varchar" => text(random, size(0)),
        "tinytext" => text(random, 60),
        "text" | "mediumtext" | "longtext" if column.name.starts_with('j') => json(random, 2),
        "text" | "mediumtext" | "longtext" => {
            let most = length(random);
            text(random, most)
        }
        "binary" | "varbinary" => bytes(random, size(0)),
        "tinyblob" => bytes(random, 100),
        "blob" | "mediumblob" | "longblob" => {
            let most = length(random);
            bytes(random, most)
        }
        "enum" | "set" => member(column, random),
        "json" => json(random, 2),
        "vector" => format!(
            "STRING_TO_VECTOR('[{}]')",
            (0..size(0)).map(|_| random.i8(..).to_string()).collect::<Vec<_>>().join(",")
        ),
        "uuid" => quoted(&format!("{:032x}", random.u128(..))),
        "inet4" => quoted(&format!("10.{}.0.{}", random.u8(..), random.u8(0..3))),
        "inet6" => quoted(&format!("2001:db8::{:x}", random.u16(..))),
        _ => geometry(&column.kind, random),
    }
}

/// Zero dates and parts of dates, the ends of the ranges, what a change of the clocks leaves out.
fn temporal(kind: &str, random: &mut Rng) -> String {
    let of: &[&str] = match kind {
        "year" => &["0", "1901", "2155", "1970", "2024", "70"],
        "date" => &[
            "0000-00-00",
            "1000-01-01",
            "9999-12-31",
            "2024-02-29",
            "2023-00-00",
            "1969-12-31",
            "2024-05-06",
        ],
        "time" => &[
            "-838:59:59",
            "838:59:59.000000",
            "00:00:00",
            "-00:00:00.000001",
            "12:34:56.789012",
            "-01:02:03.5",
            "23:59:59.999999",
        ],
        "datetime" => &[
            "0000-00-00 00:00:00",
            "1000-01-01 00:00:00",
            "9999-12-31 23:59:59.499999",
            "2024-02-29 12:00:00.123456",
            "2023-03-26 02:30:00",
            "1900-00-00 01:02:03",
            "1970-01-01 00:00:00",
        ],
        _ => &[
            "0000-00-00 00:00:00",
            "1970-01-02 00:00:01",
            "2038-01-17 03:14:07.499999",
            "2024-02-29 12:00:00.123456",
            "2023-10-29 02:30:00",
        ],
    };
    quoted(one(random, of))
}

/// The numbers in the brackets of a type.
fn sizes(full: &str) -> Vec<usize> {
    let inside =
        full.split_once('(').and_then(|(_, rest)| rest.split_once(')')).map_or("", |(inside, _)| inside);
    inside.split(',').filter_map(|number| number.trim().parse().ok()).collect()
}

fn repeat(random: &mut Rng, times: usize, mut piece: impl FnMut(&mut Rng) -> String) -> String {
    (0..times).map(|_| piece(random)).collect()
}

/// Of what has no length of its own: now and then one that lies outside the row.
fn length(random: &mut Rng) -> usize {
    if seldom(random, 12) { 3_000 } else { 40 }
}

fn quoted(text: &str) -> String {
    format!("'{text}'")
}

/// Small ones meet each other; the greatest and smallest, signed and unsigned; any.
fn integer(random: &mut Rng, bits: u32) -> String {
    match random.u32(..8) {
        0 => (-(1_i128 << (bits - 1))).to_string(),
        1 => ((1_i128 << (bits - 1)) - 1).to_string(),
        2 => ((1_i128 << bits) - 1).to_string(),
        3 => (random.i64(..) >> (64 - bits)).to_string(),
        _ => random.i32(-3..40).to_string(),
    }
}

fn decimal(random: &mut Rng, precision: usize, scale: usize) -> String {
    let whole = precision.saturating_sub(scale);
    match random.u32(..5) {
        0 => "0".to_owned(),
        1 => format!("-{}.{}", "9".repeat(whole.max(1)), "9".repeat(scale.max(1))),
        2 => format!("{}.{}", "9".repeat(whole.max(1)), "0".repeat(scale.max(1))),
        3 => format!("-0.{}", repeat(random, scale.max(1), |random| random.u8(0..10).to_string())),
        _ => format!(
            "{}.{}",
            random.u32(..100),
            repeat(random, scale.max(1), |random| random.u8(0..10).to_string())
        ),
    }
}

fn text(random: &mut Rng, most: usize) -> String {
    let length = match random.u32(..6) {
        0 => most,
        1 => 0,
        _ => random.usize(..=most.min(4)),
    };
    quoted(&repeat(random, length, |random| one(random, &LETTERS).to_owned()))
}

fn bytes(random: &mut Rng, most: usize) -> String {
    let length = if seldom(random, 6) { most } else { random.usize(..=most.min(4)) };
    format!(
        "X'{}'",
        repeat(random, length, |random| one(
            random,
            &["00", "20", "41", "61", "7F", "80", "E9", "FF", "5C", "27"]
        )
        .to_owned())
    )
}

/// One by its number, which may be that of the error value; sets by their bits.
fn member(column: &Column, random: &mut Rng) -> String {
    let members = column.full.matches("','").count() + 1;
    let greatest = if column.kind == "set" { 1_u64 << members.min(63) } else { members as u64 + 1 };
    random.u64(..greatest).to_string()
}

/// Numbers of JSON's own types only: a snapshot brings a value's text.
fn json(random: &mut Rng, depth: u32) -> String {
    quoted(&document(random, depth))
}

fn document(random: &mut Rng, depth: u32) -> String {
    match random.u32(..if depth == 0 { 6 } else { 9 }) {
        0 => "null".to_owned(),
        1 => "true".to_owned(),
        2 => random.i64(..).to_string(),
        3 => "18446744073709551615".to_owned(),
        4 => one(random, &["1.5", "-0.0", "1e100", "0.1"]).to_owned(),
        5 => one(random, &["\"\"", "\"a\\\\nb\"", "\"字😀\"", "\"it''s\"", "\"\\\\u00e9\""]).to_owned(),
        6 => {
            let inside = (0..random.u32(..4)).map(|_| document(random, depth - 1)).collect::<Vec<_>>();
            format!("[{}]", inside.join(", "))
        }
        _ => {
            let inside = (0..random.u32(..4)).map(|at| format!("\"k{at}\": {}", document(random, depth - 1)));
            format!("{{{}}}", inside.collect::<Vec<_>>().join(", "))
        }
    }
}

fn geometry(kind: &str, random: &mut Rng) -> String {
    let mut at = || format!("{} {}", random.i8(-90..90), random.i8(-90..90));
    let (point, other) = (at(), at());
    let wkt = match kind {
        "linestring" => format!("LINESTRING({point}, {other})"),
        "polygon" => "POLYGON((0 0, 10 0, 10 10, 0 0))".to_owned(),
        "multipoint" => format!("MULTIPOINT({point}, {other})"),
        "geometrycollection" | "geomcollection" => format!("GEOMETRYCOLLECTION(POINT({point}))"),
        _ => format!("POINT({point})"),
    };
    format!("ST_GeomFromText('{wkt}')")
}
