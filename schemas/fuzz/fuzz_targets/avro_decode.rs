//! Avro bodies of a table with every kind of column. What is read is written again and reads the same.
#![no_main]

use libfuzzer_sys::fuzz_target;
use std::sync::LazyLock;
use strait_schemas::{AvroDecoder, Change, Source, TableEncoder, Value, decimal};

mod every_kind;

static CODEC: LazyLock<(AvroDecoder, TableEncoder)> = LazyLock::new(|| {
    let table = every_kind::table();
    (AvroDecoder::new(&table.avro_value()).expect("our schema"), TableEncoder::avro(&table, None, 1))
});

fuzz_target!(|data: &[u8]| {
    let (decoder, encoder) = &*CODEC;
    let Ok(read) = decoder.decode(data) else { return };
    for (value, column) in read.after.iter().flatten().zip(&decoder.table().columns) {
        if let (Value::Bytes(unscaled), strait_schemas::Kind::Decimal { scale, .. }) = (value, &column.kind) {
            let _ = decimal::text_from_unscaled(unscaled, *scale);
        }
    }
    let change = Change {
        before: read.before.as_deref(),
        after: read.after.as_deref(),
        source: Source {
            ts_us: read.source.ts_us,
            snapshot: read.source.snapshot,
            server_id: read.source.server_id,
            gtid: read.source.gtid.as_deref(),
            file: &read.source.file,
            pos: read.source.pos,
            row: read.source.row,
            thread: read.source.thread,
            query: None,
        },
        op: read.op,
        transaction: None,
        ts_us: read.ts_us,
    };
    let mut written = Vec::new();
    // A reader takes any 32-bit integer for a 16-bit one, as the schema says; the writer does not.
    if encoder.encode_value(&change, &mut written).is_ok() {
        let again = decoder.decode(&written[5..]).expect("what was just written");
        assert_eq!(format!("{:?}", (&again.before, &again.after)), format!("{:?}", (&read.before, &read.after)));
    }
});
