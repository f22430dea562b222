//! Integers, decimals, floating point numbers and bits.

use super::{Kind, Type};

/// Where an integer's bytes on the wire or in memory change in number or sign.
const POWERS: [u32; 12] = [1, 6, 7, 8, 13, 15, 16, 23, 24, 31, 32, 53];

fn signed(name: &'static str, bits: u32, kind: Kind) -> Type {
    let greatest = (1_i128 << (bits - 1)) - 1;
    let mut values = vec![0, 1, -1, greatest, greatest - 1, -greatest, -greatest - 1];
    for power in POWERS.into_iter().filter(|power| *power < bits - 1) {
        values.extend([(1 << power) - 1, 1 << power, -(1 << power), -(1 << power) - 1]);
    }
    integer(name, name, kind, values)
}

fn unsigned(name: &'static str, bits: u32, kind: Kind) -> Type {
    let greatest = (1_i128 << bits) - 1;
    let mut values = vec![0, 1, greatest, greatest - 1, greatest >> 1, (greatest >> 1) + 1];
    for power in POWERS.into_iter().filter(|power| *power < bits - 1) {
        values.extend([(1 << power) - 1, 1 << power]);
    }
    integer(name, name, kind, values)
}

fn integer(name: &'static str, definition: &str, kind: Kind, mut values: Vec<i128>) -> Type {
    values.sort_unstable();
    values.dedup();
    Type::new(name, definition, kind).with(values.iter().map(i128::to_string))
}

pub(super) fn integers() -> Vec<Type> {
    let few = |name, definition, kind, values: &[i128]| integer(name, definition, kind, values.to_vec());
    vec![
        signed("TINYINT", 8, Kind::Tiny),
        unsigned("TINYINT UNSIGNED", 8, Kind::Tiny),
        few("TINYINT(1), BOOLEAN", "TINYINT(1)", Kind::Tiny, &[0, 1, -1, 127, -128]),
        few("TINYINT(1), BOOLEAN", "BOOLEAN", Kind::Tiny, &[0, 1]),
        signed("SMALLINT", 16, Kind::Small { unsigned: false }),
        unsigned("SMALLINT UNSIGNED", 16, Kind::Small { unsigned: true }),
        signed("MEDIUMINT", 24, Kind::Medium),
        unsigned("MEDIUMINT UNSIGNED", 24, Kind::Medium),
        signed("INT", 32, Kind::Int { unsigned: false }),
        unsigned("INT UNSIGNED", 32, Kind::Int { unsigned: true }),
        few(
            "INT UNSIGNED",
            "INT(8) UNSIGNED ZEROFILL",
            Kind::Int { unsigned: true },
            &[0, 42, 4_294_967_295],
        ),
        signed("BIGINT", 64, Kind::Big { unsigned: false }),
        unsigned("BIGINT UNSIGNED", 64, Kind::Big { unsigned: true }),
        few(
            "BIGINT UNSIGNED",
            "BIGINT UNSIGNED ZEROFILL NOT NULL",
            Kind::Big { unsigned: true },
            &[0, 42, i128::from(u64::MAX)],
        ),
    ]
}

pub(super) fn decimals() -> Vec<Type> {
    let shapes = [
        (1, 0),
        (1, 1),
        (2, 1),
        (5, 5),
        (9, 0),
        (9, 4),
        (9, 9),
        (10, 0),
        (10, 2),
        (18, 0),
        (18, 9),
        (19, 9),
        (19, 10),
        (20, 0),
        (28, 14),
        (30, 30),
        (38, 0),
        (38, 20),
        (39, 1),
        (56, 28),
        (65, 0),
        (65, 1),
        (65, 30),
    ];
    let mut types: Vec<Type> = shapes
        .into_iter()
        .map(|(precision, scale)| {
            let definition = format!("DECIMAL({precision},{scale})");
            Type::new("DECIMAL(p,s)", definition, Kind::Decimal { precision, scale })
                .with(
                    decimal_values(precision, scale)
                        .into_iter()
                        .flat_map(|value| [value.clone(), format!("-{value}")]),
                )
                .with(["0"])
        })
        .collect();
    let unsigned = Kind::Decimal { precision: 10, scale: 2 };
    types.push(
        Type::new("DECIMAL(p,s) UNSIGNED", "DECIMAL(10,2) UNSIGNED", unsigned)
            .with(decimal_values(10, 2))
            .with(["0"]),
    );
    types
}

/// All nines; the least; a one before zeros; where its bytes of Connect's form get one more.
fn decimal_values(precision: u8, scale: u8) -> Vec<String> {
    let (whole, fraction) = (usize::from(precision - scale), usize::from(scale));
    let digits = |digits: String| {
        let padded = format!("{digits:0>width$}", width = usize::from(precision));
        let (before, after) = padded.split_at(whole);
        let before = if before.is_empty() { "0" } else { before };
        if fraction == 0 { before.to_owned() } else { format!("{before}.{after}") }
    };
    let mut values = vec![
        digits("9".repeat(usize::from(precision))),
        digits("1".to_owned()),
        digits(format!("1{}", "0".repeat(usize::from(precision) - 1))),
    ];
    for edge in ["127", "128", "255", "256", "32767", "32768", "170141183460469231731687303715884105727"] {
        if edge.len() <= usize::from(precision) {
            values.push(digits(edge.to_owned()));
        }
    }
    values.dedup();
    values
}

pub(super) fn floats() -> Vec<Type> {
    const COMMON: [&str; 25] = [
        "0e0",
        "'-0'",
        "1e0",
        "-1e0",
        "0.1e0",
        "-0.1e0",
        "0.5e0",
        "1.5e0",
        "1e10",
        "1e-10",
        "16777215e0",
        "16777216e0",
        "16777217e0",
        "33554433e0",
        "123456.789e0",
        "3.141592653589793e0",
        "0.3333333333333333e0",
        "1e37",
        "-1e-37",
        "1.17549435e-38",
        "1.1754942e-38",
        "1.401298464324817e-45",
        "-1.401298464324817e-45",
        "3.4028234663852886e38",
        "-3.4028234663852886e38",
    ];
    const LARGE: [&str; 20] = [
        "4.9406564584124654e-324",
        "-4.9406564584124654e-324",
        "2.2250738585072014e-308",
        "2.225073858507201e-308",
        "1.7976931348623157e308",
        "-1.7976931348623157e308",
        "0.30000000000000004e0",
        "9007199254740991e0",
        "9007199254740992e0",
        "9007199254740994e0",
        "1e15",
        "1e16",
        "1e17",
        "1e21",
        "1e22",
        "1e23",
        "123456789012345680e0",
        "2070175004671058.25e0",
        "2070175004671058.75e0",
        "5e-320",
    ];
    vec![
        Type::new("FLOAT", "FLOAT", Kind::Float).with(COMMON),
        Type::new("FLOAT", "FLOAT(24)", Kind::Float).with(["0.1e0", "'-0'", "8388609e0"]),
        Type::new("FLOAT(M,D)", "FLOAT(10,3)", Kind::Float).with(["0.1e0", "1234567.125e0", "-0.001e0"]),
        Type::new("FLOAT", "FLOAT UNSIGNED", Kind::Float).with([
            "0e0",
            "1.401298464324817e-45",
            "3.4028234663852886e38",
        ]),
        Type::new("DOUBLE", "DOUBLE", Kind::Double).with(COMMON).with(LARGE),
        Type::new("FLOAT(25) to FLOAT(53)", "FLOAT(25)", Kind::Double).with(["0.1e0", "'-0'", "16777217e0"]),
        Type::new("DOUBLE(M,D)", "DOUBLE(20,5)", Kind::Double).with(["0.1e0", "123456789012345.12345e0"]),
        Type::new("DOUBLE", "DOUBLE UNSIGNED NOT NULL", Kind::Double).with([
            "0e0",
            "5e-324",
            "1.7976931348623157e308",
        ]),
    ]
}

pub(super) fn bits() -> Vec<Type> {
    let wide = [1, 2, 7, 8, 9, 15, 16, 17, 24, 31, 32, 33, 40, 48, 56, 57, 63, 64];
    wide.into_iter()
        .map(|bits| {
            let all = u64::MAX >> (64 - bits);
            let mut values = vec![
                0,
                1,
                all,
                all >> 1,
                1 << (bits - 1),
                0xaaaa_aaaa_aaaa_aaaa & all,
                0x00ff_0100_8000_0180 & all,
            ];
            values.sort_unstable();
            values.dedup();
            let name = if bits == 1 { "BIT(1)" } else { "BIT(n)" };
            Type::new(name, format!("BIT({bits})"), Kind::Bit { bits })
                .with(values.iter().map(u64::to_string))
        })
        .collect()
}
