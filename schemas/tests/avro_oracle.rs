//! Every Avro key and value, read by apache-avro with the registered schema and by our own decoder.

mod support;

use apache_avro::types::Value as Avro;
use proptest::prelude::*;
use strait_schemas::{AvroDecoder, AvroRowDecoder, TableEncoder, confluent_frame};
use support::{expected_envelope, expected_key, printed, read_avro, same, table_and_change};

proptest! {
    #![proptest_config(ProptestConfig { cases: 400, ..ProptestConfig::default() })]

    #[test]
    fn an_independent_reader_reads_the_envelope((table, change) in table_and_change()) {
        let encoder = TableEncoder::avro(&table, Some(7), 8).with_version("test");
        let mut record = Vec::new();
        encoder.encode_value(&change.borrowed(), &mut record)?;
        let (id, body) = confluent_frame(&record)?;
        prop_assert_eq!(id, 8);
        let read = read_avro(&table.avro_value(), body);
        prop_assert_eq!(printed(&read), printed(&expected_envelope(&table, &change, "test")));
    }

    #[test]
    fn an_independent_reader_reads_the_key((table, change) in table_and_change()) {
        let encoder = TableEncoder::avro(&table, Some(7), 8);
        let row = change.after.clone().or(change.before);
        if let Some(row) = row {
            let mut record = Vec::new();
            prop_assert_eq!(encoder.encode_key(&row, &mut record)?, !table.key.is_empty());
            prop_assert_eq!(table.avro_key().is_some(), !table.key.is_empty());
            if let Some(schema) = table.avro_key() {
                let (id, body) = confluent_frame(&record)?;
                prop_assert_eq!(id, 7);
                let own = AvroRowDecoder::new(&schema)?;
                let key: Vec<_> = table.key.iter().map(|&at| row[at].clone()).collect();
                prop_assert!(same(&own.decode(body)?, &key));
                let names = own.table().columns.iter().map(|column| &column.name);
                prop_assert!(names.eq(table.key.iter().map(|&at| &table.columns[at].name)));
                let Avro::Record(fields) = read_avro(&schema, body) else { panic!("a key is a record") };
                let read: Vec<_> = fields.iter().map(|(_, value)| printed(value)).collect();
                let expected: Vec<_> = expected_key(&table, &row).iter().map(printed).collect();
                prop_assert_eq!(read, expected);
            }
        }
    }

    #[test]
    fn our_decoder_gives_back_what_was_encoded((table, change) in table_and_change()) {
        let mut record = Vec::new();
        TableEncoder::avro(&table, None, 1).encode_value(&change.borrowed(), &mut record)?;
        let decoder = AvroDecoder::new(&table.avro_value())?;
        prop_assert_eq!(&decoder.table().columns, &table.columns);
        let read = decoder.decode(confluent_frame(&record)?.1)?;
        for (read, written) in [(&read.before, &change.before), (&read.after, &change.after)] {
            prop_assert_eq!(read.is_some(), written.is_some());
            if let (Some(read), Some(written)) = (read, written) {
                prop_assert!(same(read, written), "{:?} is not {:?}", read, written);
            }
        }
        prop_assert_eq!((read.op, read.ts_us), (change.op, change.ts_us));
        let source = read.source;
        prop_assert_eq!(source.ts_us, change.source_us);
        prop_assert_eq!(source.snapshot, change.snapshot);
        prop_assert_eq!(&*source.database, &*table.database);
        prop_assert_eq!(&*source.table, &*table.table);
        prop_assert_eq!(source.gtid.as_deref(), change.gtid.as_deref());
        prop_assert_eq!(&*source.file, &*change.file);
        prop_assert_eq!((source.pos, source.row), (change.pos, change.row));
        prop_assert_eq!((source.server_id, source.thread), (change.server_id, change.thread));
    }

    #[test]
    fn a_cut_or_lengthened_body_is_an_error_with_its_place((table, change) in table_and_change(), cut: prop::sample::Index) {
        let mut record = Vec::new();
        TableEncoder::avro(&table, None, 1).encode_value(&change.borrowed(), &mut record)?;
        let decoder = AvroDecoder::new(&table.avro_value())?;
        let body = &record[5..];
        let error = decoder.decode(&body[..cut.index(body.len())]).expect_err("it is cut").to_string();
        prop_assert!(error.starts_with("malformed Avro body at byte "), "{}", error);
        record.push(0);
        let error = decoder.decode(&record[5..]).expect_err("it is longer").to_string();
        prop_assert!(error.contains("1 bytes are left over"), "{}", error);
    }

    #[test]
    fn any_bytes_give_an_envelope_or_an_error((table, change) in table_and_change(), at: prop::sample::Index, byte: u8, noise: Vec<u8>) {
        let decoder = AvroDecoder::new(&table.avro_value())?;
        let _ = decoder.decode(&noise);
        let mut record = Vec::new();
        TableEncoder::avro(&table, None, 1).encode_value(&change.borrowed(), &mut record)?;
        let at = 5 + at.index(record.len() - 5);
        record[at] = byte;
        let _ = decoder.decode(&record[5..]);
    }
}
