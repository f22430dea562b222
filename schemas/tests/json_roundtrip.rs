//! Every JSON record, read by serde_json and by our own decoder.

mod support;

use proptest::prelude::*;
use serde_json::Value as Json;
use strait_schemas::{JsonDecoder, Shape, TableEncoder, TableSchema, Value};
use support::{same, table_and_change};

fn names(table: &TableSchema) -> Vec<&str> {
    table.columns.iter().map(|column| column.name.as_str()).collect()
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 400, ..ProptestConfig::default() })]

    #[test]
    fn with_schema_our_decoder_gives_back_what_was_encoded((table, change) in table_and_change()) {
        let mut record = Vec::new();
        TableEncoder::json(&table, true).encode_value(&change.borrowed(), &mut record)?;
        let mut decoder = JsonDecoder::new();
        // The second time the schema is a known one.
        for _ in 0..2 {
            let read = decoder.decode(&record)?;
            let Shape::Typed(read_table) = &read.shape else { panic!("the record has its schema") };
            prop_assert_eq!(&read_table.columns, &table.columns);
            let read = read.envelope;
            for (read, written) in [(&read.before, &change.before), (&read.after, &change.after)] {
                prop_assert_eq!(read.is_some(), written.is_some());
                if let (Some(read), Some(written)) = (read, written) {
                    prop_assert!(same(read, written), "{:?} is not {:?}", read, written);
                }
            }
            prop_assert_eq!((read.op, read.ts_us), (change.op, change.ts_us));
            prop_assert_eq!(read.source.ts_us, change.source_us);
            prop_assert_eq!(read.source.snapshot, change.snapshot);
            prop_assert_eq!(&*read.source.database, &*table.database);
            prop_assert_eq!(&*read.source.table, &*table.table);
            prop_assert_eq!(read.source.gtid.as_deref(), change.gtid.as_deref());
            prop_assert_eq!(&*read.source.file, &*change.file);
            prop_assert_eq!((read.source.pos, read.source.row), (change.pos, change.row));
            prop_assert_eq!((read.source.server_id, read.source.thread), (change.server_id, change.thread));
        }
    }

    #[test]
    fn another_reader_finds_schema_and_payload_in_it((table, change) in table_and_change()) {
        let mut record = Vec::new();
        TableEncoder::json(&table, true).encode_value(&change.borrowed(), &mut record)?;
        let read: Json = serde_json::from_slice(&record)?;
        prop_assert_eq!(&read["schema"], &serde_json::from_str::<Json>(&table.connect_json_value())?);
        record.clear();
        TableEncoder::json(&table, false).encode_value(&change.borrowed(), &mut record)?;
        let bare: Json = serde_json::from_slice(&record)?;
        prop_assert_eq!(&read["payload"], &bare);
        let transaction = change.transaction.as_ref().map_or(Json::Null, |(id, total, collection)| {
            serde_json::json!({"id": id, "total_order": total, "data_collection_order": collection})
        });
        prop_assert_eq!(&bare["transaction"], &transaction);
        prop_assert_eq!(&bare["source"]["query"], &serde_json::json!(change.query));
    }

    #[test]
    fn the_schema_describes_the_payload((table, change) in table_and_change()) {
        let mut record = Vec::new();
        TableEncoder::json(&table, true).encode_value(&change.borrowed(), &mut record)?;
        let read: Json = serde_json::from_slice(&record)?;
        described(&read["schema"], &read["payload"], "the top");
        if let Some(row) = &change.after {
            record.clear();
            if TableEncoder::json(&table, true).encode_key(row, &mut record)? {
                let read: Json = serde_json::from_slice(&record)?;
                described(&read["schema"], &read["payload"], "the key");
            }
        }
    }

    #[test]
    fn without_schema_names_and_plain_values_are_read((table, change) in table_and_change()) {
        let mut record = Vec::new();
        TableEncoder::json(&table, false).encode_value(&change.borrowed(), &mut record)?;
        let mut decoder = JsonDecoder::new();
        let read = decoder.decode(&record)?;
        let Shape::Untyped(read_names) = &read.shape else { panic!("the record has no schema") };
        for (read, written) in [(&read.envelope.before, &change.before), (&read.envelope.after, &change.after)] {
            prop_assert_eq!(read.is_some(), written.is_some());
            let (Some(read), Some(written)) = (read, written) else { continue };
            prop_assert!(read_names.iter().map(String::as_str).eq(names(&table)));
            for (read, written) in read.iter().zip(written) {
                match (read, written) {
                    (Value::Null | Value::Bool(_) | Value::Int(_), _) => prop_assert_eq!(read, written),
                    (Value::Text(read), Value::Text(written)) => prop_assert_eq!(read, written),
                    (Value::Double(read), Value::Double(written)) => {
                        prop_assert_eq!(read.to_bits(), written.to_bits());
                    }
                    (Value::Text(read), Value::Double(written)) if written.is_finite() => {
                        prop_assert_eq!(read.parse::<f64>()?.to_bits(), written.to_bits());
                    }
                    _ => {}
                }
            }
        }
        prop_assert_eq!(read.envelope.op, change.op);
    }

    #[test]
    fn a_cut_record_is_an_error((table, change) in table_and_change(), cut: prop::sample::Index, with_schema: bool) {
        let mut record = Vec::new();
        TableEncoder::json(&table, with_schema).encode_value(&change.borrowed(), &mut record)?;
        prop_assert!(JsonDecoder::new().decode(&record[..cut.index(record.len())]).is_err());
    }

    #[test]
    fn any_bytes_give_an_envelope_or_an_error((table, change) in table_and_change(), at: prop::sample::Index, byte: u8, noise: Vec<u8>, with_schema: bool) {
        let mut decoder = JsonDecoder::new();
        let _ = decoder.decode(&noise);
        let mut record = Vec::new();
        TableEncoder::json(&table, with_schema).encode_value(&change.borrowed(), &mut record)?;
        let at = at.index(record.len());
        record[at] = byte;
        let _ = decoder.decode(&record);
    }
}

/// Kafka's JSON converter reads a payload by its schema: the members must be there, of the stated types.
fn described(schema: &Json, payload: &Json, place: &str) {
    if payload.is_null() {
        assert_eq!(schema["optional"], true, "{place} is null");
        return;
    }
    match schema["type"].as_str().expect("a schema has a type") {
        "boolean" => assert!(payload.is_boolean(), "{place}"),
        "int16" | "int32" | "int64" => assert!(payload.is_i64(), "{place}"),
        "float" | "double" => assert!(payload.is_number() || payload.is_string(), "{place}"),
        "string" | "bytes" => assert!(payload.is_string(), "{place}"),
        "array" => {
            for item in payload.as_array().expect(place) {
                described(&schema["items"], item, place);
            }
        }
        "struct" => {
            let fields = schema["fields"].as_array().expect("a struct has fields");
            assert_eq!(fields.len(), payload.as_object().expect(place).len(), "{place}");
            for field in fields {
                let name = field["field"].as_str().expect("a field has a name");
                described(field, payload.get(name).expect(name), &format!("{place}.{name}"));
            }
        }
        other => panic!("{place} has type {other}"),
    }
}
