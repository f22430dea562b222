//! Whether a target's column has room for every value that the source's can have. A value that does not fit is refused by the
//! server's strict mode in any case; this tells it before the first one comes.

use strait_mysql::catalog::Column;
use strait_schemas::SourceType;

/// `false` only where it is sure: what a record does not tell has room.
pub fn holds(target: &Column, source: &SourceType) -> bool {
    let (name, unsigned) = match source.name.strip_suffix(" UNSIGNED") {
        Some(name) => (name, true),
        None => (source.name.as_str(), false),
    };
    let length = source.length.map(u64::from);
    let at_most = |length: Option<u64>, most: Option<u64>| match (length, most) {
        (Some(length), Some(most)) => length <= most,
        _ => true,
    };
    match (name, target.data_type.as_str()) {
        (_, "decimal" | "numeric") if name == "DECIMAL" => {
            let digits =
                |precision: u32, scale: Option<u32>| u64::from(precision - scale.unwrap_or(0).min(precision));
            let has = target.numeric_precision.map(|precision| digits(precision, target.numeric_scale));
            (unsigned || !target.unsigned)
                && at_most(source.length.map(|precision| digits(precision, source.scale)), has)
        }
        ("FLOAT" | "DOUBLE", "float" | "double" | "real") => unsigned || !target.unsigned,
        ("BIT", "bit") => at_most(length, target.numeric_precision.map(u64::from)),
        ("CHAR" | "VARCHAR", "char" | "varchar") => at_most(length, target.max_characters),
        (
            "CHAR" | "VARCHAR" | "BINARY" | "VARBINARY",
            "tinytext" | "text" | "mediumtext" | "longtext" | "binary" | "varbinary" | "tinyblob" | "blob"
            | "mediumblob" | "longblob",
        ) => at_most(length, target.max_octets),
        (
            "TINYTEXT" | "TEXT" | "MEDIUMTEXT" | "LONGTEXT" | "TINYBLOB" | "BLOB" | "MEDIUMBLOB" | "LONGBLOB",
            "char" | "varchar" | "tinytext" | "text" | "mediumtext" | "longtext" | "binary" | "varbinary"
            | "tinyblob" | "blob" | "mediumblob" | "longblob",
        ) => at_most(Some(octets(name)), target.max_octets),
        _ => match (integer(name), integer(&target.data_type.to_uppercase())) {
            (Some(bits), Some(room)) => match (unsigned, target.unsigned) {
                (true, true) | (false, false) => bits <= room,
                (true, false) => bits < room,
                (false, true) => false,
            },
            _ => true,
        },
    }
}

fn octets(name: &str) -> u64 {
    let bytes = match name.trim_end_matches("TEXT").trim_end_matches("BLOB") {
        "TINY" => 1,
        "MEDIUM" => 3,
        "LONG" => 4,
        _ => 2,
    };
    (1 << (8 * bytes)) - 1
}

/// Bits.
fn integer(name: &str) -> Option<u32> {
    Some(match name {
        "TINYINT" => 8,
        "SMALLINT" => 16,
        "MEDIUMINT" => 24,
        "INT" | "INTEGER" => 32,
        "BIGINT" => 64,
        _ => return None,
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    fn source(name: &str, length: Option<u32>, scale: Option<u32>) -> SourceType {
        SourceType { name: name.into(), length, scale }
    }

    fn target(data_type: &str, unsigned: bool) -> Column {
        Column { data_type: data_type.into(), unsigned, ..Column::default() }
    }

    #[test]
    fn integers_hold_what_lies_within_them() {
        for (from, to, unsigned, fits) in [
            ("INT", "int", false, true),
            ("INT", "smallint", false, false),
            ("INT", "bigint", true, false),
            ("INT UNSIGNED", "int", false, false),
            ("INT UNSIGNED", "bigint", false, true),
            ("INT UNSIGNED", "mediumint", true, false),
            ("TINYINT", "decimal", false, true),
        ] {
            assert_eq!(holds(&target(to, unsigned), &source(from, None, None)), fits, "{from} in {to}");
        }
    }

    #[test]
    fn decimals_hold_the_digits_before_the_point() {
        let to = Column { numeric_precision: Some(10), numeric_scale: Some(4), ..target("decimal", false) };
        for (precision, scale, fits) in
            [(10, 4, true), (8, 2, true), (8, 1, false), (6, 0, true), (7, 0, false)]
        {
            assert_eq!(
                holds(&to, &source("DECIMAL", Some(precision), Some(scale))),
                fits,
                "({precision},{scale})"
            );
        }
        let unsigned = Column { unsigned: true, ..to };
        assert!(!holds(&unsigned, &source("DECIMAL", Some(5), Some(0))));
        assert!(holds(&unsigned, &source("DECIMAL UNSIGNED", Some(5), Some(0))));
    }

    #[test]
    fn texts_and_bytes_by_their_lengths() {
        let varchar = Column { max_characters: Some(10), max_octets: Some(40), ..target("varchar", false) };
        assert!(holds(&varchar, &source("VARCHAR", Some(10), None)));
        assert!(!holds(&varchar, &source("CHAR", Some(11), None)));
        assert!(!holds(&varchar, &source("TINYTEXT", None, None)));
        let text = Column { max_characters: Some(65_535), max_octets: Some(65_535), ..target("text", false) };
        assert!(
            holds(&text, &source("TEXT", None, None)) && holds(&text, &source("VARCHAR", Some(300), None))
        );
        assert!(!holds(&text, &source("MEDIUMTEXT", None, None)));
        let blob = Column { max_octets: Some(255), ..target("tinyblob", false) };
        assert!(holds(&blob, &source("VARBINARY", Some(255), None)));
        assert!(
            !holds(&blob, &source("VARBINARY", Some(256), None))
                && !holds(&blob, &source("BLOB", None, None))
        );
        let bits = Column { numeric_precision: Some(8), ..target("bit", false) };
        assert!(holds(&bits, &source("BIT", Some(8), None)) && !holds(&bits, &source("BIT", Some(9), None)));
        // MariaDB's, whose length is no column's.
        assert!(holds(&target("uuid", false), &source("BINARY", Some(16), None)));
    }
}
