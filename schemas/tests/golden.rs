//! Golden bytes: what this version writes is what every later version must write, byte for byte, unless
//! the change is meant. One file a format in `tests/golden/`; binary records stand there as hexadecimal.
//!
//! To write them anew after a change that is meant, look at the difference, and commit it with its reason:
//!
//! ```text
//! UPDATE_GOLDEN=1 cargo test -p strait-schemas --test golden && git diff schemas/tests/golden
//! ```

use std::{fmt::Write, path::PathBuf};
use strait_schemas::{
    AvroDecoder, AvroRowDecoder, Change, Column, HeartbeatEncoder, JsonDecoder, Kind, Op, Shape, Snapshot,
    Source, SourceType, TableEncoder, TableSchema, TransactionBlock, TransactionEncoder, Value, heartbeat,
    transaction,
};

const GTID: &str = "3e11fa47-71ca-11e1-9e33-c80aa9429562:23";

fn column(name: &str, kind: Kind, optional: bool, source: (&str, Option<u32>, Option<u32>)) -> Column {
    let (source_name, length, scale) = source;
    let source_type = SourceType { name: source_name.into(), length, scale };
    Column { name: name.into(), kind, optional, source_type }
}

/// Every kind of column, some of them null; names that Avro does not allow; two geometries.
fn table() -> TableSchema {
    let c = column;
    TableSchema {
        prefix: "beijing".into(),
        database: "shop".into(),
        table: "every-kind".into(),
        columns: vec![
            c("id", Kind::Int64, false, ("BIGINT UNSIGNED", None, None)),
            c("订单-号", Kind::Text, false, ("VARCHAR", Some(40), None)),
            c("flag", Kind::Boolean, false, ("TINYINT", Some(1), None)),
            c("small", Kind::Int16, true, ("SMALLINT", None, None)),
            c("int", Kind::Int32, true, ("INT", None, None)),
            c("ratio", Kind::Float32, true, ("FLOAT", None, None)),
            c("exact ratio", Kind::Float64, true, ("DOUBLE", None, None)),
            c("raw", Kind::Bytes, true, ("VARBINARY", Some(16), None)),
            c("price", Kind::Decimal { precision: 10, scale: 2 }, false, ("DECIMAL", Some(10), Some(2))),
            c("bits", Kind::Bits { length: 12 }, true, ("BIT", Some(12), None)),
            c("state", Kind::Enum { allowed: "new,paid,\"gone\"".into() }, true, ("ENUM", Some(1), None)),
            c("tags", Kind::EnumSet { allowed: "a,b,c".into() }, true, ("SET", None, None)),
            c("doc", Kind::Json, true, ("JSON", None, None)),
            c("year", Kind::Year, true, ("YEAR", None, None)),
            c("born", Kind::Date, true, ("DATE", None, None)),
            c("span", Kind::MicroTime, true, ("TIME", Some(6), None)),
            c("at_ms", Kind::Timestamp, true, ("DATETIME", Some(3), None)),
            c("at_us", Kind::MicroTimestamp, true, ("DATETIME", Some(6), None)),
            c("zoned", Kind::ZonedTimestamp, true, ("TIMESTAMP", None, None)),
            c("place", Kind::Point, true, ("POINT", None, None)),
            c("area", Kind::Geometry, false, ("POLYGON", None, None)),
            c("route", Kind::Geometry, true, ("LINESTRING", None, None)),
            c("vector", Kind::FloatVector, true, ("VECTOR", Some(3), None)),
            c("nothing", Kind::Text, true, ("TEXT", None, None)),
        ],
        key: vec![1, 0],
    }
}

fn row(note: &'static str) -> Vec<Value<'static>> {
    vec![
        Value::Int(i64::MAX),
        Value::Text("№ 7".into()),
        Value::Bool(true),
        Value::Int(-3),
        Value::Int(2_000_000_000),
        Value::Float(0.1),
        Value::Double(-0.0),
        Value::Bytes(vec![0, 255, 128].into()),
        Value::Bytes(vec![0xfb, 0x32].into()),
        Value::Bytes(vec![0xff, 0x0f].into()),
        Value::Text("\"gone\"".into()),
        Value::Text("a,c".into()),
        Value::Text("{\"k\": [1, null, \"\\n\"]}".into()),
        Value::Int(2155),
        Value::Int(-719_528),
        Value::Int(-3_020_399_000_000),
        Value::Int(1_700_000_000_123),
        Value::Int(-62_135_596_800_000_000),
        Value::Text("2038-01-19T03:14:07.999999Z".into()),
        Value::Point { x: 1.5, y: -2.25, wkb: Some(vec![1, 1].into()), srid: Some(4326) },
        Value::Geometry { wkb: vec![1, 3].into(), srid: None },
        Value::Geometry { wkb: vec![1, 2].into(), srid: Some(0) },
        Value::Vector(vec![1.0, -0.5, 3.4e38]),
        if note.is_empty() { Value::Null } else { Value::Text(note.into()) },
    ]
}

fn source() -> Source<'static> {
    Source {
        ts_us: 1_700_000_000_123_456,
        snapshot: Snapshot::False,
        server_id: 4_294_967_295,
        gtid: Some(GTID),
        file: "binlog.000042",
        pos: 98_765,
        row: 1,
        thread: Some(77),
        query: None,
    }
}

/// Each change by name: an update with all there is, and deletes and creates with as little as there is.
fn changes<'a>(before: &'a [Value<'a>], after: &'a [Value<'a>]) -> Vec<(&'static str, Change<'a>)> {
    let update = Change {
        before: Some(before),
        after: Some(after),
        source: source(),
        op: Op::Update,
        transaction: Some(TransactionBlock { id: GTID, total_order: 3, data_collection_order: 2 }),
        ts_us: 1_700_000_000_200_001,
    };
    let file_mode = Source { gtid: None, thread: None, query: Some("/* \t */ DELETE"), ..source() };
    let delete = Change { after: None, source: file_mode, op: Op::Delete, transaction: None, ..update };
    let read = Source { snapshot: Snapshot::LastInDataCollection, ..source() };
    let read = Change { before: None, source: read, op: Op::Read, transaction: None, ..update };
    let truncate = Change { before: None, after: None, op: Op::Truncate, transaction: None, ..update };
    vec![("update", update), ("delete", delete), ("read", read), ("truncate", truncate)]
}

fn hex(bytes: &[u8]) -> String {
    bytes.iter().fold(String::new(), |mut out, byte| {
        write!(out, "{byte:02x}").expect("writing to a String does not fail");
        out
    })
}

fn unhex(text: &str) -> Vec<u8> {
    let byte = |at| u8::from_str_radix(&text[at..at + 2], 16).expect("hexadecimal");
    (0..text.len()).step_by(2).map(byte).collect()
}

/// Lines `name: content`; compared to the file, or written to it.
struct Golden {
    path: PathBuf,
    lines: Vec<(String, String)>,
}

impl Golden {
    fn new(name: &str) -> Self {
        let path = PathBuf::from(env!("CARGO_MANIFEST_DIR")).join("tests/golden").join(name);
        Self { path, lines: Vec::new() }
    }

    fn text(&mut self, name: &str, content: impl Into<String>) {
        self.lines.push((name.to_owned(), content.into()));
    }

    fn hex(&mut self, name: &str, write: impl FnOnce(&mut Vec<u8>)) {
        let mut out = Vec::new();
        write(&mut out);
        self.text(name, hex(&out));
    }

    fn json(&mut self, name: &str, write: impl FnOnce(&mut Vec<u8>)) {
        let mut out = Vec::new();
        write(&mut out);
        self.text(name, String::from_utf8(out).expect("JSON is UTF-8"));
    }

    fn check(self) {
        let mut text = String::new();
        for (name, content) in &self.lines {
            writeln!(text, "{name}: {content}").expect("writing to a String does not fail");
        }
        if std::env::var_os("UPDATE_GOLDEN").is_some() {
            return std::fs::write(&self.path, text).expect("the golden folder is writable");
        }
        let golden = std::fs::read_to_string(&self.path).expect("a golden file; UPDATE_GOLDEN=1 writes it");
        for ((name, content), line) in self.lines.iter().zip(golden.lines()) {
            assert_eq!(format!("{name}: {content}"), line, "{name} in {}", self.path.display());
        }
        assert_eq!(text, golden, "{}", self.path.display());
    }

    /// What the file holds, by name: it, not what was just written, is what is decoded.
    fn read(name: &str) -> Vec<(String, String)> {
        let text = std::fs::read_to_string(Self::new(name).path).expect("a golden file");
        let line = |line: &str| line.split_once(": ").map(|(n, c)| (n.to_owned(), c.to_owned()));
        text.lines().map(|text| line(text).expect("`name: content`")).collect()
    }
}

#[test]
fn avro() {
    let (table, before, after) = (table(), row(""), row("written"));
    let encoder = TableEncoder::avro(&table, Some(17), 0x0102_0304).with_version("golden");
    let mut golden = Golden::new("avro.txt");
    golden.text("key schema", table.avro_key().expect("the table has a key"));
    golden.text("value schema", table.avro_value());
    golden.hex("key", |out| assert!(encoder.encode_key(&after, out).expect("a full row")));
    for (name, change) in changes(&before, &after) {
        golden.hex(name, |out| encoder.encode_value(&change, out).expect("a fitting row"));
    }
    golden.check();
}

#[test]
fn json() {
    let (table, before, after) = (table(), row(""), row("written"));
    let mut golden = Golden::new("json.txt");
    for with_schema in [true, false] {
        let label = if with_schema { "with schema" } else { "schemaless" };
        let encoder = TableEncoder::json(&table, with_schema).with_version("golden");
        golden.json(&format!("{label} key"), |out| {
            assert!(encoder.encode_key(&after, out).expect("a full row"));
        });
        for (name, change) in changes(&before, &after) {
            golden.json(&format!("{label} {name}"), |out| {
                encoder.encode_value(&change, out).expect("a fitting row");
            });
        }
    }
    golden.check();
}

#[test]
fn heartbeats_and_transactions() {
    let mut golden = Golden::new("topics.txt");
    golden.text("heartbeat key schema", heartbeat::avro_key());
    golden.text("heartbeat value schema", heartbeat::avro_value());
    golden.text("transaction key schema", transaction::avro_key());
    golden.text("transaction value schema", transaction::avro_value());
    let collections = [("shop.orders", 2_i64), ("shop.every-kind", 1)];
    let heartbeat = HeartbeatEncoder::avro("beijing", 1, 2);
    let transaction = TransactionEncoder::avro(3, 4);
    golden.hex("avro heartbeat key", |out| heartbeat.encode_key(out));
    golden.hex("avro heartbeat", |out| heartbeat.encode_value(1_700_000_000_123, out));
    golden.hex("avro transaction key", |out| transaction.encode_key(GTID, out));
    golden.hex("avro begin", |out| transaction.encode_begin(GTID, 1_700_000_000_123, out));
    golden.hex("avro end", |out| {
        transaction.encode_end(GTID, 1_700_000_000_124, collections.into_iter(), out);
    });
    golden.hex("avro end of nothing", |out| transaction.encode_end(GTID, 0, [].into_iter(), out));
    for with_schema in [true, false] {
        let label = if with_schema { "with schema" } else { "schemaless" };
        let heartbeat = HeartbeatEncoder::json("beijing", with_schema);
        let transaction = TransactionEncoder::json(with_schema);
        golden.json(&format!("{label} heartbeat key"), |out| heartbeat.encode_key(out));
        golden.json(&format!("{label} heartbeat"), |out| heartbeat.encode_value(1_700_000_000_123, out));
        golden.json(&format!("{label} transaction key"), |out| transaction.encode_key(GTID, out));
        golden.json(&format!("{label} begin"), |out| transaction.encode_begin(GTID, 1_700_000_000_123, out));
        golden.json(&format!("{label} end"), |out| {
            transaction.encode_end(GTID, 1_700_000_000_124, collections.into_iter(), out);
        });
    }
    golden.check();
}

/// What an earlier version wrote is read by this one.
#[test]
fn golden_avro_is_read() {
    let golden = Golden::read("avro.txt");
    let find = |name: &str| &golden.iter().find(|(n, _)| n == name).expect(name).1;
    let decoder = AvroDecoder::new(find("value schema")).expect("our schema");
    assert_eq!(decoder.table().columns, table().columns);
    let (before, after) = (row(""), row("written"));
    for (name, change) in changes(&before, &after) {
        let record = unhex(find(name));
        let read = decoder.decode(&record[5..]).expect(name);
        assert_eq!((read.before.as_deref(), read.after.as_deref()), (change.before, change.after), "{name}");
        assert_eq!((read.op, read.ts_us), (change.op, change.ts_us));
        assert_eq!((&*read.source.database, &*read.source.table), ("shop", "every-kind"));
    }
    let key = unhex(find("key"));
    let decoder = AvroRowDecoder::new(find("key schema")).expect("our schema");
    let names: Vec<_> = decoder.table().columns.iter().map(|column| column.name.as_str()).collect();
    assert_eq!(names, ["订单-号", "id"]);
    assert_eq!(decoder.decode(&key[5..]).expect("our key"), [after[1].clone(), after[0].clone()]);
}

#[test]
fn golden_json_is_read() {
    let mut decoder = JsonDecoder::new();
    let (before, after) = (row(""), row("written"));
    for (name, change) in changes(&before, &after) {
        for (line, record) in Golden::read("json.txt") {
            if line == format!("with schema {name}") {
                let read = decoder.decode(record.as_bytes()).expect(&line);
                let Shape::Typed(read_table) = read.shape else { panic!("it has its schema") };
                assert_eq!(read_table.columns, table().columns);
                let read = read.envelope;
                assert_eq!((read.before.as_deref(), read.after.as_deref()), (change.before, change.after));
            } else if line == format!("schemaless {name}") {
                let read = decoder.decode(record.as_bytes()).expect(&line);
                assert!(matches!(read.shape, Shape::Untyped(_)));
                assert_eq!((read.envelope.op, read.envelope.ts_us), (change.op, change.ts_us));
            }
        }
    }
}
