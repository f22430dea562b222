//! Heartbeat and transaction-topic records, read by apache-avro with the schemas we register.

mod support;

use apache_avro::types::Value as Avro;
use proptest::{collection::vec, prelude::*};
use strait_schemas::{HeartbeatEncoder, TransactionEncoder, confluent_frame, heartbeat, transaction};
use support::read_avro;

fn written(write: impl FnOnce(&mut Vec<u8>)) -> Vec<u8> {
    let mut out = Vec::new();
    write(&mut out);
    out
}

fn fields(schema: &str, id: u32, record: &[u8]) -> Vec<Avro> {
    let (found, body) = confluent_frame(record).expect("a framed record");
    assert_eq!(found, id);
    let Avro::Record(fields) = read_avro(schema, body) else { panic!("it is a record") };
    fields.into_iter().map(|(_, value)| value).collect()
}

fn some(value: Avro) -> Avro {
    Avro::Union(1, Box::new(value))
}

proptest! {
    #[test]
    fn avro(
        id in "\\PC{0,40}", ts_ms: i64, prefix in "\\PC{0,20}",
        counts in vec(("\\PC{0,20}", 0i64..1_000_000_000), 0..5),
    ) {
        let text = |text: &str| Avro::String(text.to_owned());
        let encoder = HeartbeatEncoder::avro(&prefix, 1, 2);
        let key = written(|out| encoder.encode_key(out));
        prop_assert_eq!(fields(&heartbeat::avro_key(), 1, &key), [text(&prefix)]);
        let value = written(|out| encoder.encode_value(ts_ms, out));
        prop_assert_eq!(fields(&heartbeat::avro_value(), 2, &value), [Avro::Long(ts_ms)]);

        let encoder = TransactionEncoder::avro(3, 4);
        let key = written(|out| encoder.encode_key(&id, out));
        prop_assert_eq!(fields(&transaction::avro_key(), 3, &key), [text(&id)]);
        let null = Avro::Union(0, Box::new(Avro::Null));
        let begin = written(|out| encoder.encode_begin(&id, ts_ms, out));
        prop_assert_eq!(
            fields(&transaction::avro_value(), 4, &begin),
            [text("BEGIN"), text(&id), null.clone(), null, Avro::Long(ts_ms)]
        );
        let collections = counts.iter().map(|(name, count)| (name.as_str(), *count));
        let end = written(|out| encoder.encode_end(&id, ts_ms, collections, out));
        let listed = counts.iter().map(|(name, count)| {
            some(Avro::Record(vec![(String::new(), text(name)), (String::new(), Avro::Long(*count))]))
        });
        prop_assert_eq!(
            fields(&transaction::avro_value(), 4, &end),
            [
                text("END"),
                text(&id),
                some(Avro::Long(counts.iter().map(|(_, count)| count).sum())),
                some(Avro::Array(listed.collect())),
                Avro::Long(ts_ms),
            ]
        );
    }
}
