//! Schemas that another writer made: what Debezium writes is read, in any order and with more fields than
//! we know; what cannot be mapped is refused by name.

mod support;

use apache_avro::types::Value as Avro;
use serde_json::{Value as Json, json};
use strait_schemas::{
    AvroDecoder, AvroRowDecoder, Disposition, Error, JsonDecoder, Kind, Op, Shape, Snapshot, Value,
};
use support::read_avro;

/// A MySQL envelope as Debezium's connector and Confluent's converter write it: defaults with their
/// branch first, fields of other versions, an order of its own.
fn envelope(row_fields: &Json) -> Json {
    json!({
        "type": "record", "name": "Envelope", "namespace": "srv.inventory.goods",
        "fields": [
            {"name": "op", "type": "string"},
            {"name": "later", "type": ["null", {"type": "map", "values": ["null", "Envelope"]}], "default": null},
            {"name": "ts_ms", "type": ["null", "long"], "default": null},
            {"name": "after", "type": ["null", {"type": "record", "name": "Value", "fields": row_fields,
                "connect.name": "srv.inventory.goods.Value"}], "default": null},
            {"name": "before", "type": ["null", "Value"], "default": null},
            {"name": "source", "type": {"type": "record", "name": "Source",
                "namespace": "io.debezium.connector.mysql", "fields": [
                    {"name": "table", "type": ["null", "string"], "default": null},
                    {"name": "schema", "type": ["null", {"type": "array", "items": "double"}], "default": null},
                    {"name": "db", "type": "string"},
                    {"name": "snapshot", "type": [{"type": "string", "connect.version": 1,
                        "connect.parameters": {"allowed": "true,last,false,incremental"},
                        "connect.default": "false", "connect.name": "io.debezium.data.Enum"}, "null"],
                        "default": "false"},
                    {"name": "ts_ms", "type": "long"},
                    {"name": "hash", "type": {"type": "fixed", "name": "Md5", "size": 16}},
                    {"name": "mode", "type": {"type": "enum", "name": "Mode", "symbols": ["A", "B"]}}
                ], "connect.name": "io.debezium.connector.mysql.Source"}}
        ],
        "connect.name": "srv.inventory.goods.Envelope"
    })
}

fn goods() -> Json {
    json!([
        {"name": "id", "type": {"type": "int", "connect.default": 0}, "default": 0},
        {"name": "label", "type": {"type": "string", "connect.default": "none"}, "default": "none"},
        {"name": "seen", "type": [{"type": "long", "connect.version": 1, "connect.default": 0,
            "connect.name": "io.debezium.time.Timestamp"}, "null"], "default": 0},
        {"name": "price", "type": ["null", {"type": "bytes", "scale": 3, "precision": 9,
            "connect.version": 1, "connect.parameters": {"scale": "3", "connect.decimal.precision": "9"},
            "connect.name": "org.apache.kafka.connect.data.Decimal", "logicalType": "decimal"}],
            "default": null},
        {"name": "tiny", "type": [{"type": "int", "connect.type": "int8"}]}
    ])
}

/// Written by hand, byte for byte, and checked with apache-avro.
fn body() -> Vec<u8> {
    let mut body = Vec::new();
    body.extend([2, b'u']);
    // later: one block of one entry, with its size, holding null
    body.extend([2, 1, 6, 2, b'k', 0, 0]);
    body.extend([2, 20]);
    body.extend([2, 14, 4, b'h', b'i', 1 << 1, 2, 2, 5, 0, 3]);
    body.extend([0]);
    body.extend([2, 10]);
    body.extend(b"goods");
    body.extend([2, 2]);
    body.extend([0; 8]);
    body.extend([0]);
    body.extend([18]);
    body.extend(b"inventory");
    body.extend([2]);
    body.extend([40]);
    body.extend([7; 16]);
    body.extend([2]);
    body
}

#[test]
fn debeziums_envelope_is_read() {
    let schema = envelope(&goods()).to_string();
    let body = body();
    let Avro::Record(fields) = read_avro(&schema, &body) else { panic!("an envelope is a record") };
    assert_eq!(fields.len(), 6);

    let decoder = AvroDecoder::new(&schema).expect("Debezium's schema");
    let table = decoder.table();
    assert_eq!((&*table.prefix, &*table.database, &*table.table), ("srv", "inventory", "goods"));
    let columns: Vec<_> =
        table.columns.iter().map(|c| (c.name.as_str(), c.kind.clone(), c.optional)).collect();
    assert_eq!(
        columns,
        [
            ("id", Kind::Int32, false),
            ("label", Kind::Text, false),
            ("seen", Kind::Timestamp, true),
            ("price", Kind::Decimal { precision: 9, scale: 3 }, true),
            ("tiny", Kind::Int16, false),
        ]
    );
    let read = decoder.decode(&body).expect("its record");
    assert_eq!(read.op, Op::Update);
    assert_eq!(read.ts_us, 10_000);
    assert_eq!(read.before, None);
    let after =
        [Value::Int(7), Value::Text("hi".into()), Value::Null, Value::Bytes(vec![5].into()), Value::Int(-2)];
    assert_eq!(read.after.as_deref(), Some(&after[..]));
    assert_eq!(read.source.snapshot, Snapshot::False);
    assert_eq!(read.source.ts_us, 20_000);
    assert_eq!((&*read.source.database, &*read.source.table), ("inventory", "goods"));
}

#[test]
fn every_cut_of_it_is_an_error() {
    let decoder = AvroDecoder::new(&envelope(&goods()).to_string()).expect("Debezium's schema");
    let body = body();
    for length in 0..body.len() {
        assert!(matches!(decoder.decode(&body[..length]), Err(Error::Malformed { .. })), "{length} bytes");
    }
}

#[test]
fn what_cannot_be_mapped_is_refused_by_name() {
    let refused = [
        (json!({"type": "int", "connect.name": "io.debezium.time.Time"}), "io.debezium.time.Time"),
        (json!({"type": "int", "connect.name": "io.debezium.time.Time"}), "adaptive_time_microseconds"),
        (json!({"type": "string", "connect.name": "io.debezium.data.Xml"}), "io.debezium.data.Xml"),
        (json!({"type": "map", "values": "string"}), "map"),
        (json!({"type": "array", "items": "double"}), "array"),
        (json!({"type": "fixed", "name": "F", "size": 3}), "F"),
        (json!({"type": "enum", "name": "E", "symbols": ["A"]}), "E"),
        (json!({"type": "record", "name": "R", "fields": []}), "srv.inventory.goods.R"),
        (json!(["null", "int", "string"]), "union"),
        (json!(["int", "string"]), "union"),
        (json!("null"), "null"),
        (json!({"type": "bytes", "connect.name": "io.debezium.data.Bits"}), "length"),
        (
            json!({"type": "record", "name": "io.debezium.data.geometry.Point", "fields": [
                {"name": "x", "type": "double"}]}),
            "no field `y`",
        ),
    ];
    for (ty, name) in refused {
        let schema = envelope(&json!([{"name": "odd", "type": ty}])).to_string();
        let error = AvroDecoder::new(&schema).expect_err(name);
        assert_eq!(error.disposition(), Disposition::Halt);
        let text = error.to_string();
        assert!(text.contains("after.odd") && text.contains(name), "{text}");
    }
}

#[test]
fn what_is_no_envelope_is_refused() {
    for (schema, expected) in [
        (json!("string"), "a change envelope is a record"),
        (
            json!({"type": "record", "name": "a.Order", "fields": [{"name": "id", "type": "int"}]}),
            "`a.Order`",
        ),
    ] {
        let error = AvroDecoder::new(&schema.to_string()).expect_err("no envelope").to_string();
        assert!(error.contains(expected), "{error}");
    }
    assert!(matches!(AvroDecoder::new("{"), Err(Error::AvroSchema { .. })));
    assert!(matches!(AvroDecoder::new("{\"type\":\"recrd\"}"), Err(Error::AvroSchema { .. })));
    let op = envelope(&goods())
        .to_string()
        .replace("{\"name\":\"op\",\"type\":\"string\"}", "{\"name\":\"op\",\"type\":\"long\"}");
    let error = AvroDecoder::new(&op).expect_err("op is a long").to_string();
    assert!(error.contains("`op`") && error.contains("not long"), "{error}");
}

#[test]
fn an_ignored_field_cannot_cost_without_bound() {
    // A record that holds itself, nested as deep as the body likes; and a block of 2^62 nothings.
    let deep = json!({"type": "record", "name": "Key", "fields": [
        {"name": "id", "type": "int"},
        {"name": "wkb", "type": ["null", {"type": "record", "name": "io.debezium.data.geometry.Geometry",
            "fields": [
                {"name": "wkb", "type": "bytes"},
                {"name": "more", "type": ["null", "Geometry"], "default": null},
                {"name": "none", "type": {"type": "array", "items": "null"}}
            ]}]}
    ]});
    let decoder = AvroRowDecoder::new(&deep.to_string()).expect("a geometry with more fields");
    let nested = [&[2, 2][..], &[0, 2].repeat(10_000)].concat();
    let error = decoder.decode(&nested).expect_err("too deep").to_string();
    assert!(error.contains("nests deeper"), "{error}");
    let mut many = vec![2, 2, 0, 0];
    many.extend([254, 255, 255, 255, 255, 255, 255, 255, 127, 0]);
    let error = decoder.decode(&many).expect_err("too many").to_string();
    assert!(error.contains("too complex"), "{error}");
}

/// A record of Kafka's JSON converter: an order of its own, more members than we know, a numeric decimal.
#[test]
fn debeziums_json_is_read() {
    let row = json!([
        {"type": "int8", "optional": true, "field": "tiny"},
        {"type": "string", "optional": false, "default": "none", "field": "label"},
        {"type": "bytes", "optional": false, "name": "org.apache.kafka.connect.data.Decimal", "version": 1,
            "parameters": {"scale": "2", "connect.decimal.precision": "9"}, "field": "price"},
        {"type": "int32", "optional": true, "name": "io.debezium.time.Date", "version": 1, "field": "day"}
    ]);
    let image = |name: &str| {
        json!({"type": "struct", "optional": true, "name": "srv.inventory.goods.Value",
            "field": name, "fields": row})
    };
    let record = json!({
        "payload": {
            "op": "c",
            "later": [1, {"x": null}],
            "source": {"db": "inventory", "ts_ms": 5, "snapshot": "last", "pos": 4, "thread": null},
            "after": {"price": 12.5, "unknown": true, "label": "h\u{e9}\n", "tiny": -1},
            "ts_ms": 7
        },
        "schema": {"type": "struct", "name": "srv.inventory.goods.Envelope", "optional": false, "version": 2,
            "fields": [image("before"), image("after"),
                {"type": "struct", "fields": [], "field": "source"},
                {"type": "string", "optional": false, "field": "op"}]}
    });
    let text = record.to_string();
    let mut decoder = JsonDecoder::new();
    let read = decoder.decode(text.as_bytes()).expect("Debezium's record");
    let Shape::Typed(table) = read.shape else { panic!("it has its schema") };
    assert_eq!((&*table.prefix, &*table.database, &*table.table), ("srv", "inventory", "goods"));
    let after = [Value::Int(-1), Value::Text("hé\n".into()), Value::Bytes(vec![4, 226].into()), Value::Null];
    assert_eq!(read.envelope.after.as_deref(), Some(&after[..]));
    assert_eq!((read.envelope.op, read.envelope.ts_us), (Op::Create, 7_000));
    assert_eq!(read.envelope.source.snapshot, Snapshot::Last);
    assert_eq!(read.envelope.source.pos, 4);

    let missing = text.replace("\"label\":\"hé\\n\",", "");
    let error = decoder.decode(missing.as_bytes()).expect_err("label is NOT NULL").to_string();
    assert!(error.contains("column `label`") && error.contains("absent in `after`"), "{error}");
    let wrong = text.replace("12.5", "12.505");
    let error = decoder.decode(wrong.as_bytes()).expect_err("three fraction digits").to_string();
    assert!(error.contains("column `price`") && error.contains("scale"), "{error}");
    let foreign = text.replace("io.debezium.time.Date", "io.debezium.time.Interval");
    let error = decoder.decode(foreign.as_bytes()).expect_err("no such kind").to_string();
    assert!(error.contains("before.day") && error.contains("io.debezium.time.Interval"), "{error}");
}

#[test]
fn json_without_schema_keeps_what_a_double_would_lose() {
    let record = r#"{"before":{"b":2,"a":1},"after":{"a":0.1,"b":12345678901234567.89},"op":"u",
        "source":null,"payload_version":1}"#;
    let mut decoder = JsonDecoder::new();
    let read = decoder.decode(record.as_bytes()).expect("a bare payload");
    let Shape::Untyped(names) = &read.shape else { panic!("it has no schema") };
    assert_eq!(names[..], ["a", "b"]);
    let after = [Value::Double(0.1), Value::Text("12345678901234567.89".into())];
    assert_eq!(read.envelope.after.as_deref(), Some(&after[..]));
    assert_eq!(read.envelope.before.as_deref(), Some(&[Value::Int(1), Value::Int(2)][..]));

    for (other, expected) in [("{\"b\":2}", "other columns"), ("{\"b\":2,\"c\":1}", "column `a`")] {
        let record = record.replace("{\"b\":2,\"a\":1}", other);
        let error = decoder.decode(record.as_bytes()).expect_err("images differ").to_string();
        assert!(error.contains(expected), "{error}");
    }
    for record in ["{}", "[]", "null", "{\"op\":\"x\"}", "{\"op\":1}", "{\"schema\":{},\"payload\":null}"] {
        assert!(decoder.decode(record.as_bytes()).is_err(), "{record}");
    }
}
