//! Values as the expressions in fixtures/capture.sh show them.

use std::fmt::Write;

use strait_mysql::{
    binlog::{ColumnDef, ColumnType},
    charset, jsonb,
    value::{ColumnValue, DateTime},
};

/// Longer values are shown by their CRC32.
const LONG: usize = 4000;

/// A value that the image did not have.
pub const ABSENT: &str = "<absent>";

pub fn render(column: &ColumnDef, value: &ColumnValue) -> String {
    let shown = render_whole(column, value);
    if shown.len() > LONG { format!("crc32:{}", crc32fast::hash(shown.as_bytes())) } else { shown }
}

fn render_whole(column: &ColumnDef, value: &ColumnValue) -> String {
    let mut out = String::new();
    match value {
        ColumnValue::JsonText(text) => out.push_str(text),
        ColumnValue::Null => out.push_str("NULL"),
        ColumnValue::Absent => out.push_str(ABSENT),
        ColumnValue::Int(value) => out = value.to_string(),
        ColumnValue::UInt(value) => out = value.to_string(),
        ColumnValue::Float(value) => out = number(f64::from(*value)),
        ColumnValue::Double(value) => out = number(*value),
        ColumnValue::Decimal(value) => value.write_text(&mut out),
        ColumnValue::Year(year) => out = format!("{year:04}"),
        ColumnValue::Date(date) => date.write_text(&mut out),
        ColumnValue::Time(time) => time.write_text(fsp(column), &mut out),
        ColumnValue::DateTime(datetime) => datetime.write_text(fsp(column), &mut out),
        ColumnValue::Timestamp { seconds: 0, micros: 0 } => {
            out.push_str("0000-00-00 00:00:00");
            if fsp(column) > 0 {
                write!(out, ".{:0width$}", 0, width = usize::from(fsp(column))).expect("a String takes all");
            }
        }
        ColumnValue::Timestamp { seconds, micros } => {
            DateTime::from_epoch(*seconds, *micros).write_text(fsp(column), &mut out);
        }
        ColumnValue::Bit { bytes, .. } => {
            out = bytes.iter().fold(0_u64, |value, byte| value << 8 | u64::from(*byte)).to_string();
        }
        ColumnValue::Enum(index) => {
            let label = match index {
                0 => "",
                index => &column.labels[usize::from(*index) - 1],
            };
            out = format!("{index}={}", hex(label.as_bytes()));
        }
        ColumnValue::Set(bits) => {
            let labels: Vec<&str> = column
                .labels
                .iter()
                .enumerate()
                .filter(|(bit, _)| bits & 1 << bit != 0)
                .map(|(_, label)| label.as_str())
                .collect();
            out = format!("{bits}={}", hex(labels.join(",").as_bytes()));
        }
        ColumnValue::Text(bytes) => {
            let collation = column.collation.expect("text has a collation");
            let decoded = charset::of_collation(collation).expect("a known collation").decode(bytes);
            out = format!(
                "{}={}",
                hex(bytes),
                if decoded.lossless { hex(decoded.text.as_bytes()) } else { "?".into() }
            );
        }
        ColumnValue::Binary(value) => out = hex(&value.to_bytes()),
        ColumnValue::Json(bytes) => {
            let mut text = String::new();
            jsonb::to_text(bytes, &mut text).expect("a sound document");
            out = hex(text.as_bytes());
        }
        ColumnValue::Geometry(bytes) | ColumnValue::Vector(bytes) => out = hex(bytes),
    }
    out
}

/// What the server shows, in the form of [`render`] where the two write one number differently.
pub fn normalize(column: &ColumnDef, expected: &str) -> String {
    match column.ty {
        ColumnType::Float | ColumnType::Double if expected != "NULL" => {
            number(expected.parse().expect("the server shows a number"))
        }
        _ => expected.to_owned(),
    }
}

/// Whether the server shows what we rendered.
pub fn matches(rendered: &str, expected: &str) -> bool {
    match rendered.strip_suffix("=?") {
        // Text that is not lossless: its bytes count.
        Some(bytes) => expected.split('=').next() == Some(bytes),
        None => rendered == ABSENT || rendered == expected,
    }
}

fn number(value: f64) -> String {
    format!("{value:e}")
}

fn fsp(column: &ColumnDef) -> u8 {
    match column.ty {
        ColumnType::Time { fsp } | ColumnType::DateTime { fsp } | ColumnType::Timestamp { fsp } => fsp,
        other => panic!("{other:?} has no fraction"),
    }
}

pub fn hex(bytes: &[u8]) -> String {
    bytes.iter().fold(String::new(), |mut out, byte| {
        write!(out, "{byte:02X}").expect("a String takes all");
        out
    })
}
