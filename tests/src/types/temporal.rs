//! Dates and times, the impossible ones too.

use super::{Kind, Type};

const DATES: [&str; 20] = [
    "1970-01-01",
    "1969-12-31",
    "1970-01-02",
    "2024-02-29",
    "2000-02-29",
    "1900-03-01",
    "1900-02-28",
    "1582-10-04",
    "1582-10-15",
    "1000-01-01",
    "0001-01-01",
    "0000-01-01",
    "0099-12-31",
    "9999-12-31",
    "0000-00-00",
    "2024-00-00",
    "2024-01-00",
    "2024-00-15",
    "2023-02-31",
    "2023-02-29",
];

const CLOCKS: [&str; 4] = ["00:00:00", "00:00:01", "12:34:56", "23:59:59"];

/// Of a fraction with so many digits.
fn fractions(fsp: u8) -> Vec<String> {
    let digits = usize::from(fsp);
    if digits == 0 {
        return vec![String::new()];
    }
    [
        "0".repeat(digits),
        format!("{:0>digits$}", 1),
        format!("5{}", "0".repeat(digits - 1)),
        "9".repeat(digits),
    ]
    .map(|fraction| format!(".{fraction}"))
    .to_vec()
}

fn with_fsp(name: &str, fsp: u8) -> String {
    if fsp == 0 { name.to_owned() } else { format!("{name}({fsp})") }
}

fn datetimes(fsp: u8) -> Vec<String> {
    let mut values: Vec<String> = DATES.map(|date| format!("'{date} 00:00:00'")).to_vec();
    for fraction in fractions(fsp) {
        values.extend(CLOCKS.map(|clock| format!("'2024-02-29 {clock}{fraction}'")));
        values.extend(
            ["1969-12-31", "0001-01-01", "9999-12-31"].map(|date| format!("'{date} 23:59:59{fraction}'")),
        );
    }
    // A part of it is zero, and there is a time of day all the same.
    values.push(format!("'2024-00-00 01:02:03{}'", fractions(fsp).last().map_or("", String::as_str)));
    values.push("'0000-00-00 00:00:01'".to_owned());
    values
}

fn times(fsp: u8) -> Vec<String> {
    let mut values: Vec<String> =
        ["838:59:59", "-838:59:59", "24:00:00", "-24:00:00", "100:00:00", "-100:00:00"]
            .map(|time| format!("'{time}'"))
            .to_vec();
    for fraction in fractions(fsp) {
        values.extend(CLOCKS.map(|clock| format!("'{clock}{fraction}'")));
        values.extend(["00:00:00", "00:00:01", "837:59:59"].map(|clock| format!("'-{clock}{fraction}'")));
    }
    values
}

fn timestamps(fsp: u8) -> Vec<String> {
    let mut values = vec!["0".to_owned()];
    for fraction in fractions(fsp) {
        values.extend(
            ["1970-01-01 00:00:01", "2001-09-09 01:46:40", "2024-02-29 12:34:56", "2038-01-19 03:14:07"]
                .map(|at| format!("'{at}{fraction}'")),
        );
    }
    values
}

fn dates() -> Vec<String> {
    DATES.map(|date| format!("'{date}'")).to_vec()
}

pub(super) fn nullable() -> Vec<Type> {
    let mut types = vec![
        Type::new("DATE", "DATE", Kind::Date).with(dates()),
        Type::new("YEAR", "YEAR", Kind::Year)
            .with(["0", "1901", "1969", "1970", "2000", "2024", "2069", "2070", "2155"]),
    ];
    for fsp in 0..=6 {
        types.push(Type::new("TIME(0..6)", with_fsp("TIME", fsp), Kind::Time).with(times(fsp)));
        let name = if fsp <= 3 { "DATETIME(0..3)" } else { "DATETIME(4..6)" };
        types.push(Type::new(name, with_fsp("DATETIME", fsp), Kind::DateTime { fsp }).with(datetimes(fsp)));
        let definition = with_fsp("TIMESTAMP", fsp) + " NULL";
        types.push(Type::new("TIMESTAMP(0..6)", definition, Kind::Timestamp { fsp }).with(timestamps(fsp)));
    }
    types
}

/// A date that is none has no null to become.
pub(super) fn not_null() -> Vec<Type> {
    vec![
        Type::new("DATE", "DATE NOT NULL", Kind::Date).with(dates()),
        Type::new("TIME(0..6)", "TIME(3) NOT NULL", Kind::Time).with(times(3)),
        Type::new("DATETIME(0..3)", "DATETIME NOT NULL", Kind::DateTime { fsp: 0 }).with(datetimes(0)),
        Type::new("DATETIME(4..6)", "DATETIME(6) NOT NULL", Kind::DateTime { fsp: 6 }).with(datetimes(6)),
        Type::new(
            "TIMESTAMP(0..6)",
            "TIMESTAMP NOT NULL DEFAULT CURRENT_TIMESTAMP",
            Kind::Timestamp { fsp: 0 },
        )
        .with(timestamps(0)),
        Type::new(
            "TIMESTAMP(0..6)",
            "TIMESTAMP(6) NOT NULL DEFAULT CURRENT_TIMESTAMP(6)",
            Kind::Timestamp { fsp: 6 },
        )
        .with(timestamps(6)),
    ]
}
