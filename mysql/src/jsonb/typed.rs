//! A document's binary form from its text and the types of its scalars: SELECT gives no other.
//!
//! `JSON_TYPE` of each scalar, in the order of the text, tells what the text does not: that `1.50` is a DECIMAL, `"2024-01-01"` a
//! DATE, `5` an UNSIGNED INTEGER. The form is sound but not the shortest: all containers have the server's large layout.

use super::{field, kind, text};
use crate::value::DecimalValue;

/// `text` as the server prints it; `types` as a JSON array of names, with those of containers, which are passed over. `None`: the
/// two do not belong together.
pub fn from_typed_text(text: &str, types: &str) -> Option<Vec<u8>> {
    let mut types = Text(types).strings()?.into_iter().filter(|name| name != "ARRAY" && name != "OBJECT");
    let mut rest = Text(text);
    let (kind, body) = rest.value(&mut types)?;
    (rest.0.is_empty() && types.next().is_none()).then(|| [vec![kind], body].concat())
}

/// What is left of a text.
struct Text<'a>(&'a str);

/// Type and body.
type Stored = (u8, Vec<u8>);

impl Text<'_> {
    fn eat(&mut self, word: &str) -> bool {
        self.0.strip_prefix(word).map(|rest| self.0 = rest).is_some()
    }

    fn value(&mut self, types: &mut impl Iterator<Item = String>) -> Option<Stored> {
        if self.eat("[") {
            return self.members("]", types, false);
        }
        if self.eat("{") {
            return self.members("}", types, true);
        }
        let name = types.next()?;
        if self.0.starts_with('"') {
            let string = self.string()?;
            return match name.as_str() {
                "STRING" => Some((kind::STRING, run(string.as_bytes()))),
                _ => opaque(&name, &string),
            };
        }
        let end = self.0.find([',', ']', '}']).unwrap_or(self.0.len());
        let (word, rest) = self.0.split_at(end);
        self.0 = rest;
        Some(match (name.as_str(), word) {
            ("NULL", "null") => (kind::LITERAL, vec![0]),
            ("BOOLEAN", "true") => (kind::LITERAL, vec![1]),
            ("BOOLEAN", "false") => (kind::LITERAL, vec![2]),
            ("INTEGER", _) => (kind::INT64, word.parse::<i64>().ok()?.to_le_bytes().to_vec()),
            ("UNSIGNED INTEGER", _) => (kind::UINT64, word.parse::<u64>().ok()?.to_le_bytes().to_vec()),
            ("DOUBLE", _) => (kind::DOUBLE, word.parse::<f64>().ok()?.to_le_bytes().to_vec()),
            ("DECIMAL", _) => decimal(word)?,
            _ => return None,
        })
    }

    /// What is between brackets, and the closing one.
    fn members(
        &mut self,
        end: &str,
        types: &mut impl Iterator<Item = String>,
        object: bool,
    ) -> Option<Stored> {
        let (mut keys, mut values) = (Vec::new(), Vec::new());
        while !self.eat(end) {
            if !values.is_empty() && !self.eat(", ") {
                return None;
            }
            if object {
                keys.push(self.string()?);
                if !self.eat(": ") {
                    return None;
                }
            }
            values.push(self.value(types)?);
        }
        Some((if object { kind::LARGE_OBJECT } else { kind::LARGE_ARRAY }, container(&keys, &values)?))
    }

    fn string(&mut self) -> Option<String> {
        let (string, rest) = text::read_quoted(self.0)?;
        self.0 = rest;
        Some(string)
    }

    /// An array of strings; a null, which is JSON_TYPE's of a JSON null, is `NULL`.
    fn strings(&mut self) -> Option<Vec<String>> {
        let mut all = Vec::new();
        self.eat("[").then_some(())?;
        while !self.eat("]") {
            if !all.is_empty() && !self.eat(", ") {
                return None;
            }
            all.push(if self.eat("null") { "NULL".to_owned() } else { self.string()? });
        }
        Some(all)
    }
}

/// Count and size, key entries, value entries, keys, values; offsets from the beginning.
fn container(keys: &[String], values: &[Stored]) -> Option<Vec<u8>> {
    const KEY_ENTRY: usize = 6;
    const VALUE_ENTRY: usize = 5;

    let mut bodies: Vec<u8> = Vec::new();
    let mut entries = Vec::new();
    let head = 8 + keys.len() * KEY_ENTRY + values.len() * VALUE_ENTRY;
    for key in keys {
        entries.extend(u32::try_from(head + bodies.len()).ok()?.to_le_bytes());
        entries.extend(u16::try_from(key.len()).ok()?.to_le_bytes());
        bodies.extend(key.as_bytes());
    }
    for (kind, body) in values {
        entries.push(*kind);
        if *kind == kind::LITERAL {
            entries.extend([body[0], 0, 0, 0]);
        } else {
            entries.extend(u32::try_from(head + bodies.len()).ok()?.to_le_bytes());
            bodies.extend(body);
        }
    }
    let mut out = u32::try_from(values.len()).ok()?.to_le_bytes().to_vec();
    out.extend(u32::try_from(head + bodies.len()).ok()?.to_le_bytes());
    out.extend(entries);
    out.extend(bodies);
    Some(out)
}

/// Bytes behind their length, seven bits of it a byte.
fn run(bytes: &[u8]) -> Vec<u8> {
    let mut out = Vec::with_capacity(bytes.len() + 5);
    let mut length = bytes.len();
    while length > 0x7f {
        out.push((length & 0x7f) as u8 | 0x80);
        length >>= 7;
    }
    out.push(length as u8);
    out.extend_from_slice(bytes);
    out
}

fn of_field(field: u8, bytes: &[u8]) -> Stored {
    (kind::OPAQUE, [vec![field], run(bytes)].concat())
}

fn decimal(text: &str) -> Option<Stored> {
    let (whole, fraction) =
        text.trim_start_matches('-').split_once('.').unwrap_or((text.trim_start_matches('-'), ""));
    let scale = u8::try_from(fraction.len()).ok()?;
    let precision = u8::try_from(whole.len()).ok()?.checked_add(scale)?;
    let stored = DecimalValue::store(text.as_bytes(), precision, scale)?;
    Some(of_field(field::NEWDECIMAL, &[vec![precision, scale], stored].concat()))
}

/// A scalar that is printed as a string.
fn opaque(name: &str, text: &str) -> Option<Stored> {
    Some(match name {
        "DATE" => of_field(field::DATE, &datetime(text, "00:00:00")?),
        "DATETIME" => of_field(field::DATETIME, &split_datetime(text)?),
        "TIMESTAMP" => of_field(field::TIMESTAMP, &split_datetime(text)?),
        "TIME" => {
            let packed = clock(text.trim_start_matches('-'))?;
            of_field(field::TIME, &if text.starts_with('-') { -packed } else { packed }.to_le_bytes())
        }
        _ => {
            let (number, base64) = text.strip_prefix("base64:type")?.split_once(':')?;
            of_field(number.parse().ok()?, &from_base64(base64)?)
        }
    })
}

fn split_datetime(text: &str) -> Option<[u8; 8]> {
    let (date, time) = text.split_once(' ')?;
    datetime(date, time)
}

/// The server's packed form: 17 bits year * 13 + month, 5 day, then the clock.
fn datetime(date: &str, time: &str) -> Option<[u8; 8]> {
    let mut parts = date.split('-').map(|part| part.parse::<i64>().ok());
    let (year, month, day) = (parts.next()??, parts.next()??, parts.next()??);
    Some(((((year * 13 + month) << 5 | day) << 41) + clock(time)?).to_le_bytes())
}

/// 5 bits or more hours, 6 minutes, 6 seconds, 24 microseconds.
fn clock(text: &str) -> Option<i64> {
    let (clock, fraction) = text.split_once('.').unwrap_or((text, ""));
    let mut parts = clock.split(':').map(|part| part.parse::<i64>().ok());
    let (hours, minutes, seconds) = (parts.next()??, parts.next()??, parts.next()??);
    let micros: i64 = format!("{fraction:0<6.6}").parse().ok()?;
    Some(((hours << 12 | minutes << 6 | seconds) << 24) + micros)
}

/// With line ends between, as the server breaks it.
fn from_base64(text: &str) -> Option<Vec<u8>> {
    let mut out = Vec::with_capacity(text.len() / 4 * 3);
    let (mut bits, mut count) = (0_u32, 0);
    for byte in text.bytes().filter(|byte| !matches!(byte, b'\n' | b'=')) {
        let value = match byte {
            b'A'..=b'Z' => byte - b'A',
            b'a'..=b'z' => byte - b'a' + 26,
            b'0'..=b'9' => byte - b'0' + 52,
            b'+' => 62,
            b'/' => 63,
            _ => return None,
        };
        bits = bits << 6 | u32::from(value);
        count += 6;
        if count >= 8 {
            count -= 8;
            out.push((bits >> count) as u8);
            bits &= (1 << count) - 1;
        }
    }
    Some(out)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::jsonb::{to_expression, to_text};

    /// The text comes back, and the expression names the types.
    fn built(text: &str, types: &str) -> String {
        let stored = from_typed_text(text, types).unwrap();
        let mut printed = String::new();
        to_text(&stored, &mut printed).unwrap();
        assert_eq!(printed, text);
        let mut sql = String::new();
        to_expression(&stored, &mut sql).unwrap();
        sql
    }

    #[test]
    fn types_come_back() {
        let text = r#"[1, 5, -0.10, 1.5, "x\"\n\u0001", {"d": "2024-02-29", "": []}, null, true]"#;
        let types = r#"["INTEGER", "UNSIGNED INTEGER", "DECIMAL", "DOUBLE", "STRING", "OBJECT", "DATE", null, "BOOLEAN"]"#;
        let sql = built(text, types);
        for part in [
            "CAST(5 AS UNSIGNED)",
            "CAST('-0.10' AS DECIMAL(3,2))",
            "CAST('2024-02-29' AS DATE)",
            "CAST('1.5' AS JSON)",
        ] {
            assert!(sql.contains(part), "{part} is not in {sql}");
        }
        built(r#""-838:59:59.000001""#, r#"["TIME"]"#);
        built(r#""9999-12-31 23:59:59.999999""#, r#"["DATETIME"]"#);
        built(r#""0001-01-01 00:00:00.000000""#, r#"["TIMESTAMP"]"#);
        built(r#""base64:type15:AP8n""#, r#"["BLOB"]"#);
        built(&format!("\"{}\"", "long ".repeat(5000)), r#"["STRING"]"#);
    }

    #[test]
    fn types_of_another_document_are_refused() {
        for (text, types) in [
            ("1", "[]"),
            ("1", r#"["INTEGER", "INTEGER"]"#),
            ("1", r#"["STRING"]"#),
            (r#""x""#, r#"["DATE"]"#),
            ("[1", r#"["INTEGER"]"#),
            ("", r#"["INTEGER"]"#),
            ("1", "INTEGER"),
        ] {
            assert_eq!(from_typed_text(text, types), None, "{text} {types}");
        }
    }
}
