//! Time of one record, encoded and decoded: an update of a row of seven columns, about 270 bytes in Avro.
//! `cargo bench -p strait-schemas`
#![allow(clippy::unwrap_used, reason = "a program for the developer")]

use std::{
    hint::black_box,
    sync::LazyLock,
    time::{Duration, Instant},
};
use strait_schemas::{
    AvroDecoder, Change, Column, JsonDecoder, Kind, Op, Snapshot, Source, SourceType, TableEncoder,
    TableSchema, TransactionBlock, Value,
};

const GTID: &str = "3e11fa47-71ca-11e1-9e33-c80aa9429562:23";
const ROUNDS: u32 = 400_000;

fn table() -> TableSchema {
    let column = |name: &str, kind, optional| {
        let source_type = SourceType { name: "ANY".into(), length: None, scale: None };
        Column { name: name.into(), kind, optional, source_type }
    };
    TableSchema {
        prefix: "beijing".into(),
        database: "shop".into(),
        table: "orders".into(),
        columns: vec![
            column("id", Kind::Int64, false),
            column("customer", Kind::Int32, false),
            column("state", Kind::Enum { allowed: "new,paid".into() }, false),
            column("price", Kind::Decimal { precision: 10, scale: 2 }, true),
            column("note", Kind::Text, true),
            column("created", Kind::MicroTimestamp, true),
            column("updated", Kind::ZonedTimestamp, true),
        ],
        key: vec![0],
    }
}

fn row(note: &'static str) -> Vec<Value<'static>> {
    vec![
        Value::Int(123_456_789),
        Value::Int(4_242),
        Value::Text("paid".into()),
        Value::Bytes(vec![1, 2, 3].into()),
        Value::Text(note.into()),
        Value::Int(1_700_000_000_123_456),
        Value::Null,
    ]
}

fn measure(what: &str, mut once: impl FnMut()) {
    // CPU time, and the best of nine: the machine may be shared.
    let best = (0..9).map(|_| {
        let start = cpu_time();
        (0..ROUNDS).for_each(|_| once());
        cpu_time().saturating_sub(start) / ROUNDS
    });
    println!("{what:<28} {:>6} ns", best.min().unwrap().as_nanos());
}

/// What this thread has run for, as Linux counts it; elsewhere the wall clock must do.
fn cpu_time() -> Duration {
    static START: LazyLock<Instant> = LazyLock::new(Instant::now);
    let schedstat = std::fs::read_to_string("/proc/thread-self/schedstat").unwrap_or_default();
    match schedstat.split(' ').next().and_then(|nanos| nanos.parse().ok()) {
        Some(nanos) => Duration::from_nanos(nanos),
        None => START.elapsed(),
    }
}

fn main() {
    let table = table();
    let (before, after) = (row("a note"), row("another note"));
    let change = Change {
        before: Some(&before),
        after: Some(&after),
        source: Source {
            ts_us: 1_700_000_000_123_456,
            snapshot: Snapshot::False,
            server_id: 1,
            gtid: Some(GTID),
            file: "binlog.000042",
            pos: 98_765,
            row: 0,
            thread: Some(77),
            query: None,
        },
        op: Op::Update,
        transaction: Some(TransactionBlock { id: GTID, total_order: 3, data_collection_order: 2 }),
        ts_us: 1_700_000_000_200_001,
    };
    let mut out = Vec::with_capacity(1 << 16);

    let encoder = TableEncoder::avro(&table, Some(1), 2);
    measure("avro key, encode", || {
        out.clear();
        black_box(encoder.encode_key(black_box(&after), &mut out).unwrap());
    });
    measure("avro value, encode", || {
        out.clear();
        encoder.encode_value(black_box(&change), &mut out).unwrap();
        black_box(&out);
    });
    println!("  of {} bytes", out.len());
    let record = out.clone();
    let decoder = AvroDecoder::new(&table.avro_value()).unwrap();
    measure("avro value, decode", || {
        black_box(decoder.decode(black_box(&record[5..])).unwrap());
    });

    for with_schema in [false, true] {
        let label = if with_schema { "json with schema" } else { "json" };
        let encoder = TableEncoder::json(&table, with_schema);
        measure(&format!("{label}, encode"), || {
            out.clear();
            encoder.encode_value(black_box(&change), &mut out).unwrap();
            black_box(&out);
        });
        println!("  of {} bytes", out.len());
        let record = out.clone();
        let mut decoder = JsonDecoder::new();
        measure(&format!("{label}, decode"), || {
            black_box(decoder.decode(black_box(&record)).unwrap());
        });
    }
}
