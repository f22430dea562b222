//! Text in every character set of the server. Which bytes it takes in each is the server's to say: candidates are
//! offered, and those that it refuses are no legal values.

use anyhow::Result;
use mysql_async::{Conn, prelude::Queryable};

use super::{Kind, Type};

/// A character set and the values, in hexadecimal, that the server holds in it.
#[derive(Debug, Clone)]
pub struct Charset {
    pub name: String,
    pub values: Vec<String>,
    /// Candidates that the server refused.
    pub refused: usize,
}

impl Charset {
    /// All of the server's; `binary` is no text.
    pub async fn of_server(conn: &mut Conn) -> Result<Vec<Self>> {
        let names: Vec<(String, u32)> = conn
            .query(
                "SELECT CHARACTER_SET_NAME, MAXLEN FROM information_schema.CHARACTER_SETS \
                 WHERE CHARACTER_SET_NAME <> 'binary' ORDER BY 1",
            )
            .await?;
        let mut all = Vec::new();
        for (name, longest) in names {
            let mut charset = Self { values: Vec::new(), refused: 0, name };
            for candidate in candidates(&charset.name, longest) {
                // An introducer that its bytes do not suit is an error; a conversion that loses gives '?'.
                match conn.query_first::<String, _>(format!("SELECT HEX({candidate})")).await {
                    Ok(Some(hex)) if charset.values.contains(&hex) => {}
                    Ok(Some(hex)) => charset.values.push(hex),
                    Ok(None) | Err(_) => charset.refused += 1,
                }
            }
            all.push(charset);
        }
        Ok(all)
    }

    fn literals(&self, most_bytes: usize) -> Vec<String> {
        let fitting = self.values.iter().filter(|hex| hex.len() / 2 <= most_bytes);
        fitting.map(|hex| format!("_{} x'{hex}'", self.name)).collect()
    }

    fn kind(&self) -> Kind {
        Kind::Text { charset: self.name.clone() }
    }
}

/// SQL expressions of the charset.
fn candidates(charset: &str, longest: u32) -> Vec<String> {
    let printable: String = (0x20..0x7f).map(|byte| format!("{byte:02x}")).collect();
    let converted = |text: &str| {
        let hex: String = text.bytes().map(|byte| format!("{byte:02x}")).collect();
        format!("CONVERT(_utf8mb4 x'{hex}' USING {charset})")
    };
    let plain =
        ["", "a", "a  ", "  a", " ", "it's \\ \"q\" `b` %_;--", "a\0b", "\n\t\r\u{1}\u{1f}\u{7f}", "\\", "~"];
    let letters = [
        "é",
        "ß€",
        "ÿ",
        "Ω",
        "ж",
        "א",
        "ع",
        "ก",
        "中文",
        "あア",
        "ｱ",
        "한",
        "¥",
        "‾",
        "¬",
        "−",
        "～",
        "∥",
        "\u{fffd}",
        "\u{feff}",
        "e\u{301}",
        "😀",
        "a😀b",
        "\u{10ffff}",
        "\u{80}",
    ];
    let mut all: Vec<String> = plain.into_iter().chain(letters).map(converted).collect();
    all.push(format!("CONVERT(_utf8mb4 x'{printable}' USING {charset})"));
    let raw = |hex: &str| format!("_{charset} x'{hex}'");
    if longest == 1 {
        all.extend((0x80..=0xff_u8).step_by(16).map(|first| {
            let bytes: String = (0..16).map(|step| format!("{:02x}", first + step)).collect();
            raw(&bytes)
        }));
        all.extend(["80", "81", "a0", "d2", "ff"].map(raw));
        return all;
    }
    all.extend(raw_codes(charset).iter().map(|hex| raw(hex)));
    all
}

/// Codes at the edges: unassigned ones, and bytes that are no code at all.
fn raw_codes(charset: &str) -> Vec<String> {
    let own = |codes: &[&str]| codes.iter().map(|code| (*code).to_owned()).collect();
    match charset {
        "utf8" | "utf8mb3" | "utf8mb4" => own(&[
            "c280", "dfbf", "e0a080", "efbfbf", "efbbbf61", "f0908080", "f48fbfbf", "80", "c0af", "eda080",
            "f5808080", "f4908080", "e282", "61ff62",
        ]),
        "ucs2" => own(&["0000", "d800", "dfff", "d83dde00", "fffe", "ffff", "feff0061", "e000"]),
        "utf16" => own(&["0000", "d83dde00", "d800", "dc00d800", "ffff", "feff0061", "dbffdfff", "00410000"]),
        "utf16le" => own(&["0000", "3dd800de", "00d8", "00dc00d8", "ffff", "fffe6100", "ffdbffdf"]),
        "utf32" => own(&["00000000", "0000d800", "0010ffff", "00110000", "0001f600", "0000feff"]),
        _ => {
            let mut codes = Vec::new();
            for lead in [
                "81", "84", "87", "8e", "a1", "a2", "a4", "a9", "b0", "c6", "d7", "e0", "ed", "f0", "f9",
                "fa", "fc", "fe",
            ] {
                codes.extend(["40", "5c", "7e", "a1", "fe"].map(|trail| format!("{lead}{trail}")));
            }
            codes.extend(
                [
                    "80",
                    "a0",
                    "fd",
                    "ff",
                    "8fa1a1",
                    "8fb0a1",
                    "8ff4fe",
                    "8ffefe",
                    "81308130",
                    "8130813061",
                    "8431a439",
                    "90308130",
                    "e3329a35",
                    "e3329a36",
                    "fe39fe39",
                    "61c4e362",
                ]
                .map(str::to_owned),
            );
            codes
        }
    }
}

pub(super) fn varchars(charsets: &[Charset]) -> Vec<Type> {
    let one = |charset: &Charset| {
        let definition = format!("VARCHAR(100) CHARACTER SET {}", charset.name);
        Type::new("VARCHAR(n), any character set", definition, charset.kind())
            .with(charset.literals(usize::MAX))
    };
    charsets.iter().map(one).collect()
}

/// The server pads what it stores, and takes all spaces at the end away again.
pub(super) fn chars(charsets: &[Charset]) -> Vec<Type> {
    let one = |charset: &Charset| {
        let definition = format!("CHAR(20) CHARACTER SET {}", charset.name);
        let values = charset.literals(16).into_iter().take(20);
        Type::new("CHAR(n), any character set", definition, charset.kind()).with(values)
    };
    charsets.iter().map(one).collect()
}

pub(super) fn texts(charsets: &[Charset]) -> Vec<Type> {
    let names = ["TINYTEXT", "TEXT", "MEDIUMTEXT", "LONGTEXT"];
    let one = |(at, charset): (usize, &Charset)| {
        let name = names[at % names.len()];
        let values = charset.literals(100).into_iter().step_by(4);
        let long = if name == "TINYTEXT" { 10 } else { 4_000 };
        Type::new(
            "TINYTEXT to LONGTEXT, any character set",
            format!("{name} CHARACTER SET {}", charset.name),
            charset.kind(),
        )
        .with(values)
        .with([format!("REPEAT(CONVERT(_utf8mb4 'long é' USING {}), {long})", charset.name)])
    };
    let mut types: Vec<Type> = charsets.iter().enumerate().map(one).collect();
    let utf8 = |definition: &'static str| {
        Type::new(
            "TINYTEXT to LONGTEXT, any character set",
            definition,
            Kind::Text { charset: "utf8mb4".into() },
        )
    };
    types.push(utf8("TEXT CHARACTER SET utf8mb4 NOT NULL").with(["''", "'x'"]));
    types.push(utf8("LONGTEXT CHARACTER SET utf8mb4").with(["REPEAT('😀', 25000)", "REPEAT('l', 65536)"]));
    types
}
