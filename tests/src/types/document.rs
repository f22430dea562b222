//! docs/types.md, from the same data that the type table's test runs.

use std::collections::HashSet;
use std::fmt::Write as _;

use super::{Charset, Documented, Family, Kind, Modes, Type, common, of_mariadb, of_mysql};

const HEAD: &str = "\
# Types

How each type of MySQL 9.7 and MariaDB 10.11 is published, and how it arrives. Made by `make docs` from the type table in `tests/src/types/`;
the test program `types` sends every edge value of it through Kafka, in both formats and by each of the options below: the two servers are
compared byte for byte after inserts, updates and deletes, and Confluent's deserialiser and fastavro find in Kafka what Debezium documents.

Every value is published as Debezium's MySQL connector publishes it. What that form cannot carry is repeated exactly in the record header
`strait.exact`, which only Strait's own sink reads; ordinary rows have no such header. NULL is null everywhere.

- **Avro**: a column that may be NULL is a union of null and the type. The semantic name stands in `connect.name`.
- **JSON**: the value in the payload; with `schema.format = \"json\"` its type and semantic name stand in the record's schema.
- Each field's schema tells the column's own type, length, scale and name (`__debezium.source.column.type`, ...).
";

const TAIL: &str = "
## Where others see something else than from Debezium

- A year below 100 stays what it is (YEAR 0000, dates of the years 0 to 99): as Debezium with `enable.time.adjuster=false`.
- A date that no calendar has (2023-02-31) is treated as a zero date; Debezium cannot convert it.
- TINYINT(1) and BOOLEAN are INT16, FLOAT(M,D) is FLOAT32: the binary log does not tell them from TINYINT and FLOAT. Debezium, which reads the
  statements, makes BOOLEAN and FLOAT64 of some.
- JSON is spaced as the server prints it, `{\"a\": 1}`; Debezium's own printer leaves the spaces out.
- With `decimal_handling_mode = \"string\"` all digits are written out, never an exponent.
- Bytes that are no character of the column's character set are U+FFFD in the text.

## Between MySQL and MariaDB

- JSON of MySQL arrives at MariaDB as text, for that is what MariaDB's JSON is: scalars of SQL types become what their text says. MariaDB's
  JSON column is a LONGTEXT in its log: a JSON column of MySQL refuses it by name, a text column takes it.
- A GEOMETRY or VECTOR that may not be NULL holds no bytes in rows that were there when it was added. So it arrives where the server is of the same
  kind. MySQL holds no such GEOMETRY: the sink halts and names the column.
- An ALTER may leave bytes that are no value of the column's type: half a character at the end of a text that was shortened, bytes that are no floats in
  what became a VECTOR. They go beside the value in `strait.exact`. Changes of such rows arrive where the same ALTER was made; a new row
  with such bytes no server takes from SQL, and the sink halts.
- VECTOR, UUID, INET4 and INET6 have no twin at the other server. UUID, INET4 and INET6 go into BINARY(16) and BINARY(4) columns; VECTOR into
  VARBINARY.
- Columns whose collation the other server does not have cannot be created there; a table made by hand with another collation of the same
  character set takes the rows.
- MariaDB stores minus 0 of a FLOAT or DOUBLE as 0, and takes no text of MySQL with bytes that are none in the column's character set; nor does
  MySQL all that MariaDB takes (bytes from 0x80 in `ascii`): the sink halts with the column's name.
- A COMPRESSED column of MariaDB is refused by name: its bytes in the log are the server's own.
";

pub fn document() -> String {
    let mut page = format!("{HEAD}\n## The table\n\n");
    row(&mut page, &["MySQL", "Connect", "semantic name", "Avro", "JSON", "`strait.exact` carries"]);
    row(&mut page, &["---"; 6]);
    let mut told = HashSet::new();
    for ty in types().iter().filter(|ty| told.insert(ty.name)) {
        let documented = Documented::of(&ty.kind, &Modes::default());
        let semantic = documented.semantic.map_or(String::new(), |name| format!("`{name}`"));
        row(
            &mut page,
            &[ty.name, documented.connect, &semantic, avro(&documented), json(&ty.kind), exact(&ty.kind)],
        );
    }
    page.push_str(
        "\n## Debezium's options\n\nThe connector's section `[types]` has them by Debezium's names. The sink stays exact in each; a change makes new schemas, and new\nbytes \
         of keys where a key's type is concerned (so its rows may go to other partitions; only with `order = \"key\"` does the sink's order depend on it, and it halts there).\n\n",
    );
    row(
        &mut page,
        &["setting", "value", "type", "Connect", "semantic name", "`strait.exact` carries besides"],
    );
    row(&mut page, &["---"; 6]);
    for (setting, value, modes, types) in options() {
        for (ty, kind) in types {
            let documented = Documented::of(&kind, &modes);
            let semantic = documented.semantic.map_or(String::new(), |name| format!("`{name}`"));
            let more = besides(value, &kind);
            row(
                &mut page,
                &[&format!("`{setting}`"), &format!("`{value}`"), ty, documented.connect, &semantic, more],
            );
        }
    }
    page.push_str(TAIL);
    page
}

fn types() -> Vec<Type> {
    let sample = Charset { name: "utf8mb4".into(), values: vec!["61".into()], refused: 0 };
    let families: Vec<Family> = [common(&[sample]), of_mysql(), of_mariadb()].concat();
    families.into_iter().flat_map(|family| family.types).collect()
}

fn row(page: &mut String, cells: &[&str]) {
    writeln!(page, "| {} |", cells.join(" | ")).expect("writing to a string cannot fail");
}

fn avro(documented: &Documented) -> &'static str {
    match (documented.connect, documented.semantic) {
        ("INT16", _) => "int (`connect.type` int16)",
        ("INT32", _) => "int",
        ("INT64", _) => "long",
        ("FLOAT32", _) => "float",
        ("FLOAT64", _) => "double",
        ("BOOLEAN", _) => "boolean",
        ("BYTES", Some("org.apache.kafka.connect.data.Decimal")) => "bytes (`logicalType` decimal)",
        ("BYTES", _) => "bytes",
        ("STRUCT", Some("io.debezium.data.geometry.Point")) => "record x, y, wkb, srid",
        ("STRUCT", _) => "record wkb, srid",
        ("ARRAY", _) => "array of float",
        _ => "string",
    }
}

fn json(kind: &Kind) -> &'static str {
    match kind {
        Kind::Bit { bits: 1 } => "true or false",
        Kind::Decimal { .. } => "base64 of the unscaled integer, big-endian",
        Kind::Bit { .. } => "base64, little-endian",
        Kind::Binary | Kind::Address => "base64",
        Kind::Date => "days since 1970",
        Kind::Time => "microseconds",
        Kind::DateTime { fsp: 0..=3 } => "milliseconds since 1970",
        Kind::DateTime { .. } => "microseconds since 1970",
        Kind::Timestamp { .. } => "`\"2024-02-29T10:15:30.5Z\"`, as many digits as the column has",
        Kind::Text { .. } => "string",
        Kind::Enum { .. } => "the label; a comma in it has a backslash before it",
        Kind::Set { .. } => "the labels with commas between",
        Kind::Json => "the document as a string",
        Kind::Point | Kind::Geometry => "object; wkb in base64; srid null for 0",
        Kind::Vector => "array of numbers",
        _ => "number",
    }
}

fn exact(kind: &Kind) -> &'static str {
    match kind {
        Kind::Date | Kind::DateTime { .. } => {
            "as text: zero and partial dates, and those that no calendar has; they are null, or the epoch in a NOT NULL column"
        }
        Kind::Timestamp { .. } => "as text: the zero date; it is null, or the epoch in a NOT NULL column",
        Kind::Text { .. } => "the bytes, where text that is made of them would not give them back",
        Kind::Enum { .. } => "the index: 0 (the invalid value), or of a label with a comma",
        Kind::Set { .. } => "the bits, where a label is empty or the labels do not tell all of them",
        Kind::Json => {
            "the server's binary form of a document with scalars of SQL types (DECIMAL, DATE, TIME, DATETIME, UNSIGNED INTEGER, BLOB, BIT, ...)"
        }
        Kind::Big { unsigned: true } => {
            "nothing: above 2^63 the number is negative, and the sink knows the column's type"
        }
        _ => "",
    }
}

/// What an option's value adds to the header.
fn besides(value: &str, kind: &Kind) -> &'static str {
    match (value, kind) {
        ("double", _) => "every value, as text",
        ("base64" | "base64-url-safe" | "hex", _) => "every value's bytes",
        ("connect", Kind::Time) => "microseconds; below 0 and beyond 24 hours, which are null or 0",
        ("connect", Kind::DateTime { .. }) => "microseconds",
        ("isostring" | "microseconds" | "nanoseconds", Kind::Time) => {
            "below 0 and beyond 24 hours, which are null or midnight"
        }
        ("nanoseconds", Kind::DateTime { .. }) => "what is not in the years 1677 to 2262, which is null or 0",
        _ => "",
    }
}

type Choice = (&'static str, &'static str, Modes, Vec<(&'static str, Kind)>);

fn options() -> Vec<Choice> {
    let decimal = || vec![("DECIMAL(p,s)", Kind::Decimal { precision: 10, scale: 2 })];
    let binary = || vec![("BINARY, VARBINARY, BLOB", Kind::Binary)];
    let big = || vec![("BIGINT UNSIGNED", Kind::Big { unsigned: true })];
    let times = || {
        vec![
            ("DATE", Kind::Date),
            ("TIME", Kind::Time),
            ("DATETIME(0..3)", Kind::DateTime { fsp: 0 }),
            ("DATETIME(4..6)", Kind::DateTime { fsp: 6 }),
        ]
    };
    let mut all = Vec::new();
    for word in ["precise", "double", "string"] {
        all.push(("decimal_handling_mode", word, Modes { decimal: word, ..Modes::default() }, decimal()));
    }
    for word in ["bytes", "base64", "base64-url-safe", "hex"] {
        all.push(("binary_handling_mode", word, Modes { binary: word, ..Modes::default() }, binary()));
    }
    for word in ["long", "precise"] {
        all.push(("bigint_unsigned_handling_mode", word, Modes { bigint: word, ..Modes::default() }, big()));
    }
    for word in ["adaptive_time_microseconds", "connect", "isostring", "microseconds", "nanoseconds"] {
        all.push(("time_precision_mode", word, Modes { time: word, ..Modes::default() }, times()));
    }
    all
}
